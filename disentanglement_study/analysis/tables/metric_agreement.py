"""Which metrics agree on how they rank models, over all data sets of a study?"""

from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd

from disentanglement_study.analysis import models as study
from disentanglement_study.analysis import names, stats
from disentanglement_study.analysis.models import Models
from disentanglement_study.analysis.rows import NothingToDraw
from disentanglement_study.analysis.tables.rank_correlation import lacking, of_disentanglement

COLUMNS = ["representation", "score_a", "score_b", "rank_correlation", "low", "high", "lowest", "highest"]
COLUMNS += ["data_sets", "n", "failed", "missing"]


def metric_agreement(
    results: pd.DataFrame,
    representation: str | None = "mean",
    *,
    resamples: int = stats.RESAMPLES,
    seed: int = 0,
) -> pd.DataFrame:
    """The mean over data sets of the rank correlation of two headline scores.

    Spearman's, of headline scores and UDR; what agrees most is first.

    A row per representation (None: each) and pair: rank_correlation, the mean; low and high, 95 % over seeds; lowest
    and highest, of a data set; data_sets, those that both scores vary on; n, the models of these with both. NaN where
    there is no such data set. The correlations of each data set, and where they are NaN, are as in `rank_correlation`.
    """
    found = [of_disentanglement(models) for models in study.by_data_set(results, representation)]
    tables = []
    for shown in dict.fromkeys(models.representation for models in found):
        own = [_agreement(models, resamples, seed) for models in found if models.representation == shown]
        scores = names.in_order({score for one in own for score in one.places}, names.SCORES)
        rows = [[shown, a, b, *_of_pair(own, a, b)] for a, b in combinations(scores, 2)]
        table = pd.DataFrame(rows, columns=COLUMNS)
        tables.append(table.sort_values("rank_correlation", ascending=False, kind="stable", ignore_index=True))
    tables = [table for table in tables if len(table)]
    if not tables:
        where = "" if representation is None else f" of the {representation} representation"
        raise NothingToDraw(f"no model has two headline scores of metrics{where}")
    return pd.concat(tables, ignore_index=True)


class _Agreement(NamedTuple):
    """The scores of a data set by their place, and matrices of them."""

    places: dict[str, int]
    rank_correlation: np.ndarray  # [scores,scores]
    scatter: np.ndarray  # [resamples,scores,scores]
    counts: np.ndarray  # [n, failed, missing; scores,scores]


def _agreement(models: Models, resamples: int, seed: int) -> _Agreement:
    scores = models.scores.to_numpy()
    matrix = stats.spearman_matrix(scores, cells=models.cells)
    scatter = stats.scatter(scores, models.cells, resamples, models.seed(seed))
    counts = np.array([matrix.n, *lacking(models, models).values()])
    return _Agreement({score: place for place, score in enumerate(models.scores)}, matrix[0], scatter, counts)


def _of_pair(found: list[_Agreement], a: str, b: str) -> list[float]:
    """Mean, low, high, lowest, highest, data_sets, n, failed, missing."""
    own = [(one, one.places[a], one.places[b]) for one in found if a in one.places and b in one.places]
    if not own:
        return [*[np.nan] * 5, 0, 0, 0, 0]
    rho = np.array([one.rank_correlation[i, j] for one, i, j in own])
    varies = np.isfinite(rho)
    counts = [int(varies.sum()), *np.sum([one.counts[:, i, j] for one, i, j in own], axis=0).tolist()]
    if not varies.any():
        return [*[np.nan] * 5, *counts]
    mean = rho[varies].mean()
    scatter = np.mean([one.scatter[:, i, j] for (one, i, j), there in zip(own, varies, strict=True) if there], axis=0)
    low, high = np.clip(stats.interval(mean, mean + scatter), -1, 1)
    return [float(mean), float(low), float(high), float(rho[varies].min()), float(rho[varies].max()), *counts]
