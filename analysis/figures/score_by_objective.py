"""Does the objective decide the score? (Locatello et al. 2019, Figure 3 left, for every metric)"""

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis import names
from analysis.figures import style
from analysis.rows import NothingToDraw, headlines, only_data_set

COLUMNS = 3  # More where there are so many panels that the figure is square.
# A density of fewer scores would be mostly bandwidth: they are shown one by one.
VIOLIN_FROM = 20
GOLDEN = (np.sqrt(5) - 1) / 2


@style.look()
def score_by_objective(results: pd.DataFrame, representation: str = "mean") -> Figure:
    """Distribution of each headline score (x, a panel each) per objective (y), over strengths and seeds.

    Violins from 20 models per objective, below that every model as a dot; the black bar is the median. For the one
    data set in `results`; n, the models per objective, in the title. The paper shows Cars3D.
    """
    data_set = only_data_set(results)
    rows = headlines(results)
    rows = rows[rows["representation"] == representation]
    if rows.empty:
        raise NothingToDraw(f"no scores of the {representation} representation")
    marks = style.marks(rows["objective"])
    scores = names.in_order(rows["score"], names.SCORES)
    counts = rows.groupby(["score", "objective"]).size()
    draw = _violin if counts.min() >= VIOLIN_FROM else _dots

    columns = min(max(COLUMNS, math.ceil(math.sqrt(len(scores)))), len(scores))
    grid = -(-len(scores) // columns), columns
    figure, axes = style.panels(*grid, (2.2, 0.26 * len(marks) + 0.5), share_x="none", share_y="all")
    for axis, score in zip(axes.flat, scores, strict=False):
        for place, (objective, mark) in enumerate(marks.items()):
            values = rows.loc[(rows["score"] == score) & (rows["objective"] == objective), "value"].to_numpy()
            if len(values):
                draw(axis, values, place, mark)
                axis.vlines(np.median(values), place - 0.36, place + 0.36, color="black", linewidth=1.6, zorder=2)
        axis.set_title(names.label(score, names.SCORES), loc="left")
        axis.grid(visible=False, axis="y")
    first = axes[0, 0]
    first.set_yticks(range(len(marks)), [names.label(objective, names.OBJECTIVES) for objective in marks])
    first.set_ylim(len(marks) - 0.4, -0.6)
    style.hide(axes.flat[len(scores) :])
    figure.supxlabel("Score", fontsize=9)
    style.title(
        figure,
        "Scores by objective, over strengths and seeds",
        data_set,
        f"{representation} representation",
        names.count(counts, "models per objective"),
    )
    return figure


def _violin(axis: Axes, values: np.ndarray, place: int, mark: style.Mark) -> None:
    parts = axis.violinplot(values, [place], orientation="horizontal", widths=0.85, showextrema=False)
    for body in parts["bodies"]:
        body.set(facecolor=mark.colour, edgecolor=mark.colour, alpha=0.75, linewidth=0.6)


def _dots(axis: Axes, values: np.ndarray, place: int, mark: style.Mark) -> None:
    # Spread by the golden ratio: even, without a random generator, and no two on one line.
    offset = (np.arange(len(values)) * GOLDEN % 1 - 0.5) * 0.5
    axis.scatter(np.sort(values), place + offset, s=14, color=mark.colour, marker=mark.marker, linewidth=0, zorder=3)
