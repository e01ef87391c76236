"""Do the disentanglement metrics agree on how they rank models? (Locatello et al. 2019, Figure 2)"""

from collections.abc import Iterable

import pandas as pd

from disentanglement_study.analysis import once, tables
from disentanglement_study.analysis.figures import shared
from disentanglement_study.analysis.figures.heat_map import Matrix, heat_maps
from disentanglement_study.analysis.figures.style import StudyFigure


def metric_rank_correlation(
    results: pd.DataFrame, representation: str = "mean", scores: Iterable[str] | None = None
) -> StudyFigure:
    """Rank correlation of the metrics with each other, for each data set.

    Heat maps of Spearman's, × 100, between the headline scores, and UDR.

    Over all models (methods, strengths, seeds), of every score unless `scores` says which. The paper's Figure 2 shows
    Noisy-dSprites.
    """
    table = once.call(tables.rank_correlation, results, representation=representation, resamples=0)
    data_sets = shared.data_sets(table["data_set"])
    shown = shared.labels(shared.shown_scores(table["score_a"], scores))
    table = table[table["score_a"].isin(shown) & table["score_b"].isin(shown)]
    matrix = Matrix("data_set", data_sets, "score_a", shown, "score_b", shown)
    return heat_maps(
        table, matrix, "Rank correlation of the metrics (Spearman × 100)", f"{representation} representation"
    )
