"""How small a difference of two methods do so many seeds detect?"""

from collections.abc import Iterable
from typing import Any

import matplotlib
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from disentanglement_study.analysis import names, once, tables
from disentanglement_study.analysis.comparison_layouts import POOLED
from disentanglement_study.analysis.figures import layout, shared, style
from disentanglement_study.analysis.tables.seeds_needed import BEST, DIFFERENCES

COLOURS = matplotlib.colormaps["viridis_r"]
# The difference of the best two methods, and one that is less than what is shown.
APART: dict[str, Any] = {"linestyle": "", "color": "black", "marker": "|", "markersize": 5}
LESS = APART | {"marker": "<", "markersize": 2.5}
GIVEN: dict[str, Any] = {"color": "#D55E00", "linewidth": 0.7, "linestyle": ":"}


@style.look()
def detectable_difference(
    results: pd.DataFrame, representation: str = "mean", scores: Iterable[str] | None = None
) -> style.StudyFigure:
    """The smallest difference of two mean scores that 2 to 50 seeds of each method detect.

    The difference is on x; a row for each score.

    80 % power, two-sided at 5 %, from the SD within a method at a strength. A black mark is the difference of the two
    best methods, each at its best strength: dots left of it are of seeds enough; a triangle says that it is less than
    what is shown. A panel for each data set, and, where there are several, one of the SDs pooled over them. n: models
    behind a row.
    """
    table = once.call(tables.detectable_difference, results, representation=representation)
    found = table["score"]
    shown = shared.labels(shared.shown_scores(found, scores))
    table = table[table["score"].isin(shown)]
    needed = once.call(tables.seeds_needed, results, representation=representation)
    apart = needed[(needed["comparison"] == BEST) & needed["score"].isin(shown)]
    panels = {key: names.label(key, names.DATA_SETS | POOLED) for key in dict.fromkeys(table["data_set"])}
    seeds = sorted(table["seeds"].unique())
    colours = {number: COLOURS(place / (len(seeds) - 1)) for place, number in enumerate(seeds)}
    text = layout.Text(
        "Smallest detectable difference between two methods, by number of seeds",
        (f"{representation} representation", "power 80 %", style.count(table)),
        x="Difference of the mean scores",
        x_ticks=("0.01",),
        y_ticks=tuple(shown.values()),
    )
    least = table["difference"].min() / 2
    marks = [
        ("Best two methods", APART, apart["difference"] >= least),
        ("... closer than the axis shows", LESS, apart["difference"] < least),
    ]
    page = layout.panels(
        table, {"": ""}, panels, text, (1.4, 0.15 * len(shown) + 0.05), share_x="all", share_y="all",
        legend=_legend(colours, {label: look for label, look, which in marks if which.any()}),
    )  # fmt: skip
    places = {score: place for place, score in enumerate(shown)}
    for (_, data_set), axis in page.axes.items():
        own = table[table["data_set"] == data_set]
        ends = own.groupby("score")["difference"].agg(["min", "max"])
        axis.hlines(ends.index.map(places), ends["min"], ends["max"], color="#BBBBBB", linewidth=0.7, zorder=2)
        rows = own["score"].map(places)
        axis.scatter(own["difference"], rows, c=own["seeds"].map(colours).tolist(), s=9, linewidths=0, zorder=3)
        for _, look, which in marks:
            best = apart[which & (apart["data_set"] == data_set)]
            axis.plot(best["difference"].clip(lower=least), best["score"].map(places), zorder=4, **look)
        for difference in DIFFERENCES:
            axis.axvline(difference, **GIVEN, zorder=1)
        _axes(axis, shown)
    return page.finished()


def _axes(axis: Axes, shown: dict[str, str]) -> None:
    axis.set_yticks(range(len(shown)), list(shown.values()))
    axis.set_ylim(len(shown) - 0.5, -0.5)
    axis.set_xscale("log")
    axis.xaxis.set_major_locator(LogLocator(numticks=4))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _legend(colours: dict[int, tuple], marks: dict[str, dict[str, Any]]) -> list[Line2D]:
    dots: dict[str, Any] = {"linestyle": "", "marker": "o"}
    return [
        *(Line2D([], [], color=colour, label=f"{number} seeds", **dots) for number, colour in colours.items()),
        *(Line2D([], [], label=label, **look) for label, look in marks.items()),
        Line2D([], [], label=" and ".join(f"{difference:g}" for difference in DIFFERENCES), **GIVEN),
    ]
