"""Which normalised β is good for which number of latents? (Higgins et al. 2017, Figure 6 right)"""

from collections.abc import Iterable

import matplotlib
import numpy as np
import pandas as pd
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.colors import Normalize
from matplotlib.lines import Line2D

from disentanglement_study.analysis import names, once
from disentanglement_study.analysis.figures import layout, style
from disentanglement_study.analysis.figures.shared import shown_scores
from disentanglement_study.analysis.tables.best_normalised_beta import best_normalised_beta
from disentanglement_study.analysis.tables.ridge import Ridge, ridges, shown

COLOURS = matplotlib.colormaps["viridis"]
CELL = 0.34, 0.27  # inches: a score of two digits, and below it the mark of the best
RIDGE = "#D55E00"
BELOW = 0.34  # of a cell: where the mark is


@style.look()
def score_by_latents_and_beta(
    results: pd.DataFrame, representation: str = "mean", scores: Iterable[str] | None = None
) -> style.StudyFigure:
    """Median score by β_norm = β M / N and by the number of latents M.

    Medians over seeds are colours and numbers; β_norm is on x, M on y.

    A panel for each data set and score (`higgins_score` if it is there, else those of the study of 2019). Diamond: the
    best β_norm of each number of latents; its bar is the 95 % interval over seeds. Grey and a dash where no model has
    the score. Colours go from the lowest to the highest of a panel.
    """
    found = once.call(ridges, results, representation=representation)
    there = {ridge.score for ridge in found}
    scores = shown(there) if scores is None else shown_scores(there, scores, 1)
    found = [ridge for score in scores for ridge in found if ridge.score == score]
    methods = {ridge.method for ridge in found}
    panels = {_panel(ridge): _label(ridge, len(methods) > 1) for ridge in found}
    betas = [f"{beta:.3g}" for beta in sorted({beta for ridge in found for beta in ridge.betas})]
    latents = [str(number) for number in sorted({number for ridge in found for number in ridge.latents})]
    table = pd.concat([_cells(ridge) for ridge in found], ignore_index=True)
    best = once.call(best_normalised_beta, results, representation=representation)
    keys = ["data_set", "method", "score", "num_latents"]
    best = best[[*keys, "best_normalised_beta", "low", "high"]]
    table = table.merge(best.rename(columns={"low": "best_low", "high": "best_high"}), on=keys, how="left")
    of_panel = names.label(found[0].method, names.METHODS) if len(methods) == 1 else "Score"
    text = layout.Text(
        f"{of_panel}: median score by β_norm and latents",
        (f"{representation} representation", style.count(table, "models per cell")),
        x="β_norm",
        y="Latents",
        x_ticks=tuple(betas),
        y_ticks=tuple(latents),
        upright=True,
    )
    columns, rows = max(len(ridge.betas) for ridge in found), max(len(ridge.latents) for ridge in found)
    size = max(CELL[0] * columns, 1.6), CELL[1] * rows
    page = layout.panels(table, {"": ""}, panels, text, size, share_x="none", share_y="none", legend=_legend())
    for ridge in found:
        _draw(page.axes["", _panel(ridge)], ridge)
    return page.figure


def _panel(ridge: Ridge) -> str:
    return "/".join([ridge.data_set, ridge.method, ridge.score])


def _label(ridge: Ridge, with_method: bool) -> str:
    method = [names.label(ridge.method, names.METHODS)] if with_method else []
    parts = [names.label(ridge.data_set, names.DATA_SETS), *method, names.label(ridge.score, names.SCORES)]
    return ", ".join(parts)


def _cells(ridge: Ridge) -> pd.DataFrame:
    """A row per cell: what is drawn in it, its interval over seeds, and the models behind it."""
    row, column = (places.ravel() for places in np.indices(ridge.median.shape))
    values = {name: getattr(ridge, name).ravel() for name in ("median", "low", "high", "n", "failed", "missing")}
    of_cell = {"num_latents": ridge.latents[row], "normalised_beta": ridge.betas[column]} | values
    return pd.DataFrame(of_cell).assign(data_set=ridge.data_set, method=ridge.method, score=ridge.score)


def _draw(axis: Axes, ridge: Ridge) -> None:
    scale = Normalize(np.nanmin(ridge.median), np.nanmax(ridge.median))
    axis.set_facecolor(style.MISSING)
    axis.imshow(
        scale(ridge.median), cmap=COLOURS, vmin=0, vmax=1, aspect="auto", interpolation="nearest", origin="lower"
    )
    for (row, column), score in np.ndenumerate(ridge.median):
        colour = "black" if np.isnan(score) else style.readable_on(COLOURS(float(scale(score))))
        shown_as = "–" if np.isnan(score) else f"{score:.2f}"
        axis.text(column, row + 0.08, shown_as, ha="center", va="center", color=colour)
    outlined = [patheffects.withStroke(linewidth=2.4, foreground="white")]
    for row, (best, low, high) in enumerate(zip(ridge.best, *ridge.best_interval(), strict=True)):
        if np.isfinite(low):
            axis.plot([low, high], [row - BELOW] * 2, color=RIDGE, linewidth=1.2, path_effects=outlined)
        axis.plot(best, row - BELOW, "D", color=RIDGE, markersize=3.2, markeredgecolor="white", markeredgewidth=0.5)
    axis.set_xticks(range(len(ridge.betas)), [f"{beta:.3g}" for beta in ridge.betas], rotation=90)
    axis.set_yticks(range(len(ridge.latents)), [str(number) for number in ridge.latents])
    axis.set_xlim(-0.5, len(ridge.betas) - 0.5)
    axis.set_ylim(-0.5, len(ridge.latents) - 0.5)
    axis.tick_params(length=0)
    axis.grid(visible=False)
    axis.spines[:].set_visible(False)


def _legend() -> list[Line2D]:
    label = "Best β_norm for each number of latents, 95 % over seeds"
    return [Line2D([], [], color=RIDGE, marker="D", markersize=3.2, linewidth=1.2, label=label)]
