"""Which assumption tells sources from other variables that explain the same data? Two families of two variables.

`turned`: z = R(θ) s, linear; it keeps every density that depends on |s| alone, such as N(0, I): Gaussian sources of a
linear mixture are not identified. `swirled`: z = R(θ exp(-|s|²/4)) s, which keeps |s| and volumes, hence N(0, I), and
is not linear; through Gaussian ranks it keeps any density that factorises. Of independent, identically distributed
sources it leaves every non-linear ICA unidentified (Hyvärinen and Pajunen 1999; the family of Locatello et al. 2019,
theorem 1, is another).

What a method may assume makes the family visible: with p the density of a series under the assumption and z = g(s),

    gap(θ) = E [log p(s) - log p(g(s)) - log |det J_g(s)|],    nats for a point,

is a Kullback-Leibler divergence: 0 where z could be the sources as well as s, and else positive.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from scipy import stats
from scipy.signal import lfilter

from disentanglement_study.metrics.mcc import mean_correlation
from disentanglement_study.theory.darmois import swirl
from disentanglement_study.theory.kernel_test import kernel_test

Family = Callable[[np.ndarray, float], tuple[np.ndarray, np.ndarray]]  # s [n,2], θ -> z [n,2], log |det ∂z/∂s| [n]
LARGEST = {"turned": np.pi / 4, "swirled": 0.75 * np.pi}  # Angles up to which each is shown; a swirl has no largest.
LAPLACE = stats.laplace(scale=1 / np.sqrt(2))  # Of variance 1.
SCALES = np.array([[1.0, 1.0], [0.4, 1.2], [1.3, 0.5], [0.7, 0.3]])  # Of both sources, in four segments.
STEP = 0.3  # Of Laplace steps, the mean size.


class Assumption(NamedTuple):
    """What is assumed of two sources, and of a method that assumes it.

    draw(rng, n) -> s [n,2], or a series of [n,2] in time. log_density(s) -> [n] or of each but the first point.
    """

    name: str
    methods: str
    draw: Callable[[np.random.Generator, int], np.ndarray]
    log_density: Callable[[np.ndarray], np.ndarray]


def turned(s: np.ndarray, angle: float) -> tuple[np.ndarray, np.ndarray]:
    """Points s [n,2] turned by the angle, in radians."""
    cos, sin = np.cos(angle), np.sin(angle)
    return s @ np.array([[cos, sin], [-sin, cos]]), np.zeros(len(s))


def swirled(s: np.ndarray, angle: float) -> tuple[np.ndarray, np.ndarray]:
    """Points s [n,2] turned by the angle at 0, and by less further out."""
    return swirl(s, angle), np.zeros(len(s))


def through_ranks(family: Family, marginal: stats.rv_continuous) -> Family:
    """The family for sources of this distribution, each: to Gaussian ranks, and back."""

    def stretch(h: np.ndarray, s: np.ndarray) -> np.ndarray:
        """log |det ∂h/∂s|."""
        return (marginal.logpdf(s) - stats.norm.logpdf(h)).sum(axis=1)

    def carried(s: np.ndarray, angle: float) -> tuple[np.ndarray, np.ndarray]:
        before = stats.norm.ppf(marginal.cdf(s))
        after, log_det = family(before, angle)
        z = marginal.ppf(stats.norm.cdf(after))
        return z, stretch(before, s) + log_det - stretch(after, z)

    return carried


def gap(assumption: Assumption, family: Family, angle: float, n: int = 20_000, seed: int = 0) -> float:
    """gap(θ) over n points, in nats for a point."""
    s = assumption.draw(np.random.default_rng(seed), n)
    z, log_det = family(s, angle)
    of_points = assumption.log_density(s).sum() - assumption.log_density(z).sum()
    return float((of_points - log_det.sum()) / n)


def same(assumption: Assumption, family: Family, angle: float, n: int = 20_000, seed: int = 0) -> dict[str, float]:
    """How alike z and s are of independent points, and how far apart.

    "change": the largest |log p(s) - log p(z) - log |det ∂z/∂s|| of a point, nats. "p": of z and other draws of s
    having one distribution, by `kernel_test` of 600 of each. "mcc": of z with s.
    """
    s = assumption.draw(np.random.default_rng(seed), n)
    z, log_det = family(s, angle)
    change = assumption.log_density(s) - assumption.log_density(z) - log_det
    fresh = assumption.draw(np.random.default_rng(seed + 1), 600)
    return {"change": np.abs(change).max(), "p": kernel_test(z[:600], fresh), "mcc": mean_correlation(s, z)}


def _normal(rng: np.random.Generator, n: int) -> np.ndarray:
    return rng.standard_normal((n, 2))


def _in_segments(scales: np.ndarray) -> tuple[Callable, Callable]:
    """Points of segments in turn: their draws and log-density."""

    def of(n):
        return scales[np.arange(n) % len(scales)]

    return (
        lambda rng, n: of(n) * rng.standard_normal((n, 2)),
        lambda s: stats.norm.logpdf(s, scale=of(len(s))).sum(axis=1),
    )


def _autoregressive(coefficients: np.ndarray) -> tuple[Callable, Callable]:
    """Stationary Gaussian sources of variance 1: s(t) = c s(t-1) + e(t)."""
    scales = np.sqrt(1 - coefficients**2)

    def draw(rng, n):
        noise = rng.standard_normal((n, 2))
        noise[1:] *= scales  # the first point is of the stationary distribution
        return np.column_stack([lfilter([1], [1, -c], e) for c, e in zip(coefficients, noise.T, strict=True)])

    return draw, lambda s: stats.norm.logpdf(s[1:], coefficients * s[:-1], scales).sum(axis=1)


def _in_steps() -> tuple[Callable, Callable]:
    """Pairs of a point of N(0, I) and one after a Laplace step, side by side; the density is that of the steps."""

    def draw(rng, n):
        first = rng.standard_normal((n // 2, 2))
        return np.stack([first, first + rng.laplace(scale=STEP, size=first.shape)], axis=1).reshape(-1, 2)

    return draw, lambda s: stats.laplace.logpdf(s[1::2], s[0::2], STEP).sum(axis=1)


ASSUMPTIONS = (
    Assumption("Gaussian", "", _normal, lambda s: stats.norm.logpdf(s).sum(axis=1)),
    Assumption("Laplace", "FastICA", lambda rng, n: LAPLACE.rvs((n, 2), rng), lambda s: LAPLACE.logpdf(s).sum(axis=1)),
    Assumption("Segments of one scale for both", "", *_in_segments(SCALES[:, :1].repeat(2, axis=1))),
    Assumption("Segments of other scales", "TCL, GCL, iVAE, conditional likelihood", *_in_segments(SCALES)),
    Assumption("Equal autoregression", "", *_autoregressive(np.array([0.7, 0.7]))),
    Assumption("Other autoregression", "PCL, SNICA", *_autoregressive(np.array([0.9, 0.3]))),
    Assumption("Laplace steps", "SlowVAE", *_in_steps()),
)


def families(assumption: Assumption) -> dict[str, Family]:
    """Both families, through ranks where sources are not Gaussian: each keeps the density of a point."""
    if assumption.name == "Laplace":
        return {"turned": turned, "swirled": through_ranks(swirled, LAPLACE)}
    return {"turned": turned, "swirled": swirled}
