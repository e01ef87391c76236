"""How does what is reached depend on the data? (Hyvärinen et al. 2023, and the papers of the methods)"""

import numpy as np
import pandas as pd

from disentanglement_study.analysis import names, once, tables
from disentanglement_study.analysis.figures import layout, shared, style
from disentanglement_study.analysis.rows import NothingToDraw

# What learns nothing of the data, or only linear maps of them.
BASELINES = ("ground_truth", "raw_pixels", "pca", "fast_ica", "random_encoder")
OPTIONS = {
    "num_layers": "Layers of the mixing",
    "num_segments": "Segments",
    "segment_length": "Points in a segment",
    "num_points": "Points",
    "noise": "Noise, as a share of the standard deviation",
}


@style.look()
def chosen_by_option(
    results: pd.DataFrame, option: str, score: str = "mcc", beside: str | None = None
) -> style.StudyFigure:
    """The score of the models of lowest loss by an option of the data.

    The score of the restart with the lowest loss (y) against an option of the data (x), a line for each method.

    Median over data sets drawn with other seeds, and a bar from the least to the most. A panel for each data set and
    representation. Dashed: baselines, and of `beside`, another score, its value, such as chance beside an accuracy.
    """
    table = _by_option(once.call(tables.chosen_by_loss, results, score=score), option)
    marks = style.marks(table["method"])
    text = layout.Text(
        f"{names.label(score, names.SCORES)} of the restart with the lowest loss, by {OPTIONS[option].lower()}",
        (style.count(table, "draws of the data per point"), *style.lacking(table, "models")),
        x=OPTIONS[option],
        y=names.label(score, names.SCORES),
        x_ticks=("0000",),
        y_ticks=("0.00",),
    )
    representations = {key: names.label(key, names.REPRESENTATIONS) for key in table["representation"].unique()}
    page = layout.panels(
        table.drop(columns="failed"), shared.data_sets(table["data_set"]), representations, text, (2.2, 1.4),
        share_x="none", share_y="all", legend=style.legend(marks),
    )  # fmt: skip
    dashed = _by_option(once.call(tables.chosen_by_loss, results, score=beside), option) if beside else None
    for (data_set, representation), axis in page.axes.items():
        own = _of(table, data_set, representation)
        if own.empty:
            layout.nothing(axis)
            continue
        values = np.sort(own["at"].unique())
        apart = 0.02 * np.diff(values).min(initial=np.ptp(values) or 1)  # so that bars do not hide each other
        for number, (method, mark) in enumerate(marks.items()):
            line = own[own["method"] == method].sort_values("at")
            x, dashes = line["at"] + apart * (number - (len(marks) - 1) / 2), _dashes(method)
            axis.plot(x, line["median"], dashes, color=mark.colour, marker=mark.marker)
            axis.vlines(x, line["least"], line["most"], color=mark.colour, linewidth=0.8)
            if dashed is not None:
                other = _of(dashed, data_set, representation)
                other = other[other["method"] == method].sort_values("at")
                axis.plot(other["at"], other["median"], ":", color=mark.colour)
        axis.set_xticks(values, [f"{value:g}" for value in values])
        axis.yaxis.set_major_locator(layout.few_ticks())
    return page.finished()


def _dashes(method: str) -> str:
    return "--" if names.parts(method)[0] in BASELINES else "-"


def _of(table: pd.DataFrame, data_set: str, representation: str) -> pd.DataFrame:
    return table[(table["data_set"] == data_set) & (table["representation"] == representation)]


def _by_option(table: pd.DataFrame, option: str) -> pd.DataFrame:
    """The rows of data sets that differ by the option, whose value is in a column `at` in place of their names."""
    parts = [names.parts(key) for key in table["data_set"]]
    there = [option in settings for _, settings in parts]
    if not any(there):
        raise NothingToDraw(f"no data set has several values of {option}")
    rest = [(base, {name: value for name, value in own.items() if name != option}) for base, own in parts]
    at = [float(own.get(option, "nan")) for _, own in parts]
    table = table.assign(data_set=[names.joined(base, own) for base, own in rest], at=at)
    return table[there].reset_index(drop=True)
