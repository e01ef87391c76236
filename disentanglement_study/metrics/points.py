"""Which rows of a table a metric trains and tests on: no score may come from points that were learnt by heart."""

import math

import numpy as np

from disentanglement_study.metrics.checks import as_labels, is_real


def is_complete_grid(factors: np.ndarray | None) -> bool:
    """Whether every combination of the factors' values [N,F] is there, once. Real numbers are a sample of theirs."""
    if factors is None or is_real(factors) or not np.size(factors):
        return False
    (labels,) = as_labels(factors)
    sizes = [int(size) for size in labels.max(axis=0) + 1]
    if len(factors) != math.prod(sizes):
        return False
    return bool(np.bincount(np.ravel_multi_index(tuple(labels.T), sizes)).max() == 1)


def draw_points(
    num_points: int, complete: bool, num_train: int, num_test: int, draws: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Rows of a table to train and to test on.

    A complete table is the whole population: both are drawn with replacement, as in the study of 2019. Anything less is
    a sample of one: the two are disjoint and without repetition. If there are too few for that, a third at most is for
    testing, and the rest is for training.
    """
    if complete:
        return draws.integers(num_points, size=num_train), draws.integers(num_points, size=num_test)
    num_test = min(num_test, num_points // 3) if num_train + num_test > num_points else num_test
    order = draws.permutation(num_points)
    return order[num_test : num_test + num_train], order[:num_test]
