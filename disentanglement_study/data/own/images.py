"""Images of the user's own, and the factors that they show."""

import functools
import math
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from disentanglement_study.data import cache, prepared
from disentanglement_study.data.catalogue import Facts
from disentanglement_study.data.own.names import check_name, taken
from disentanglement_study.types import DataSet

ARRAYS = ("images", "factors", "factor_names", "factor_sizes")
BLOCK = 4096  # images written at a time


def add(
    name: str,
    images: np.ndarray,
    factors: np.ndarray,
    factor_names: Sequence[str] | np.ndarray | None = None,
    factor_sizes: Sequence[int] | np.ndarray | None = None,
    root: Path | None = None,
    source: str = "added from arrays",
) -> None:
    """Keeps a data set under `name` in the cache folder (`root`): from then on a sweep can name it.

    images: [N, H, H] or [N, H, H, C], bytes of 0 to 255, or booleans. factors: whole numbers [N, F], from 0; row i says
    what image i shows. Rows are in any order; combinations may be missing (the grid is incomplete) or repeated (images
    that differ in what is no factor). factor_sizes: the numbers of values, if the largest may not be there.

    Adding the same set again is no error; adding another set under the same name is one. Warns of values that no image
    has, such as 0 where values are numbered from 1: they stay a part of the grid, which is then incomplete. Raises
    ValueError for what is not as above and for a factor with one value, OSError for a folder that cannot hold it.
    """
    check_name(name)
    images = _checked_images(np.asarray(images))
    factors, sizes = _checked_factors(np.asarray(factors), len(images), factor_sizes)
    names = tuple(str(n) for n in factor_names) if factor_names is not None else None
    names = names or tuple(f"factor_{i}" for i in range(len(sizes)))
    for text in empty_values(factors, sizes, names):
        warnings.warn(text, stacklevel=2)
    if len(names) != len(sizes) or len(set(names)) != len(names):
        raise ValueError(f"factor_names {list(names)}: expected {len(sizes)} different names, one for each factor")
    points = np.ravel_multi_index(factors.T, sizes)
    in_order = len(points) == math.prod(sizes) and bool((np.diff(points) == 1).all())
    facts = Facts(names, sizes, images.shape[1:], source)
    binary = bool(((images == 0) | (images == 255)).all())
    blocks = functools.partial(_blocks, images)
    prepared.write(name, facts, blocks, None if in_order else points, root, binary=binary)
    if "packing" not in cache.about(name, root) or not _is(prepared.read(name, root), facts, images, points):
        raise taken(name, root)


def empty_values(factors: np.ndarray, sizes: Sequence[int], names: Sequence[str]) -> Iterator[str]:
    """A line for each factor with values that no image has."""
    for name, size, values in zip(names, sizes, factors.T, strict=False):
        there = np.unique(values)
        if len(there) < size:
            absent = next(value for value, found in enumerate([*there, size]) if value != found)
            hint = ": number the values from 0, not from 1" if absent == 0 and len(there) == size - 1 else ""
            yield f"factor {name!r}: {size - len(there)} of its {size} values are in no image, such as {absent}{hint}"


def _blocks(images: np.ndarray) -> Iterator[np.ndarray]:
    for start in range(0, len(images), BLOCK):
        yield images[start : start + BLOCK]


def _is(kept: DataSet, facts: Facts, images: np.ndarray, points: np.ndarray) -> bool:
    """Whether what is kept has these images at these points."""
    described = (kept.factor_names, kept.factor_sizes, kept.input_shape, kept.num_images)
    if described != (facts.factor_names, facts.factor_sizes, facts.input_shape, len(images)):
        return False
    index = np.arange(len(images))
    kept_points = index if kept.points is None else kept.points
    blocks = (kept.images(cut) for cut in _blocks(index))
    return np.array_equal(kept_points, points) and all(map(np.array_equal, blocks, _blocks(images)))


def _checked_images(images: np.ndarray) -> np.ndarray:
    """The images as uint8 [N,H,H,C]."""
    if images.dtype == bool:
        images = images.astype(np.uint8) * 255
    if images.dtype != np.uint8:
        raise ValueError(f"images are {images.dtype}: expected bytes (uint8, 0 to 255) or booleans")
    images = images[..., None] if images.ndim == 3 else images
    if images.ndim != 4 or 0 in images.shape:
        raise ValueError(f"images have shape {list(images.shape)}: expected [N, H, H] or [N, H, H, C]")
    if images.shape[1] != images.shape[2]:
        hint = "; channels are last: images.transpose(0, 2, 3, 1)" if images.shape[2] == images.shape[3] else ""
        raise ValueError(f"images of {images.shape[1]} x {images.shape[2]} pixels: expected squares{hint}")
    if images.max() <= 1:
        raise ValueError(f"no byte of the images is above {images.max()}: white is 255 (or give booleans)")
    return images


def _checked_factors(
    factors: np.ndarray, number: int, sizes: Sequence[int] | np.ndarray | None
) -> tuple[np.ndarray, tuple[int, ...]]:
    """The factors as int64 [N,F], and how many values each has."""
    if factors.ndim != 2 or len(factors) != number or not factors.shape[1]:
        raise ValueError(f"factors have shape {list(factors.shape)}: expected [{number}, F], a row for each image")
    if factors.dtype.kind not in "iu":
        raise ValueError(f"factors are {factors.dtype}: expected whole numbers, the index of each value")
    factors = factors.astype(np.int64)
    sizes = tuple(int(n) for n in (factors.max(axis=0) + 1 if sizes is None else sizes))
    if len(sizes) != factors.shape[1]:
        raise ValueError(f"factor_sizes {list(sizes)}: expected {factors.shape[1]}, one for each factor")
    outside = (factors < 0) | (factors >= sizes)
    if outside.any():
        row, factor = np.argwhere(outside)[0]
        allowed = "whole numbers from 0" if factors[row, factor] < 0 else f"0 to {sizes[factor] - 1}"
        raise ValueError(f"factor {factor} of image {row} is {factors[row, factor]}: expected {allowed}")
    for factor, values in enumerate(factors.T):
        if (values == values[0]).all():
            raise ValueError(f"factor {factor} has one value, {values[0]}, in all images: leave it out")
    if math.prod(sizes) >= 2**63:
        raise ValueError(f"factors of {list(sizes)} values: the grid has more points than can be counted")
    return factors, sizes
