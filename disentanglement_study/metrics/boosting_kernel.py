"""The compiled loops of `boosting`: how a tree is grown.

*Sums.* A residual r is kept as the integer 2^48 + round(r 2^32), so that a sum of them counts points in its upper 16
bits and adds residuals in its lower 48. Integer sums do not depend on their order: a child's histogram is exactly
its parent's less its sibling's, and equal cuts have equal gains.

*Search.* With N points of sum S in a node and c of sum s left of a cut, the variance gain is (sN - Sc)² / (N c (N-c)).
It is first evaluated at the edges of the bins. At a cut inside a bin, s lies between what the bin's negative residuals
alone and what its positive ones alone would make it, and the gain is convex in (c, s), so that four corners bound it.
Only bins whose bound beats the best cut so far are searched point by point. The positive residuals of a tree are those
of one class, so that their histogram costs little.

*Ties.* Of equal gains, the feature that comes first in a random order wins, then the smallest threshold: the number
of bins cannot change the result.

All compiled code is in this file because Numba's cache does not notice a change in another one.
"""

import inspect
from typing import NamedTuple

import numpy as np
from numba import njit

COUNT_SHIFT = 48
SCALE = float(1 << 32)
MAX_POINTS = (1 << 15) - 1
ONE_POINT = np.int64(1 << COUNT_SHIFT)
HALF_POINT = np.int64(1 << (COUNT_SHIFT - 1))
MIN_IMPURITY = np.finfo(np.float64).eps  # scikit-learn makes a leaf of a purer node
MIN_CURVATURE = 1e-150  # and a 0 of a leaf with less
ON_EDGE = -1


class Cut(NamedTuple):
    """A cut of a node, and N times its gain as a fraction."""

    numerator: float  # (sN - Sc)²
    denominator: float  # c (N - c)
    rank: int  # of the feature, in the node's random order
    bin: int
    position: int  # the last one on the left, or ON_EDGE for that of the bin's last point


def compiled(function, **options):
    # The tests wrap every function in a shape checker; Numba needs the plain one.
    return njit(inspect.unwrap(function), cache=True, error_model="numpy", **options)


def helper(function):
    # Only called by compiled code; a way in from Python would take most of the time to compile.
    return compiled(function, no_cpython_wrapper=True, no_cfunc_wrapper=True)


@helper
def _count(packed):
    return (packed + HALF_POINT) >> COUNT_SHIFT


@helper
def _sum(packed):
    return packed - (_count(packed) << COUNT_SHIFT)


@helper
def _pack_residuals(positive, probability, packed):
    for row in range(len(packed)):
        packed[row] = ONE_POINT - np.int64(probability[row] * SCALE + 0.5)
    for row in positive:
        packed[row] = ONE_POINT + np.int64((1.0 - probability[row]) * SCALE + 0.5)


@helper
def _add_rows(histogram, cells, rows, packed, offset):
    for row in rows:
        amount = packed[row] - offset
        for cell in cells[row]:
            histogram[cell] += amount


@helper
def _child_histograms(train, tree, node):
    """Add up the smaller child; the larger one is what that leaves of the parent."""
    left, right = 2 * node + 1, 2 * node + 2
    left_is_small = tree.stop[left] - tree.start[left] <= tree.stop[right] - tree.start[right]
    small, large = (left, right) if left_is_small else (right, left)
    parent, added, remaining = tree.histograms[node], tree.histograms[small], tree.histograms[large]
    added[:] = 0
    _add_rows(added, train.cells, tree.rows[tree.start[small] : tree.stop[small]], tree.packed, 0)
    for cell in range(len(parent)):
        remaining[cell] = parent[cell] - added[cell]


@helper
def _advantage(lead, count, size, best):
    """Positive where the cut with |sN - Sc| = lead beats the best one, 0 where they tie."""
    return lead * lead * best.denominator - best.numerator * float(count * (size - count))


@helper
def _comes_first(rank, b, best):
    """Whether a cut inside a bin wins a tie with the best one."""
    return rank < best.rank or (rank == best.rank and b <= best.bin and best.position == ON_EDGE)


@helper
def _best_edge(train, histogram, feature_order, size, total):
    best = Cut(-1.0, 1.0, -1, -1, ON_EDGE)
    for rank in range(len(feature_order)):
        feature = feature_order[rank]
        first_cell = feature * train.divisible.shape[1]
        left = np.int64(0)
        for b in range(train.num_bins[feature] - 1):
            inside = histogram[first_cell + b]
            if inside == 0:
                continue
            left += inside
            count = _count(left)
            if count == size:
                break
            lead = float(_sum(left) * size - total * count)
            if _advantage(lead, count, size, best) > 0:
                best = Cut(lead * lead, float(count * (size - count)), rank, b, ON_EDGE)
    return best


@helper
def _may_beat(left, inside, positive_sum, size, total, rank, b, best):
    """Whether a cut inside the bin could beat the best one, by the packed sums left of and inside it."""
    highest = _sum(left) + positive_sum
    lowest = _sum(left) + _sum(inside) - positive_sum
    bound = -1.0
    for count in (_count(left) + 1, _count(left) + _count(inside) - 1):
        lead = float(max(abs(highest * size - total * count), abs(lowest * size - total * count)))
        bound = max(bound, _advantage(lead, count, size, best))
    return bound > 0 or (bound == 0 and _comes_first(rank, b, best))


@helper
def _search_bin(train, tree, node, feature, left, inside, size, total, rank, b, best):
    """The best cut so far or, if better, one between two values inside the bin."""
    count, sum_, remaining = _count(left), _sum(left), _count(inside)
    previous = -1
    for position in range(train.bin_start[feature, b], train.bin_start[feature, b + 1]):
        row = train.order[feature, position]
        if tree.node_of[row] != node:
            continue
        if previous >= 0 and train.value[feature, position] != train.value[feature, previous]:
            lead = float(sum_ * size - total * count)
            advantage = _advantage(lead, count, size, best)
            if advantage > 0 or (advantage == 0 and _comes_first(rank, b, best)):
                best = Cut(lead * lead, float(count * (size - count)), rank, b, previous)
        previous = position
        count += 1
        sum_ += tree.packed[row] - ONE_POINT
        remaining -= 1
        if remaining == 0:
            break
    return best


@helper
def _best_cut(train, tree, node, feature_order):
    histogram, positive_histogram = tree.histograms[node], tree.histograms[-1]
    size = tree.stop[node] - tree.start[node]
    all_points = np.int64(0)
    for b in range(train.num_bins[0]):
        all_points += histogram[b]
    total = _sum(all_points)
    best = _best_edge(train, histogram, feature_order, size, total)
    positive = tree.positive[tree.positive_start[node] : tree.positive_stop[node]]
    positive_histogram[:] = 0
    _add_rows(positive_histogram, train.cells, positive, tree.packed, ONE_POINT)
    for rank in range(len(feature_order)):
        feature = feature_order[rank]
        first_cell = feature * train.divisible.shape[1]
        left = np.int64(0)
        for b in range(train.num_bins[feature]):
            inside, positive_sum = histogram[first_cell + b], positive_histogram[first_cell + b]
            divisible = train.divisible[feature, b] and _count(inside) > 1
            if divisible and _may_beat(left, inside, positive_sum, size, total, rank, b, best):
                best = _search_bin(train, tree, node, feature, left, inside, size, total, rank, b, best)
            left += inside
    return best


@helper
def _threshold(train, tree, node, feature, best):
    """Halfway between the node's two values at the cut."""
    order, codes = train.order[feature], train.codes[feature]
    left = best.position
    if left == ON_EDGE:
        left = train.bin_start[feature, best.bin + 1] - 1
        while tree.node_of[order[left]] != node:
            left -= 1
    right = left + 1
    while tree.node_of[order[right]] != node:
        right += 1
    below, above = float(codes[order[left]]), float(codes[order[right]])
    middle = below / 2.0 + above / 2.0
    return below if middle >= above else middle


@helper
def _partition(rows, node_of, left_child, scratch):
    """Move the rows of the left child to the front, keeping their order; returns how many there are."""
    num_left, num_right = 0, 0
    for row in rows:
        # Written to both sides, of which one moves on: a branch would be mispredicted.
        goes_left = node_of[row] == left_child
        rows[num_left] = row
        scratch[num_right] = row
        num_left += goes_left
        num_right += not goes_left
    for i in range(num_right):
        rows[num_left + i] = scratch[i]
    return num_left


@helper
def _split(train, tree, node, feature, threshold):
    """Make the two children of a node and share out its points."""
    left, right = 2 * node + 1, 2 * node + 2
    tree.feature[node], tree.threshold[node] = feature, threshold
    rows = tree.rows[tree.start[node] : tree.stop[node]]
    positive = tree.positive[tree.positive_start[node] : tree.positive_stop[node]]
    codes = train.codes[feature]
    for row in rows:
        tree.node_of[row] = left + (codes[row] > threshold)
    middle = tree.start[node] + _partition(rows, tree.node_of, left, tree.scratch)
    positive_middle = tree.positive_start[node] + _partition(positive, tree.node_of, left, tree.scratch)
    tree.start[left], tree.stop[left] = tree.start[node], middle
    tree.start[right], tree.stop[right] = middle, tree.stop[node]
    tree.positive_start[left], tree.positive_stop[left] = tree.positive_start[node], positive_middle
    tree.positive_start[right], tree.positive_stop[right] = positive_middle, tree.positive_stop[node]


@helper
def _is_impure(rows, packed):
    sum_, sum_of_squares = 0.0, 0.0
    for row in rows:
        residual = float(packed[row] - ONE_POINT) / SCALE
        sum_ += residual
        sum_of_squares += residual * residual
    return sum_of_squares / len(rows) - (sum_ / len(rows)) ** 2 > MIN_IMPURITY


@helper
def _newton_step(rows, packed, probability):
    """Σr / Σp(1-p)."""
    residual, curvature = np.int64(0), 0.0
    for row in rows:
        residual += packed[row] - ONE_POINT
        curvature += probability[row] * (1.0 - probability[row])
    return float(residual) / SCALE / curvature if curvature > MIN_CURVATURE else 0.0


@helper
def _try_split(train, tree, node, feature_order, gains):
    """Split a node at its best cut and credit the feature; False if there is nothing to cut."""
    rows = tree.rows[tree.start[node] : tree.stop[node]]
    if len(rows) < 2 or not _is_impure(rows, tree.packed):
        return False
    best = _best_cut(train, tree, node, feature_order)
    if best.rank < 0:
        return False
    feature = feature_order[best.rank]
    gains[feature] += best.numerator / best.denominator / len(rows) / SCALE**2
    _split(train, tree, node, feature, _threshold(train, tree, node, feature, best))
    if 2 * node + 1 < len(tree.histograms) - 1:
        _child_histograms(train, tree, node)
    return True


@helper
def _make_leaf(tree, node, probability, shrinkage):
    rows = tree.rows[tree.start[node] : tree.stop[node]]
    value = shrinkage * _newton_step(rows, tree.packed, probability)
    while node < len(tree.value):
        tree.value[node] = value
        node = 2 * node + 1


@helper
def _plant(train, tree, positive, probability):
    """Put all points into the root."""
    _pack_residuals(positive, probability, tree.packed)
    for node in range(len(tree.value)):
        tree.threshold[node] = np.inf
        tree.start[node] = tree.stop[node] = 0
    for row in range(len(tree.rows)):
        tree.rows[row] = row
        tree.node_of[row] = 0
    for i in range(len(positive)):
        tree.positive[i] = positive[i]
    tree.stop[0] = len(tree.rows)
    tree.positive_start[0], tree.positive_stop[0] = 0, len(positive)
    tree.histograms[0] = 0
    _add_rows(tree.histograms[0], train.cells, tree.rows, tree.packed, 0)


@helper
def _add_predictions(tree, codes, scores):
    num_inner = len(tree.histograms) - 1
    for row in range(len(codes)):
        node = 0
        while node < num_inner:
            node = 2 * node + 1 + (codes[row, tree.feature[node]] > tree.threshold[node])
        scores[row] += tree.value[node]


@compiled
def grow_stage(train, tree, by_class, class_start, probabilities, shrinkage, feature_orders, gains, scores, test):
    """Fit one tree to the residuals of each class and add it to the class's scores.

    `by_class[class_start[k]:class_start[k + 1]]` holds the points of class k, whose residual is 1 - p, that of all
    others -p. `probabilities` and `scores` are [K, N]; `feature_orders` [K, inner nodes, D] is the order in which each
    node tries the features; `gains` [D] is added to; `test` holds codes [M, D] and scores [K, M] of other points.
    """
    test_codes, test_scores = test
    num_inner = len(tree.histograms) - 1
    for k in range(len(scores)):
        _plant(train, tree, by_class[class_start[k] : class_start[k + 1]], probabilities[k])
        for node in range(len(tree.value)):
            if tree.start[node] == tree.stop[node]:
                continue
            if node >= num_inner or not _try_split(train, tree, node, feature_orders[k, node], gains):
                _make_leaf(tree, node, probabilities[k], shrinkage)
        for row in range(len(tree.node_of)):
            scores[k, row] += tree.value[tree.node_of[row]]
        _add_predictions(tree, test_codes, test_scores[k])
