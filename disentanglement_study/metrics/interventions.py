"""Draws of rows of a codes table that agree on a factor, or on all others: the table's answer to an intervention."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Integer, Num

from disentanglement_study.metrics.checks import as_labels

CHUNK = 1000  # points whose pairs of rows are drawn at once
NUMBERS = 2**20  # of codes that are gathered at once


@dataclass(frozen=True)
class RowsByValue:
    """The rows of a table sorted by each factor k.

    The rows with the same value of factor k as row r are `rows[k, first[k, r] : first[k, r] + count[k, r]]`.
    """

    rows: np.ndarray  # [F, N]
    first: np.ndarray  # [F, N]
    count: np.ndarray  # [F, N]


def rows_by_value(factors: Integer[np.ndarray, "n f"]) -> RowsByValue:
    """The index of a table of factors [N, F]: a complete grid or any part of one."""
    index = RowsByValue(*np.empty((3, *factors.shape[::-1]), np.int32))
    for k, values in enumerate(factors.T):
        order = np.argsort(values, kind="stable")
        starts = np.concatenate([[0], np.flatnonzero(np.diff(values[order])) + 1])
        counts = np.diff(starts, append=len(values))
        index.rows[k] = order
        index.first[k, order] = np.repeat(starts, counts)
        index.count[k, order] = np.repeat(counts, counts)
    return index


def rows_by_others(factors: Integer[np.ndarray, "n f"]) -> tuple[RowsByValue, Bool[np.ndarray, "f n"]]:
    """The same by all factors but k, for draws in which factor k alone varies.

    Also whether it does vary, [F, N]: whether any row that has the other factors of row r has another value of k. On
    a part of a grid a row may have no such partner.
    """
    columns = list(factors.T)
    others = [_joint_labels([*columns[:k], *columns[k + 1 :]], len(factors)) for k in range(len(columns))]
    index = rows_by_value(np.stack(others, axis=1))
    same_row = rows_by_value(_joint_labels(columns, len(factors))[:, None])
    return index, index.count > same_row.count


def draw_same_value(
    index: RowsByValue,
    factor: Integer[np.ndarray, "..."] | int,
    row: Integer[np.ndarray, "..."],
    rng: np.random.Generator,
) -> Integer[np.ndarray, "..."]:
    """For each `row` one that has the same value of `factor`, uniform with replacement (the arrays broadcast).

    On a complete grid that fixes the factor and draws all others uniformly and independently.
    """
    return index.rows[factor, index.first[factor, row] + rng.integers(index.count[factor, row])]


def draw_each_value(
    index: RowsByValue, factor: int, size: int, rng: np.random.Generator
) -> Integer[np.ndarray, "values {size}"]:
    """For each value of `factor` `size` rows that have it, uniform with replacement; draw i is the same for all values.

    The same means: as far down the rows with that value, in the order of the table. On a complete grid in row-major
    order the rows of a column so agree on all other factors.
    """
    starts = np.unique(index.first[factor])
    counts = np.diff(starts, append=index.rows.shape[1])
    return index.rows[factor, starts[:, None] + (counts[:, None] * rng.random(size)).astype(np.int64)]


def mean_differences(
    codes: Num[np.ndarray, "n d"],
    index: RowsByValue,
    factor: Integer[np.ndarray, " p"],
    num_pairs: int,
    rng: np.random.Generator,
) -> Float[np.ndarray, "p d"]:
    """For each factor k of `factor` a point z = 1/L Σ_l |c(x_l) - c(x'_l)|, where x_l and x'_l agree on factor k.

    L = `num_pairs`; the rows x_l are uniform, and x'_l is as `draw_same_value` draws it (Higgins et al. 2017, section
    3).
    """
    points = np.empty((len(factor), codes.shape[1]))
    for start in range(0, len(factor), CHUNK):
        cut = factor[start : start + CHUNK, None]
        rows = rng.integers(len(codes), size=(len(cut), num_pairs))
        partners = draw_same_value(index, cut, rows, rng)
        step, here = max(NUMBERS // (num_pairs * codes.shape[1]), 1), points[start : start + CHUNK]
        for at in range(0, len(cut), step):
            one, other = rows[at : at + step], partners[at : at + step]
            here[at : at + step] = np.abs(codes[one] - codes[other]).mean(axis=1, dtype=np.float64)
    return points


def _joint_labels(columns, num_rows):
    """[num_rows]: a number for each combination of values."""
    joint, bound = np.zeros(num_rows, np.int64), 1
    for values in columns:
        (labels,) = as_labels(values)
        size = int(labels.max()) + 1
        if bound > np.iinfo(np.int64).max // size:
            (joint,) = as_labels(joint)
            bound = int(joint.max()) + 1
        joint, bound = joint * size + labels, bound * size
    return joint
