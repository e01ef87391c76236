"""Data of the user's own: images and the factors that they show, or a time series, become a data set that a sweep can
name."""

from pathlib import Path

from disentanglement_study.data.own import images, series
from disentanglement_study.data.own.images import add
from disentanglement_study.data.own.series import add as add_series
from disentanglement_study.errors import unknown
from disentanglement_study.runtime import npz

__all__ = ["add", "add_file", "add_series"]


def add_file(path: Path, name: str | None = None, root: Path | None = None) -> str:
    """Adds the npz file at `path`, with the arrays that `add` takes, or `add_series`; returns the name of the set, by
    default that of the file."""
    arrays = npz.read(path, example="images=..., factors=...) or, of a series, np.savez(FILE, x=...")
    is_series = "x" in arrays
    if is_series and "images" in arrays:
        raise ValueError(f"{path} has arrays 'images' and 'x': expected one of them, for images or for a series")
    allowed = series.ARRAYS if is_series else images.ARRAYS if "images" in arrays else (*images.ARRAYS, *series.ARRAYS)
    for array in arrays:
        if array not in allowed:
            raise ValueError(f"{path}: {unknown('array', array, allowed)}")
    if not is_series and (absent := [array for array in images.ARRAYS[:2] if array not in arrays]):
        there = ", ".join(arrays) or "none"
        raise ValueError(f"{path} has no array {absent[0]!r}, or 'x' of a series (there are: {there})")
    name = name or path.stem
    (add_series if is_series else add)(name, **arrays, root=root, source=path.name)
    return name
