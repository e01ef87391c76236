"""Spearman rank correlation and a seeded percentile bootstrap, exact and small.

A resample is written as weights, how often each of the n models was drawn: one implementation then serves the
estimate (all weights 1) and, without sorting again, every resample.
"""

from collections.abc import Callable
from functools import lru_cache, partial
from typing import NamedTuple

import numpy as np

# With two models the rank correlation is always 1 or -1, whatever the scores.
MIN_MODELS = 3


class RankCorrelation(NamedTuple):
    """Matrices [p,q]: the correlation in [-1, 1], the ends of its interval, the number of models behind it."""

    rank_correlation: np.ndarray
    low: np.ndarray
    high: np.ndarray
    n: np.ndarray


def midranks(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Ranks from 1, ties at their mean, of x [n] where each value is there weight [n,...] times: [n,...]."""
    order = np.argsort(x, kind="stable")
    last = np.append(np.flatnonzero(np.diff(x[order])), len(x) - 1)
    up_to = np.cumsum(weight[order], axis=0)[last]
    before = np.concatenate([np.zeros_like(up_to[:1]), up_to[:-1]])
    group = np.searchsorted(x[order][last], x)
    return ((before + up_to + 1) / 2)[group]


def spearman(x: np.ndarray, y: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    """Spearman's rho of x [n] and y [n], finite values; of each resample where weight [n,resamples] is given.

    The Pearson correlation of the average ranks. NaN, and no warning, where x or y is constant: a constant score
    ranks nothing, so its correlation is undefined, not zero.
    """
    weight = np.ones(len(x)) if weight is None else weight
    centre = (weight.sum(axis=0) + 1) / 2
    rank_x, rank_y = midranks(x, weight) - centre, midranks(y, weight) - centre
    covariance, variance_x, variance_y = (
        np.einsum("n...,n...,n...->...", weight, a, b)
        for a, b in [(rank_x, rank_y), (rank_x, rank_x), (rank_y, rank_y)]
    )
    # Half-integers are exact in floating point, so the variance of a constant is exactly zero.
    scale = np.sqrt(variance_x * variance_y)
    rho = np.divide(covariance, scale, out=np.full(np.shape(scale), np.nan), where=scale > 0)
    return np.clip(rho, -1, 1)


@lru_cache(maxsize=4)  # The pairs of a matrix rest on few different numbers of models.
def resample(n: int, resamples: int, seed: int) -> np.ndarray:
    """How often each of n models is in each resample, drawn with replacement: [n,resamples], read-only."""
    drawn = np.random.default_rng(seed).integers(n, size=(n, resamples))
    count = np.bincount((drawn * resamples + np.arange(resamples)).ravel(), minlength=n * resamples)
    weight = count.reshape(n, resamples).astype(float)
    weight.flags.writeable = False
    return weight


def bootstrap_interval(
    statistic: Callable[[np.ndarray], np.ndarray],
    n: int,
    *,
    resamples: int = 1000,
    level: float = 0.95,
    seed: int = 0,
) -> tuple[float, float]:
    """Percentile bootstrap interval of a statistic of n models (Efron 1979).

    `statistic` maps weights [n,resamples], how often each model was drawn, to [resamples]. Resamples whose
    statistic is NaN (say, all ties) are left out; without any other, the interval is NaN. The same seed and n give
    the same draws. Percentile intervals are too narrow for few models: below about 20, read them as a lower bound
    on the uncertainty.
    """
    values = statistic(resample(n, resamples, seed))
    values = values[np.isfinite(values)]
    if len(values) == 0:
        return np.nan, np.nan
    low, high = np.quantile(values, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def spearman_matrix(
    left: np.ndarray,
    right: np.ndarray | None = None,
    *,
    resamples: int = 0,
    level: float = 0.95,
    seed: int = 0,
) -> RankCorrelation:
    """Rank correlation of every column of left [n,p] with every column of right [n,q] (left again if not given).

    Rows are models. Each pair uses the models that have both scores (pairwise complete), and `n` says how many.
    NaN with fewer than MIN_MODELS of them or where a score is constant. `low` and `high` are NaN unless
    `resamples` > 0.
    """
    symmetric = right is None
    right = left if symmetric else right
    shape = left.shape[1], right.shape[1]
    result = RankCorrelation(*(np.full(shape, np.nan) for _ in range(3)), np.zeros(shape, dtype=int))
    for i, j in np.ndindex(shape):
        if symmetric and j < i:
            for matrix in result:
                matrix[i, j] = matrix[j, i]
            continue
        complete = np.isfinite(left[:, i]) & np.isfinite(right[:, j])
        x, y = left[complete, i], right[complete, j]
        result.n[i, j] = len(x)
        if len(x) < MIN_MODELS:
            continue
        result.rank_correlation[i, j] = spearman(x, y)
        if resamples and np.isfinite(result.rank_correlation[i, j]):
            result.low[i, j], result.high[i, j] = bootstrap_interval(
                partial(spearman, x, y), len(x), resamples=resamples, level=level, seed=seed
            )
    return result
