"""Hidden Markov chains, against all paths one by one."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from disentanglement_study.methods.ica import markov

STATES, LENGTH = 3, 5
PATHS = np.array(list(itertools.product(range(STATES), repeat=LENGTH)))


@pytest.fixture
def drawn():
    """log π, log A and log b."""
    draws = np.random.default_rng(0)
    initial, transition = draws.dirichlet(np.ones(STATES)), draws.dirichlet(np.ones(STATES), size=STATES)
    return np.log(initial), np.log(transition), draws.normal(size=(LENGTH, STATES)) * 2


def of_paths(initial, transition, seen):
    """log p of each path and what is seen."""
    found = initial[PATHS[:, 0]] + seen[np.arange(LENGTH), PATHS].sum(axis=1)
    return found + transition[PATHS[:, :-1], PATHS[:, 1:]].sum(axis=1)


def test_the_likelihood_is_that_of_all_paths(drawn):
    assert markov.log_likelihood(*drawn) == pytest.approx(np.logaddexp.reduce(of_paths(*drawn)), rel=1e-5)


def test_posteriors_are_those_of_all_paths(drawn):
    log_paths = of_paths(*drawn)
    weights = np.exp(log_paths - np.logaddexp.reduce(log_paths))
    found = markov.posteriors(*drawn)
    states = np.stack([(weights[:, None] * (k == PATHS)).sum(axis=0) for k in range(STATES)], axis=1)
    np.testing.assert_allclose(found.states, states, atol=1e-5)
    transitions = np.zeros((LENGTH - 1, STATES, STATES))
    for path, weight in zip(PATHS, weights, strict=True):
        transitions[np.arange(LENGTH - 1), path[:-1], path[1:]] += weight
    np.testing.assert_allclose(found.transitions, transitions, atol=1e-5)
    assert found.log_likelihood == pytest.approx(np.logaddexp.reduce(log_paths), rel=1e-5)


def test_the_most_likely_path_is_the_best_of_all(drawn):
    np.testing.assert_array_equal(markov.viterbi(*drawn), PATHS[of_paths(*drawn).argmax()])


def test_the_gradient_by_what_is_seen_is_the_posterior(drawn):
    initial, transition, seen = map(jnp.asarray, drawn)
    found = markov.posteriors(initial, transition, seen)
    by_transition, by_seen = jax.grad(markov.log_likelihood, argnums=(1, 2))(initial, transition, seen)
    np.testing.assert_allclose(by_seen, found.states, atol=1e-5)  # Fisher's identity
    np.testing.assert_allclose(by_transition, found.transitions.sum(axis=0), atol=1e-5)


def test_a_long_series_of_small_densities_does_not_underflow(drawn):
    initial, transition, _ = drawn
    seen = np.full((1000, STATES), -5.0)  # a probability of e⁻⁵⁰⁰⁰
    assert markov.log_likelihood(initial, transition, seen) == pytest.approx(-5000, rel=1e-4)
    assert np.isfinite(jax.grad(markov.log_likelihood, argnums=2)(initial, transition, seen)).all()
    np.testing.assert_allclose(markov.posteriors(initial, transition, seen).states.sum(axis=1), 1, atol=1e-5)
