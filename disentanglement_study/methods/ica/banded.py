"""Gaussian series whose precision has two bands beside its diagonal: those of second-order dynamics, in linear time.

    log p(s) = h·s - ½ sᵀ J s + constant,    J_ij = 0 for |i - j| > 2

J = L D Lᵀ with L unit lower triangular of two bands, found forwards in time; means, draws and the covariances of
neighbours follow backwards (Takahashi et al. 1973). It is the Kalman smoother in information form. All work inside jit,
vmap and grad.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

Series = Float[Array, " t"]


class Precision(NamedTuple):
    """J and h: J[t, t], J[t, t-1] and J[t, t-2], the first one and two of which are 0, and h[t]."""

    diagonal: Series
    one: Series
    two: Series
    linear: Series


class Factors(NamedTuple):
    """D, the bands of L, and y = L⁻¹ h."""

    pivot: Series
    one: Series
    two: Series
    solved: Series


class Moments(NamedTuple):
    """E s[t], and the covariances of s[t] with itself, with s[t-1] and with s[t-2], where there are such."""

    mean: Series
    variance: Series
    one: Series
    two: Series


def factorise(precision: Precision) -> Factors:
    """L D Lᵀ of a positive definite J, forwards in time."""

    def step(before, at):
        (pivot_1, pivot_2), one_1, (solved_1, solved_2) = before
        two = at.two / pivot_2
        one = (at.one - two * pivot_2 * one_1) / pivot_1
        pivot = at.diagonal - one**2 * pivot_1 - two**2 * pivot_2
        solved = at.linear - one * solved_1 - two * solved_2
        return ((pivot, pivot_1), one, (solved, solved_1)), Factors(pivot, one, two, solved)

    zero, unit = jnp.zeros_like(precision.diagonal[0]), jnp.ones_like(precision.diagonal[0])
    return jax.lax.scan(step, ((unit, unit), zero, (zero, zero)), precision)[1]


def log_determinant(factors: Factors) -> Array:
    """log |J|."""
    return jnp.log(factors.pivot).sum()


def moments(factors: Factors) -> Moments:
    """Means, and covariances of neighbours, backwards in time."""

    def step(after, at):
        mean_1, mean_2, variance_1, variance_2, between = after  # of t + 1, of t + 2, and of both
        factors, one, two = at  # L[t+1, t] and L[t+2, t]
        mean = factors.solved / factors.pivot - one * mean_1 - two * mean_2
        with_1 = -one * variance_1 - two * between
        with_2 = -one * between - two * variance_2
        variance = 1 / factors.pivot - one * with_1 - two * with_2
        return (mean, mean_1, variance, variance_1, with_1), (mean, variance, with_1, with_2)

    zero = jnp.zeros_like(factors.pivot[0])
    _, (mean, variance, with_1, with_2) = jax.lax.scan(step, (zero,) * 5, (factors, *_below(factors)), reverse=True)
    return Moments(mean, variance, _later(with_1, 1), _later(with_2, 2))


def draw(factors: Factors, noise: Series) -> Series:
    """A draw of the series, of standard normal noise [T]."""

    def step(after, at):
        (next_1, next_2), (factors, one, two, noise) = after, at
        now = factors.solved / factors.pivot + noise / jnp.sqrt(factors.pivot) - one * next_1 - two * next_2
        return (now, next_1), now

    zero = jnp.zeros_like(factors.pivot[0])
    return jax.lax.scan(step, (zero, zero), (factors, *_below(factors), noise), reverse=True)[1]


def _below(factors: Factors) -> tuple[Series, Series]:
    """L[t+1, t] and L[t+2, t], 0 where there is no such row."""
    return _earlier(factors.one, 1), _earlier(factors.two, 2)


def _earlier(series: Series, by: int) -> Series:
    return jnp.concatenate([series[by:], jnp.zeros_like(series[:by])])


def _later(series: Series, by: int) -> Series:
    return jnp.concatenate([jnp.zeros_like(series[:by]), series[:-by]])
