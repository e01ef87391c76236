"""What the builders share: their description, their shards, arrays read in pieces, and the check of the grid."""

import io
import itertools
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds
from PIL import Image
from rich.progress import Progress

from disentanglement_study.data.published.files import File, damaged
from disentanglement_study.runtime.terminal import ERR, is_animated

VERSION = tfds.core.Version("1.0.0")
SHARD = 8192  # images a shard: tensorflow-datasets holds those of one in memory, as PNG
ROWS = 256  # rows of an array read at a time

Examples = Iterator[dict[str, Any]]


def info(
    builder: tfds.core.DatasetBuilder, images: Mapping[str, tuple[int, int, int]], labels: Mapping[str, int], url: str
) -> tfds.core.DatasetInfo:
    """The features of a set: images [H, W, C] and labels from 0 and below a size, by their names."""
    features = {name: tfds.features.Image(shape=shape, encoding_format="png") for name, shape in images.items()}
    features |= {name: tfds.features.ClassLabel(num_classes=size) for name, size in labels.items()}
    return tfds.core.DatasetInfo(
        builder=builder,
        description=builder.__doc__,
        features=tfds.features.FeaturesDict(features),
        homepage=url,
        disable_shuffling=True,
        metadata=tfds.core.MetadataDict(),
    )


def shards(examples: Examples, number: int) -> list[Callable[[], Iterator[tuple[int, dict]]]]:
    """`number` examples in their order, cut into shards; tensorflow-datasets writes them one after the other."""
    keyed = enumerate(_shown(examples, number))
    return [lambda: itertools.islice(keyed, SHARD) for _ in range(-(-number // SHARD))]


def _shown(examples: Examples, number: int) -> Examples:
    """The same, with progress on a terminal."""
    with Progress(console=ERR, transient=True, disable=not is_animated(ERR)) as progress:
        task = progress.add_task("reading images", total=number)
        for example in examples:
            progress.advance(task)
            yield example


def picture(array: np.ndarray) -> io.BytesIO:
    """An image as PNG. Of an array tensorflow-datasets could only make it with TensorFlow.

    The lightest compression takes half the time of the usual one, and a sixth more room.
    """
    encoded = io.BytesIO()
    image = Image.fromarray(array.squeeze(-1) if array.ndim == 3 and array.shape[-1] == 1 else array)
    image.save(encoded, "PNG", compress_level=1)
    encoded.seek(0)
    return encoded


def h5_rows(path: Path, name: str, shape: tuple[int, ...], file: File) -> Iterator[np.ndarray]:
    """The rows of an HDF5 data set that must be uint8 of this shape, never all in memory."""
    import h5py

    with h5py.File(path) as opened:
        dataset = opened[name]
        _expect(name, dataset.shape, dataset.dtype, shape, file)
        # The published files are cut into chunks of many rows and few pixels: whole chunks are read, each once.
        chunk = dataset.chunks[0] if dataset.chunks else ROWS
        rows = chunk * -(-ROWS // chunk)
        for start in range(0, shape[0], rows):
            yield from dataset[start : start + rows]


def npz_rows(path: Path, name: str, shape: tuple[int, ...], file: File) -> Iterator[np.ndarray]:
    """The rows of an array in an npz file that must be uint8 of this shape, never all in memory.

    The archive's CRC-32 is checked at the end of the array.
    """
    with zipfile.ZipFile(path) as archive, archive.open(f"{name}.npy") as member:
        version = np.lib.format.read_magic(member)
        read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        if version not in read_header:
            raise damaged(file, f"{name}: version {version} of the npy format")
        found, columns_first, dtype = read_header[version](member)
        _expect(name, found[::-1] if columns_first else found, dtype, shape, file)
        bytes_of_row = int(np.prod(shape[1:]))
        for start in range(0, shape[0], ROWS):
            rows = min(ROWS, shape[0] - start)
            yield from np.frombuffer(member.read(rows * bytes_of_row), np.uint8).reshape(rows, *shape[1:])
        if member.read(1):
            raise damaged(file, f"{name} has more bytes than {shape}")


def check_grid(labels: np.ndarray, sizes: Sequence[int], file: File) -> None:
    """Each combination of labels [N, F] below `sizes` must be there once."""
    outside = ((labels < 0) | (labels >= sizes)).any(axis=1)
    if outside.any():
        row = int(outside.argmax())
        raise damaged(file, f"image {row} has labels {labels[row].tolist()}, which must be below {list(sizes)}")
    counts = np.bincount(np.ravel_multi_index(tuple(labels.T), sizes), minlength=int(np.prod(sizes)))
    if (counts != 1).any():
        point = int((counts != 1).argmax())
        values = [int(value) for value in np.unravel_index(point, sizes)]
        raise damaged(file, f"labels {values} are there {counts[point]} times, not once")


def _expect(name, found, dtype, shape, file):
    if tuple(found) != shape or dtype != np.uint8:
        raise damaged(file, f"{name} is {dtype} {tuple(found)}, not uint8 {shape}")
