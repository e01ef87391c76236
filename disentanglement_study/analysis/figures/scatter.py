"""A point for each model, coloured by its method."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from disentanglement_study.analysis import names
from disentanglement_study.analysis.figures import layout, style
from disentanglement_study.analysis.figures.distributions import GOLDEN
from disentanglement_study.analysis.models import Models

# So many points are an image in a PDF: as curves they are megabytes, slow to write and to scroll.
MANY = 500


def legend(marks: dict[str, style.Mark]) -> list[Line2D]:
    """An entry for each method, a point of its colour."""
    return [
        Line2D([], [], linestyle="", marker="o", color=mark.colour, label=names.label(method, names.METHODS))
        for method, mark in marks.items()
    ]


def draw(axis: Axes, models: Models, x: str, y: str, marks: dict[str, style.Mark]) -> None:
    """Score y against score x of the models that have both."""
    if x not in models.scores or y not in models.scores:
        return layout.nothing(axis)
    points = models.scores[[x, y]].to_numpy()
    there = np.flatnonzero(np.isfinite(points).all(axis=1))
    if not len(there):
        return layout.nothing(axis)
    # In a mixed order, so that no method is drawn after all others and covers them.
    there = there[np.argsort(np.arange(len(there)) * GOLDEN % 1)]
    method = models.runs["method"].to_numpy()[there]
    colours = {name: mark.colour for name, mark in marks.items()}
    size = 3.0 if len(there) < 100 else 1.6
    axis.scatter(
        *points[there].T, s=size**2, c=[colours[name] for name in method], alpha=0.6, linewidths=0,
        rasterized=len(there) >= MANY,
    )  # fmt: skip
    for side in (axis.xaxis, axis.yaxis):
        side.set_major_locator(layout.few_ticks())
