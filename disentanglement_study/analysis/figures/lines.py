"""Medians over seeds against the strength, a line for each method."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes

from disentanglement_study.analysis.figures import style


def draw(axis: Axes, table: pd.DataFrame, marks: dict[str, style.Mark], *, bars: bool = True, **look: Any) -> None:
    """The median of each row, and a bar from quartile to quartile, at `place` in the sweep of its method.

    A line ends where a place has no row, and goes on after it.
    """
    for number, (method, mark) in enumerate(marks.items()):
        own = table[table["method"] == method].set_index("place")
        if own.empty:
            continue
        own = own.reindex(range(own.index.min(), own.index.max() + 1))
        # Beside each other, so that the bars of one strength do not hide each other.
        x = own.index + (0.07 * (number - (len(marks) - 1) / 2) if bars else 0)
        if bars:
            axis.vlines(x, own["lower_quartile"], own["upper_quartile"], color=mark.colour, linewidth=0.8)
        axis.plot(x, own["median"], color=mark.colour, marker=mark.marker, **look)
