"""Data sets: grids of factors, and images on them. A new one is a file, a line here, a catalogue entry."""

from collections.abc import Callable
from pathlib import Path

from disentanglement_study.data import cache, prepared
from disentanglement_study.data.catalogue import CATALOGUE, Facts
from disentanglement_study.data.rendered import (
    abstract_dsprites,
    color_dsprites,
    dsprites,
    noisy_dsprites,
    scream_dsprites,
    shapes3d_rendered,
    texture_dsprites,
)
from disentanglement_study.errors import unknown
from disentanglement_study.types import DataSet

__all__ = ["CATALOGUE", "DATASETS", "Facts", "facts", "load", "names"]

DATASETS: dict[str, Callable[[Path | None], DataSet]] = {
    "dsprites": dsprites.load,
    "color_dsprites": color_dsprites.load,
    "noisy_dsprites": noisy_dsprites.load,
    "scream_dsprites": scream_dsprites.load,
    "texture_dsprites": texture_dsprites.load,
    "abstract_dsprites": abstract_dsprites.load,
    "shapes3d_rendered": shapes3d_rendered.load,
}


def load(name: str, root: Path | None = None) -> DataSet:
    """The data set `name`; what it needs is in the folder `root` (default: the user's cache folder).

    Sets that are rendered are made there at their first use; others must have been brought there (`data prepare`,
    `data add`). Raises ValueError for a name that is not known, with the nearest, and for a set that is not there.
    """
    if name in DATASETS:
        return DATASETS[name](root)
    facts(name, root)
    return prepared.read(name, root)


def facts(name: str, root: Path | None = None) -> Facts:
    """What planning has to know of a data set: no image is read. Raises ValueError for a name that is not known."""
    if name in CATALOGUE:
        return CATALOGUE[name]
    if cache.has(name, root):
        return prepared.facts_of(name, root)
    raise unknown("data set", name, names(root))


def names(root: Path | None = None) -> list[str]:
    """The names of all data sets: those of the catalogue, then the user's own."""
    return [*CATALOGUE, *(name for name in prepared.names(root) if name not in CATALOGUE)]
