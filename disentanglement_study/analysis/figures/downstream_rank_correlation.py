"""Do models that score higher make downstream tasks easier? (Locatello et al. 2019, Figure 5)"""

from collections.abc import Iterable

import pandas as pd

from disentanglement_study.analysis import names, once, tables
from disentanglement_study.analysis.figures import shared
from disentanglement_study.analysis.figures.heat_map import Matrix, heat_maps
from disentanglement_study.analysis.figures.style import StudyFigure


def downstream_rank_correlation(
    results: pd.DataFrame, representation: str = "mean", scores: Iterable[str] | None = None
) -> StudyFigure:
    """Rank correlation of downstream accuracies with the metrics, for each data set.

    Heat maps of Spearman's; accuracies are columns.

    Of logistic regression (LR) and boosted trees (GBT) after 10 to 10,000 train points, and of their statistical
    efficiency, accuracy at 100 over accuracy at 10,000; × 100. The paper's Figure 5 shows dSprites.
    """
    table = once.call(tables.downstream_rank_correlation, results, representation=representation, resamples=0)
    data_sets = shared.data_sets(table["data_set"])
    shown = shared.labels(shared.shown_scores(table["score_b"], scores))
    table = table[table["score_b"].isin(shown)]
    tasks = shared.labels(names.in_order(table["score_a"], names.SCORES))
    matrix = Matrix("data_set", data_sets, "score_b", shown, "score_a", tasks)
    what = "Rank correlation of downstream accuracy with the metrics (Spearman × 100)"
    return heat_maps(table, matrix, what, f"{representation} representation")
