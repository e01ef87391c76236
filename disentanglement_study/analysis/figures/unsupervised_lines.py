"""A score that needs no labels, of sampled and of mean representations, against the strength."""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from disentanglement_study.analysis import names, once
from disentanglement_study.analysis.figures import layout, lines, shared, style
from disentanglement_study.analysis.rows import NothingToDraw
from disentanglement_study.analysis.tables.unsupervised_by_strength import QUARTILES, unsupervised_by_strength

REPRESENTATIONS = {"sampled": "Sampled representation", "mean": "Mean representation"}


@style.look()
def by_representation(results: pd.DataFrame, score: str, y_label: str, *, log: bool) -> style.StudyFigure:
    """A panel for each data set and representation, a line for each method; bars are quartiles."""
    table = _rows(results, score, log)
    marks = style.marks(table["method"])
    text = layout.Text(
        f"{y_label.partition(' (')[0]} by regularisation strength",
        ("median and quartiles over seeds", style.count(table, "models per point")),
        x="Regularisation strength (place in the method's sweep)",
        y=y_label,
        x_ticks=("1",),
        y_ticks=("0.002",),
    )
    page = layout.panels(
        table.drop(columns="place"), shared.data_sets(table["data_set"]), REPRESENTATIONS, text, (2.9, 0.9),
        share_x="all", share_y="row", legend=style.legend(marks, table),
    )  # fmt: skip
    for (data_set, representation), axis in page.axes.items():
        own = table[table["data_set"] == data_set]
        shown = own[own["representation"] == representation]
        if shown.empty:
            layout.nothing(axis)
        else:
            lines.draw(axis, shown, marks)
        axis.set_xticks(range(1, table["place"].max() + 1))
        _scale(axis, own, log)
    return page.finished()


@style.look()
def by_method(results: pd.DataFrame, score: str, y_label: str, *, log: bool) -> style.StudyFigure:
    """A panel for each data set and method: sampled (dashed, hollow) against mean representation."""
    table = _rows(results, score, log)
    marks = style.marks(table["method"])
    strengths = {method: style.strengths(table[table["method"] == method]) for method in marks}
    text = layout.Text(
        f"{y_label.partition(' (')[0]} of sampled and mean representations by method",
        ("median and quartiles over seeds", style.count(table, "models per point")),
        x="Regularisation strength",
        y=y_label,
        x_ticks=tuple(label for labels in strengths.values() for label in labels),
        y_ticks=("0.002",),
        upright=True,
    )
    looks: dict[str, dict[str, Any]] = {"sampled": {"linestyle": "--", "markerfacecolor": "white"}, "mean": {}}
    legend = [
        Line2D([], [], color="black", marker="o", label=label, **looks[representation])
        for representation, label in REPRESENTATIONS.items()
    ]
    columns = {method: names.label(method, names.METHODS) for method in marks}
    page = layout.panels(
        table.drop(columns="place"), shared.data_sets(table["data_set"]), columns, text, (1.4, 0.8),
        share_x="column", share_y="row", legend=legend,
    )  # fmt: skip
    for (data_set, method), axis in page.axes.items():
        of_data_set = table[table["data_set"] == data_set]
        own = of_data_set[of_data_set["method"] == method]
        if own.empty:
            layout.nothing(axis)
        for representation, look in looks.items():
            shown = own[own["representation"] == representation]
            lines.draw(axis, shown, {method: marks[method]}, **look)
        axis.set_xticks(range(1, len(strengths[method]) + 1), strengths[method], rotation=90)
        axis.set_xlim(0.5, len(strengths[method]) + 0.5)
        _scale(axis, of_data_set, log)
    return page.finished()


def _rows(results: pd.DataFrame, score: str, log: bool) -> pd.DataFrame:
    table = once.call(unsupervised_by_strength, results)
    table = table[(table["score"] == score) & table["representation"].isin(REPRESENTATIONS) & (table["n"] > 0)]
    if log:
        # Rounding can put the total correlation of uncorrelated codes at or below zero, which has no logarithm.
        table = table[(table[list(QUARTILES)] > 0).all(axis=1)]
    if table.empty:
        raise NothingToDraw(f"no model has a {'positive ' if log else ''}score {score} (metric unsupervised)")
    return table.assign(place=style.places(table))


def _scale(axis: Axes, table: pd.DataFrame, log: bool) -> None:
    if log:
        style.log_ticks(axis, table[list(QUARTILES)].stack())
    else:
        axis.yaxis.set_major_locator(layout.few_ticks())
