"""Is what is good on one data set good on another?"""

from itertools import combinations

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from analysis import models as study
from analysis import names, stats
from analysis.models import METRIC, SETTING, Models
from analysis.rows import NothingToDraw

KEYS = ["representation", "score", "data_set_a", "data_set_b"]


def data_set_rank_correlation(
    results: pd.DataFrame,
    representation: str | None = "mean",
    *,
    resamples: int = stats.RESAMPLES,
    seed: int = 0,
) -> pd.DataFrame:
    """Spearman rank correlation of a headline score between data sets, over settings (paper, Figure 4 right).

    A setting is an objective at a strength; its score is the mean over seeds. A row per representation (None: each),
    score, data_set_a and data_set_b, both orders: rank_correlation, low and high (95 % over seeds; of the correlation
    that another study of as many seeds would find), and n, the settings that both have. failed and missing count the
    models of both without the score. NaN with n < 3. That the paper correlates means of settings, not models of the
    same seed, is our reading.
    """
    found = study.by_data_set(results, representation)
    rows = []
    for shown in dict.fromkeys(models.representation for models in found):
        own = [models.of(METRIC) for models in found if models.representation == shown]
        for score in names.in_order({score for models in own for score in models.scores}, names.SCORES):
            means = [
                _Means(models, score, resamples, seed) for models in own if score in models.scores
            ]
            for a, b in combinations(means, 2):
                cells = _correlation(a, b)
                rows += [[shown, score, x.data_set, y.data_set, *cells] for x, y in [(a, b), (b, a)]]
    if not rows:
        raise NothingToDraw("no headline score is there for two data sets")
    columns = [*KEYS, "rank_correlation", "low", "high", "n", "failed", "missing"]
    return names.sort(pd.DataFrame(rows, columns=columns), KEYS)


class _Means:
    """The mean of a score over the models of each setting: [settings], and in each resample [resamples,settings]."""

    def __init__(self, models: Models, score: str, resamples: int, seed: int):
        there = np.isfinite(models.scores[score].to_numpy())
        self.data_set, (self.failed, self.missing) = models.data_set, models.lacking().loc[score]
        models = models.part(there)
        y = models.scores[score].to_numpy()
        settings = models.runs[SETTING].assign(cell=models.cells).drop_duplicates("cell").sort_values("cell")
        self.settings = [tuple(setting) for setting in settings[SETTING].astype(object).to_numpy()]
        self.cells = np.searchsorted(settings["cell"], models.cells)
        member = (np.arange(len(self.settings))[:, None] == self.cells).astype(float)
        self.mean = member @ y / member.sum(axis=1)
        weight = stats.resample(models.cells, resamples, models.seed(seed))
        self.resampled = (((member * y) @ weight) / member.sum(axis=1)[:, None]).T


def _correlation(a: _Means, b: _Means) -> tuple[float, float, float, int, int, int]:
    shared = [setting for setting in a.settings if setting in set(b.settings)]
    in_a, in_b = ([means.settings.index(setting) for setting in shared] for means in (a, b))
    counts = len(shared), a.failed + b.failed, a.missing + b.missing
    if len(shared) < stats.MIN_MODELS:
        return np.nan, np.nan, np.nan, *counts
    rho = _spearman(a.mean[None, in_a], b.mean[None, in_b])[0]
    low = high = np.nan
    if np.isfinite(rho) and len(a.resampled):
        resampled = _spearman(a.resampled[:, in_a], b.resampled[:, in_b])
        # Noise that is drawn twice correlates less: the interval is as wide as the resamples, about the estimate.
        cells = np.concatenate([a.cells, b.cells + len(a.settings)])
        low, high = stats.interval(rho, resampled, cells, centre=np.nanmedian(resampled, axis=0))
    return rho, *np.clip([low, high], -1, 1), *counts


def _spearman(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Of each row of x and y [resamples,settings]; NaN where one is constant."""
    x, y = (rankdata(z, axis=1) - (z.shape[1] + 1) / 2 for z in (x, y))
    scale = np.sqrt((x**2).sum(axis=1) * (y**2).sum(axis=1))
    return np.divide((x * y).sum(axis=1), scale, out=np.full(len(x), np.nan), where=scale > 0)
