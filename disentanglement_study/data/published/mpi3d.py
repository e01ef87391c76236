"""MPI3D as published by Gondal et al. 2019: four sets of a robot arm that holds an object, each one npz file.

There are no labels in the files: the images are in the order of the grid, the last factor the fastest.
"""

from pathlib import Path

import numpy as np
import tensorflow_datasets as tfds

from disentanglement_study.data.catalogue import CATALOGUE
from disentanglement_study.data.published import common
from disentanglement_study.data.published import files as published

URL = "https://github.com/rr-learning/disentanglement_dataset"
HOST = "https://huggingface.co/datasets/waleedgondal/mpi3d/resolve/main"
# No digest was ever published. mpi3d_real.npz was damaged for some time and replaced on 17 April 2025.
FILES = {
    "toy": published.File("mpi3d_toy.npz", f"{HOST}/mpi3d_toy.npz"),
    "realistic": published.File("mpi3d_realistic.npz", f"{HOST}/mpi3d_realistic.npz"),
    "real": published.File("mpi3d_real.npz", f"{HOST}/mpi3d_real.npz"),
    "complex": published.File(
        "real3d_complicated_shapes_ordered.npz",
        "https://drive.google.com/file/d/1Tp8eTdHxgUMtsZv5uAoYAbJR1BOa_OQm/view",
        by_hand=True,
    ),
}
LABELS = tuple(f"label_{name}" for name in CATALOGUE["mpi3d_toy"].factor_names)


class OriginalMpi3d(tfds.core.ShardBasedBuilder):
    """MPI3D, Gondal et al. 2019: a robot arm that holds an object, as published."""

    name = "original_mpi3d"
    VERSION = common.VERSION
    BUILDER_CONFIGS = [tfds.core.BuilderConfig(name=name) for name in FILES]  # noqa: RUF012
    MANUAL_DOWNLOAD_INSTRUCTIONS = published.instructions(list(FILES.values()))

    @property
    def sizes(self) -> tuple[int, ...]:
        return CATALOGUE[f"mpi3d_{self.builder_config.name}"].factor_sizes

    def _info(self):
        return common.info(self, {"image": (64, 64, 3)}, dict(zip(LABELS, self.sizes, strict=True)), URL)

    def _shard_iterators_per_split(self, dl_manager):
        file = FILES[self.builder_config.name]
        [path] = published.obtain([file], dl_manager, self)
        number = int(np.prod(self.sizes))
        return {"train": common.shards(_examples(path, file, self.sizes), number)}


def _examples(path: Path, file: published.File, sizes: tuple[int, ...]) -> common.Examples:
    with published.reading(file):
        rows = common.npz_rows(path, "images", (int(np.prod(sizes)), 64, 64, 3), file)
        for image, label in zip(rows, np.ndindex(*sizes), strict=True):
            yield {"image": common.picture(image), **dict(zip(LABELS, label, strict=True))}
