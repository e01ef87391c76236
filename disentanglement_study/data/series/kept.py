"""Series of the user's own, kept in the cache folder.

NAME.bin has the arrays one after the other, each row by row; which they are is said in NAME.json.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from disentanglement_study.data import cache
from disentanglement_study.data.catalogue import Facts
from disentanglement_study.data.series.binning import bins
from disentanglement_study.types import DataSet

NUM_BINS = 20  # of each source, for metrics that compare categories
DESCRIBED = ("arrays", "auxiliary", "source_names", "source")
TYPES = {"x": np.float32, "sources": np.float32, "u": np.float32, "segment": np.int32}


def write(
    name: str, arrays: Mapping[str, np.ndarray], source_names: tuple[str, ...], source: str, root: Path | None = None
) -> None:
    """Keeps a series under `name`; if there is a data set of that name, does nothing.

    arrays: of the names and types in `TYPES`, "x" [T,D] and what there is of the others. Raises OSError for a folder
    that cannot hold it.
    """
    sizes = {"u": lambda u: u.shape[1], "segment": lambda segment: int(segment.max()) + 1}
    auxiliary = {key: size(arrays[key]) for key, size in sizes.items() if key in arrays}
    described = {"arrays": _shapes(arrays), "auxiliary": auxiliary, "source_names": source_names, "source": source}
    total = sum(array.nbytes for array in arrays.values())
    cache.write(name, (total,), lambda: map(_bytes, arrays.values()), root, also=described)


def holds(name: str, arrays: Mapping[str, np.ndarray], source_names: tuple[str, ...], root: Path | None = None) -> bool:
    """Whether what is kept under `name` is this."""
    about = cache.about(name, root)
    if about.get("arrays") != _shapes(arrays) or tuple(about.get("source_names", ())) != source_names:
        return False
    return all(np.array_equal(array, arrays[key]) for key, array in _read(name, root).items())


def read(name: str, root: Path | None = None) -> DataSet:
    """The series that was kept under `name`; ValueError if its files are not what was written."""
    facts, about, arrays = facts_of(name, root), cache.about(name, root), _read(name, root)
    number = len(arrays["x"])
    sources = arrays.get("sources", np.zeros((number, 0), np.float32))
    # The digest of the file is of the bytes: not of where an array ends and the next begins.
    contents = json.dumps([about["arrays"], about["source_names"], about["sha256"]], sort_keys=True)
    return DataSet(
        name,
        facts.factor_names,
        facts.factor_sizes,
        facts.input_shape,
        storage=arrays["x"],
        render=lambda storage, index, keys=None: storage[index],
        points=bins(sources, NUM_BINS),
        sha256=hashlib.sha256(contents.encode()).hexdigest(),
        sources=sources,
        auxiliary={
            **{key: array for key, array in arrays.items() if key not in ("x", "sources")},
            "time": np.arange(number, dtype=np.int32),
        },
    )


def facts_of(name: str, root: Path | None = None) -> Facts:
    """What planning has to know of a kept series."""
    about = cache.about(name, root)
    if not {*DESCRIBED} <= about.keys():
        raise ValueError(f"{cache.file(name, 'json', root)} does not describe a series")
    (number, size), names = about["arrays"]["x"], tuple(about["source_names"])
    auxiliary = {**about["auxiliary"], "time": number}
    return Facts(names, (NUM_BINS,) * len(names), (size,), about["source"], number, auxiliary)


def _read(name: str, root: Path | None) -> dict[str, np.ndarray]:
    """The arrays, mapped into memory."""
    shapes, start = cache.about(name, root)["arrays"], 0
    sizes = {key: int(np.prod(shape)) * np.dtype(TYPES[key]).itemsize for key, shape in shapes.items()}
    raw, arrays = cache.read(name, (sum(sizes.values()),), root), {}
    for key, size in sizes.items():
        arrays[key] = raw[start : start + size].view(TYPES[key]).reshape(shapes[key])
        start += size
    return arrays


def _shapes(arrays: Mapping[str, np.ndarray]) -> dict[str, list[int]]:
    return {key: list(array.shape) for key, array in arrays.items()}


def _bytes(array: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8)
