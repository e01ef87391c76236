"""The original data sets: published files, through tensorflow-datasets, into what `prepared` keeps.

The images are those of Locatello et al. 2019 (arXiv:1811.12359): SmallNORB is both splits, the first camera, and
64 x 64 by Lanczos resampling, and so is Cars3D; the others are as published.
"""

import contextlib
import errno
import functools
import importlib.util
import io
import logging
import math
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from disentanglement_study.data import cache, prepared
from disentanglement_study.data.catalogue import CATALOGUE
from disentanglement_study.errors import unknown
from disentanglement_study.runtime.terminal import ERR

BLOCK = 1024  # images read at a time
NEEDED = "array_record", "h5py", "importlib_resources", "tensorflow_datasets"


def unchanged(image: np.ndarray) -> np.ndarray:
    return image


def white(image: np.ndarray) -> np.ndarray:
    """dSprites has pixels of 0 and 1."""
    return image * np.uint8(255)


def lanczos(image: np.ndarray) -> np.ndarray:
    """64 x 64 by Pillow's Lanczos filter, which was called ANTIALIAS in 2019."""
    from PIL import Image

    grey = image.shape[-1] == 1
    small = Image.fromarray(image[..., 0] if grey else image).resize((64, 64), Image.Resampling.LANCZOS)
    return np.asarray(small).reshape(64, 64, -1)


class Original(NamedTuple):
    """How a set is made: its builder, the labels in the order of the index, and what is done to an image.

    The first labels are the factors of the catalogue. A further one tells apart the images of one grid point, of
    which there are `repeats`. ordered: the files have the images in the order of the index.
    """

    module: str
    builder: str
    labels: tuple[str, ...]
    image: Callable[[np.ndarray], np.ndarray] = unchanged
    binary: bool = False
    ordered: bool = True
    repeats: int = 1
    config: str | None = None


def _labels(name: str) -> tuple[str, ...]:
    return tuple(f"label_{factor}" for factor in CATALOGUE[name].factor_names)


ORIGINALS: dict[str, Original] = {
    "dsprites_original": Original(
        "dsprites",
        "OriginalDsprites",
        ("label_shape", "label_scale", "label_orientation", "label_x_position", "label_y_position"),
        white,
        binary=True,
    ),
    "shapes3d": Original("shapes3d", "OriginalShapes3d", _labels("shapes3d")),
    "smallnorb": Original(
        "smallnorb", "OriginalSmallnorb", (*_labels("smallnorb"), "instance"), lanczos, ordered=False, repeats=10
    ),
    "cars3d": Original("cars3d", "OriginalCars3d", _labels("cars3d"), lanczos, ordered=False),
    **{
        f"mpi3d_{config}": Original("mpi3d", "OriginalMpi3d", _labels(f"mpi3d_{config}"), config=config)
        for config in ("toy", "realistic", "real", "complex")
    },
}


def prepare(name: str, root: Path | None = None, source: Path | None = None) -> None:
    """Brings the data set `name` into the cache folder, once, from its published files.

    source: the folder that holds the files; None: they are downloaded.

    It can be stopped and started again: what is not whole is made anew. Of processes that ask at the same time, one
    makes it and the others wait. Raises ValueError for files that are missing or not as published, and without the
    extra `data`; OSError for a folder that cannot hold the set, and for a download that fails.
    """
    if name not in ORIGINALS:
        raise unknown("published data set", name, ORIGINALS)
    original, facts, folder = ORIGINALS[name], CATALOGUE[name], cache.folder(root)
    sizes = (*facts.factor_sizes, original.repeats) if original.repeats > 1 else facts.factor_sizes
    points = np.arange(math.prod(sizes), dtype=np.int32) // original.repeats if original.repeats > 1 else None
    with _room(name, math.prod(sizes) * math.prod(facts.input_shape)), cache.locked(f"{name}.published", root):
        if cache.has(name, root):
            return _say(f"{name} is in {folder} already")
        builder = _build(original, folder / "tfds", source)
        digests = ", ".join(f"{file} {digest}" for file, digest in builder.info.metadata.items())
        made = facts._replace(source=f"{facts.source} ({digests})")
        blocks = functools.partial(_blocks, builder, original, sizes)
        prepared.write(name, made, blocks, points, root, binary=original.binary)
    _say(f"{name} is in {folder}; {builder.data_path} is no longer needed")


def _build(original: Original, folder: Path, source: Path | None) -> Any:
    """The builder of a set with its array_record in the folder, made if it is not there."""
    # To tensorflow-datasets an empty folder is none, and it would download.
    if source is not None and not (Path(source).is_dir() and any(Path(source).iterdir())):
        raise ValueError(
            f"{source} is not a folder with files in it: name the folder of the published files with --from"
        )
    if missing := [module for module in NEEDED if importlib.util.find_spec(module) is None]:
        raise ValueError(f"published data sets need {missing[0]}: pip install 'disentanglement-study[data]'")
    module = importlib.import_module(f"disentanglement_study.data.published.{original.module}")
    import tensorflow_datasets as tfds

    # It recommends another decoder of images, which is neither needed nor ours to install.
    logging.getLogger("absl").addFilter(lambda record: "OpenCV" not in record.getMessage())
    builder = getattr(module, original.builder)(data_dir=folder, config=original.config)
    for left in Path(builder.data_path).parent.glob("incomplete.*"):
        shutil.rmtree(left)  # of a process that was killed: the lock is ours, nobody is writing it
    settings = tfds.download.DownloadConfig(manual_dir=source, try_download_gcs=False)
    # It prints that it downloads, whether it does or not; progress is shown on stderr.
    with contextlib.redirect_stdout(io.StringIO()):
        try:
            builder.download_and_prepare(
                download_dir=folder / "downloads", download_config=settings, file_format="array_record"
            )
        except RuntimeError as error:  # so the writer of array_record says that it cannot write
            raise OSError(errno.EIO, str(error)) from error
    return builder


def _blocks(builder: Any, original: Original, sizes: tuple[int, ...]) -> Iterator[np.ndarray]:
    """The images [_, H, W, C] in the order of the index, from array_record."""
    order = np.arange(math.prod(sizes))
    index = functools.partial(_index, labels=original.labels, sizes=sizes)
    if not original.ordered:
        order = np.argsort(np.concatenate([index(block) for block in _read(builder, order, original.labels)]))
    start = 0
    for block in _read(builder, order, (*original.labels, "image")):
        if (index(block) != np.arange(start, start := start + len(block))).any():
            raise ValueError(f"{builder.data_path} does not hold the whole grid: delete it, and it is made again")
        yield np.stack([original.image(example["image"]) for example in block])


def _read(builder: Any, order: np.ndarray, decoded: tuple[str, ...]) -> Iterator[list[dict]]:
    """The examples of all splits in an order, a block at a time; only the features that are named are decoded."""
    import tensorflow_datasets as tfds

    skipped = {name: tfds.decode.SkipDecoding() for name in builder.info.features if name not in decoded}
    examples = builder.as_data_source("+".join(builder.info.splits), decoders=skipped)
    if len(examples) != len(order):
        expected = f"{len(examples):,} images, not {len(order):,}"
        raise ValueError(f"{builder.data_path} has {expected}: delete it, and it is made again")
    for start in range(0, len(order), BLOCK):
        yield examples.__getitems__(order[start : start + BLOCK].tolist())


def _index(examples: list[dict], labels: tuple[str, ...], sizes: tuple[int, ...]) -> np.ndarray:
    return np.ravel_multi_index([[example[label] for example in examples] for label in labels], sizes)


@contextlib.contextmanager
def _room(name: str, num_bytes: int) -> Iterator[None]:
    """What goes wrong with the disk is one OSError that says what is needed."""
    advice = cache.room(num_bytes, " and as many while it is made")
    try:
        yield
    except OSError as error:
        # Without a number it is a download, with a known one it may have been said already.
        if error.errno is None or cache.VARIABLE in str(error):
            raise
        raise OSError(error.errno, f"cannot keep data set {name!r} ({error.strerror}): {advice}") from error


def _say(text: str) -> None:
    ERR.print(text, soft_wrap=True)
