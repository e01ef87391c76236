"""What a data set of the user's own may be called."""

import re
from pathlib import Path

from disentanglement_study.data import COMPUTED, cache
from disentanglement_study.data.catalogue import CATALOGUE


def check_name(name: str) -> None:
    cache.file(name, "bin")
    if name in CATALOGUE or name in COMPUTED:
        raise ValueError(f"{name!r} is the name of a data set of the catalogue: choose another")
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", name):
        raise ValueError(f"{name!r} cannot name a data set: expected a letter, then letters, digits, _ or -")


def taken(name: str, root: Path | None) -> ValueError:
    """The error for a name that another data set has."""
    file = cache.folder(root) / f"{name}.bin"
    return ValueError(f"there is another data set {name!r} already: choose another name, or delete {file}")
