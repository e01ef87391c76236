"""Which metrics agree, over all data sets of a study? (Locatello et al. 2019, Figure 2, in one)"""

from collections.abc import Iterable

import pandas as pd

from disentanglement_study.analysis import names, once, tables
from disentanglement_study.analysis.figures import shared
from disentanglement_study.analysis.figures.heat_map import Matrix, heat_maps
from disentanglement_study.analysis.figures.style import StudyFigure
from disentanglement_study.analysis.rows import NothingToDraw

# The matrices: a column of `tables.metric_agreement`, and what it is.
PANELS = {"rank_correlation": "Mean over data sets", "lowest": "Lowest of any data set"}


def metric_agreement(
    results: pd.DataFrame, representation: str = "mean", scores: Iterable[str] | None = None
) -> StudyFigure:
    """Rank correlation of the metrics over data sets: the mean, and the lowest.

    Heat maps of the Spearman rank correlation between metrics, × 100: mean over data sets, and lowest of one.

    Every headline score, and UDR, unless `scores` says which; n: models behind a cell, of all data sets.
    """
    table = once.call(tables.metric_agreement, results, representation=representation, resamples=0)
    if table["data_sets"].max() < 2:
        raise NothingToDraw("no two metrics vary on more than one data set: see metric_rank_correlation")
    found = [*table["score_a"], *table["score_b"]]
    shown = shared.labels(shared.shown_scores(found, scores))
    table = table[table["score_a"].isin(shown) & table["score_b"].isin(shown)]
    counts = ["n", "failed", "missing"]
    pairs = pd.concat(
        table[["score_a", "score_b", *counts]].assign(panel=panel, rank_correlation=table[panel]) for panel in PANELS
    )
    turned = pairs.rename(columns={"score_a": "score_b", "score_b": "score_a"})
    matrix = Matrix("panel", PANELS, "score_a", shown, "score_b", shown)
    what = "Rank correlation of the metrics over data sets (Spearman × 100)"
    data_sets = f"{names.span(table['data_sets'])} data sets"
    figure = heat_maps(pd.concat([pairs, turned]), matrix, what, f"{representation} representation", data_sets)
    figure.numbers = table.drop(columns=["low", "high"])  # of resamples, of which there are none
    return figure
