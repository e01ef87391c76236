"""Does regularisation make the representation uncorrelated? (Locatello et al. 2019, Figure 1)"""

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from analysis import names
from analysis.figures import style
from analysis.rows import NothingToDraw, only_data_set, without_labels

SCORE = "gaussian_total_correlation"


@style.look()
def total_correlation(results: pd.DataFrame) -> Figure:
    """Total correlation (nats) of the sampled (left) and the mean (right) representation against strength.

    That of a Gaussian fitted to the codes; medians over seeds with quartiles, one line per objective. Strengths are
    numbered in the order of the sweep, for the objectives' strengths share no scale. For the one data set in
    `results`; n, the models per point, in the title. The paper shows Color-dSprites without AnnealedVAE, whose
    strength, a capacity, regularises less as it grows.
    """
    data_set = only_data_set(results)
    rows = without_labels(results)
    rows = rows[(rows["score"] == SCORE) & rows["representation"].isin(["mean", "sampled"])]
    # The axis is logarithmic. Rounding can put the total correlation of uncorrelated codes at or below zero.
    rows = rows[rows["value"] > 0]
    if rows.empty:
        raise NothingToDraw(f"no positive score {SCORE}")
    rows = rows.assign(index=rows.groupby("objective")["strength"].rank("dense", na_option="bottom"))
    marks = style.marks(rows["objective"])

    figure, axes = style.panels(1, 2, (3.1, 2.5), share_x="all", share_y="all")
    for axis, representation in zip(axes.flat, ["sampled", "mean"], strict=True):
        _lines(axis, rows[rows["representation"] == representation], marks)
        axis.set_title(f"{representation.capitalize()} representation", loc="left")
        style.log_ticks(axis, rows["value"])
        axis.set_xticks(range(1, int(rows["index"].max()) + 1))
    axes[0, 0].set_ylabel("Gaussian total correlation (nats)")
    figure.supxlabel("Regularisation strength (place in the objective's sweep)", fontsize=9)
    handles, labels = axes[0, 1].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside right center")
    counts = rows.groupby(["representation", "objective", "strength"]).size()
    style.title(
        figure,
        "Total correlation by regularisation strength",
        data_set,
        names.count(counts, "models per point"),
    )
    return figure


def _lines(axis: Axes, rows: pd.DataFrame, marks: dict[str, style.Mark]) -> None:
    for place, (objective, mark) in enumerate(marks.items()):
        groups = rows[rows["objective"] == objective].groupby("index")["value"]
        median = groups.median()
        # Beside each other, so that the bars of one strength do not hide each other.
        x = median.index + 0.06 * (place - (len(marks) - 1) / 2)
        axis.vlines(x, groups.quantile(0.25), groups.quantile(0.75), color=mark.colour, linewidth=1)
        label = names.label(objective, names.OBJECTIVES)
        axis.plot(x, median, color=mark.colour, marker=mark.marker, markersize=4.5, linewidth=1.4, label=label)
