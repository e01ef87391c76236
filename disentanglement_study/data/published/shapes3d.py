"""3D Shapes as published by Burgess and Kim 2018: 480,000 images in one HDF5 file."""

from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds

from disentanglement_study.data.catalogue import CATALOGUE
from disentanglement_study.data.published import common
from disentanglement_study.data.published import files as published

URL = "https://github.com/google-deepmind/3d-shapes"
FILE = published.File(
    "3dshapes.h5",
    "https://storage.googleapis.com/3d-shapes/3dshapes.h5",
    "sha256:0a0f6ed98baff276a50f3a081a7434d788da63cb135a98189b2a5b5769be1785",
)
LABELS = tuple(f"label_{name}" for name in CATALOGUE["shapes3d"].factor_names)


def sizes() -> tuple[int, ...]:
    return CATALOGUE["shapes3d"].factor_sizes


class OriginalShapes3d(tfds.core.ShardBasedBuilder):
    """3D Shapes, Burgess and Kim 2018: a solid in a room, as published."""

    name = "original_shapes3d"
    VERSION = common.VERSION
    MANUAL_DOWNLOAD_INSTRUCTIONS = published.instructions([FILE])

    def _info(self):
        return common.info(self, {"image": (64, 64, 3)}, dict(zip(LABELS, sizes(), strict=True)), URL)

    def _shard_iterators_per_split(self, dl_manager):
        [path] = published.obtain([FILE], dl_manager, self)
        number = int(np.prod(sizes()))
        return {"train": common.shards(_examples(path, number), number)}


def _examples(path: Path, number: int) -> common.Examples:
    import h5py

    with published.reading(FILE):
        with h5py.File(path) as opened:
            labels = _classes(opened["labels"][()], number)
        common.check_grid(labels, sizes(), FILE)
        rows = common.h5_rows(path, "images", (number, 64, 64, 3), FILE)
        for image, label in zip(rows, labels.tolist(), strict=True):
            yield {"image": common.picture(image), **dict(zip(LABELS, label, strict=True))}


def _classes(values: np.ndarray, number: int) -> np.ndarray:
    """The file has the values of the factors; a class is the rank of a value among those of its factor."""
    if values.shape != (number, len(LABELS)):
        raise published.damaged(FILE, f"its labels are {values.shape}, not {(number, len(LABELS))}")
    return np.stack([np.unique(column, return_inverse=True)[1] for column in values.T], axis=1)
