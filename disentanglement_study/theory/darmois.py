"""Non-linear ICA is not identifiable: the construction of Hyvärinen and Pajunen 1999 (Neural Networks 12:429-439).

Any x in R^d with a density has independent components: with Darmois' conditional CDFs

    y_i = P(X_i ≤ x_i | X_1 = x_1, ..., X_{i-1} = x_{i-1})

y is uniform on [0,1]^d, whatever x is made of. The map is triangular and invertible, with Jacobian determinant p(x).
The other order of the coordinates, or those of Q x for an orthogonal Q, give other independent components: independence
alone does not find the sources. Three ways to the conditionals: `gaussian` in closed form, `of_density` by integrating
a known density, `of_sample` from points alone.
"""

from collections.abc import Callable, Sequence

import numpy as np
from scipy.integrate import cumulative_simpson
from scipy.ndimage import map_coordinates
from scipy.special import log_ndtr, logsumexp, ndtr
from scipy.stats import logistic

# Of the example: logistic sources of standard deviations 1 and 0.5, and the turn at their centre, in radians.
SOURCES = tuple(logistic(scale=np.sqrt(3) / np.pi * deviation) for deviation in (1, 0.5))
TURN = 0.75 * np.pi


def gaussian(x: np.ndarray, mean: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """y [n,d] of x [n,d] ~ N(mean, covariance): Φ(L⁻¹(x - mean)) with L Lᵀ = covariance, L lower triangular (exact)."""
    return ndtr(np.linalg.solve(np.linalg.cholesky(covariance), (x - mean).T).T)


def of_density(x: np.ndarray, density: Callable[[np.ndarray], np.ndarray], axes: Sequence[np.ndarray]) -> np.ndarray:
    """y [n,d] of x [n,d] whose density, [m,d] -> [m] up to a factor, is known; integrated on a grid.

    `axes` are d increasing, evenly spaced coordinates, that span what matters of the density. Simpson's rule and
    quintic splines: the error falls with the fourth power of the spacing, if the density is smooth. The grid has
    Π len(axes) points: for d = 2 or 3.
    """
    x = np.asarray(x, float)
    if len(axes) != x.shape[1]:
        raise ValueError(f"{x.shape[1]} coordinates and {len(axes)} axes: one axis for each")
    for i, (axis, column) in enumerate(zip(axes, x.T, strict=True)):
        if not np.allclose(np.diff(axis), (axis[-1] - axis[0]) / (len(axis) - 1), rtol=1e-6, atol=0):
            raise ValueError(f"axis {i} must be evenly spaced and increasing")
        if (outside := (column < axis[0]) | (column > axis[-1])).any():
            raise ValueError(f"x_{i} = {column[outside][0]:g} is outside of its axis, {axis[0]:g} to {axis[-1]:g}")
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)
    marginal = density(grid.reshape(-1, len(axes))).reshape(grid.shape[:-1])
    at = [(column - axis[0]) / (axis[-1] - axis[0]) * (len(axis) - 1) for axis, column in zip(axes, x.T, strict=True)]
    columns = []
    for i in reversed(range(len(axes))):
        # p(x_1..x_i) summed up along x_i; its last value is p(x_1..x_{i-1}), for the next round and to divide by.
        below = cumulative_simpson(marginal, x=axes[i], axis=i, initial=0)
        up_to = map_coordinates(below, at[: i + 1], order=5, mode="mirror")
        of = map_coordinates(below[..., -1], at[:i], order=5, mode="mirror") if i else below[-1]
        columns.append(np.clip(up_to / of, 0, 1))
        marginal = below[..., -1]
    return np.column_stack(columns[::-1])


def of_sample(x: np.ndarray, sample: np.ndarray, *, bandwidth: float | None = None) -> np.ndarray:
    """y [n,d] of x [n,d] by the conditional CDFs of a Gaussian kernel estimate of the density from `sample` [m,d].

    y_i = Σ_k w_k Φ((x_i - s_ki) / b_i) with Σ w = 1 and w_k ∝ Π_{j<i} φ((x_j - s_kj) / b_j), in O(n m d); exact for the
    estimate, which is only as good as m allows. b_i is the sample's standard deviation times `bandwidth`, m^(-1/(d+2))
    if not given: Scott's m^(-1/(d+4)), meant for densities, leaves y visibly dependent. Points of `sample` itself look
    more uniform than new ones: keep the two apart.
    """
    x, sample = np.asarray(x, float), np.asarray(sample, float)
    m, d = sample.shape
    width = sample.std(axis=0) * (m ** (-1 / (d + 2)) if bandwidth is None else bandwidth)
    if not (width > 0).all():
        raise ValueError(f"the sample's spread must be positive in each coordinate, got bandwidths {width.tolist()}")
    log_weight = np.zeros((len(x), m))
    columns = []
    for i in range(d):
        away = (x[:, i, None] - sample[:, i]) / width[i]
        columns.append(np.exp(logsumexp(log_weight + log_ndtr(away), axis=1) - logsumexp(log_weight, axis=1)))
        log_weight = log_weight - away**2 / 2
    return np.column_stack(columns)


def swirl(s: np.ndarray, turn: float = TURN) -> np.ndarray:
    """x = R(turn exp(-|s|²/4)) s of points s [n,2], R(θ) the rotation by θ.

    It keeps |s|, hence volumes, and its inverse is that of -turn; smooth, and the identity far out.
    """
    angle = turn * np.exp(-(s**2).sum(axis=1) / 4)
    cos, sin = np.cos(angle), np.sin(angle)
    return np.stack([cos * s[:, 0] - sin * s[:, 1], sin * s[:, 0] + cos * s[:, 1]], axis=1)


def example(s: np.ndarray) -> dict[str, np.ndarray]:
    """Points s [n,2] of two sources, the observed x = swirl(s), and what solves this ICA: name -> [n,2].

    The sources are SOURCES; "sources" are their CDFs, uniform as the solutions are.
    "solution" is y of x, "other order" begins with x_2, and "turned" is y of x turned by 45 degrees.
    """
    axis = np.linspace(-12, 12, 385)
    x = swirl(s)

    def solve(back: np.ndarray) -> np.ndarray:
        """y of x Q, whose density is that of the sources at swirl⁻¹(x)."""

        def density(points):
            at = swirl(points @ back.T, -TURN)
            return SOURCES[0].pdf(at[:, 0]) * SOURCES[1].pdf(at[:, 1])

        return of_density(x @ back, density, [axis, axis])

    turn = np.array([[1, 1], [-1, 1]]) / np.sqrt(2)
    return {
        "sources": np.column_stack([source.cdf(column) for source, column in zip(SOURCES, s.T, strict=True)]),
        "observed": x,
        "solution": solve(np.eye(2)),
        "other order": solve(np.eye(2)[::-1])[:, ::-1],
        "turned": solve(turn),
    }
