"""Is it the matrix or the aggregation that makes two metrics differ? (Locatello et al. 2020, arXiv:2010.14766)"""

import pandas as pd
from matplotlib.figure import Figure

from analysis.figures import shared
from analysis.figures.heat_map import Matrix, heat_maps
from analysis.tables import unified_rank_correlation as unified


def unified_rank_correlation(results: pd.DataFrame, representation: str = "mean") -> Figure:
    """Heat map of the Spearman rank correlation of all aggregations of all matrices, × 100, for each data set.

    Ordered by matrix: blocks on the diagonal are of one matrix, cells parallel to it of one aggregation.
    """
    table = shared.table(unified.unified_rank_correlation, results, representation=representation)
    found = {score: label for score, label in unified.SCORES.items() if score in set(table["score_a"])}
    matrix = Matrix("data_set", shared.data_sets(table["data_set"]), "score_a", found, "score_b", found)
    what = "Rank correlation of aggregations of matrices (Spearman × 100)"
    return heat_maps(table, matrix, what, f"{representation} representation")
