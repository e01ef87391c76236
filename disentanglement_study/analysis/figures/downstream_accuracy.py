"""Do models that score higher learn downstream tasks from fewer labels? (Locatello et al. 2019, appendix)"""

from collections.abc import Iterable
from typing import Any

import pandas as pd
from matplotlib.lines import Line2D

from disentanglement_study.analysis import once
from disentanglement_study.analysis.figures import layout, shared, style
from disentanglement_study.analysis.rows import NothingToDraw
from disentanglement_study.analysis.tables.downstream_by_score import downstream_by_score

TASKS = {"GBT": "boosted trees", "LR": "logistic regression"}
LOOKS: dict[str, dict[str, Any]] = {
    "low": {"color": "#D55E00", "marker": "v"},
    "middle": {"color": "#7F7F7F", "marker": "o"},
    "high": {"color": "#0072B2", "marker": "^"},
}


@style.look()
def downstream_accuracy(
    results: pd.DataFrame, task: str = "GBT", representation: str = "mean", scores: Iterable[str] | None = None
) -> style.StudyFigure:
    """Downstream accuracy by the number of train points, of low, middle and high scores.

    Downstream accuracy (y) against train points (x) of the lowest, middle, highest third by each headline score.

    Medians, bars are quartiles, of boosted trees (GBT) or logistic regression (LR), for each data set. n: models per
    group.
    """
    table = once.call(downstream_by_score, results, representation=representation)
    table = table[table["task"] == task]
    if table.empty:
        raise NothingToDraw(f"no model has a downstream accuracy of {task}")
    data_sets = shared.data_sets(table["data_set"])
    shown = shared.shown_scores(table["score"], scores, len(data_sets))
    table = table[table["score"].isin(shown)]
    sizes = sorted(table["num_train"].unique())
    text = layout.Text(
        f"Downstream accuracy of {TASKS[task]} for models of low, middle and high score",
        (f"{representation} representation", "bars: quartiles", style.count(table, "models per group")),
        x="Train points", y="Test accuracy", x_ticks=tuple(f"{size:,}" for size in sizes), upright=True,
    )  # fmt: skip
    legend = [Line2D([], [], label=f"{group.capitalize()} score", **look) for group, look in LOOKS.items()]
    page = layout.panels(
        table, data_sets, shared.labels(shown), text, (1.4, 0.8), share_x="all", share_y="row", legend=legend
    )
    for (data_set, score), axis in page.axes.items():
        own = table[(table["data_set"] == data_set) & (table["score"] == score)]
        if own.empty:
            layout.nothing(axis)
        for number, (group, look) in enumerate(LOOKS.items()):
            lines = own[own["group"] == group].sort_values("num_train")
            x = lines["num_train"].map(sizes.index) + 0.1 * (number - 1)
            axis.vlines(x, lines["lower_quartile"], lines["upper_quartile"], color=look["color"], linewidth=0.8)
            axis.plot(x, lines["median"], **look)
        axis.set_xticks(range(len(sizes)), [f"{size:,}" for size in sizes], rotation=90)
        axis.yaxis.set_major_locator(layout.few_ticks())
    return page.finished()
