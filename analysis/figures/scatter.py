"""A point for each model, coloured by its objective."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_rgba_array

from analysis.figures import layout, style
from analysis.models import Models


def draw(axis: Axes, models: Models, x: str, y: str, marks: dict[str, style.Mark]) -> None:
    """Score y against score x of the models that have both. The points are pixels, so that a PDF of many stays small."""
    if x not in models.scores or y not in models.scores:
        return layout.nothing(axis)
    there = (models.scores[x].notna() & models.scores[y].notna()).to_numpy()
    if not there.any():
        return layout.nothing(axis)
    objectives = models.runs["objective"].to_numpy()[there]
    colours = to_rgba_array([marks[objective].colour for objective in objectives])
    # Few seeds are not seen where many cover them: no objective may be drawn after all others.
    order = np.argsort(np.arange(there.sum()) * (np.sqrt(5) - 1) / 2 % 1)
    points = models.scores[[x, y]].to_numpy()[there][order]
    size = 9 if there.sum() < 100 else 2.5
    axis.scatter(*points.T, s=size, c=colours[order], alpha=0.6, linewidth=0, rasterized=True)
    for side in (axis.xaxis, axis.yaxis):
        side.set_major_locator(layout.few_ticks())
