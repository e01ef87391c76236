"""The original data sets: published files, through tensorflow-datasets, into arrays that are mapped into memory.

The images are what Locatello et al. 2019 (arXiv:1811.12359) trained on: SmallNORB is both splits, the first camera,
and 64 x 64 by Lanczos resampling, and so is Cars3D; the others are as published.
"""

import contextlib
import fcntl
import functools
import importlib
import io
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from rich.console import Console

from disentanglement_study.data import cache, prepared
from disentanglement_study.data.catalogue import CATALOGUE
from disentanglement_study.errors import unknown

BLOCK = 1024  # images read at a time
NEEDED = "array_record", "h5py", "importlib_resources", "tensorflow_datasets"


def unchanged(image: np.ndarray) -> np.ndarray:
    return image


def white(image: np.ndarray) -> np.ndarray:
    """dSprites has pixels of 0 and 1."""
    return image * np.uint8(255)


def lanczos(image: np.ndarray) -> np.ndarray:
    """64 x 64 by Pillow's Lanczos filter, in one step, as when it was called ANTIALIAS."""
    from PIL import Image

    grey = image.shape[-1] == 1
    small = Image.fromarray(image[..., 0] if grey else image).resize((64, 64), Image.Resampling.LANCZOS)
    return np.asarray(small).reshape(64, 64, -1)


class Original(NamedTuple):
    """How a set is made: its builder, the labels in the order of the index, and what is done to an image.

    The first labels are the factors of the catalogue; more of them tell apart the images of one grid point.
    ordered: the files have the images in the order of the index.
    """

    module: str
    builder: str
    labels: tuple[str, ...]
    image: Callable[[np.ndarray], np.ndarray] = unchanged
    ordered: bool = True
    config: str | None = None


_ARM = tuple(f"label_{name}" for name in CATALOGUE["mpi3d_toy"].factor_names)

ORIGINALS: dict[str, Original] = {
    "dsprites_original": Original(
        "dsprites",
        "OriginalDsprites",
        ("label_shape", "label_scale", "label_orientation", "label_x_position", "label_y_position"),
        white,
    ),
    "shapes3d": Original(
        "shapes3d",
        "OriginalShapes3d",
        tuple(f"label_{name}" for name in CATALOGUE["shapes3d"].factor_names),
    ),
    "smallnorb": Original(
        "smallnorb",
        "OriginalSmallnorb",
        ("label_category", "label_elevation", "label_azimuth", "label_lighting", "instance"),
        lanczos,
        ordered=False,
    ),
    "cars3d": Original(
        "cars3d", "OriginalCars3d", ("label_elevation", "label_azimuth", "label_object"), lanczos, ordered=False
    ),
    "mpi3d_toy": Original("mpi3d", "OriginalMpi3d", _ARM, config="toy"),
    "mpi3d_realistic": Original("mpi3d", "OriginalMpi3d", _ARM, config="realistic"),
    "mpi3d_real": Original("mpi3d", "OriginalMpi3d", _ARM, config="real"),
    "mpi3d_complex": Original("mpi3d", "OriginalMpi3d", _ARM, config="complex"),
}


def prepare(name: str, root: Path | None = None, source: Path | None = None) -> None:
    """Make the data set `name` from its published files, once; `data.load` finds it then in the same `root`.

    source: the folder that holds the published files; None: they are downloaded.

    It can be stopped and started again: what is not whole is made anew. Of processes that prepare the same set, one
    does and the others wait. ValueError if a file is missing or not as published, or the extra `data` is; OSError if
    the disk is full or the network down.
    """
    if name not in ORIGINALS:
        raise unknown("published data set", name, ORIGINALS)
    if source is not None and not Path(source).is_dir():
        raise ValueError(f"{source} is not a folder: name the one that holds the files of {name!r}")
    folder = cache.folder(root)
    with _room(folder, name), _alone(folder, name):
        if (folder / f"{name}.bin").exists():
            _say(f"{name} is prepared already, in {folder}")
        else:
            _prepare(name, folder, source)
            _say(f"{name} is prepared, in {folder}; {folder / 'tfds'} is not needed for it any more")


def _prepare(name: str, folder: Path, source: Path | None) -> None:
    original, facts = ORIGINALS[name], CATALOGUE[name]
    builder = _built(original, folder / "tfds", source)
    sizes = tuple(builder.info.features[label].num_classes for label in original.labels)
    several = int(np.prod(sizes[len(facts.factor_sizes) :]))
    number = int(np.prod(sizes))
    points = (np.arange(number) // several).astype(np.int32) if several > 1 else None
    digests = ", ".join(f"{file} {digest}" for file, digest in builder.info.metadata.items())
    blocks = functools.partial(_blocks, builder, original, sizes)
    prepared.write(name, facts, blocks, number, points, folder, f"{facts.source} ({digests})")


def _built(original: Original, folder: Path, source: Path | None) -> Any:
    """The builder of a set, whose array_record is in the folder; it is made if it is not there."""
    if missing := [module for module in NEEDED if importlib.util.find_spec(module) is None]:
        raise ValueError(f"there is no {missing[0]} here: pip install 'disentanglement-study[data]'")
    module = importlib.import_module(f"disentanglement_study.data.builders.{original.module}")
    import tensorflow_datasets as tfds

    builder = getattr(module, original.builder)(data_dir=folder, config=original.config)
    # What a killed process left; the lock is ours, so nobody is writing it.
    for left in builder.data_path.parent.glob("incomplete.*"):
        shutil.rmtree(left)
    settings = tfds.download.DownloadConfig(manual_dir=source, try_download_gcs=False)
    with contextlib.redirect_stdout(io.StringIO()):  # it says that it downloads whether it does or not
        builder.download_and_prepare(
            download_dir=folder / "downloads", download_config=settings, file_format="array_record"
        )
    return builder


def _blocks(builder: Any, original: Original, sizes: tuple[int, ...]) -> Iterator[np.ndarray]:
    """The images [_, H, W, C] in the order of the index, read from array_record."""
    order = np.arange(int(np.prod(sizes)))
    index = functools.partial(_index, labels=original.labels, sizes=sizes)
    if not original.ordered:
        order = np.argsort(np.concatenate([index(block) for block in _read(builder, order, original.labels)]))
    start = 0
    for block in _read(builder, order, (*original.labels, "image")):
        if (index(block) != np.arange(start, start := start + len(block))).any():
            raise ValueError(f"{builder.data_path} does not hold the whole grid: delete it, and it is made again")
        yield np.stack([original.image(example["image"]) for example in block])


def _read(builder: Any, order: np.ndarray, decoded: tuple[str, ...]) -> Iterator[list[dict]]:
    """Examples of all splits in an order, a block at a time. Only the features that are named are decoded."""
    import tensorflow_datasets as tfds

    skipped = {name: tfds.decode.SkipDecoding() for name in builder.info.features if name not in decoded}
    examples = builder.as_data_source("+".join(builder.info.splits), decoders=skipped)
    if len(examples) != len(order):
        raise ValueError(f"{builder.data_path} has {len(examples):,} images, not {len(order):,}: delete it")
    for start in range(0, len(order), BLOCK):
        yield examples.__getitems__(order[start : start + BLOCK].tolist())


def _index(examples: list[dict], labels: tuple[str, ...], sizes: tuple[int, ...]) -> np.ndarray:
    return np.ravel_multi_index([[example[label] for example in examples] for label in labels], sizes)


@contextlib.contextmanager
def _alone(folder: Path, name: str) -> Iterator[None]:
    """One process at a time; the lock is the kernel's, and ends with its process, however that ends."""
    with open(folder / f".{name}.prepare.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _room(folder: Path, name: str) -> Iterator[None]:
    """What goes wrong with the disk is one OSError that says how much is needed."""
    facts = CATALOGUE[name]
    needed = int(np.prod(facts.factor_sizes)) * int(np.prod(facts.image_shape))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except RuntimeError as error:  # how the writer of array_record says that it cannot write
        raise OSError(_no_room(name, str(error), needed)) from error
    except OSError as error:
        if error.errno is None:  # a download, which has said what is wrong
            raise
        raise OSError(error.errno, _no_room(name, error.strerror, needed), str(folder)) from error


def _no_room(name: str, reason: str, needed: int) -> str:
    advice = f"set {cache.VARIABLE} to a folder with room for {needed:,} bytes and as many again while it is prepared"
    return f"cannot keep data set {name!r} ({reason}): {advice}"


def _say(text: str) -> None:
    Console(stderr=True).print(text, markup=False, highlight=False, soft_wrap=True)
