"""Data sets: complete factor grids of images. A new one is a file, a line here, a catalogue entry."""

import functools
from collections.abc import Callable
from pathlib import Path

from disentanglement_study.data import dsprites, prepared
from disentanglement_study.data.catalogue import CATALOGUE, Facts
from disentanglement_study.errors import unknown
from disentanglement_study.types import DataSet

__all__ = ["CATALOGUE", "DATASETS", "Facts", "load"]

DATASETS: dict[str, Callable[[Path | None], DataSet]] = {
    "dsprites": dsprites.load,
    "dsprites_original": functools.partial(prepared.read, "dsprites_original"),
    "smallnorb": functools.partial(prepared.read, "smallnorb"),
    "cars3d": functools.partial(prepared.read, "cars3d"),
    "shapes3d": functools.partial(prepared.read, "shapes3d"),
    "mpi3d_toy": functools.partial(prepared.read, "mpi3d_toy"),
    "mpi3d_realistic": functools.partial(prepared.read, "mpi3d_realistic"),
    "mpi3d_real": functools.partial(prepared.read, "mpi3d_real"),
    "mpi3d_complex": functools.partial(prepared.read, "mpi3d_complex"),
}


def load(name: str, root: Path | None = None) -> DataSet:
    """The data set `name`, made in the folder `root` (default: the user's cache folder) at its first use."""
    if name in DATASETS:
        return DATASETS[name](root)
    if name in CATALOGUE:
        raise ValueError(f"data set {name!r} can be planned for but not loaded yet (can be: {', '.join(DATASETS)})")
    raise unknown("data set", name, CATALOGUE)
