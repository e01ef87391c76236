"""What does a setting that the sweep varies do to the scores?"""

from collections.abc import Iterable
from typing import Any

import pandas as pd

from disentanglement_study.analysis import names, once, tables
from disentanglement_study.analysis.figures import layout, lines, shared, style
from disentanglement_study.analysis.rows import NothingToDraw


@style.look()
def score_by_setting(
    results: pd.DataFrame, representation: str = "mean", scores: Iterable[str] | None = None
) -> style.StudyFigure:
    """The headline scores by the value of each axis of the sweep that is no strength.

    The score is on y, the value on x; a line for each method.

    Medians over strengths, seeds and other axes, and bars from quartile to quartile. Numbers are in their order, not to
    scale, and joined by lines; words are not. A row of panels for each data set and axis. n: models per point.
    `tables.paired_differences` has the differences of models that are alike in all else.
    """
    shown = shared.headlines(shared.models(results, representation), scores)
    table = once.call(_by_setting, results)
    table = table[(table["representation"] == representation) & table["score"].isin(shown)]
    if table.empty:
        raise NothingToDraw(f"no model with this setting has a score of the {representation} representation")
    marks = style.marks(table["method"])
    rows = {
        f"{data_set} {setting}": f"{names.label(data_set, names.DATA_SETS)}, {names.label(setting, {})}"
        for data_set, setting in table[["data_set", "setting"]].drop_duplicates().itertuples(index=False)
    }
    ticks = tuple(dict.fromkeys(table["value"]))
    text = layout.Text(
        "Median score by setting, over all other settings",
        (f"{representation} representation", "bars: quartiles", style.count(table, "models per point")),
        x=" or ".join(dict.fromkeys(names.label(setting, {}) for setting in table["setting"])),
        y="Median score",
        x_ticks=ticks,
        upright=True,
        y_ticks=("0.0000",),
    )
    page = layout.panels(
        table.drop(columns="place"), rows, shared.labels(shown), text, (0.9, 0.9), share_x="row", share_y="none",
        legend=style.legend(marks),
    )  # fmt: skip
    for (row, score), axis in page.axes.items():
        data_set, _, setting = row.rpartition(" ")
        of_row = table[(table["data_set"] == data_set) & (table["setting"] == setting)]
        own = of_row[of_row["score"] == score]
        if own.empty:
            layout.nothing(axis)
        else:
            is_scale = own["value"].map(names.is_number).all()
            look: dict[str, Any] = {} if is_scale else {"linestyle": ""}
            lines.draw(axis, own, marks, **look)
        values = of_row.drop_duplicates("place").sort_values("place")["value"]
        axis.set_xticks(range(1, len(values) + 1), list(values), rotation=90)
        axis.set_xlim(0.6, len(values) + 0.4)
        axis.yaxis.set_major_locator(layout.few_ticks())
    return page.finished()


def _by_setting(results: pd.DataFrame) -> pd.DataFrame:
    """`tables.scores_by_method` for each axis, as columns `setting`, `value` and its `place` among the values."""
    split = {key: names.parts(key) for key in results["method"].unique()}
    found = []
    for setting in dict.fromkeys(name for _, own in split.values() for name in own):
        having = {
            key: names.joined(base, {setting: own[setting]}) for key, (base, own) in split.items() if setting in own
        }
        part = results[results["method"].isin(having)]
        table = tables.scores_by_method(part.assign(method=part["method"].astype(str).map(having)))
        keys = [names.parts(key) for key in table["method"]]
        table = table.assign(
            method=[base for base, _ in keys], setting=setting, value=[own[setting] for _, own in keys]
        )
        order = {value: place for place, value in enumerate(sorted(table["value"].unique(), key=names.place), 1)}
        if len(order) > 1:
            found.append(table.assign(place=table["value"].map(order)))
    if not found:
        raise NothingToDraw("no two models differ only in one setting: the sweep has no axis besides strength and seed")
    return pd.concat(found, ignore_index=True)
