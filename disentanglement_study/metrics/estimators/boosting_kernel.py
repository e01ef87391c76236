"""The compiled loops of `boosting`: how a tree is grown.

*Sums.* A residual r is kept as the integer 2^shift + round(r scale), so that a sum of them counts points in its upper
bits and adds residuals in its lower ones. Integer sums do not depend on their order: a child's histogram is exactly
its parent's less its sibling's, and equal cuts have equal gains. `boosting_arrays` chooses the two by the number of
points, so that no sum and no product below overflows.

*Search.* With N points of sum S in a node and c of sum s left of a cut, the variance gain is (sN - Sc)² / (N c (N-c)).
It is first evaluated at the edges of the bins. At a cut inside a bin, s lies between what the bin's negative residuals
alone and what its positive ones alone would make it, and the gain is convex in (c, s), so that four corners bound it.
Only bins whose bound reaches the best cut so far are searched point by point, the most promising one first. The
positive residuals of a tree are those of one class, so that their histogram costs little.

*Ties.* Of equal gains, the feature that comes first in a random order wins, then the smallest threshold: neither the
number of bins nor the order of the search can change the result.

All compiled code is in this file because Numba's cache does not notice a change in another one.
"""

import functools
import inspect
from typing import NamedTuple

import numpy as np
from numba import njit

LANES = 8  # classes whose root histograms are added up together: one vector instruction adds to all of them
MIN_IMPURITY = np.finfo(np.float64).eps  # scikit-learn makes a leaf of a purer node
MIN_CURVATURE = 1e-150  # and a 0 of a leaf with less
SLACK = 1.0 + 1e-12  # bounds are rounded: never below the gain that they bound
ON_EDGE = -1
NO_CUT = -1.0  # in place of a gain
NO_INSIDE = -2.0  # in place of a bound: below every gain


class Cut(NamedTuple):
    """A cut of a node."""

    gain: float  # N times its variance gain, in squared units of the sums
    rank: int  # of the feature, in the node's random order
    bin: int
    position: int | np.signedinteger  # the last one on the left, or ON_EDGE for that of the bin's last point


def compiled(function, **options):
    # The tests wrap every function in a shape checker; Numba needs the plain one.
    return njit(inspect.unwrap(function), cache=True, error_model="numpy", **options)


def helper(function, **options):
    # Only called by compiled code; a way in from Python would take most of the time to compile.
    return compiled(function, no_cpython_wrapper=True, no_cfunc_wrapper=True, **options)


@helper
def _count(packed, shift):
    return (packed + (np.int64(1) << (shift - 1))) >> shift


@helper
def _sum(packed, shift):
    return packed - (_count(packed, shift) << shift)


@helper
def _pack_residuals(train, positive, probability, packed):
    one_point = np.int64(1) << train.shift
    for row in range(len(packed)):
        packed[row] = one_point - np.int64(probability[row] * train.scale + 0.5)
    for row in positive:
        packed[row] = one_point + np.int64((1.0 - probability[row]) * train.scale + 0.5)


@helper
def _add_rows(histogram, cells, rows, packed, offset):
    for row in rows:
        amount = packed[row] - offset
        for cell in cells[row]:
            histogram[cell] += amount


@helper
def _root_histograms(train, packed, histograms):
    """Histograms [cells, LANES] of all points, of LANES classes' residuals [LANES, N] at once."""
    histograms[:] = 0
    for row in range(packed.shape[1]):
        # Spelled out, which the compiler turns into one vector; a loop it would not.
        a, b, c, d = packed[0, row], packed[1, row], packed[2, row], packed[3, row]
        e, f, g, h = packed[4, row], packed[5, row], packed[6, row], packed[7, row]
        for cell in train.cells[row]:
            lanes = histograms[cell]
            lanes[0] += a
            lanes[1] += b
            lanes[2] += c
            lanes[3] += d
            lanes[4] += e
            lanes[5] += f
            lanes[6] += g
            lanes[7] += h


@helper
def _child_histograms(train, tree, packed, node):
    """Add up the smaller child; the larger one is what that leaves of the parent."""
    left, right = 2 * node + 1, 2 * node + 2
    left_is_small = tree.stop[left] - tree.start[left] <= tree.stop[right] - tree.start[right]
    small, large = (left, right) if left_is_small else (right, left)
    parent, added, remaining = tree.histograms[node], tree.histograms[small], tree.histograms[large]
    added[:] = 0
    _add_rows(added, train.cells, tree.rows[tree.start[small] : tree.stop[small]], packed, 0)
    for cell in range(len(parent)):
        remaining[cell] = parent[cell] - added[cell]


@helper
def _gain(sum_, count, size, total):
    """N times the variance gain of a cut; not a number if one side is empty."""
    lead = float(sum_ * size - total * count)
    return lead * lead / float(count * (size - count))


@helper
def _larger(one, other):
    return one if one > other else other


@helper
def _evaluate_bins(train, tree, node, size, total):
    """Of every bin the sums left of it, the gain of a cut after it, and a bound of the gain of any cut inside it."""
    shift, histogram, positive = train.shift, tree.histograms[node], tree.positive_histogram
    for feature in range(len(train.num_bins)):
        start, stop = feature * train.divisible.shape[1], feature * train.divisible.shape[1] + train.num_bins[feature]
        inside, left, positive_sum = histogram[start:stop], tree.left[start:stop], positive[start:stop]
        divisible, gain, bound = train.divisible[feature], tree.gain[start:stop], tree.bound[start:stop]
        so_far = np.int64(0)
        for b in range(len(inside)):
            left[b] = so_far
            so_far += inside[b]
        for b in range(len(inside)):  # a vector of bins at a time
            before, after = left[b], left[b] + inside[b]
            first, last = _count(before, shift) + 1, _count(after, shift) - 1
            edge = _gain(_sum(after, shift), last + 1, size, total)
            gain[b] = edge if edge >= 0.0 else NO_CUT  # not a number where one side is empty
            highest, lowest = _sum(before, shift) + positive_sum[b], _sum(after, shift) - positive_sum[b]
            corner = _larger(_gain(highest, first, size, total), _gain(highest, last, size, total))
            corner = _larger(corner, _gain(lowest, first, size, total))
            corner = _larger(corner, _gain(lowest, last, size, total))
            bound[b] = corner * SLACK if divisible[b] and last >= first else NO_INSIDE


@functools.partial(helper, fastmath={"nnan", "nsz"})  # there is no NaN: vectors may be compared in any order
def _largest(values):
    """The largest of some gains or bounds, NO_CUT if there is none."""
    highest = NO_CUT
    for value in values:
        highest = max(highest, value)
    return highest


@helper
def _members(train, tree, node, feature, b):
    """Put the positions of the node's points in a bin into scratch; returns how many there are."""
    order, found = train.order[feature], 0
    for position in range(train.bin_start[feature, b], train.bin_start[feature, b + 1]):
        tree.scratch[found] = position  # kept or written over: a branch would be mispredicted
        found += tree.node_of[order[position]] == node
    return found


@helper
def _search_bin(train, tree, packed, node, feature, b, size, total, rank, best):
    """The best cut so far or, if better, one between two values inside the bin."""
    shift, order, value = train.shift, train.order[feature], train.value[feature]
    left = tree.left[feature * train.divisible.shape[1] + b]
    num_cuts = _members(train, tree, node, feature, b) - 1
    positions, sums, gains = tree.scratch, tree.sums, tree.inner_gain[:num_cuts]
    for i in range(num_cuts):
        left += packed[order[positions[i]]]
        sums[i] = left
    for i in range(num_cuts):
        gain = _gain(_sum(sums[i], shift), _count(sums[i], shift), size, total)
        gains[i] = gain if value[positions[i]] != value[positions[i + 1]] else NO_CUT
    highest = _largest(gains)
    comes_first = rank < best.rank or (
        rank == best.rank and (b < best.bin or (b == best.bin and best.position == ON_EDGE))
    )
    if highest == NO_CUT or highest < best.gain or (highest == best.gain and not comes_first):
        return best
    i = 0
    while gains[i] != highest:
        i += 1
    return Cut(highest, rank, b, np.int64(positions[i]))


@helper
def _best_edge(tree, feature_order, num_bins):
    """The best of the cuts after a bin."""
    best = Cut(NO_CUT, -1, -1, ON_EDGE)
    for rank in range(len(feature_order)):
        start = feature_order[rank] * num_bins
        gain = tree.gain[start : start + num_bins]
        highest = _largest(gain)
        if highest > best.gain:
            b = 0
            while gain[b] != highest:
                b += 1
            best = Cut(highest, rank, b, ON_EDGE)
    return best


@helper
def _best_cut(train, tree, packed, node, feature_order):
    num_bins = train.divisible.shape[1]
    size = tree.stop[node] - tree.start[node]
    all_points = np.int64(0)
    for b in range(train.num_bins[0]):
        all_points += tree.histograms[node, b]
    total = _sum(all_points, train.shift)
    tree.positive_histogram[:] = 0
    positive = tree.positive[tree.positive_start[node] : tree.positive_stop[node]]
    _add_rows(tree.positive_histogram, train.cells, positive, packed, np.int64(1) << train.shift)
    _evaluate_bins(train, tree, node, size, total)
    best = _best_edge(tree, feature_order, num_bins)
    # The most promising bin first: what it gains rules out most of the others.
    highest, first = NO_CUT, 0
    for rank in range(len(feature_order)):
        start = feature_order[rank] * num_bins
        tree.highest[rank] = _largest(tree.bound[start : start + num_bins])
        if tree.highest[rank] > highest:
            highest, first = tree.highest[rank], rank
    if highest == NO_CUT or highest < best.gain:
        return best
    bound = tree.bound[feature_order[first] * num_bins :]
    b = 0
    while bound[b] != highest:
        b += 1
    best = _search_bin(train, tree, packed, node, feature_order[first], b, size, total, first, best)
    bound[b] = NO_INSIDE
    for rank in range(len(feature_order)):
        if tree.highest[rank] >= best.gain:
            feature = feature_order[rank]
            bound = tree.bound[feature * num_bins : (feature + 1) * num_bins]
            for b in range(len(bound)):
                if bound[b] >= best.gain:
                    best = _search_bin(train, tree, packed, node, feature, b, size, total, rank, best)
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
def _partition(rows, codes, threshold, left_child, node_of, scratch):
    """Move the rows of the left child to the front, keeping their order; returns how many there are."""
    num_left, num_right = 0, 0
    for row in rows:
        # Written to both sides, of which one moves on: a branch would be mispredicted.
        goes_right = codes[row] > threshold
        node_of[row] = left_child + goes_right
        rows[num_left] = row
        scratch[num_right] = row
        num_left += not goes_right
        num_right += goes_right
    for i in range(num_right):
        rows[num_left + i] = scratch[i]
    return num_left


@helper
def _split(train, tree, node, feature, threshold):
    """Make the two children of a node and share out its points."""
    left, right = 2 * node + 1, 2 * node + 2
    tree.feature[node], tree.threshold[node] = feature, threshold
    codes = train.codes[feature]
    rows = tree.rows[tree.start[node] : tree.stop[node]]
    middle = tree.start[node] + _partition(rows, codes, threshold, left, tree.node_of, tree.scratch)
    positive = tree.positive[tree.positive_start[node] : tree.positive_stop[node]]
    positive_middle = tree.positive_start[node] + _partition(
        positive, codes, threshold, left, tree.node_of, tree.scratch
    )
    tree.start[left], tree.stop[left] = tree.start[node], middle
    tree.start[right], tree.stop[right] = middle, tree.stop[node]
    tree.positive_start[left], tree.positive_stop[left] = tree.positive_start[node], positive_middle
    tree.positive_start[right], tree.positive_stop[right] = positive_middle, tree.positive_stop[node]


@helper
def _is_impure(train, rows, packed):
    one_point = np.int64(1) << train.shift
    sum_, sum_of_squares = 0.0, 0.0
    for row in rows:
        residual = float(packed[row] - one_point) / train.scale
        sum_ += residual
        sum_of_squares += residual * residual
    return sum_of_squares / len(rows) - (sum_ / len(rows)) ** 2 > MIN_IMPURITY


@helper
def _try_split(train, tree, packed, node, feature_order, gains):
    """Split a node at its best cut and credit the feature; False if there is nothing to cut."""
    rows = tree.rows[tree.start[node] : tree.stop[node]]
    if len(rows) < 2:
        return False
    best = _best_cut(train, tree, packed, node, feature_order)
    gain = best.gain / len(rows) / train.scale**2
    # The variance is at least what the cut gains.
    if best.rank < 0 or (gain <= MIN_IMPURITY * len(rows) and not _is_impure(train, rows, packed)):
        return False
    feature = feature_order[best.rank]
    gains[feature] += gain
    _split(train, tree, node, feature, _threshold(train, tree, node, feature, best))
    if 2 * node + 1 < len(tree.histograms):
        _child_histograms(train, tree, packed, node)
    return True


@helper
def _make_leaf(train, tree, packed, node, probability, shrinkage):
    """The value of a leaf, Σr / Σp(1-p); the leftmost nodes below it repeat it."""
    one_point = np.int64(1) << train.shift
    residual, curvature = np.int64(0), 0.0
    for row in tree.rows[tree.start[node] : tree.stop[node]]:
        residual += packed[row] - one_point
        curvature += probability[row] * (1.0 - probability[row])
    value = shrinkage * float(residual) / train.scale / curvature if curvature > MIN_CURVATURE else 0.0
    while node < len(tree.value):
        tree.value[node] = value
        node = 2 * node + 1


@helper
def _plant(tree, positive, root_histograms, lane):
    """Put all points into the root."""
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
    for cell in range(len(root_histograms)):
        tree.histograms[0, cell] = root_histograms[cell, lane]


@helper
def _add_predictions(tree, codes, reached, scores):
    """Add the leaf of each column of codes [D, M]; `reached` [M] is scratch."""
    reached[:] = 0
    for node in range(len(tree.histograms)):
        column, threshold = codes[tree.feature[node]], tree.threshold[node]
        left = np.uint8(2 * node + 1)
        for row in range(len(column)):
            child = left + np.uint8(column[row] > threshold)
            reached[row] = child if reached[row] == node else reached[row]
    for row in range(len(scores)):
        scores[row] += tree.value[reached[row]]


@functools.partial(compiled, nogil=True)  # threads may grow trees side by side
def grow_stage(train, tree, by_class, class_start, probabilities, shrinkage, feature_orders, gains, scores, test):
    """Fit one tree to the residuals of each class and add it to the class's scores.

    `by_class[class_start[k]:class_start[k + 1]]` holds the points of class k, whose residual is 1 - p, that of all
    others -p. `probabilities` and `scores` are [K, N]; `feature_orders` [K, inner nodes, D] is the order in which each
    node tries the features; `gains` [D] is added to; `test` holds codes [D, M] and scores [K, M] of other points.
    """
    test_codes, test_scores = test
    num_inner = len(tree.histograms)
    reached = np.zeros(test_codes.shape[1], np.uint8)
    residuals = np.zeros((LANES, len(tree.rows)), np.int64)
    root_histograms = np.empty((train.divisible.size, LANES), np.int64)
    for k in range(len(scores)):
        if k % LANES == 0:
            for lane in range(min(LANES, len(scores) - k)):
                positive = by_class[class_start[k + lane] : class_start[k + lane + 1]]
                _pack_residuals(train, positive, probabilities[k + lane], residuals[lane])
            _root_histograms(train, residuals, root_histograms)
        packed = residuals[k % LANES]
        _plant(tree, by_class[class_start[k] : class_start[k + 1]], root_histograms, k % LANES)
        for node in range(len(tree.value)):
            if tree.start[node] == tree.stop[node]:
                continue
            if node >= num_inner or not _try_split(train, tree, packed, node, feature_orders[k, node], gains):
                _make_leaf(train, tree, packed, node, probabilities[k], shrinkage)
        for row in range(len(tree.node_of)):
            scores[k, row] += tree.value[tree.node_of[row]]
        _add_predictions(tree, test_codes, reached, test_scores[k])
