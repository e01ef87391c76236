"""dSprites as published by Matthey et al. 2017, the npz or the HDF5 file: 737,280 images of 0 and 1."""

from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds

from disentanglement_study.data.catalogue import CATALOGUE
from disentanglement_study.data.published import common
from disentanglement_study.data.published import files as published

URL = "https://github.com/google-deepmind/dsprites-dataset"
STEM = "dsprites_ndarray_co1sh3sc6or40x32y32_64x64"
HDF5 = published.File(
    f"{STEM}.hdf5",
    f"{URL}/raw/master/{STEM}.hdf5",
    "sha256:729fa22e884c9c500e1f17415d580746b4c5894fbbb780a1319bbcfa39a745bb",
)
NPZ = published.File(f"{STEM}.npz", f"{URL}/raw/master/{STEM}.npz")
LABELS = "label_shape", "label_scale", "label_orientation", "label_x_position", "label_y_position"


def sizes() -> tuple[int, ...]:
    return CATALOGUE["dsprites_original"].factor_sizes


class OriginalDsprites(tfds.core.ShardBasedBuilder):
    """dSprites, Matthey et al. 2017: white sprites on black, as published."""

    name = "original_dsprites"
    VERSION = common.VERSION
    MANUAL_DOWNLOAD_INSTRUCTIONS = published.instructions([HDF5, NPZ])

    def _info(self):
        return common.info(self, {"image": (64, 64, 1)}, dict(zip(LABELS, sizes(), strict=True)), URL)

    def _shard_iterators_per_split(self, dl_manager):
        folder = published.given(dl_manager)
        # Only the HDF5 file has a published digest: it is the one to download.
        file = NPZ if folder and (folder / NPZ.name).exists() and not (folder / HDF5.name).exists() else HDF5
        [path] = published.obtain([file], dl_manager, self)
        number = int(np.prod(sizes()))
        return {"train": common.shards(_examples(path, file, number), number)}


def _examples(path: Path, file: published.File, number: int) -> common.Examples:
    with published.reading(file):
        classes, rows = (_from_npz if file == NPZ else _from_hdf5)(path, file, (number, 64, 64))
        if classes.shape != (number, 6):
            raise published.damaged(file, f"its classes are {classes.shape}, not {(number, 6)}")
        labels = classes[:, 1:].astype(np.int64)  # the first is the colour, which is always white
        common.check_grid(labels, sizes(), file)
        for index, (image, label) in enumerate(zip(rows, labels.tolist(), strict=True)):
            if image.max() > 1:
                raise published.damaged(file, f"image {index} has a value of {image.max()}, not 0 or 1")
            yield {"image": common.picture(image), **dict(zip(LABELS, label, strict=True))}


def _from_npz(path, file, shape):
    with np.load(path) as archive:
        return archive["latents_classes"], common.npz_rows(path, "imgs", shape, file)


def _from_hdf5(path, file, shape):
    import h5py

    with h5py.File(path) as opened:
        return opened["latents/classes"][()], common.h5_rows(path, "imgs", shape, file)
