"""Mutual information of continuous and discrete variables from the distances to nearest neighbours, in nats.

Ross 2014, "Mutual information between discrete and continuous data sets": with r the distance from a point to its k-th
neighbour of the same label, and m the number of points, itself included, that are nearer than r,
I = ψ(N) + E ψ(k) - E ψ(number of points of that label) - E ψ(m). scikit-learn's mutual_info_classif is the same, with
trees where a single axis only needs sorting. Unlike a count in bins it is nearly unbiased, and negative as often as not
for independent variables, which is cut off at 0.
"""

import numpy as np
from jaxtyping import Float, Integer, Num

TIE_BREAK = 1e-10  # standard deviations of a code: without it, most points of a rounded code have r = 0


def neighbour_information(
    codes: Num[np.ndarray, "n d"],
    factors: Integer[np.ndarray, "n f"],
    *,
    rng: np.random.Generator,
    num_neighbours: int = 10,
) -> Float[np.ndarray, "d f"]:
    """The information of every code and factor.

    Labels of `num_neighbours` points or fewer take as many neighbours as they have, those of one point are left out. A
    constant code shares 0.
    """
    codes = codes.astype(np.float64)
    matrix = np.zeros((codes.shape[1], factors.shape[1]))
    for i in np.flatnonzero(np.ptp(codes, axis=0)):
        code = codes[:, i] / codes[:, i].std()
        code = code - code.mean() + TIE_BREAK * rng.normal(size=len(code))
        order = np.argsort(code, kind="stable")
        for k, labels in enumerate(factors.T):
            matrix[i, k] = _information(code[order], labels[order], num_neighbours)
    return matrix


def _information(code, labels, num_neighbours):
    """Of one code, which rises, and the label of each of its points."""
    from scipy.special import digamma

    _, labels, sizes = np.unique(labels, return_inverse=True, return_counts=True)
    repeats = sizes[labels] > 1
    code, labels = code[repeats], labels[repeats]
    radius = np.empty(len(code))
    for label in np.flatnonzero(sizes > 1):
        alike = labels == label
        radius[alike] = _distances(code[alike], min(num_neighbours, sizes[label] - 1))
    # The sums are rounded, the differences hardly: they decide whether the k-th neighbour itself is nearer than r.
    above = np.searchsorted(code, code + radius, side="left")
    above -= code[above - 1] - code >= radius
    below = np.searchsorted(code, code - radius, side="right")
    below += code - code[below] >= radius
    nearer = np.maximum(above - below, 1)
    neighbours = np.minimum(num_neighbours, sizes[labels] - 1)
    terms = digamma(len(code)) + digamma(neighbours) - digamma(sizes[labels]) - digamma(nearer)
    return max(float(np.mean(terms)), 0.0) if len(code) else 0.0


def _distances(values, k):
    """From each of more than k rising values to its k-th neighbour: the nearest run of k + 1 values around it."""
    first = np.arange(len(values))[:, None] - np.arange(k + 1)
    first = np.clip(first, 0, len(values) - k - 1)
    return np.maximum(values[:, None] - values[first], values[first + k] - values[:, None]).min(axis=1)
