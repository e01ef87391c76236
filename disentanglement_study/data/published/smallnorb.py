"""SmallNORB as published by LeCun et al. 2004: 48,600 stereo pairs of 96 x 96 pixels in six binary matrices.

A matrix is int32 little-endian words: a magic number for the type, the number of dimensions d, max(d, 3) sizes of
which the first d count, then the values, the last dimension the fastest; all of it compressed by gzip.
"""

import gzip
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds

from disentanglement_study.data.catalogue import CATALOGUE
from disentanglement_study.data.published import common
from disentanglement_study.data.published import files as published

URL = "https://cs.nyu.edu/~ylclab/data/norb-v1.0-small/"
TYPES: dict[int, np.dtype] = {0x1E3D4C55: np.dtype("uint8"), 0x1E3D4C54: np.dtype("<i4")}
STEMS = {
    "train": "smallnorb-5x46789x9x18x6x2x96x96-training",
    "test": "smallnorb-5x01235x9x18x6x2x96x96-testing",
}
SHA256 = {
    ("train", "dat"): "5ffd6272a07d32695ee1082a26a41a93a37aab8c28da047f8c34ed348d214873",
    ("train", "cat"): "2784e542c1922060691090952b6cd6278879a216c90f81476f0f00256d42cdaa",
    ("train", "info"): "de7eb932ebe7a4ee16217fead60660d0eb3d23632c2f4d1c51f88c501c17bf32",
    ("test", "dat"): "cf7104eed3e51174d2f65b66d1e5878b9da233b886f161b0d88f4510ba2c7474",
    ("test", "cat"): "ecaf6d5bb8c3bc5eab9cf0258f6d2198dd474e016e374836fc097f2e5ff509ff",
    ("test", "info"): "16adf314226327ee006d1a44db8cfef52773c06c829951d5653a9f6f310248a2",
}
FILES = {
    (split, kind): published.File(
        f"{STEMS[split]}-{kind}.mat.gz", f"{URL}{STEMS[split]}-{kind}.mat.gz", f"sha256:{sha256}"
    )
    for (split, kind), sha256 in SHA256.items()
}
INSTANCES = 10  # of each category, half of them in each split
LABELS = "label_category", "instance", "label_elevation", "label_azimuth", "label_lighting"


def sizes() -> tuple[int, ...]:
    category, elevation, azimuth, lighting = CATALOGUE["smallnorb"].factor_sizes
    return category, INSTANCES, elevation, azimuth, lighting


class OriginalSmallnorb(tfds.core.ShardBasedBuilder):
    """SmallNORB, LeCun et al. 2004: toys seen by two cameras, as published."""

    name = "original_smallnorb"
    VERSION = common.VERSION
    MANUAL_DOWNLOAD_INSTRUCTIONS = published.instructions(list(FILES.values()))

    def _info(self):
        images = {"image": (96, 96, 1), "image2": (96, 96, 1)}
        return common.info(self, images, dict(zip(LABELS, sizes(), strict=True)), URL)

    def _shard_iterators_per_split(self, dl_manager):
        paths = dict(zip(FILES, published.obtain(list(FILES.values()), dl_manager, self), strict=True))
        labels = {split: _labels(split, paths) for split in STEMS}
        common.check_grid(np.concatenate(list(labels.values())), sizes(), FILES["train", "info"])
        return {split: common.shards(_examples(split, paths, labels[split]), len(labels[split])) for split in STEMS}


def _examples(split: str, paths: dict, labels: np.ndarray) -> common.Examples:
    file = FILES[split, "dat"]
    with published.reading(file):
        pairs = matrix_rows(paths[split, "dat"], (len(labels), 2, 96, 96), TYPES[0x1E3D4C55], file)
        for (left, right), label in zip(pairs, labels.tolist(), strict=True):
            images = {"image": common.picture(left), "image2": common.picture(right)}
            yield {**images, **dict(zip(LABELS, label, strict=True))}


def _labels(split: str, paths: dict) -> np.ndarray:
    """The labels [N, 5] of a split, in the order of LABELS; the azimuth is stored in steps of 10 degrees, by twos."""
    number = int(np.prod(sizes())) // len(STEMS)
    category, info = (
        np.array(list(_whole(paths[split, kind], (number, *shape), FILES[split, kind])))
        for kind, shape in (("cat", ()), ("info", (4,)))
    )
    instance, elevation, azimuth, lighting = info.T
    if (azimuth % 2).any():
        raise published.damaged(FILES[split, "info"], "an azimuth is odd")
    return np.stack([category, instance, elevation, azimuth // 2, lighting], axis=1).astype(np.int64)


def _whole(path: Path, shape: tuple[int, ...], file: published.File) -> Iterator[np.ndarray]:
    with published.reading(file):
        yield from matrix_rows(path, shape, TYPES[0x1E3D4C54], file)


def matrix_rows(path: Path, shape: tuple[int, ...], dtype: np.dtype, file: published.File) -> Iterator[np.ndarray]:
    """The rows of a binary matrix that must have this shape and type."""
    with gzip.open(path) as opened:
        magic, ndim = _words(opened, 2)
        if magic not in TYPES or not 0 < ndim < 8:
            raise published.damaged(file, f"it starts with {magic:#x} and {ndim}, which is no binary matrix")
        found = tuple(_words(opened, max(ndim, 3))[:ndim])
        if found != shape or TYPES[magic] != dtype:
            raise published.damaged(file, f"it is {TYPES[magic]} {found}, not {dtype} {shape}")
        bytes_of_row = int(np.prod(shape[1:])) * dtype.itemsize
        for start in range(0, shape[0], common.ROWS):
            rows = min(common.ROWS, shape[0] - start)
            data = opened.read(rows * bytes_of_row)
            if len(data) < rows * bytes_of_row:
                raise published.damaged(file, f"it ends in row {start + len(data) // bytes_of_row} of {shape[0]}")
            yield from np.frombuffer(data, dtype).reshape(rows, *shape[1:])
        if opened.read(1):
            raise published.damaged(file, f"it has more values than {shape}")


def _words(opened: gzip.GzipFile, number: int) -> list[int]:
    return np.frombuffer(opened.read(4 * number).ljust(4 * number, b"\0"), "<i4").tolist()
