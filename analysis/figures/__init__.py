"""Figures of a study: functions from the results of one data set to a matplotlib Figure, one file each.

A figure that should be written is one file and one line in `FIGURES`.
"""

import logging
from collections.abc import Callable
from pathlib import Path

import pandas as pd
from matplotlib.figure import Figure

from analysis import names
from analysis.figures import style
from analysis.figures.metric_rank_correlation import metric_rank_correlation
from analysis.figures.score_by_objective import score_by_objective
from analysis.figures.score_by_strength import score_by_strength
from analysis.figures.total_correlation import total_correlation
from analysis.figures.unsupervised_rank_correlation import unsupervised_rank_correlation
from analysis.rows import NothingToDraw, checked

FIGURES: dict[str, Callable[[pd.DataFrame], Figure]] = {
    "metric_rank_correlation": metric_rank_correlation,
    "score_by_objective": score_by_objective,
    "score_by_strength": score_by_strength,
    "total_correlation": total_correlation,
    "unsupervised_rank_correlation": unsupervised_rank_correlation,
}

log = logging.getLogger(__name__)


def write(results: pd.DataFrame, folder: str | Path) -> list[Path]:
    """Write every figure of every data set as `folder`/<data set>/<figure>.pdf and .png; return the paths.

    A figure that the rows do not allow is skipped, and the log says why in one line.
    """
    results = checked(results)
    paths = []
    for data_set in names.in_order(results["data_set"], names.DATA_SETS):
        rows = results[results["data_set"] == data_set]
        for name, draw in FIGURES.items():
            try:
                figure = draw(rows)
            except NothingToDraw as reason:
                log.warning("figure %s of %s skipped: %s", name, data_set, reason)
                continue
            paths += style.save(figure, Path(folder) / data_set / name)
    return paths
