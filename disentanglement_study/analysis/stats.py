"""Rank correlation, shares of variance, and a seeded bootstrap over seeds.

What varies when a study is repeated is the seed: methods and strengths are chosen, not drawn. So a resample draws
the runs of each cell, a method at a strength, with replacement from that cell, and keeps the design. Resampling
models over the whole study would also vary how often each method is there, which no repetition does. Cells count as
independent of each other.

A resample is written as weights, how often each model was drawn: one implementation then serves the estimate (all
weights 1) and, as every score is sorted once, all resamples.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import numpy as np

# With two models the rank correlation is always 1 or -1, whatever the scores.
MIN_MODELS = 3
# The ends of a 95 % interval are then known to within 8 % (one standard error) of its half-width.
RESAMPLES = 300
LEVEL = 0.95
# Resamples whose ranks are held at once: few, so that they stay in the cache of a processor.
BLOCK = 50
TRIANGLE = np.tril(np.ones((40, 40), dtype=np.float32))


class RankCorrelation(NamedTuple):
    """Matrices [p,q]: the correlation in [-1, 1], the ends of its interval, the number of models behind it."""

    rank_correlation: np.ndarray
    low: np.ndarray
    high: np.ndarray
    n: np.ndarray


def resample(cells: np.ndarray, resamples: int, seed: int | list[int] = 0) -> np.ndarray:
    """How often each model is in each resample: [n,resamples] for the cells [n] of the models, integers.

    Each cell is drawn from itself, with replacement, as often as it has models (stratified bootstrap).
    """
    order = np.argsort(cells, kind="stable")
    _, start, cell, size = np.unique(cells[order], return_index=True, return_inverse=True, return_counts=True)
    uniform = np.random.default_rng(seed).random((len(cells), resamples))
    drawn = order[start[cell][:, None] + (uniform * size[cell][:, None]).astype(int)]
    count = np.bincount((drawn * resamples + np.arange(resamples)).ravel(), minlength=uniform.size)
    return count.reshape(uniform.shape).astype(np.float32)


def widening(cells: np.ndarray) -> float:
    """By how much the spread of resamples within the cells [n] falls short of that of new seeds.

    A resample takes the mean of a cell from the cell, so that its variance is too small by (n - cells) / n. NaN where
    each cell has one model: one seed says nothing of others.
    """
    free = len(cells) - len(np.unique(cells))
    return float(np.sqrt(len(cells) / free)) if free else np.nan


def interval(
    estimate: np.ndarray | float,
    resampled: np.ndarray,
    wider: np.ndarray | float = 1.0,
    *,
    centre: np.ndarray | float | None = None,
    level: float = LEVEL,
) -> tuple[np.ndarray, np.ndarray]:
    """The ends of a percentile interval (Efron 1979) of an estimate [...] from resampled values [resamples,...].

    Their distances from `centre`, what the resamples scatter about (the estimate, if not given), are made `wider`.
    Values that are NaN, such as the correlation of all ties, are left out; without any other the interval is NaN.
    """
    tails = [(1 - level) / 2, (1 + level) / 2]
    defined = np.isfinite(resampled)
    ends = np.full((2, *np.shape(estimate)), np.nan)
    some = defined.any(axis=0)
    if defined.all() and len(resampled):
        ends = np.quantile(resampled, tails, axis=0)
    elif some.any():
        ends[:, some] = np.nanquantile(np.where(defined, resampled, np.nan)[:, some], tails, axis=0)
    low, high = estimate + wider * (ends - (estimate if centre is None else centre))
    return low, high


def medians(values: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The median of values [n], each there weight [n,resamples] times, n of them in each resample: [resamples]."""
    order = np.argsort(values, kind="stable")
    up_to, n = weight[order].cumsum(axis=0), len(values)
    lower, upper = ((up_to > place).argmax(axis=0) for place in ((n - 1) // 2, n // 2))
    return (values[order][lower] + values[order][upper]) / 2


def midranks(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Ranks about their mean, ties at theirs, of x [n] where each value is there weight [n,resamples] times."""
    return _midranks(_order(x), weight)


class _Order(NamedTuple):
    """The places of the models that have a score, from its lowest value, and after which a larger value follows."""

    order: np.ndarray
    steps: np.ndarray


def _order(x: np.ndarray) -> _Order:
    order = np.argsort(x, kind="stable")[: np.isfinite(x).sum()]  # NaN is last
    return _Order(order, np.flatnonzero(np.diff(x[order])))


def _midranks(score: _Order, weight: np.ndarray) -> np.ndarray:
    """`midranks` among the models that have the score; 0, as if in the middle, for the others."""
    order, steps = score
    ranks = np.zeros_like(weight)
    if not len(order):
        return ranks
    drawn = weight[order]
    up_to = _running_sum(drawn)
    if len(steps) == len(order) - 1:
        rank = up_to - drawn / 2
    else:
        last = np.append(steps, len(order) - 1)
        edge = np.concatenate([np.zeros_like(up_to[:1]), up_to[last]])
        rank = np.repeat((edge[:-1] + edge[1:]) / 2, np.diff(last, prepend=-1), axis=0)
    # Half-integers are exact in floating point, so the ranks of a constant are exactly zero.
    ranks[order] = rank - up_to[-1] / 2
    return ranks


def _running_sum(drawn: np.ndarray) -> np.ndarray:
    """np.cumsum(drawn, axis=0) of small whole numbers, as a product with a triangle: in half the time."""
    n, resamples = drawn.shape
    padded = np.zeros((-(-n // len(TRIANGLE)), len(TRIANGLE), resamples), dtype=drawn.dtype)
    padded.reshape(-1, resamples)[:n] = drawn
    sums = np.matmul(TRIANGLE.astype(drawn.dtype), padded)
    sums[1:] += np.cumsum(sums[:-1, -1], axis=0)[:, None]
    return sums.reshape(-1, resamples)[:n]


def spearman_matrix(
    left: np.ndarray,
    right: np.ndarray | None = None,
    cells: np.ndarray | None = None,
    *,
    resamples: int = 0,
    level: float = LEVEL,
    seed: int | list[int] = 0,
) -> RankCorrelation:
    """Rank correlation of every column of left [n,p] with every column of right [n,q] (left again if not given).

    The Pearson correlation of the average ranks. Rows are models. Each pair uses the models that have both scores
    (pairwise complete), and `n` says how many. NaN with fewer than MIN_MODELS of them or where a score is constant: it
    ranks nothing, so its correlation is undefined, not zero. `low` and `high` are NaN unless `resamples` > 0; these
    draw within `cells` [n] (None: from all models).
    """
    symmetric = right is None
    left = _finite(left)
    right = left if right is None else _finite(right)
    cells = np.zeros(len(left), dtype=int) if cells is None else cells
    shape = left.shape[1], right.shape[1]
    rho, low, high, wider = (np.full(shape, np.nan) for _ in range(4))
    n = np.zeros(shape, dtype=int)
    parts = by_presence(left)
    other_parts = parts if symmetric else by_presence(right)
    for place, (there, columns) in enumerate(parts):
        for others_there, others in other_parts[place:] if symmetric else other_parts:
            rows, block = there & others_there, np.ix_(columns, others)
            n[block] = rows.sum()
            if rows.sum() >= MIN_MODELS:
                y = None if columns is others else right[rows][:, others]
                rho[block] = _of_own_ranks(left[rows][:, columns], y, np.ones((rows.sum(), 1)))[0]
                wider[block] = widening(cells[rows])
            if symmetric:
                for matrix in (n, rho, wider):
                    matrix[np.ix_(others, columns)] = matrix[block].T
    if resamples:
        other = None if symmetric else right
        centre = _of_own_ranks(left, other, np.ones((len(left), 1)))[0]
        resampled = _of_own_ranks(left, other, resample(cells, resamples, seed))
        low, high = (np.clip(end, -1, 1) for end in interval(rho, resampled, wider, centre=centre, level=level))
    return RankCorrelation(rho, low, high, n)


def scatter(scores: np.ndarray, cells: np.ndarray, resamples: int, seed: int | list[int] = 0) -> np.ndarray:
    """By how much the rank correlations of columns [n,p] of resamples differ from those of all: [resamples,p,p].

    As wide as those of new seeds would scatter (`widening`).
    """
    if not resamples:
        return np.empty((0, scores.shape[1], scores.shape[1]))
    of_all, resampled = (
        _of_own_ranks(_finite(scores), None, weight)
        for weight in (np.ones((len(scores), 1), dtype=np.float32), resample(cells, resamples, seed))
    )
    return widening(cells) * (resampled - of_all)


def by_presence(scores: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Which models [n] have a score, and which columns those are, for columns that the same models have."""
    groups: dict[bytes, list[int]] = {}
    for place, there in enumerate(np.isfinite(scores).T):
        groups.setdefault(there.tobytes(), []).append(place)
    return [(np.frombuffer(there, dtype=bool), np.array(columns)) for there, columns in groups.items()]


def _finite(scores: np.ndarray) -> np.ndarray:
    return np.where(np.isfinite(scores), scores, np.nan)


def _of_own_ranks(left: np.ndarray, right: np.ndarray | None, weight: np.ndarray) -> np.ndarray:
    """Correlation of the ranks of each column of left with those of right (None: left): [resamples,p,q].

    Over the models that have both scores, but ranked among all that have the one: Spearman's rho where these are the
    same. Where some lack one, to rank each pair anew would cost hours, and the scatter of resamples is hardly another.
    """
    orders = [[_order(x) for x in scores.T] for scores in (left, right) if scores is not None]
    there = [np.isfinite(scores) for scores in (left, right) if scores is not None]
    blocks = [np.ascontiguousarray(x) for x in np.split(weight, range(BLOCK, weight.shape[1], BLOCK), axis=1)]
    if len(blocks) == 1:
        return _correlation(orders, there, blocks[0])
    with ThreadPoolExecutor(min(len(blocks), os.cpu_count() or 1)) as pool:
        return np.concatenate(list(pool.map(lambda block: _correlation(orders, there, block), blocks)))


def _correlation(orders: list[list[_Order]], there: list[np.ndarray], weight: np.ndarray) -> np.ndarray:
    root = np.sqrt(weight)
    ranks = []
    for scores in orders:
        scaled = np.empty((weight.shape[1], len(scores), len(weight)), dtype=weight.dtype)
        for place, score in enumerate(scores):
            scaled[:, place] = (_midranks(score, weight) * root).T
        ranks.append(scaled)
    x, y = ranks[0], ranks[-1].transpose(0, 2, 1)
    covariance = np.matmul(x, y).astype(float)
    if all(part.all() for part in there):
        of_x, of_y = (np.einsum("bpn,bpn->bp", z, z).astype(float) for z in (x, ranks[-1]))
        variances = of_x[:, :, None], of_y[:, None, :]
        floor = 0.0
    else:
        # Among the models that have both, the ranks of either have a mean and a variance of their own.
        in_x, in_y = (part.T * root.T[:, None] for part in (there[0], there[-1]))
        in_y = in_y.transpose(0, 2, 1)
        both = np.maximum(np.matmul(in_x, in_y), 1).astype(float)
        mean_x, mean_y = np.matmul(x, in_y) / both, np.matmul(in_x, y) / both
        inverse = np.divide(1, root, out=np.zeros_like(root), where=root > 0).T[:, None]
        square_x, square_y = (
            np.matmul(x**2 * inverse, in_y),
            np.matmul(in_x, (ranks[-1] ** 2 * inverse).transpose(0, 2, 1)),
        )
        covariance -= both * mean_x * mean_y
        variances = square_x - both * mean_x**2, square_y - both * mean_y**2
        floor = 1e-5 * both  # Rounding; the smallest variance of ranks that differ is above it.
    defined = (variances[0] > floor) & (variances[1] > floor)
    scale = np.sqrt(np.maximum(variances[0] * variances[1], 0))
    return np.clip(np.divide(covariance, scale, out=np.full(covariance.shape, np.nan), where=defined), -1, 1)


def share_of_variance(y: np.ndarray, groups: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    """R² of y [n] on the means of its groups [n], in each resample of weight [n,resamples]: [resamples] (or [1]).

    1 - (sum of squares within groups) / (sum of squares), what a least-squares fit of one indicator for each group
    explains. NaN where y is constant.
    """
    weight = np.ones((len(y), 1)) if weight is None else weight
    y = y - y.mean()
    member = (np.arange(groups.max() + 1)[:, None] == groups).astype(float)
    count, total = member @ weight, (member * y) @ weight
    between = np.divide(total**2, count, out=np.zeros(total.shape), where=count > 0).sum(axis=0)
    number = count.sum(axis=0)  # 0 in a resample of none of these models
    mean_part = np.divide(total.sum(axis=0) ** 2, number, out=np.full(number.shape, np.nan), where=number > 0)
    around = y**2 @ weight
    whole = around - mean_part
    constant = whole <= 1e-12 * around
    return np.divide(between - mean_part, whole, out=np.full(whole.shape, np.nan), where=~constant & (whole > 0))


def noise_share(share: np.ndarray, n: int, groups: int) -> np.ndarray:
    """The share of the variance that is noise within the groups, per degree of freedom: (1 - R²) / (n - groups)."""
    return (1 - share) / (n - groups) if n > groups else np.full(np.shape(share), np.nan)


def adjusted_share(share: np.ndarray, groups: int, noise: np.ndarray) -> np.ndarray:
    """R² less what as many groups explain of noise (`noise_share`): R² - (groups - 1) noise.

    Of the noise within these very groups that is the usual 1 - (1 - R²)(n - 1) / (n - groups). Of the noise of seeds
    it is the share, almost without bias, that other seeds would find again; below 0 where there is none.
    """
    return share - (groups - 1) * noise
