"""Is what is good on one data set good on another?"""

from itertools import combinations
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from disentanglement_study.analysis import models as study
from disentanglement_study.analysis import names, stats
from disentanglement_study.analysis.models import METRIC, SETTING, Models
from disentanglement_study.analysis.rows import NothingToDraw

KEYS = ["representation", "score", "data_set_a", "data_set_b"]


def data_set_rank_correlation(
    results: pd.DataFrame,
    representation: str | None = "mean",
    *,
    resamples: int = stats.RESAMPLES,
    seed: int = 0,
) -> pd.DataFrame:
    """Rank correlation of a headline score between data sets, over settings.

    Spearman's (Locatello et al. 2019, Figure 4 right).

    A setting is a method at a strength; its score is the mean over seeds. A row per representation (None: each),
    score, data_set_a and data_set_b, both orders: rank_correlation, low and high (95 % over seeds; of the correlation
    that another study of as many seeds would find), and n, the settings that both have. failed and missing count the
    models of both without the score. NaN with n < 3. That the paper correlates means of settings, not models of the
    same seed, is our reading.
    """
    found = study.by_data_set(results, representation)
    rows = []
    for shown in dict.fromkeys(models.representation for models in found):
        own = [models.of(METRIC) for models in found if models.representation == shown]
        by_score = [_means(models, resamples, seed) for models in own]
        for score in names.in_order(set().union(*by_score), names.SCORES):
            means = [of_score[score] for of_score in by_score if score in of_score]
            for a, b in combinations(means, 2):
                cells = _correlation(a, b)
                rows += [[shown, score, x.data_set, y.data_set, *cells] for x, y in [(a, b), (b, a)]]
    if not rows:
        raise NothingToDraw("no two data sets share a headline score")
    columns = [*KEYS, "rank_correlation", "low", "high", "n", "failed", "missing"]
    return names.sort(pd.DataFrame(rows, columns=columns), KEYS)


class _Means(NamedTuple):
    """The means of a score over the models of each setting."""

    data_set: str
    settings: list[tuple]
    cells: np.ndarray  # [models]
    mean: np.ndarray  # [settings]
    resampled: np.ndarray  # [resamples,settings]
    failed: int
    missing: int
    whole: tuple[np.ndarray, np.ndarray]  # the ranks of mean and resampled

    def ranks(self, shared: set[tuple]) -> tuple[np.ndarray, np.ndarray]:
        """The ranks of the mean [1,shared] and of the resampled means [resamples,shared] about their middle."""
        if len(shared) == len(self.settings):
            return self.whole
        which = [setting in shared for setting in self.settings]
        return _ranks(self.mean[which]), _ranks(self.resampled[:, which])


def _ranks(means: np.ndarray) -> np.ndarray:
    means = np.atleast_2d(means)
    return rankdata(means, axis=1) - (means.shape[1] + 1) / 2


def _means(models: Models, resamples: int, seed: int) -> dict[str, _Means]:
    """The means of each score."""
    lacking = models.lacking()
    found: dict[str, _Means] = {}
    resampled = models.resample(resamples, seed).astype(float)
    for there, part in models.complete():
        weight = resampled[there]
        _, first, cells = np.unique(part.cells, return_index=True, return_inverse=True)
        settings = list(part.runs[SETTING].iloc[first].itertuples(index=False, name=None))
        member = (np.arange(len(settings))[:, None] == cells).astype(float)
        drawn = member @ weight
        drawn[drawn == 0] = np.nan
        for score, y in part.scores.items():
            sums = member * y.to_numpy()
            mean, resampled_mean = sums.sum(axis=1) / member.sum(axis=1), (sums @ weight / drawn).T
            failed, missing = lacking.loc[score]
            ranks = _ranks(mean), _ranks(resampled_mean)
            found[score] = _Means(part.data_set, settings, cells, mean, resampled_mean, failed, missing, ranks)
    return found


def _correlation(a: _Means, b: _Means) -> tuple[float, float, float, int, int, int]:
    shared = set(a.settings) & set(b.settings)
    counts = len(shared), a.failed + b.failed, a.missing + b.missing
    if len(shared) < stats.MIN_MODELS:
        return np.nan, np.nan, np.nan, *counts
    (rank_a, ranks_a), (rank_b, ranks_b) = a.ranks(shared), b.ranks(shared)
    rho = _pearson(rank_a, rank_b)[0]
    low = high = np.nan
    if np.isfinite(rho) and len(ranks_a):
        resampled = _pearson(ranks_a, ranks_b)
        # Noise that is drawn twice correlates less: the interval is as wide as the resamples, about the estimate.
        wider = stats.widening(np.concatenate([a.cells, b.cells + len(a.settings)]))
        low, high = map(float, stats.interval(rho, resampled, wider, centre=np.nanmedian(resampled)))
    return rho, *np.clip([low, high], -1, 1), *counts


def _pearson(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Of each row of centred x and y [resamples,settings]; NaN where one is constant."""
    scale = np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
    return np.divide((x * y).sum(axis=1), scale, out=np.full(len(x), np.nan), where=scale > 0)
