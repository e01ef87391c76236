"""Small files in the formats of the published data sets, and what they hold; the facts are made small to match."""

import gzip
import io
import struct
import tarfile

import h5py
import numpy as np
import scipy.io

from disentanglement_study.data.catalogue import CATALOGUE
from disentanglement_study.data.published import cars3d, dsprites, mpi3d, shapes3d, smallnorb

SIZES = {
    "dsprites_original": (2, 2, 3, 2, 2),
    "shapes3d": (2, 2, 2, 2, 2, 3),
    "smallnorb": (2, 2, 3, 2),
    "cars3d": (2, 3, 4),
    **{f"mpi3d_{config}": (2, 2, 1, 1, 1, 2, 3) for config in mpi3d.FILES},
}
INSTANCES = 4
CARS = ["car_010_mesh", "car_002_mesh", "car_001_mesh", "car_100_mesh"]  # as they lie in the archive


def shrink(monkeypatch):
    """Makes the grids small, and the published digests unknown."""
    for name, sizes in SIZES.items():
        monkeypatch.setitem(CATALOGUE, name, CATALOGUE[name]._replace(factor_sizes=sizes))
    monkeypatch.setattr(smallnorb, "INSTANCES", INSTANCES)
    for module, attribute in ((dsprites, "HDF5"), (dsprites, "NPZ"), (shapes3d, "FILE"), (cars3d, "FILE")):
        monkeypatch.setattr(module, attribute, getattr(module, attribute)._replace(digest=None))
    monkeypatch.setattr(smallnorb, "FILES", {key: file._replace(digest=None) for key, file in smallnorb.FILES.items()})


def grid(sizes):
    return np.stack(np.unravel_index(np.arange(np.prod(sizes)), sizes), axis=1)


def random_images(number, *shape, high=256):
    return np.random.default_rng(0).integers(high, size=(number, *shape), dtype=np.uint8)


def write(name, folder):
    """The files of a data set, in a folder; returns what their bytes stand for."""
    folder.mkdir(parents=True, exist_ok=True)
    return WRITERS[name](folder)


def write_dsprites(folder, npz=False):
    labels = grid(SIZES["dsprites_original"])
    images = random_images(len(labels), 64, 64, high=2)
    classes = np.insert(labels, 0, 0, axis=1)
    if npz:
        metadata = np.array({"title": "an object, which needs pickle"}, dtype=object)
        arrays = {"imgs": images, "latents_classes": classes, "latents_values": classes.astype(float)}
        np.savez_compressed(folder / dsprites.NPZ.name, metadata=metadata, **arrays)
    else:
        with h5py.File(folder / dsprites.HDF5.name, "w") as file:
            file.create_dataset("imgs", data=images, chunks=(20, 2, 4), compression="gzip")
            file["latents/classes"], file["latents/values"] = classes, classes.astype(float)
    return images[..., None], labels


def write_shapes3d(folder, values=None):
    labels = grid(SIZES["shapes3d"])
    images = random_images(len(labels), 64, 64, 3)
    with h5py.File(folder / shapes3d.FILE.name, "w") as file:
        file.create_dataset("images", data=images, chunks=(20, 4, 4, 1), compression="gzip")
        file["labels"] = (
            values if values is not None else labels * [0.1, 0.1, 0.1, 1 / 14, 1, 30 / 7] - [0, 0, 0, 0, 0, 30]
        )
    return images, labels


def write_matrix(path, array):
    magic = {np.dtype("uint8"): 0x1E3D4C55, np.dtype("int32"): 0x1E3D4C54}[array.dtype]
    dims = [*array.shape, *[1] * (3 - array.ndim)]
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(struct.pack(f"<{2 + len(dims)}i", magic, array.ndim, *dims) + array.tobytes())


def write_smallnorb(folder, change=lambda labels: None):
    """Both splits in a random order, half of the instances in each; returns them one after the other."""
    category, elevation, azimuth, lighting = SIZES["smallnorb"]
    everything = grid((category, INSTANCES, elevation, azimuth, lighting))
    pictures, labels = [], []
    for split, instances in (("train", (1, 3)), ("test", (0, 2))):
        rng = np.random.default_rng(len(split))
        mine = rng.permutation(everything[np.isin(everything[:, 1], instances)])
        change(mine)
        images = rng.integers(256, size=(len(mine), 2, 96, 96), dtype=np.uint8)
        written = mine.astype(np.int32)
        names = {kind: smallnorb.FILES[split, kind].name for kind in ("dat", "cat", "info")}
        write_matrix(folder / names["dat"], images)
        write_matrix(folder / names["cat"], written[:, 0].copy())
        write_matrix(folder / names["info"], written[:, 1:] * np.array([1, 1, 2, 1], np.int32))
        pictures.append(images)
        labels.append(mine)
    return np.concatenate(pictures), np.concatenate(labels)


def write_cars3d(folder, shape=None, cars=CARS):
    """Returns images and labels in the order of the grid: elevation, azimuth, car."""
    elevations, azimuths, _ = SIZES["cars3d"]
    shape = shape or (128, 128, 3, azimuths, elevations)
    images = dict(zip(cars, random_images(len(cars), *shape), strict=True))
    with tarfile.open(folder / cars3d.FILE.name, "w:gz", compresslevel=1) as archive:
        add(archive, "data/shapes48.mat", b"of another set")
        add(archive, "data/cars/list.txt", "\n".join(cars).encode())
        for car, array in images.items():
            content = io.BytesIO()
            scipy.io.savemat(content, {"im": array, "mask": array[:, :, 0]}, do_compression=True)
            add(archive, f"data/cars/._{car}.mat", b"a shadow")
            add(archive, f"data/cars/{car}.mat", content.getvalue())
    views = np.stack([images[car] for car in sorted(cars)])
    return views.transpose(5, 4, 0, 1, 2, 3).reshape(-1, 128, 128, 3), grid(SIZES["cars3d"])


def add(archive, name, content):
    member = tarfile.TarInfo(name)
    member.size = len(content)
    archive.addfile(member, io.BytesIO(content))


def write_mpi3d(folder, config):
    labels = grid(SIZES[f"mpi3d_{config}"])
    images = random_images(len(labels), 64, 64, 3)
    np.savez(folder / mpi3d.FILES[config].name, images=images)
    return images, labels


WRITERS = {
    "dsprites_original": write_dsprites,
    "shapes3d": write_shapes3d,
    "smallnorb": write_smallnorb,
    "cars3d": write_cars3d,
    **{f"mpi3d_{config}": lambda folder, config=config: write_mpi3d(folder, config) for config in mpi3d.FILES},
}
