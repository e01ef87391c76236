"""How well does each system do, beside what is published? (Higgins et al. 2017, Figure 6 left)"""

from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import MultipleLocator

from disentanglement_study.analysis import once, tables
from disentanglement_study.analysis.figures import distributions, layout, shared, style
from disentanglement_study.analysis.models import OF_CLASSIFIERS, is_of_classifier
from disentanglement_study.analysis.rows import checked, scored
from disentanglement_study.analysis.tables.ridge import STRENGTH
from disentanglement_study.analysis.tables.systems import KEYS, upper_half

OURS, WITHOUT_PUBLISHED, PUBLISHED = "#0072B2", "#7F7F7F", "#D55E00"
MOST = 30  # systems; beyond, those of a sweep over β_norm are left out
ROW = 0.2  # inches
ABOVE, BELOW = -0.16, 0.24  # of a row: where ours and the published are


@style.look()
def score_by_system(results: pd.DataFrame, representation: str = "mean") -> style.StudyFigure:
    """Accuracies of the classifiers of `higgins_score`, the upper half, of each system.

    Every accuracy of a classifier that is kept, the upper half (x), of each system (y), a panel for each data set.

    Over the dots their mean with its 95 % interval; below them the published mean ± spread. Grey: nothing is published
    of the system on this data set, or it is not compared. Dashed: chance. Of over 30 systems those that were given
    β_norm are not drawn: `score_by_latents_and_beta` shows them.
    """
    table = once.call(tables.systems, results, representation=representation)
    if len(table) > MOST and (others := table[table["strength_name"] != STRENGTH]).size:
        table = others.reset_index(drop=True)
    accuracies = _accuracies(results, representation)
    names = _in_order(table)
    text = layout.Text(
        "Accuracy by system, upper half of all classifiers",
        (f"{representation} representation", style.count(table, "models per system")),
        x="Accuracy",
        x_ticks=("0.00",),
        y_ticks=tuple(names),
    )
    page = layout.panels(
        table, {"": ""}, shared.data_sets(table["data_set"]), text, (2.6, ROW * len(names) + 0.1),
        share_x="all", share_y="all", legend=_legend(table),
    )  # fmt: skip
    for (_, data_set), axis in page.axes.items():
        own = table[table["data_set"] == data_set]
        for row in own.itertuples():
            key = tuple(getattr(row, column) for column in KEYS)
            _draw(axis, names.index(row.system), row, accuracies[key])
        for chance in own["chance"].dropna().unique():
            axis.axvline(chance, linestyle="--", color="black", linewidth=0.6, zorder=1)
        axis.set_yticks(range(len(names)), names)
        axis.set_ylim(len(names) - 0.4, -0.6)
        axis.set_xlim(min(0.2, table["low"].min(), table["mean"].min()) - 0.02, 1.02)
        axis.xaxis.set_major_locator(MultipleLocator(0.25))
        axis.grid(visible=False, axis="y")
    return page.finished()


def _in_order(table: pd.DataFrame) -> list[str]:
    """The systems, as `tables.systems` has them on the data set with the most, then any that others have beside."""
    most = table["data_set"].value_counts(sort=False).idxmax()
    return list(dict.fromkeys([*table[table["data_set"] == most]["system"], *table["system"]]))


def _accuracies(results: pd.DataFrame, representation: str) -> dict:
    """The accuracies that are kept, of each of `systems.KEYS`."""
    results = checked(results)
    own = results[(results["metric"] == OF_CLASSIFIERS) & (results["representation"] == representation)]
    rows = scored(own[is_of_classifier(own)])
    return {key: upper_half(values.to_numpy(float)) for key, values in rows.groupby(KEYS, dropna=False)["value"]}


def _draw(axis: Axes, place: int, row: Any, kept: pd.Series) -> None:
    there = pd.notna(row.published)
    colour = OURS if there else WITHOUT_PUBLISHED
    spread = (pd.Series(range(len(kept))) * distributions.GOLDEN % 1 - 0.5) * 0.4
    axis.plot(kept, place + ABOVE + spread, "o", color=colour, markersize=2, markeredgewidth=0, alpha=0.55, zorder=2)
    if pd.notna(row.low):
        axis.plot([row.low, row.high], [place + ABOVE] * 2, color="black", linewidth=1.4, zorder=3)
    axis.plot(row.mean, place + ABOVE, "|", color="black", markersize=7, markeredgewidth=1.2, zorder=4)
    if there:
        at = place + BELOW
        if pd.notna(row.published_spread):
            ends = row.published - row.published_spread, row.published + row.published_spread
            axis.plot(ends, [at, at], color=PUBLISHED, linewidth=1.4, zorder=3)
        axis.plot(row.published, at, "D", color=PUBLISHED, markerfacecolor="white", markersize=3.5, zorder=4)


def _legend(table: pd.DataFrame) -> list[Line2D]:
    compared = table["published"].notna()
    dots = [
        (compared.any(), OURS, "Accuracy in the upper half"),
        (not compared.all(), WITHOUT_PUBLISHED, "... without a published number"),
    ]
    entries = [
        Line2D([], [], linestyle="", marker="o", color=colour, alpha=0.55, label=said)
        for there, colour, said in dots
        if there
    ]
    entries.append(Line2D([], [], color="black", marker="|", markersize=7, label="Our mean, 95 %"))
    if compared.any():
        mark: dict[str, Any] = {"marker": "D", "markerfacecolor": "white", "markersize": 3.5}
        entries.append(Line2D([], [], color=PUBLISHED, **mark, label="Published mean ± spread"))
    if table["chance"].notna().any():
        entries.append(Line2D([], [], color="black", linestyle="--", linewidth=0.6, label="Chance"))
    return entries
