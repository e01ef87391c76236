"""Is what is good on one data set good on another? (Locatello et al. 2019, Figure 4 right)"""

from collections.abc import Iterable

import pandas as pd

from disentanglement_study.analysis import once, tables
from disentanglement_study.analysis.figures import shared
from disentanglement_study.analysis.figures.heat_map import Matrix, heat_maps
from disentanglement_study.analysis.figures.style import StudyFigure


def data_set_rank_correlation(
    results: pd.DataFrame, representation: str = "mean", scores: Iterable[str] | None = None
) -> StudyFigure:
    """Rank correlation of each headline score between data sets.

    Heat maps of Spearman's, × 100, one for each score.

    Over settings, a method at a strength, whose score is the mean over seeds. The paper's Figure 4 shows DCI.
    """
    table = once.call(tables.data_set_rank_correlation, results, representation=representation, resamples=0)
    data_sets = shared.data_sets(table["data_set_a"])
    shown = shared.labels(shared.shown_scores(table["score"], scores))
    matrix = Matrix("score", shown, "data_set_a", data_sets, "data_set_b", data_sets)
    what = "Rank correlation of settings across data sets (Spearman × 100)"
    return heat_maps(
        table[table["score"].isin(shown)], matrix, what, f"{representation} representation", unit="settings"
    )
