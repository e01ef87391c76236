"""Data sets: complete factor grids of images. A new one is a file, a line here, a catalogue entry."""

from collections.abc import Callable
from pathlib import Path

from disentanglement_study.data import dsprites
from disentanglement_study.data.catalogue import CATALOGUE, Facts
from disentanglement_study.errors import unknown
from disentanglement_study.types import DataSet

__all__ = ["CATALOGUE", "DATASETS", "Facts", "load"]

DATASETS: dict[str, Callable[[Path | None], DataSet]] = {
    "dsprites": dsprites.load,
}


def load(name: str, root: Path | None = None) -> DataSet:
    """The data set `name`, made in the folder `root` (default: the user's cache folder) at its first use."""
    if name in DATASETS:
        return DATASETS[name](root)
    if name in CATALOGUE:
        raise ValueError(f"data set {name!r} can be planned for but not loaded yet (can be: {', '.join(DATASETS)})")
    raise unknown("data set", name, CATALOGUE)
