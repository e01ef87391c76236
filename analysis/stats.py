"""Rank correlation, shares of variance, and a seeded bootstrap over seeds.

What varies when a study is repeated is the seed: objectives and strengths are chosen, not drawn. So a resample draws
the runs of each cell, an objective at a strength, with replacement from that cell, and keeps the design. Resampling
models over the whole study would also vary how often each objective is there, which no repetition does. Cells count as
independent of each other.

A resample is written as weights, how often each model was drawn: one implementation then serves the estimate (all
weights 1) and, as every score is sorted once, all resamples.
"""

from typing import NamedTuple

import numpy as np

# With two models the rank correlation is always 1 or -1, whatever the scores.
MIN_MODELS = 3
# The ends of a 95 % interval are then known to within 7 % of its half-width.
RESAMPLES = 400
LEVEL = 0.95
# Resamples whose ranks are held at once: few, so that they stay in the cache of a processor.
BLOCK = 50


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


def interval(
    estimate: np.ndarray,
    resampled: np.ndarray,
    cells: np.ndarray,
    *,
    centre: np.ndarray | None = None,
    level: float = LEVEL,
) -> tuple[np.ndarray, np.ndarray]:
    """The ends of a percentile interval (Efron 1979) of an estimate [...] from resampled values [resamples,...].

    A resample spreads too little by (n - cells) / n in variance, as it takes the mean of a cell from the cell: the
    distances from the centre are widened by the root of that (all of it where each cell has one model: NaN, for one
    seed says nothing of others). `centre` is what the resamples scatter about; the estimate if not given. Values that
    are NaN, such as the correlation of all ties, are left out.
    """
    n, strata = len(cells), len(np.unique(cells))
    tails = [(1 - level) / 2, (1 + level) / 2]
    unknown = np.full(np.shape(estimate), np.nan)
    if n == strata or len(resampled) == 0:
        return unknown, unknown.copy()
    defined = np.isfinite(resampled)
    if defined.all():
        ends = np.quantile(resampled, tails, axis=0)
    else:
        ends = np.stack([unknown, unknown])
        some = defined.any(axis=0)
        ends[:, some] = np.nanquantile(np.where(defined, resampled, np.nan)[:, some], tails, axis=0)
    centre = estimate if centre is None else centre
    low, high = estimate + np.sqrt(n / (n - strata)) * (ends - centre)
    return low, high


def midranks(x: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Ranks about their mean, ties at theirs, of x [n] where each value is there weight [n,resamples] times."""
    order = np.argsort(x, kind="stable")
    return _midranks(_Order(order, np.flatnonzero(np.diff(x[order]))), weight)


class _Order(NamedTuple):
    """The places [n] of a score's values from the lowest, and after which of them a larger value follows."""

    order: np.ndarray
    steps: np.ndarray


def _midranks(score: _Order, weight: np.ndarray) -> np.ndarray:
    order, steps = score
    drawn = weight[order]
    up_to = np.cumsum(drawn, axis=0)
    if len(steps) == len(order) - 1:
        rank = up_to - drawn / 2
    else:
        last = np.append(steps, len(order) - 1)
        edge = np.concatenate([np.zeros_like(up_to[:1]), up_to[last]])
        rank = np.repeat((edge[:-1] + edge[1:]) / 2, np.diff(last, prepend=-1), axis=0)
    # Half-integers are exact in floating point, so the ranks of a constant are exactly zero.
    rank -= up_to[-1] / 2
    ranks = np.empty_like(rank)
    ranks[order] = rank
    return ranks


def _spearman(left: list[_Order], right: list[_Order] | None, weight: np.ndarray) -> np.ndarray:
    """Spearman's rho of each left with each right score (None: left) in each resample: [resamples,p,q].

    The Pearson correlation of the average ranks. NaN, and no warning, where a score is constant: it ranks nothing, so
    its correlation is undefined, not zero.
    """
    root = np.sqrt(weight)

    def scaled(scores):
        ranks = np.empty((weight.shape[1], len(scores), weight.shape[0]), dtype=weight.dtype)
        for place, score in enumerate(scores):
            ranks[:, place] = (_midranks(score, weight) * root).T
        return ranks

    x = scaled(left)
    y = x if right is None else scaled(right)
    covariance = np.matmul(x, y.transpose(0, 2, 1)).astype(float)
    if right is None:
        variance_x = variance_y = np.diagonal(covariance, axis1=1, axis2=2)
    else:
        variance_x, variance_y = (np.einsum("bpn,bpn->bp", z, z).astype(float) for z in (x, y))
    scale = np.sqrt(variance_x[:, :, None] * variance_y[:, None, :])
    rho = np.divide(covariance, scale, out=np.full(scale.shape, np.nan), where=scale > 0)
    return np.clip(rho, -1, 1)


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

    Rows are models. Each pair uses the models that have both scores (pairwise complete), and `n` says how many.
    NaN with fewer than MIN_MODELS of them or where a score is constant. `low` and `high` are NaN unless
    `resamples` > 0; these draw within `cells` [n] (None: from all models).
    """
    symmetric = right is None
    right = left if symmetric else right
    cells = np.zeros(len(left), dtype=int) if cells is None else cells
    shape = left.shape[1], right.shape[1]
    result = RankCorrelation(*(np.full(shape, np.nan) for _ in range(3)), np.zeros(shape, dtype=int))
    weight = resample(cells, resamples, seed)
    blocks_left, blocks_right = by_presence(left), by_presence(right)
    for place, (there, columns) in enumerate(blocks_left):
        for others_there, others in blocks_right[place:] if symmetric else blocks_right:
            rows = there & others_there
            same = symmetric and columns is others
            block = _complete(
                left[rows][:, columns],
                None if same else right[rows][:, others],
                cells[rows],
                weight if rows.all() else resample(cells[rows], resamples, seed),
                level,
            )
            for matrix, cell in zip(result, block, strict=True):
                matrix[np.ix_(columns, others)] = cell
                if symmetric and not same:
                    matrix[np.ix_(others, columns)] = cell.T
    return result


def by_presence(scores: np.ndarray) -> list[tuple[np.ndarray, np.ndarray]]:
    """Which models [n] have a score, and which columns those are, for columns that the same models have."""
    there, group = np.unique(np.isfinite(scores), axis=1, return_inverse=True)
    return [(there[:, place], np.flatnonzero(group == place)) for place in range(there.shape[1])]


def _complete(left, right, cells, weight, level) -> RankCorrelation:
    """`spearman_matrix` of columns without gaps; right is None where it is left."""
    n, shape = len(left), (left.shape[1], (left if right is None else right).shape[1])
    unknown = np.full(shape, np.nan)
    if n < MIN_MODELS:
        return RankCorrelation(unknown, unknown, unknown, np.full(shape, n))
    left, right = ([_order(x) for x in scores.T] if scores is not None else None for scores in (left, right))
    rho = _spearman(left, right, np.ones((n, 1)))[0]
    low = high = unknown
    if weight.shape[1]:
        blocks = np.split(weight, range(BLOCK, weight.shape[1], BLOCK), axis=1)
        resampled = np.concatenate([_spearman(left, right, np.ascontiguousarray(block)) for block in blocks])
        low, high = (np.clip(end, -1, 1) for end in interval(rho, resampled, cells, level=level))
    return RankCorrelation(rho, low, high, np.full(shape, n))


def _order(x: np.ndarray) -> _Order:
    order = np.argsort(x, kind="stable")
    return _Order(order, np.flatnonzero(np.diff(x[order])))


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
    mean_part = total.sum(axis=0) ** 2 / count.sum(axis=0)
    around = y**2 @ weight
    whole = around - mean_part
    constant = whole <= 1e-12 * around
    return np.divide(between - mean_part, whole, out=np.full(whole.shape, np.nan), where=~constant & (whole > 0))


def adjusted_share(share: np.ndarray, n: int, groups: int) -> np.ndarray:
    """R² less what as many groups explain of noise: 1 - (1 - R²)(n - 1) / (n - groups). NaN where n = groups.

    Without bias for the share of variance that another seed would find again; below 0 where there is none.
    """
    return 1 - (1 - share) * (n - 1) / (n - groups) if n > groups else np.full(np.shape(share), np.nan)
