"""Cars3D as published by Reed et al. 2015: 183 cars seen from 24 azimuths and 4 elevations, 128 x 128 pixels.

Each car is a file of MATLAB 5 in an archive: `im` [128, 128, 3, 24, 4] uint8. The number of a car is the place of
its file among the sorted names. (Locatello et al. 2019 took the order of their directory, which is not known.)
"""

import gzip
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import IO

import numpy as np
import tensorflow_datasets as tfds

from disentanglement_study.data.catalogue import CATALOGUE
from disentanglement_study.data.published import common
from disentanglement_study.data.published import files as published

FILE = published.File(
    "nips2015-analogy-data.tar.gz",
    "http://www.scottreed.info/files/nips2015-analogy-data.tar.gz",
    # Its author published none. Two loaders (disent, latte) have recorded this one, independently.
    "md5:4e866a7919c1beedf53964e6f7a23686",
)
LABELS = tuple(f"label_{name}" for name in CATALOGUE["cars3d"].factor_names)


def sizes() -> tuple[int, ...]:
    return CATALOGUE["cars3d"].factor_sizes


class OriginalCars3d(tfds.core.ShardBasedBuilder):
    """Cars3D, Reed et al. 2015: car models on white, as published."""

    name = "original_cars3d"
    VERSION = common.VERSION
    MANUAL_DOWNLOAD_INSTRUCTIONS = published.instructions([FILE])

    def _info(self):
        return common.info(self, {"image": (128, 128, 3)}, dict(zip(LABELS, sizes(), strict=True)), FILE.url)

    def _shard_iterators_per_split(self, dl_manager):
        [path] = published.obtain([FILE], dl_manager, self)
        return {"train": common.shards(_examples(path), int(np.prod(sizes())))}


def _examples(path: Path) -> common.Examples:
    elevations, azimuths, cars = sizes()
    with published.reading(FILE):
        names = sorted(name for name, _ in _members(path))
        if len(names) != cars:
            raise published.damaged(FILE, f"it has {len(names)} cars, not {cars}")
        for name, content in _members(path):
            images = _images(name, content.read(), (128, 128, 3, azimuths, elevations))
            for elevation, azimuth in np.ndindex(elevations, azimuths):
                image = common.picture(np.ascontiguousarray(images[..., azimuth, elevation]))
                yield {"image": image, **dict(zip(LABELS, (elevation, azimuth, names.index(name)), strict=True))}


def _members(path: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """The files of the cars in the archive, in its order: name and content. It is read as a stream."""
    # Not "r|gz": tarfile would not check the CRC-32 of what it decompresses.
    with gzip.open(path) as content, tarfile.open(fileobj=content, mode="r|") as archive:
        for member in archive:
            name = PurePosixPath(member.name)
            # Archives made on a Mac may have a shadow of each file, whose name starts with a dot.
            is_car = name.parent.name == "cars" and name.suffix == ".mat" and not name.name.startswith(".")
            if is_car and (opened := archive.extractfile(member)):  # None of a folder
                yield name.name, opened
        while content.read(1 << 20):
            pass  # what follows the last file: the CRC-32 is at the very end


def _images(name: str, content: bytes, shape: tuple[int, ...]) -> np.ndarray:
    from scipy.io import loadmat

    try:
        images = loadmat(io.BytesIO(content), variable_names=["im"])["im"]
    except Exception as error:  # of many types, whatever the damaged bytes lead to
        raise published.damaged(FILE, f"{name}: {error}") from error
    if images.shape != shape or images.dtype != np.uint8:
        raise published.damaged(FILE, f"{name} is {images.dtype} {images.shape}, not uint8 {shape}")
    return images
