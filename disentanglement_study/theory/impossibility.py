"""Without supervision, disentanglement is impossible: Theorem 1 of Locatello et al. 2019 (arXiv:1811.12359), computed.

Let factors z in R^d, d > 1, have a density that factorises, p(z) = Π p_i(z_i). With F_i the CDF of z_i, Φ that of the
standard normal and A an orthogonal matrix without a zero entry,

    u_i = F_i(z_i)   uniform        h = Φ⁻¹(u)   standard normal, d independent ones
    h' = A h         the same       f_i(z) = F_i⁻¹(Φ(h'_i))

makes f a bijection of the support with f(z) ~ z, and ∂f_i/∂z_j ≠ 0 wherever p(z) > 0, for all i and j. So the models
x = g(z) and x = g(f(z')), with z' ~ z, have one and the same data distribution, whatever the decoder g; a
representation g⁻¹(x) that is perfect for one mixes all the factors of the other, and no data tell them apart. Each A
gives another f.

A prior is a sequence of d frozen distributions of `scipy.stats`, or of objects with their methods cdf, sf, ppf, isf,
logpdf and rvs.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.linalg import hadamard
from scipy.special import ndtr, ndtri

METHODS = ("cdf", "sf", "ppf", "isf", "logpdf", "rvs")


class Model(NamedTuple):
    """A sample of a generative model x = g(latents) of the factors; `factors` and `latents` are [n,d]."""

    name: str
    factors: np.ndarray
    latents: np.ndarray


def mixing_matrix(d: int) -> np.ndarray:
    """An orthogonal, symmetric matrix [d,d] without a zero entry, in which no entry outweighs the others.

    The Kronecker product of Hadamard's matrix (Sylvester's) of size 2^k and Hartley's, (cos + sin)(2π i j / m), of odd
    size m, with d = 2^k m, over √d. For d a power of two all entries are ±1/√d. Else they are
    ±√(2/d) cos(2π i j / m - π/4), at most √(2/d) in size, at least √(2/d) sin(π / 4m), and never zero: that takes
    8 i j = m (3 + 4 t), which is odd. So with more factors each code has its share of ever more of them.
    """
    odd = d // (d & -d)
    angle = 2 * np.pi * np.outer(np.arange(odd), np.arange(odd)) / odd
    return np.kron(hadamard(d // odd), np.cos(angle) + np.sin(angle)) / np.sqrt(d)


def entangle(z: np.ndarray, prior: Sequence[Any], a: np.ndarray | None = None) -> np.ndarray:
    """f(z) of points z [n,d] inside the support of the prior; `a` [d,d] is A, `mixing_matrix(d)` if not given."""
    a = _checked(z, prior, a)
    return _from_normal(_to_normal(z, prior) @ a.T, prior)


def untangle(z: np.ndarray, prior: Sequence[Any], a: np.ndarray | None = None) -> np.ndarray:
    """f⁻¹(z), which is the f of Aᵀ."""
    return entangle(z, prior, _checked(z, prior, a).T)


def jacobian(z: np.ndarray, prior: Sequence[Any], a: np.ndarray | None = None) -> np.ndarray:
    """∂f_i/∂z_j = φ(h'_i) / p_i(f_i(z)) · A_ij · p_j(z_j) / φ(h_j), with φ the normal density: [n,d,d].

    Its determinant is ± p(z) / p(f(z)), since a rotation leaves Π φ(h_i) as it is: f conserves the density.
    """
    a = _checked(z, prior, a)
    h = _to_normal(z, prior)
    turned = h @ a.T
    inner = _log_density(z, prior) + h**2 / 2
    outer = _log_density(_from_normal(turned, prior), prior) + turned**2 / 2
    return a * np.exp(inner[:, None, :] - outer[:, :, None])


def models(prior: Sequence[Any], n: int, *, seed: int = 0, a: np.ndarray | None = None) -> tuple[Model, Model]:
    """n points of x = g(z), "disentangled", and n of x = g(f(z')), "entangled"; independent draws of the factors.

    The latents are what g is given and what the representation r(x) = g⁻¹(x) gives back, so that no g has to be
    chosen. Those of both models have the distribution of the prior; they are z in the first and f(z') in the second.
    """
    rng = np.random.default_rng(seed)
    z, other = (np.column_stack([p.rvs(size=n, random_state=rng) for p in prior]) for _ in range(2))
    return Model("disentangled", z, z), Model("entangled", other, entangle(other, prior, a))


def scores(
    of: Sequence[Model],
    prior: Sequence[Any],
    score: Callable[[np.ndarray, np.ndarray], dict[str, float]],
    *,
    bins: int = 10,
) -> pd.DataFrame:
    """How disentangled the representation r(x) = g⁻¹(x) is in each model: a row (model, score, value) per score.

    `score` maps codes [n,d] and factors [n,d], whole numbers, to named scores. The factors are cut at the quantiles of
    the prior into `bins` values of the same probability, as metrics for factors of few values need them.
    """
    rows = []
    for model in of:
        uniform = np.column_stack([p.cdf(column) for p, column in zip(prior, model.factors.T, strict=True)])
        binned = np.minimum((bins * uniform).astype(int), bins - 1)
        rows += [(model.name, name, value) for name, value in score(model.latents, binned).items()]
    return pd.DataFrame(rows, columns=["model", "score", "value"])


def _checked(z, prior, a):
    """A; ValueError where the theorem does not hold."""
    d = len(prior)
    if d < 2:
        raise ValueError(f"a prior of {d} factor: entangling needs 2 or more")
    for i, p in enumerate(prior):
        if missing := [method for method in METHODS if not hasattr(p, method)]:
            raise ValueError(
                f"prior[{i}] lacks {', '.join(missing)}: the theorem is about distributions with a density"
            )
    if np.ndim(z) != 2 or np.shape(z)[1] != d:
        raise ValueError(f"points [n,{d}] of a prior of {d} factors, got shape {list(np.shape(z))}")
    if a is None:
        return mixing_matrix(d)
    a = np.asarray(a, float)
    if a.shape != (d, d) or not np.allclose(a @ a.T, np.eye(d), atol=1e-8):
        raise ValueError(f"the matrix must be orthogonal of shape [{d}, {d}], got {np.round(a, 3).tolist()}")
    if (np.abs(a) < 1e-12).any():
        i, j = np.argwhere(np.abs(a) < 1e-12)[0]
        raise ValueError(f"entry {i},{j} of the matrix is 0: f_{i} would not depend on z_{j}")
    return a


def _to_normal(z, prior):
    """h = Φ⁻¹(F(z)), from the nearer tail: 1 - F is exact where F rounds to 1."""
    columns = []
    for i, (p, column) in enumerate(zip(prior, np.asarray(z, float).T, strict=True)):
        below, above = p.cdf(column), p.sf(column)
        if (outside := ~((below > 0) & (above > 0))).any():
            raise ValueError(f"z_{i} = {column[outside][0]:g} is not inside the support of its prior")
        columns.append(np.where(below < above, ndtri(below), -ndtri(above)))
    return np.column_stack(columns)


def _from_normal(h, prior):
    """F⁻¹(Φ(h)), from the nearer tail."""
    return np.column_stack([np.where(x < 0, p.ppf(ndtr(x)), p.isf(ndtr(-x))) for p, x in zip(prior, h.T, strict=True)])


def _log_density(z, prior):
    return np.column_stack([p.logpdf(column) for p, column in zip(prior, np.asarray(z, float).T, strict=True)])
