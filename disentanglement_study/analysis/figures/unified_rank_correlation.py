"""Is it the matrix or the aggregation that makes two metrics differ? (Locatello et al. 2020, arXiv:2010.14766)"""

import pandas as pd

from disentanglement_study.analysis import once
from disentanglement_study.analysis.figures import shared
from disentanglement_study.analysis.figures.heat_map import Matrix, heat_maps
from disentanglement_study.analysis.figures.style import StudyFigure
from disentanglement_study.analysis.tables import unified_rank_correlation as unified

# Short, so that the matrices of two data sets fit on a line.
MATRICES = {"importance_gbt": "GBT", "mutual_information": "MI", "accuracy_svm": "SVM"}
AGGREGATIONS = unified.AGGREGATIONS | {"dci_disentanglement": "DCI-D", "dci_completeness": "DCI-C"}


def unified_rank_correlation(results: pd.DataFrame, representation: str = "mean") -> StudyFigure:
    """Rank correlation of all aggregations of all matrices, for each data set.

    Heat maps of Spearman's, × 100.

    Ordered by matrix: blocks on the diagonal are of one matrix, diagonals beside it of one aggregation.
    """
    table = once.call(unified.unified_rank_correlation, results, representation=representation)
    found = {score: _label(score) for score in unified.SCORES if score in set(table["score_a"])}
    matrix = Matrix("data_set", shared.data_sets(table["data_set"]), "score_a", found, "score_b", found)
    what = "Rank correlation of aggregations of matrices (Spearman × 100)"
    of = "matrices GBT importance, MI mutual information, SVM accuracy; DCI-D disentanglement, DCI-C completeness"
    return heat_maps(table, matrix, what, of, f"{representation} representation")


def _label(score: str) -> str:
    matrix, _, aggregation = score.partition(".")
    return f"{MATRICES[matrix]} {AGGREGATIONS[aggregation]}"
