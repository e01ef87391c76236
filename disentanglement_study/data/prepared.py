"""Stand-in, thrown away at the merge."""

import json
import os

import numpy as np

from disentanglement_study.data import cache
from disentanglement_study.data.catalogue import CATALOGUE
from disentanglement_study.types import DataSet


def write(name, facts, blocks, num_images, points, root, source):
    folder = cache.folder(root)
    folder.mkdir(parents=True, exist_ok=True)
    temporary = folder / f".{name}.bin.part"
    try:
        with open(temporary, "wb") as file:
            for block in blocks():
                file.write(block)
        (folder / f"{name}.json").write_text(json.dumps({"source": source, "num_images": num_images}))
        if points is not None:
            np.save(folder / f"{name}.points.npy", points)
        os.replace(temporary, folder / f"{name}.bin")
    finally:
        temporary.unlink(missing_ok=True)


def read(name, root=None):
    folder = cache.folder(root)
    if not (folder / f"{name}.bin").exists():
        raise ValueError(f"data set {name!r} is not prepared: run disentanglement-study prepare {name}")
    facts = CATALOGUE[name]
    number = json.loads((folder / f"{name}.json").read_text())["num_images"]
    points = np.load(folder / f"{name}.points.npy") if (folder / f"{name}.points.npy").exists() else None
    storage = np.memmap(folder / f"{name}.bin", np.uint8, "r", shape=(number, *facts.image_shape)).view(np.ndarray)
    render = lambda storage, index, keys: storage[index]  # noqa: E731
    return DataSet(name, facts.factor_names, facts.factor_sizes, facts.image_shape, storage, render, points)
