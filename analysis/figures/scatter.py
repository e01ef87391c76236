"""A point for each model, coloured by its objective."""

import numpy as np
from matplotlib.axes import Axes

from analysis.figures import layout, style
from analysis.models import Models

TURNS = 3


def draw(axis: Axes, models: Models, x: str, y: str, marks: dict[str, style.Mark]) -> None:
    """Score y against score x of the models that have both."""
    if x not in models.scores or y not in models.scores:
        return layout.nothing(axis)
    there = (models.scores[x].notna() & models.scores[y].notna()).to_numpy()
    if not there.any():
        return layout.nothing(axis)
    objective = models.runs["objective"].to_numpy()
    # In turns, so that no objective is drawn after all others and covers them. As markers of a line: each is stored
    # once, so that a PDF of many points stays small.
    for turn in range(TURNS):
        for name, mark in marks.items():
            own = np.flatnonzero(there & (objective == name))[turn::TURNS]
            points = models.scores[[x, y]].to_numpy()[own]
            size = 3.0 if there.sum() < 100 else 1.6
            axis.plot(*points.T, "o", color=mark.colour, alpha=0.6, markersize=size, markeredgewidth=0)
    for side in (axis.xaxis, axis.yaxis):
        side.set_major_locator(layout.few_ticks())
