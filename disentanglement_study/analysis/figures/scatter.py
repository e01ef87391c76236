"""A point for each model, with the colour of its method, and its marker where there are more methods than colours."""

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
    """An entry for each method, a point as `draw` draws it."""
    return [
        Line2D([], [], linestyle="", marker=mark.marker, color=mark.colour, label=names.label(method, names.METHODS))
        for method, mark in _told_apart(marks).items()
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
    told_apart = _told_apart(marks)
    drawn = [told_apart[name] for name in method]
    size = 3.0 if len(there) < 100 else 1.6
    for marker in dict.fromkeys(mark.marker for mark in drawn):
        own = [place for place, mark in enumerate(drawn) if mark.marker == marker]
        right, up = points[there[own]].T
        axis.scatter(
            right, up, s=size**2, c=[drawn[place].colour for place in own], marker=marker, alpha=0.6,
            linewidths=0, rasterized=len(there) >= MANY,
        )  # fmt: skip
    for side in (axis.xaxis, axis.yaxis):
        side.set_major_locator(layout.few_ticks())


def _told_apart(marks: dict[str, style.Mark]) -> dict[str, style.Mark]:
    """The marks, all of them circles if colours alone tell them apart: points of one shape compare best."""
    if len({mark.colour for mark in marks.values()}) < len(marks):
        return marks
    return {method: style.Mark(mark.colour, "o") for method, mark in marks.items()}
