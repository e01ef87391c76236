"""Do two studies of the same runs agree, run for run?"""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from disentanglement_study.analysis import names, stats
from disentanglement_study.analysis.figures import layout, scatter, shared, style
from disentanglement_study.analysis.figures.distributions import GOLDEN
from disentanglement_study.analysis.rows import NothingToDraw, is_headline

SIZE = 1.55  # Inches: of the square that shows the scores.
BAND = 0.19  # Of its side: the band above, which holds the text.
CROWD = 4000  # Points, from which they are as small as can be seen.


@style.look()
def here_against_there(
    by_run: pd.DataFrame, representation: str = "mean", scores: Iterable[str] | None = None
) -> style.StudyFigure:
    """Each headline score of one study against that of another, a point for each run.

    The first is on y, the second on x; points are of runs that both have.

    by_run: as `beside.Beside` has it. A panel for each score, coloured by data set, or of one data set by method; on
    the line both scores are the same. In the panel: Spearman's rank correlation of the two with its 95 % interval of a
    bootstrap over seeds, and n, the runs. Runs of several data sets are ranked each within its own, for the correlation
    would say otherwise which data set is the harder. The numbers behind are the points, and those of their panel.
    """
    rows = by_run[by_run["representation"] == representation]
    rows = rows[[is_headline(*of) for of in zip(rows["metric"], rows["score"], strict=True)]]
    if rows.empty:
        raise NothingToDraw(f"the studies share no headline score of the {representation} representation")
    shown = shared.shown_scores(rows["score"].unique(), scores, rows["data_set"].nunique())
    of_score = {score: rows[rows["score"] == score].reset_index(drop=True) for score in shown}
    numbers = pd.concat([table.assign(**_correlation(table)) for table in of_score.values()], ignore_index=True)
    by, known = ("data_set", names.DATA_SETS) if numbers["data_set"].nunique() > 1 else ("method", names.METHODS)
    colours = _colours(names.in_order(numbers[by].unique(), known))
    legend = [
        Line2D([], [], color=colour, marker="o", linestyle="", label=names.label(key, known))
        for key, colour in colours.items()
    ]
    n = names.count([len(table) for table in of_score.values()], "runs")
    if by == "data_set":
        details = f"{representation} representation", n, "ranks within each data set"
    else:
        details = names.label(numbers["data_set"].iloc[0], names.DATA_SETS), f"{representation} representation", n
    ends = numbers[["here", "there"]].min().min(), numbers[["here", "there"]].max().max()
    ticks = ("0.00", *(f"{end:.0f}" for end in ends))
    text = layout.Text(
        "Scores of the same runs in two studies", details,
        x="Score in the other study", y="Score in this study", x_ticks=ticks, y_ticks=ticks,
    )  # fmt: skip
    page = layout.panels(
        numbers, {"": ""}, shared.labels(shown), text, (SIZE, SIZE * (1 + BAND)),
        share_x="none", share_y="none", legend=legend,
    )  # fmt: skip
    for (_, score), axis in page.axes.items():
        table = numbers[numbers["score"] == score]
        _draw(axis, table, table[by].map(colours))
    return page.finished()


def _correlation(table: pd.DataFrame) -> dict[str, float]:
    """The rank correlation of the runs with its interval, and their number."""
    cells = table.groupby(["data_set", "method", "strength"], dropna=False).ngroup().to_numpy()
    of_set = table.groupby("data_set")[["here", "there"]]
    # In the middle of as many steps as there are runs: data sets of other sizes have the same mean.
    ranks = (of_set.rank() - 0.5) / of_set.transform("count")
    here, there = (ranks[[name]].to_numpy() for name in ("here", "there"))
    found = stats.spearman_matrix(here, there, cells, resamples=stats.RESAMPLES)
    return {"n": len(table)} | {name: getattr(found, name)[0, 0] for name in ("rank_correlation", "low", "high")}


def _colours(keys: list[str]) -> dict[str, str]:
    """That of each method as in all figures; data sets have the same colours in their own order."""
    if set(keys) & set(style.COLOURS):
        return {method: mark.colour for method, mark in style.marks(keys).items()}
    palette = [*style.COLOURS.values(), *style.NEXT_COLOURS]
    return {key: palette[place % len(palette)] for place, key in enumerate(keys)}


def _draw(axis: Axes, table: pd.DataFrame, colours: pd.Series) -> None:
    """The points in a square with one scale for both sides, the line of equal scores, and above it the text."""
    low, high = table[["here", "there"]].min().min(), table[["here", "there"]].max().max()
    margin = 0.04 * (high - low) or 0.05
    low, high = low - margin, high + margin
    order = np.argsort(np.arange(len(table)) * GOLDEN % 1)  # mixed: no group is drawn after all others and covers them
    size = 3.0 if len(table) < 100 else 1.6 if len(table) < CROWD else 1.0
    axis.plot([low, high], [low, high], color="black", linewidth=0.6, zorder=3)
    axis.scatter(
        table["there"].to_numpy()[order], table["here"].to_numpy()[order], s=size**2, c=colours.to_numpy()[order],
        alpha=0.6, linewidths=0, rasterized=len(table) >= scatter.MANY, zorder=2,
    )  # fmt: skip
    axis.set_xlim(low, high)
    axis.set_ylim(low, high + BAND * (high - low))
    ticks = [tick for tick in layout.few_ticks().tick_values(low, high) if low <= tick <= high]
    axis.set_xticks(ticks)
    axis.set_yticks(ticks)
    bottom = 1 / (1 + BAND)
    axis.add_patch(Rectangle((0, bottom), 1, 1 - bottom, transform=axis.transAxes, color="white", zorder=1))
    axis.text(0.03, 0.985, _said(table.iloc[0]), transform=axis.transAxes, ha="left", va="top")


def _said(numbers: pd.Series) -> str:
    """ "ρ = 0.83 [0.80, 0.86]" and "n = 10,800" below it; a dash where there is no correlation."""
    rho, low, high = (numbers[name] for name in ("rank_correlation", "low", "high"))
    shown = "–" if not np.isfinite(rho) else f"{rho:.2f}" + (f" [{low:.2f}, {high:.2f}]" if np.isfinite(low) else "")
    return f"ρ = {shown}\nn = {int(numbers['n']):,}"
