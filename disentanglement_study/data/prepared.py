"""Sets of images that were brought into the cache folder: published ones, or the user's own.

The images are NAME.bin, one bit a pixel if all are black or white, else one byte a channel; what is known of them is
NAME.json. Reading them needs neither the files they came from nor the library that read those.
"""

import math
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int, UInt8

from disentanglement_study.data import cache
from disentanglement_study.data.catalogue import Facts
from disentanglement_study.types import DataSet

BITS, BYTES = "bits", "bytes"
# What is kept of the facts, by its name in the file.
DESCRIBED = {
    "factor_names": "factor_names",
    "factor_sizes": "factor_sizes",
    "image_shape": "input_shape",
    "source": "source",
}


def write(
    name: str,
    facts: Facts,
    blocks: Callable[[], Iterable[UInt8[np.ndarray, "_ h w c"]]],
    points: Int[np.ndarray, " n"] | None = None,
    root: Path | None = None,
    *,
    binary: bool = False,
) -> None:
    """Keeps a set under `name`; if there is one of that name, does nothing.

    blocks: gives the images in order, some at a time. points [N]: the grid point of each, ascending or not; None for a
    complete grid with one image at each point, in its order. binary: all bytes are 0 or 255.

    Raises OSError for a folder that cannot hold it and RuntimeError for blocks that do not add up to the set.
    """
    number = math.prod(facts.factor_sizes) if points is None else len(points)
    packing = BITS if binary and math.prod(facts.input_shape) % 8 == 0 else BYTES
    shape = _shape(number, facts.input_shape, packing)

    def packed() -> Iterable[np.ndarray]:
        for images in blocks():
            if images.shape[1:] != facts.input_shape:
                raise RuntimeError(f"{name}: images of {list(images.shape[1:])}, expected {list(facts.input_shape)}")
            yield np.packbits(images > 127).reshape(-1, *shape[1:]) if packing == BITS else images

    described = {name: getattr(facts, field) for name, field in DESCRIBED.items()}
    described |= {"packing": packing, "points": None if points is None else points.tolist()}
    cache.write(name, shape, packed, root, also=described)


def read(name: str, root: Path | None = None) -> DataSet:
    """The set that was kept under `name`; ValueError if there is none, or if its files are not what was written."""
    if not cache.has(name, root):
        cache.check_folder(root)
        command = cache.command(f"prepare {name}", root)
        raise ValueError(f"data set {name!r} is not in {cache.folder(root)}: {command} brings it there")
    facts, about = facts_of(name, root), cache.about(name, root)
    points = about["points"]
    points = None if points is None else np.array(points, np.int64)
    number = math.prod(facts.factor_sizes) if points is None else len(points)
    storage = cache.read(name, _shape(number, facts.input_shape, about["packing"]), root)

    def unpack(storage: Any, index: Any, keys: Any = None) -> Any:
        xp = storage.__array_namespace__()
        return (xp.unpackbits(storage[index], axis=-1) * 255).reshape(len(index), *facts.input_shape)

    def gather(storage: Any, index: Any, keys: Any = None) -> Any:
        return storage[index]

    render = unpack if about["packing"] == BITS else gather
    return DataSet(
        name, facts.factor_names, facts.factor_sizes, facts.input_shape, storage, render, points, sha256=about["sha256"]
    )


def facts_of(name: str, root: Path | None = None) -> Facts:
    """What planning has to know of a kept set."""
    about = cache.about(name, root)
    if not {"packing", "points", *DESCRIBED} <= about.keys():
        raise ValueError(f"{cache.file(name, 'json', root)} does not describe a set of images")
    lists: dict[str, Any] = {
        DESCRIBED[name]: tuple(about[name]) for name in ("factor_names", "factor_sizes", "image_shape")
    }
    return Facts(**lists, source=about["source"], one_each=about["points"] is None)


def _shape(number: int, image_shape: tuple[int, ...], packing: str) -> tuple[int, ...]:
    return (number, math.prod(image_shape) // 8) if packing == BITS else (number, *image_shape)
