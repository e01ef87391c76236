"""SNICA: its messages against dense Gaussians, its bound against the evidence of all paths of states."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from disentanglement_study.methods.ica import banded, snica

LENGTH = 7


@pytest.fixture
def precision():
    """A positive definite J of two bands, dense, and h."""
    draws = np.random.default_rng(0)
    lower = np.tril(draws.normal(size=(LENGTH, LENGTH))) * (np.subtract.outer(range(LENGTH), range(LENGTH)) <= 2)
    return lower @ lower.T + np.eye(LENGTH), draws.normal(size=LENGTH)


def in_bands(matrix, linear):
    bands = [np.concatenate([np.zeros(by), np.diagonal(matrix, -by)]) for by in range(3)]
    return banded.Precision(*map(jnp.float32, (*bands, linear)))


def test_moments_are_those_of_the_dense_gaussian(precision):
    factors = banded.factorise(in_bands(*precision))
    covariance = np.linalg.inv(precision[0])
    found, expected = banded.moments(factors), in_bands(covariance, covariance @ precision[1])
    np.testing.assert_allclose(found.mean, expected.linear, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.variance, expected.diagonal, rtol=1e-4)
    np.testing.assert_allclose(found.one, expected.one, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.two, expected.two, rtol=1e-4, atol=1e-5)
    assert banded.log_determinant(factors) == pytest.approx(np.linalg.slogdet(precision[0])[1], rel=1e-5)


def test_draws_have_the_covariance(precision):
    factors = banded.factorise(in_bands(*precision))
    from_noise = jax.jacobian(lambda noise: banded.draw(factors, noise))(jnp.zeros(LENGTH))
    np.testing.assert_allclose(from_noise @ from_noise.T, np.linalg.inv(precision[0]), rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(banded.draw(factors, jnp.zeros(LENGTH)), banded.moments(factors).mean, rtol=1e-5)


def drawn(states):
    """Dynamics, log π, log A, and of an encoder whose potentials are those of x = s + noise: x and its precision."""
    draws = np.random.default_rng(1)
    dynamics = snica.Dynamics(*draws.normal(size=(3, states)) * 0.5, draws.uniform(1, 4, states))
    chain = np.log(draws.dirichlet(np.ones(states))), np.log(draws.dirichlet(np.ones(states), size=states))
    return dynamics, chain, draws.normal(size=LENGTH), draws.uniform(0.5, 2, LENGTH)


def of_path(dynamics, path):
    """Mean and covariance of s, given the states of all but the first two points: s = A s + drift + noise."""
    step, drift, variance = np.zeros((LENGTH, LENGTH)), np.zeros(LENGTH), np.ones(LENGTH)
    for t, k in enumerate(path, start=2):
        step[t, t - 1], step[t, t - 2], drift[t] = dynamics.near[k], dynamics.far[k], dynamics.drift[k]
        variance[t] = 1 / dynamics.precision[k]
    solved = np.linalg.inv(np.eye(LENGTH) - step)
    return solved @ drift, solved @ np.diag(variance) @ solved.T


def evidence(dynamics, chain, x, weight):
    """log p(x) of x = s + noise of these precisions, and the states' posteriors, of all paths one by one."""
    paths = list(itertools.product(range(len(dynamics.near)), repeat=LENGTH - 2))
    found = []
    for path in paths:
        mean, covariance = of_path(dynamics, path)
        of_chain = chain[0][path[0]] + chain[1][path[:-1], path[1:]].sum()
        found.append(of_chain + multivariate_normal.logpdf(x, mean, covariance + np.diag(1 / weight)))
    return logsumexp(found)


def bound(dynamics, chain, x, weight, iterations):
    """The ELBO, E log p(x | s) + `Inferred.value`, with the potentials that are the likelihood."""
    inferred = snica.infer(dynamics, *chain, jnp.float32(weight * x), jnp.float32(weight), iterations)
    squares = (x - inferred.moments.mean) ** 2 + inferred.moments.variance
    return float(inferred.value - 0.5 * (weight * squares - np.log(weight) + np.log(2 * np.pi)).sum())


def test_of_one_state_the_bound_is_the_evidence():
    dynamics, chain, x, weight = drawn(1)
    assert bound(dynamics, chain, x, weight, 1) == pytest.approx(evidence(dynamics, chain, x, weight), rel=1e-5)


def test_of_two_states_the_bound_is_below_and_rises_with_iterations():
    dynamics, chain, x, weight = drawn(2)
    bounds = [bound(dynamics, chain, x, weight, number) for number in (1, 2, 4, 16)]
    assert np.all(np.diff(bounds) > -1e-4)
    assert bounds[-1] > bounds[0] + 1e-3
    assert bounds[-1] < evidence(dynamics, chain, x, weight)
    assert bounds[-1] == pytest.approx(evidence(dynamics, chain, x, weight), abs=0.5)


def test_states_that_are_seen_make_the_bound_tight():
    """Of equal dynamics s says nothing of the states: q(s) q(u) is the posterior."""
    dynamics, chain, x, weight = drawn(2)
    same = snica.Dynamics(*(np.full(2, of_state[0]) for of_state in dynamics))
    assert bound(same, chain, x, weight, 1) == pytest.approx(evidence(same, chain, x, weight), rel=1e-5)


def test_the_expected_density_is_that_of_draws(precision):
    dynamics, _, _, _ = drawn(2)
    factors = banded.factorise(in_bands(*precision))
    noise = np.random.default_rng(2).normal(size=(100_000, LENGTH)).astype(np.float32)
    s = np.asarray(jax.jit(jax.vmap(lambda one: banded.draw(factors, one)))(noise), float)
    residual = s[:, 2:, None] - dynamics.near * s[:, 1:-1, None] - dynamics.far * s[:, :-2, None] - dynamics.drift
    squares = dynamics.precision * residual**2 - np.log(dynamics.precision) + np.log(2 * np.pi)
    found = snica.expected(dynamics, banded.moments(factors))
    np.testing.assert_allclose(found, -0.5 * squares.mean(axis=0), rtol=0.02, atol=0.02)
