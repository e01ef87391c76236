"""Is there a method that is always best? (Locatello et al. 2019, Figure 4 left)"""

from collections.abc import Iterable

import pandas as pd

from disentanglement_study.analysis import once, tables
from disentanglement_study.analysis.figures import layout, lines, shared, style


@style.look()
def median_score_by_strength(
    results: pd.DataFrame, representation: str = "mean", scores: Iterable[str] | None = None
) -> style.StudyFigure:
    """Median of each headline score by strength, a line for each method and data set.

    Medians over seeds are on y, the strength on x.

    Strengths are numbered in the order of the sweep, and named in the legend: the methods' strengths share no scale.
    n: models per point. The paper's Figure 4 shows the FactorVAE score on Cars3D.
    """
    found = shared.models(results, representation)
    shown = shared.headlines(found, scores)
    table = once.call(tables.scores_by_strength, results)
    table = table[(table["representation"] == representation) & table["score"].isin(shown)]
    table = table.assign(place=style.places(table))
    marks = style.marks(table["method"])
    text = layout.Text(
        "Median score by regularisation strength",
        (f"{representation} representation", style.count(table, "models per point")),
        x="Regularisation strength (place in the method's sweep)",
        y="Median score",
        x_ticks=("1",),
    )
    page = layout.panels(
        table.drop(columns="place"), shared.data_sets(table["data_set"]), shared.labels(shown), text, (1.6, 0.8),
        share_x="all", share_y="none", legend=style.legend(marks, table),
    )  # fmt: skip
    for (data_set, score), axis in page.axes.items():
        own = table[(table["data_set"] == data_set) & (table["score"] == score)]
        if own.empty:
            layout.nothing(axis)
        else:
            lines.draw(axis, own, marks, bars=False)
        axis.set_xticks(range(1, table["place"].max() + 1))
        axis.yaxis.set_major_locator(layout.few_ticks())
    return page.finished()
