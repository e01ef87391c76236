"""Can models be selected without labels? (Locatello et al. 2019, Figure 4 centre)"""

from collections.abc import Iterable

import pandas as pd

from disentanglement_study.analysis import once, tables
from disentanglement_study.analysis.figures import shared
from disentanglement_study.analysis.figures.heat_map import Matrix, heat_maps
from disentanglement_study.analysis.figures.style import StudyFigure


def unsupervised_rank_correlation(
    results: pd.DataFrame, representation: str = "mean", scores: Iterable[str] | None = None
) -> StudyFigure:
    """Rank correlation of scores without labels with the metrics, for each data set.

    Heat maps of Spearman's; scores without labels are rows.

    Over all models (methods, strengths, seeds), × 100. Rows: losses in nats (a better reconstruction is a lower one;
    a better ELBO a higher one), Gaussian total correlation and its kin of the same representation. The paper's Figure 4
    shows Shapes3D.
    """
    table = once.call(tables.unsupervised_rank_correlation, results, representation=representation, resamples=0)
    data_sets = shared.data_sets(table["data_set"])
    shown = shared.labels(shared.shown_scores(table["score_b"], scores))
    table = table[table["score_b"].isin(shown)]
    matrix = Matrix("data_set", data_sets, "score_a", shared.labels(table["score_a"].unique()), "score_b", shown)
    what = "Rank correlation of scores without labels with the metrics (Spearman × 100)"
    return heat_maps(table, matrix, what, f"{representation} representation")
