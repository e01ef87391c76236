"""Cross-validated logistic regressions, each of one label against the rest of its factor, all at once by Newton steps.

Column m of M minimises C Σ_i log(1 + exp(-y_i z_i)) + ½ |w|², with margins z = w·code + b, y = ±1 and b not penalised.
For each column the C of the best mean accuracy over five folds is chosen among ten, the smallest of equals, and the
column is fitted anew to all points: `LogisticRegressionCV(Cs=10, cv=KFold(5))` of scikit-learn 0.20.

*One product for all Hessians.* Σ_i s_i x_i x_iᵀ of all columns is a matrix [M, N] times one of the products of any two
features [N, P(P+1)/2], some points at a time.

*Steps that cannot fail.* A Newton step that moves no margin by more than ν makes the objective smaller if it is taken
in full for ν < 1.79, and as log(1+ν)/ν of it for any ν: no curvature changes by more than exp(ν) on the way (Bach 2010,
"Self-concordant analysis for logistic regression"). Only steps shortened so are tried at twice the size, again and
again while the objective falls. A full step leaves an error of the order ν²: ν tells when to stop.

*Starts.* The derivatives at one C give the minimum at the next to second order, without another look at the points.
By how much that was wrong for the last C is added.

*Scales.* A feature is a code less its median over its largest deviation. The penalty makes up for that exactly.
"""

import warnings
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Integer

from disentanglement_study.metrics.estimators.boosting_kernel import compiled

CS = np.logspace(-4, 4, 10)
NUM_FOLDS = 5
BLOCK = 500  # points at a time: the margins of a hundred columns then stay in the processor's cache
FULL_STEP = 1.79
TOLERANCE = 1e-3  # of the last step's ν: about 1e-6 of a margin is left
MAX_STEPS = 200
DEAD = 1e-100  # a code that deviates less could not matter
SMALLEST_PENALTY = 1e-16  # of features: that of a code whose largest deviation is 1e8
RIDGE = 1e-13  # relative, on the diagonal of the Hessian: makes the solution of a singular one small


class Block(NamedTuple):
    """Some points: their features, the last of which is 1, and for each factor the column they are a positive of."""

    features: np.ndarray  # [P, B]
    columns: np.ndarray  # [F, B], -1 for none


class Expansion(NamedTuple):
    """The derivatives of Σ_i log(1 + exp(-y_i z_i)) of each column by its weights, and where they were taken."""

    weights: np.ndarray  # [M, P]
    gradient: np.ndarray  # [M, P]
    hessian: np.ndarray  # [M, P(P+1)/2]: the upper triangle


def one_vs_rest(
    codes: Float[np.ndarray, "n d"],
    columns: Integer[np.ndarray, "f n"],
    more_codes: Float[np.ndarray, "m d"],
    *,
    max_steps: int = MAX_STEPS,
) -> tuple[Float[np.ndarray, "k n"], Float[np.ndarray, "k m"]]:
    """The margins [M, N] of the codes [N, D], N >= 2, to which M columns are fitted, and those of others.

    `columns` [F, N] holds for each factor the column of which a point is a positive, -1 for none; points are negatives
    of all others. Every column has both. Where the train part of a fold has one of them only, as scikit-learn 0.20
    that one is predicted for the rest of the fold. N < 5 points are N folds. Codes that deviate from their median
    by more than 1e8 are penalised as if it were 1e8. What does not converge in `max_steps` is kept, with a warning.
    """
    centre = np.median(codes, axis=0)  # which outliers leave where most points are
    scale = np.abs(codes - centre).max(axis=0)
    scale = np.where(scale > DEAD, scale, np.inf)
    penalty = np.append(np.where(scale < np.inf, np.maximum(scale**-2, SMALLEST_PENALTY), 1.0), 0.0)
    features, more_features = (np.vstack([((c - centre) / scale).T, np.ones(len(c))]) for c in (codes, more_codes))
    folds = [
        _blocks(features[:, fold], columns[:, fold])
        for fold in np.array_split(np.arange(len(codes)), min(NUM_FOLDS, len(codes)))
    ]
    num_columns = columns.max() + 1
    weights, accuracies = [], []
    for k, held_out in enumerate(folds):
        weights.append(_path(_join(folds[:k] + folds[k + 1 :]), penalty, num_columns, max_steps))
        accuracies.append(_accuracies(weights[-1], held_out))
    best = np.sum(accuracies, axis=0).argmax(axis=0)
    start = np.mean(weights, axis=0)[best, np.arange(num_columns)]
    final = _minimise(start, CS[best], penalty, _join(folds), np.arange(num_columns), max_steps)[0]
    return final @ features, final @ more_features


def _blocks(features, columns):
    parts = max(1, round(features.shape[1] / BLOCK))
    return [
        Block(np.ascontiguousarray(some_features), np.ascontiguousarray(some_columns))
        for some_features, some_columns in zip(
            np.array_split(features, parts, axis=1), np.array_split(columns, parts, axis=1), strict=True
        )
    ]


def _join(folds):
    return [block for fold in folds for block in fold]


def _path(blocks, penalty, num_columns, max_steps):
    """[Cs, M, P]: the weights of all columns at each C."""
    num_points = sum(block.features.shape[1] for block in blocks)
    num_positives = sum(np.bincount(block.columns.ravel() + 1, minlength=num_columns + 1)[1:] for block in blocks)
    both = np.flatnonzero((num_positives > 0) & (num_positives < num_points))
    # Without codes the log odds are the minimum; of a column that has one label only, any that predict it will do.
    share = np.clip(num_positives, 0.25, num_points - 0.25) / num_points
    weights = np.zeros((len(CS), num_columns, len(penalty)))
    weights[:, :, -1] = np.log(share / (1.0 - share))
    if not len(both):
        return weights
    predicted, missed, expansion = weights[0], 0.0, None
    for i, c in enumerate(np.repeat(CS[:, None], num_columns, axis=1)):
        if expansion is not None:
            step = _newton_steps(expansion, c[both], penalty)
            predicted = weights[i].copy()
            predicted[both] = expansion.weights - _safe_sizes(np.abs(step).sum(axis=1))[:, None] * step
        weights[i], expansion = _minimise(predicted + missed, c, penalty, blocks, both, max_steps)
        if i:
            missed = weights[i] - predicted
    return weights


def _minimise(weights, c, penalty, blocks, active, max_steps):
    """The weights [M, P] with the active columns at their minimum for c [M], and the last expansion of these."""
    weights = weights.copy()
    last = Expansion(weights[active], weights[active], np.zeros((len(active), _num_pairs(weights.shape[1]))))
    rows = np.arange(len(active))
    for _ in range(max_steps):
        expansion = _expand(weights, active, blocks)
        for kept, new in zip(last, expansion, strict=True):
            kept[rows] = new
        step = _newton_steps(expansion, c[active], penalty)
        moves = np.abs(step).sum(axis=1)  # a bound of ν, as no feature exceeds 1
        if (far := np.flatnonzero(moves > FULL_STEP)).size:
            moves[far] = np.max([np.abs(step[far] @ block.features).max(axis=1) for block in blocks], axis=0)
        size = _safe_sizes(moves)
        if (short := np.flatnonzero(size < 1.0)).size:
            size[short] = _longer_sizes(size[short], step[short], weights, c, penalty, blocks, active[short])
        weights[active] -= size[:, None] * step
        going_on = moves > TOLERANCE
        rows, active = rows[going_on], active[going_on]
        if not len(active):
            break
    else:
        warnings.warn(
            f"{len(active)} of {len(weights)} logistic regressions still move margins by up to {moves.max():.2g} "
            f"after {max_steps} steps",
            RuntimeWarning,
            stacklevel=2,
        )
    return weights, last


def _safe_sizes(moves):
    """[M]: the part of a Newton step to take, one that would move a margin by as much as this."""
    return np.where(moves < FULL_STEP, 1.0, np.log1p(moves) / np.maximum(moves, FULL_STEP))


def _longer_sizes(size, step, weights, c, penalty, blocks, active):
    """[A]: the sizes doubled, up to 1, for as long as the objectives of the active columns still fall there."""
    size, rows = size.copy(), np.arange(len(active))
    while len(rows):
        longer = np.minimum(2.0 * size[rows], 1.0)
        trial = weights.copy()
        trial[active[rows]] -= longer[:, None] * step[rows]
        there = _expand(trial, active[rows], blocks, curvature=False)
        falls = np.sum(step[rows] * _gradients(there, c[active[rows]], penalty), axis=1) > 0.0
        size[rows[falls]] = longer[falls]
        rows = rows[falls & (longer < 1.0)]
    return size


def _gradients(expansion, c, penalty):
    """[M, P]: those of the objectives."""
    return c[:, None] * expansion.gradient + penalty * expansion.weights


def _newton_steps(expansion, c, penalty):
    """[M, P]: what to subtract from the weights."""
    upper, diagonal = np.triu_indices(len(penalty)), np.arange(len(penalty))
    hessian = np.empty((len(c), len(penalty), len(penalty)))
    hessian[:, upper[0], upper[1]] = hessian[:, upper[1], upper[0]] = c[:, None] * expansion.hessian
    hessian[:, diagonal, diagonal] = (hessian[:, diagonal, diagonal] + penalty) * (1.0 + RIDGE)
    return np.linalg.solve(hessian, _gradients(expansion, c, penalty)[:, :, None])[:, :, 0]


@np.errstate(over="ignore")  # exp(1000) is as good as infinite
def _expand(weights, active, blocks, curvature=True):
    """The expansion of the active columns at weights [M, P]."""
    slot = np.full(len(weights) + 1, -1)  # of each column among the active ones; the last stands for none
    slot[active] = np.arange(len(active))
    weights = weights[active]
    num_active, num_features = weights.shape
    gradient, hessian = np.zeros_like(weights), np.zeros((num_active, _num_pairs(num_features)))
    size = max(block.features.shape[1] for block in blocks)
    margins, curvatures = np.empty((2, num_active * size))
    pairs = np.empty(_num_pairs(num_features) * size)
    for features, columns in blocks:
        size = features.shape[1]
        z, s, products = margins[: num_active * size], curvatures[: num_active * size], pairs[: len(hessian[0]) * size]
        z, s, products = z.reshape(-1, size), s.reshape(-1, size), products.reshape(-1, size)
        np.matmul(-weights, features, out=z)
        residuals = np.exp(z, out=z)
        _residuals(residuals, s, slot[columns])
        gradient += residuals @ features.T
        if curvature:
            _products(features, products)
            hessian += s @ products.T
    return Expansion(weights, gradient, hessian)


@compiled
def _residuals(exponentials, curvatures, slots):
    """Turns exp(-z) [M, B] into p - [y = 1], p = 1 / (1 + exp(-z)), with all digits; p (1 - p) into `curvatures`."""
    positives = np.zeros(slots.shape)
    for f in range(slots.shape[0]):
        for i in range(slots.shape[1]):
            if slots[f, i] >= 0:
                positives[f, i] = exponentials[slots[f, i], i]
    for m in range(exponentials.shape[0]):
        for i in range(exponentials.shape[1]):
            p = 1.0 / (1.0 + exponentials[m, i])
            exponentials[m, i] = p
            curvatures[m, i] = p - p * p
    for f in range(slots.shape[0]):
        for i in range(slots.shape[1]):
            if slots[f, i] >= 0:
                p = 1.0 / (1.0 + 1.0 / positives[f, i])
                exponentials[slots[f, i], i] = -p
                curvatures[slots[f, i], i] = p - p * p


@compiled
def _products(features, products):
    """Writes those of any two features [P, B], in the order of the upper triangle, into [P(P+1)/2, B]."""
    row = 0
    for j in range(features.shape[0]):
        for k in range(j, features.shape[0]):
            for i in range(features.shape[1]):
                products[row, i] = features[j, i] * features[k, i]
            row += 1


def _num_pairs(num_features):
    return num_features * (num_features + 1) // 2


def _accuracies(weights, blocks):
    """[Cs, M]: how often the sign of the margin is the label, at weights [Cs, M, P]."""
    correct, num_points = np.zeros(weights.shape[:2]), 0
    for features, columns in blocks:
        num_points += features.shape[1]
        truth = (columns == np.arange(weights.shape[1])[:, None, None]).any(axis=1)
        for i, some_weights in enumerate(weights):
            correct[i] += ((some_weights @ features > 0) == truth).sum(axis=1)
    return correct / num_points
