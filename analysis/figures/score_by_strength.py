"""Is there a strength that is always good? (Locatello et al. 2019, Figure 3 right, for all objectives, metrics)"""

import textwrap

import pandas as pd
from matplotlib.figure import Figure

from analysis import names
from analysis.figures import style
from analysis.rows import NothingToDraw, headlines, only_data_set

REPEAT = 8  # Rows after which the objectives and their strengths are named again, lest they be out of sight.


@style.look()
def score_by_strength(results: pd.DataFrame, representation: str = "mean") -> Figure:
    """Each headline score (a row each) against regularisation strength (a column per objective).

    Dots are models (seeds), the line joins their medians. Strengths are evenly spaced in the order of the sweep and
    named on the axis, for the objectives' strengths share no scale. For the one data set in `results`; n, the models
    per strength, in the title.
    """
    data_set = only_data_set(results)
    rows = headlines(results)
    rows = rows[rows["representation"] == representation]
    if rows.empty:
        raise NothingToDraw(f"no scores of the {representation} representation")
    marks = style.marks(rows["objective"])
    scores = names.in_order(rows["score"], names.SCORES)

    grid = len(scores), len(marks)
    figure, axes = style.panels(*grid, (1.5, 1.15), share_x="col", share_y="row")
    counts = []
    for column, (objective, mark) in enumerate(marks.items()):
        own = rows[rows["objective"] == objective]
        strengths = sorted(own["strength"].unique())
        place = {strength: index for index, strength in enumerate(strengths)}
        for row, score in enumerate(scores):
            seeds = own[own["score"] == score]
            x = seeds["strength"].map(place)
            groups = seeds["value"].groupby(x)
            counts += list(groups.size())
            axis = axes[row, column]
            axis.scatter(x, seeds["value"], s=9, color=mark.colour, alpha=0.35, linewidth=0)
            axis.plot(groups.median(), color=mark.colour, marker="o", markersize=4.5, markeredgecolor="white")
            axis.grid(visible=False, axis="x")
        for axis in axes[::REPEAT, column]:
            axis.set_title(textwrap.fill(names.label(objective, names.OBJECTIVES), 16))
        for axis in axes[REPEAT - 1 :: REPEAT, column]:
            axis.tick_params(labelbottom=True)
        axes[-1, column].set_xticks(range(len(strengths)), [f"{strength:g}" for strength in strengths])
        axes[-1, column].set_xlim(-0.5, len(strengths) - 0.5)
        swept = sorted(own["strength_name"].astype(str).unique())
        axes[-1, column].set_xlabel(", ".join(names.strength(name) for name in swept))
    for row, score in enumerate(scores):
        axes[row, 0].set_ylabel(names.label(score, names.SCORES).replace(" ", "\n"))
    figure.align_ylabels(axes[:, 0])
    style.title(
        figure,
        "Scores by regularisation strength",
        data_set,
        f"{representation} representation",
        names.count(counts, "models per strength"),
    )
    return figure
