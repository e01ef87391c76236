"""The arrays that boosting works on: the presorted codes, and one tree with its points."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Num

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
    histograms: np.ndarray  # [inner nodes + 1, D · B] packed sums; the last is of positive residuals only
    packed: np.ndarray  # [N] the residuals
    scratch: np.ndarray  # [N]


def presort(codes: Num[np.ndarray, "n d"], num_bins: int = 128) -> Presorted:
    """Sort and bin every code [N, D]. The number of bins decides the speed, not the result."""
    codes = np.asarray(codes, np.float32)
    num_points, num_codes = codes.shape
    order = np.argsort(codes.T, axis=1, kind="stable").astype(np.uint32)
    train = Presorted(
        codes=np.ascontiguousarray(codes.T),
        cells=np.empty((num_points, num_codes), np.uint32),
        num_bins=np.empty(num_codes, np.int64),
        bin_start=np.zeros((num_codes, num_bins + 1), np.int64),
        divisible=np.zeros((num_codes, num_bins), np.bool_),
        order=order,
        value=np.empty((num_codes, num_points), np.uint32),
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
        histograms=np.zeros((num_inner + 1, train.divisible.size), np.int64),
        packed=np.zeros(num_points, np.int64),
        scratch=scratch,
    )
