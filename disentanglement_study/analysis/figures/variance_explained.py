"""How much of a score do method, strength and seed decide? (Locatello et al. 2019, section 5.3)"""

from collections.abc import Iterable

import pandas as pd
from matplotlib.patches import Patch

from disentanglement_study.analysis import once, tables
from disentanglement_study.analysis.figures import layout, shared, style
from disentanglement_study.analysis.rows import NothingToDraw

PARTS = {"method": ("Method", "#0072B2"), "strength": ("+ its strength", "#E69F00"), "seed": ("Seed", "#D9D9D9")}


@style.look()
def variance_explained(
    results: pd.DataFrame, representation: str = "mean", scores: Iterable[str] | None = None
) -> style.StudyFigure:
    """Shares of the variance (R² × 100) of each headline score, a panel for each data set.

    Blue: explained by the method. Orange: what its strength adds to it. Grey: what is left to the seed. Plain R²,
    as in the paper; the table has the adjusted one and its interval.
    """
    table = once.call(tables.variance_explained, results, representation=representation, resamples=0)
    data_sets = shared.data_sets(table["data_set"])
    shown = shared.shown_scores(table["score"], scores)
    table = table[table["score"].isin(shown)].drop(columns=["low", "high"])
    share = table.pivot(index=["data_set", "score"], columns="by", values="r_squared").dropna()
    if share.empty:
        raise NothingToDraw("no headline score varies")
    parts = pd.DataFrame({
        "method": share["method"],
        "strength": share["method_and_strength"] - share["method"],
        "seed": 1 - share["method_and_strength"],
    })  # fmt: skip
    labels = shared.labels(shown)
    text = layout.Text(
        "Variance of the scores explained by method, strength and seed (R² × 100)",
        (f"{representation} representation", style.count(table)),
        x="Share of the variance (%)",
        x_ticks=("100",),
        y_ticks=tuple(labels.values()),
    )
    page = layout.panels(
        table, {"": ""}, data_sets, text, (1.45, 0.18 * len(shown) + 0.05), share_x="all", share_y="all",
        legend=[Patch(color=colour, label=label) for label, colour in PARTS.values()],
    )  # fmt: skip
    for (_, data_set), axis in page.axes.items():
        for place, score in enumerate(shown):
            if (data_set, score) not in parts.index:
                axis.text(2, place, "scores are constant or missing", va="center", color="#7F7F7F")
                continue
            left = 0.0
            for part, (_, colour) in PARTS.items():
                width = 100 * parts.loc[(data_set, score), part]
                axis.barh(place, width, left=left, color=colour, height=0.8)
                if width >= 7:
                    on = "white" if part == "method" else "black"
                    axis.text(left + width / 2, place, f"{width:.0f}", ha="center", va="center", color=on)
                left += width
        axis.set_yticks(range(len(shown)), list(labels.values()))
        axis.set_ylim(len(shown) - 0.5, -0.5)
        axis.set_xlim(0, 100)
        axis.set_xticks([0, 50, 100])
        axis.grid(visible=False)
    return page.finished()
