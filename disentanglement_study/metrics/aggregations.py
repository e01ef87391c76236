"""Scores of a non-negative matrix [D, F] that says how much each code has to do with each factor.

DCI, MIG, SAP and modularity are a matrix and an aggregation each; `unified_scores` has every aggregation of every
matrix. `independent_groups` and `merges` read the matrix as a graph of codes and factors, whose edges are the entries
at or above a threshold.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float


def concentrations(importance: Float[np.ndarray, "a b"]) -> Float[np.ndarray, " a"]:
    """1 - H_b(p_i), how far each row is from uniform: H_b is the entropy to base b, p_i row i over its sum.

    1e-11 is added to each entry, so that a row of 0s is uniform and scores 0. A row of a single column scores 1.
    """
    num_rows, num_columns = importance.shape
    if num_columns == 1:
        return np.ones(num_rows)
    p = importance + 1e-11
    p = p / p.sum(axis=1, keepdims=True)
    return np.clip(1.0 + np.sum(p * np.log(p), axis=1) / np.log(num_columns), 0.0, 1.0)


def concentration(importance: Float[np.ndarray, "a b"]) -> float:
    """Σ_i ρ_i (1 - H_b(p_i)): the concentrations of the rows, weighted by their share ρ_i in the sum of the matrix.

    The disentanglement of a matrix [D, F], and the completeness of its transpose. A matrix of 0s scores 0, one of a
    single column 1.
    """
    mass = importance.sum(axis=1)
    weights = mass / mass.sum() if mass.any() else np.full(len(mass), 1.0 / len(mass))
    return float(np.clip(weights @ concentrations(importance), 0.0, 1.0))


def gaps(matrix: Float[np.ndarray, "d f"]) -> Float[np.ndarray, " f"]:
    """How far the best code of each factor is ahead of the second best; a single code is ahead of 0."""
    runner_up, best = np.sort(np.vstack([np.zeros(matrix.shape[1]), matrix]), axis=0)[-2:]
    return best - runner_up


def modularities(matrix: Float[np.ndarray, "d f"]) -> Float[np.ndarray, " d"]:
    """1 - Σ_{k ≠ k*} m_ik² / ((F - 1) m_ik*²), with k* the factor of the largest entry of row i; 0 for a row of 0s."""
    squared = matrix**2
    best = squared.max(axis=1)
    alive = best > 0
    spread = (squared.sum(axis=1) - best) / (np.where(alive, best, 1.0) * (matrix.shape[1] - 1))
    return np.where(alive, 1.0 - spread, 0.0)


def merges(matrix: Float[np.ndarray, "d f"]) -> Float[np.ndarray, "f f"]:
    """The largest threshold at which two factors are in one group, that is, connected through codes.

    A code and a factor are connected where their entry is at least the threshold. On the diagonal is the threshold at
    which a factor is discovered: its largest entry. Factors that only an entry of 0 connects merge at 0.

    Two factors merge at the weakest entry of the best path between them, so that this is the dendrogram of the
    factors: `scipy.cluster.hierarchy.linkage` draws it from the distances `merged.max() - merged`, "single".
    disentanglement_lib reports the rank of the threshold among the entries instead, `(matrix > merged[a, b]).sum()`
    where no two are equal, as merge_a_b or as merge_b_a.
    """
    merged = np.minimum(matrix[:, :, None], matrix[:, None, :]).max(axis=0)
    for k in range(len(merged)):  # paths through factor k
        merged = np.maximum(merged, np.minimum(merged[:, [k]], merged[[k], :]))
    return merged


class IndependentGroups(NamedTuple):
    """At each threshold, from the largest entry of a matrix to the smallest."""

    thresholds: np.ndarray  # [D F], all entries in decreasing order
    groups: np.ndarray  # [D F], connected components with a factor and a code
    discovered: np.ndarray  # [D F], factors that are connected to a code


def independent_groups(matrix: Float[np.ndarray, "d f"]) -> IndependentGroups:
    """In how many groups the codes and factors fall, and how many factors are in one of them, at each threshold.

    A perfect matrix discovers all factors before it merges any two. An entry of 0 connects nothing.
    """
    thresholds = np.sort(matrix, axis=None)[::-1]
    merged = merges(matrix)
    merged = np.where(merged > 0, merged, -np.inf)
    discovered = np.sum(np.diag(merged) >= thresholds[:, None], axis=1)
    # Every group has one factor that is not connected to any before it.
    before = np.array([merged[k, :k].max(initial=-np.inf) for k in range(len(merged))])
    return IndependentGroups(thresholds, discovered - np.sum(before >= thresholds[:, None], axis=1), discovered)


def area_of_groups(curve: IndependentGroups) -> float:
    """The area, by trapezoids, under the number of groups over the threshold: in units of the matrix, unbounded.

    From the largest entry to the smallest, as in disentanglement_lib. The number is a step function, which trapezoids
    smooth: an entry of 1e-15 that merges two groups costs half of what a large one does, an entry of 0 costs nothing.
    """
    return float(np.trapezoid(curve.groups[::-1], curve.thresholds[::-1]))
