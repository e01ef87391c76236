"""The arrays that boosting works on: the presorted codes, and one tree with its points."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Num

MAX_POINTS = (1 << 20) - 1  # more would leave a residual less than 22 bits
SAME_VALUE = np.float32(1e-7)  # scikit-learn does not cut between values this near


class Presorted(NamedTuple):
    """What the search needs to know of the train codes; one serves every factor.

    Bins are runs of a code's sorted values, of about equal size; equal values are in the same bin. A position is a
    rank in that order.
    """

    codes: np.ndarray  # [D, N] float32, as in scikit-learn's trees
    cells: np.ndarray  # [N, D] where each point counts in a histogram: code · B + bin
    num_bins: np.ndarray  # [D]
    bin_start: np.ndarray  # [D, B + 1] the first position of each bin
    divisible: np.ndarray  # [D, B] whether a bin holds more than one value
    order: np.ndarray  # [D, N] the point at each position
    value: np.ndarray  # [D, N] which distinct value is at each position, counted from 0
    shift: int  # a sum of residuals holds the number of points above this bit
    scale: float  # and their sum, in units of 1 / scale, below


class Tree(NamedTuple):
    """A full binary tree, the children of node v at 2v+1 and 2v+2, and the points in it.

    Node v holds `rows[start[v]:stop[v]]`, none if it is below a leaf; those of them with positive residuals are also
    in `positive[positive_start[v]:positive_stop[v]]`. `node_of` is the deepest node that each point has reached. In and
    below a leaf thresholds are infinite and the leftmost nodes repeat its value: prediction always goes to the bottom.
    """

    feature: np.ndarray
    threshold: np.ndarray
    value: np.ndarray
    start: np.ndarray
    stop: np.ndarray
    positive_start: np.ndarray
    positive_stop: np.ndarray
    rows: np.ndarray
    positive: np.ndarray
    node_of: np.ndarray
    scratch: np.ndarray  # [N]
    sums: np.ndarray  # [N] of one bin: the sums left of each cut inside it
    inner_gain: np.ndarray  # [N] of one bin: what each of these cuts gains
    histograms: np.ndarray  # [inner nodes, D · B] sums of residuals
    positive_histogram: np.ndarray  # [D · B] of one node: sums of the positive residuals alone
    left: np.ndarray  # [D · B] of one node: the sum left of each bin
    gain: np.ndarray  # [D · B] of one node: what a cut after each bin gains
    bound: np.ndarray  # [D · B] of one node: the most that a cut inside each bin can gain
    highest: np.ndarray  # [D] of one node: the largest bound of each feature, in the order in which they are tried


def presort(codes: Num[np.ndarray, "n d"], num_bins: int | None = None) -> Presorted:
    """Sort and bin every code [N, D], finite. The number of bins decides the speed, not the result."""
    codes = np.asarray(codes, np.float32)
    num_points, num_codes = codes.shape
    if num_points > MAX_POINTS:
        raise ValueError(f"exact boosting takes up to {MAX_POINTS} points, got {num_points}: its sums fill 64 bits")
    if not np.isfinite(codes).all():
        raise ValueError("exact boosting takes finite codes, got a NaN or an infinite one")
    num_bins = num_bins or min(max(num_points // 16, 16), 128)
    bits = num_points.bit_length()
    small = np.uint16 if max(num_points, num_codes * num_bins) < 2**16 else np.uint32
    order = np.argsort(codes.T, axis=1, kind="stable").astype(small)
    train = Presorted(
        codes=np.ascontiguousarray(codes.T),
        cells=np.empty((num_points, num_codes), small),
        num_bins=np.empty(num_codes, np.int64),
        bin_start=np.zeros((num_codes, num_bins + 1), np.int64),
        divisible=np.zeros((num_codes, num_bins), np.bool_),
        order=order,
        value=np.empty((num_codes, num_points), small),
        shift=63 - bits,
        scale=2.0 ** min(32, 62 - 2 * bits),
    )
    wanted = np.arange(1, num_bins) * num_points // num_bins
    for d, code in enumerate(train.codes):
        is_new = np.diff(code[order[d]], prepend=code[order[d, 0]]) > SAME_VALUE
        value = np.cumsum(is_new)
        starts = np.flatnonzero(is_new)
        if len(starts) >= num_bins:
            starts = np.unique(starts[np.minimum(np.searchsorted(starts, wanted), len(starts) - 1)])
        edges = np.concatenate([[0], starts, [num_points]])
        bins = np.arange(len(edges) - 1)
        train.value[d] = value
        train.num_bins[d] = len(bins)
        train.bin_start[d, : len(edges)] = edges
        train.divisible[d, : len(bins)] = value[edges[1:] - 1] > value[edges[:-1]]
        train.cells[order[d], d] = d * num_bins + np.repeat(bins, np.diff(edges))
    return train


def empty_tree(train, max_depth):
    """Memory for a tree of presorted codes; `grow_stage` fills it again and again."""
    num_points = train.codes.shape[1]
    num_inner, num_nodes = 2**max_depth - 1, 2 ** (max_depth + 1) - 1
    feature, start, stop, positive_start, positive_stop = np.zeros((5, num_nodes), np.int64)
    rows, positive, scratch = np.zeros((3, num_points), np.uint32)
    return Tree(
        feature=feature,
        threshold=np.zeros(num_nodes),
        value=np.zeros(num_nodes),
        start=start,
        stop=stop,
        positive_start=positive_start,
        positive_stop=positive_stop,
        rows=rows,
        positive=positive,
        node_of=np.zeros(num_points, np.uint16),
        scratch=scratch,
        sums=np.zeros(num_points, np.int64),
        inner_gain=np.zeros(num_points),
        histograms=np.zeros((num_inner, train.divisible.size), np.int64),
        positive_histogram=np.zeros(train.divisible.size, np.int64),
        left=np.zeros(train.divisible.size, np.int64),
        gain=np.full(train.divisible.size, -np.inf),  # codes may have fewer bins
        bound=np.full(train.divisible.size, -np.inf),
        highest=np.zeros(len(train.codes)),
    )
