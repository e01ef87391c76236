"""A picture of a data set: one row for each factor, in which it alone changes."""

import numpy as np
from jaxtyping import Int
from matplotlib.figure import Figure

from disentanglement_study.types import DataSet

COLUMNS = 10
CELL = 0.75  # inches
NO_FACTOR = "no factor"


def gallery(data: DataSet, seed: int = 0, columns: int = COLUMNS) -> Figure:
    """Images around one that is drawn from `seed`: each row changes a factor, over at most `columns` of its values.

    On an incomplete grid an image that agrees in as many of the other factors as there are stands in, and a red frame
    says so. Last come images that differ in what is no factor, if there is any. ValueError for a set of vectors.
    """
    if not data.has_images:
        raise ValueError(f"{data.name} has vectors, not images: there is nothing to draw")
    draws = np.random.default_rng(seed)
    everything = data.factors(np.arange(data.num_images))
    base = everything[draws.integers(len(everything))]
    rows = []
    for k, (name, size) in enumerate(zip(data.factor_names, data.factor_sizes, strict=True)):
        values = np.unique(np.linspace(0, size - 1, min(columns, size)).round().astype(int))
        wanted = np.repeat(base[None], len(values), axis=0)
        wanted[:, k] = values
        rows.append((f"{name}\n{size} values", *_nearest(everything, wanted, k)))
    if (others := _alike(data, base, draws, columns)) is not None:
        rows.append((NO_FACTOR, others, np.ones(len(others), bool)))

    widest = max(len(index) for _, index, _ in rows)
    figure = Figure(figsize=(CELL * (widest + 2), CELL * len(rows)), layout="constrained")
    axes = figure.subplots(len(rows), widest, squeeze=False)
    for row, (label, index, exact) in zip(axes, rows, strict=True):
        for axis in row:
            axis.set(xticks=[], yticks=[], frame_on=False)
        row[0].set_ylabel(label, rotation=0, ha="right", va="center", fontsize=7)
        images = data.images(index, seed + np.arange(len(index)) * (label == NO_FACTOR))
        for axis, image, there in zip(row, images, exact, strict=False):
            axis.imshow(image if image.shape[-1] == 3 else image[..., 0], cmap="gray", vmin=0, vmax=255)
            axis.set_frame_on(True)
            for spine in axis.spines.values():
                spine.set(color="lightgray" if there else "tab:red", linewidth=0.5 if there else 2)
    return figure


def _nearest(
    everything: Int[np.ndarray, "n f"], wanted: Int[np.ndarray, "v f"], factor: int
) -> tuple[Int[np.ndarray, " _"], np.ndarray]:
    """For each combination the image that shows it best, and whether exactly; out if none has its value of `factor`."""
    best = []
    for combination in wanted:
        agrees = everything == combination
        best.append(np.argmax(agrees.sum(axis=1) + agrees.shape[1] * agrees[:, factor]))
    shown = everything[best]
    there = shown[:, factor] == wanted[:, factor]
    return np.array(best)[there], (shown == wanted).all(axis=1)[there]


def _alike(data: DataSet, base: np.ndarray, draws: np.random.Generator, columns: int) -> np.ndarray | None:
    """Images of the same point: others in the set, or one of which something is drawn anew."""
    point = np.ravel_multi_index(base, data.factor_sizes)
    if data.points is None:
        return np.full(columns, point) if data.nuisance is not None else None
    index = np.flatnonzero(data.points == point)
    if data.nuisance is None and len(index) < 2:
        return None
    return draws.choice(index, columns) if data.nuisance is not None else index[:columns]
