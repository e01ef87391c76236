"""SNICA: its messages against dense Gaussians, its bound against the evidence of all paths of states."""

import dataclasses
import itertools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from contrastive import mcc_of, settings_of
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from disentanglement_study import data
from disentanglement_study.config import TrainConfig
from disentanglement_study.data.series import switching_sources
from disentanglement_study.methods.ica import banded, snica
from disentanglement_study.methods.kinds import Inputs
from disentanglement_study.training.inputs import Batches

LENGTH = 7
SERIES = {"num_layers": 1, "weights": "orthogonal", "num_sources": 3, "num_observed": 6, "noise": 0.12}
TRAIN = TrainConfig(
    sampling="windows",
    sampling_options={"length": 50},
    batch_size=1000,
    learning_rate=1e-2,
    schedule="cosine",
    steps=300,
)


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


def series(num_points):
    """A mixture of which linear nets can be the truth: little noise, and columns that are orthogonal.

    The unit of x, 30 for 1, makes weights of the encoder so small that 300 steps can take its codes anywhere."""
    mixed = data.load("switching_sources", options=SERIES | {"num_points": num_points})
    return dataclasses.replace(mixed, storage=30 * mixed.storage)


@pytest.fixture(scope="module")
def mixed():
    return series(10_000)


@pytest.fixture(scope="module")
def learner():
    options = snica.Options(num_layers=1, burn_in=0.0)
    return snica.build(Inputs((6,), (), {}), settings_of(3, options)._replace(train=TRAIN))


@pytest.fixture(scope="module")
def batches(mixed):
    return Batches(mixed, 64, ())


@pytest.fixture(scope="module")
def truth(mixed):
    """The parameters that made the series; of sources at the scale of the prior's first points, 1."""
    x, alone = np.asarray(mixed.storage, float), np.asarray(mixed.sources, float)
    scale = alone.std(axis=0)
    s = alone / scale
    solved = np.linalg.lstsq(np.c_[s, np.ones(len(s))], x, rcond=None)[0]
    mixing, offset = solved[:3], solved[3]
    noise = ((x - s @ mixing - offset) ** 2).mean(axis=0)
    covariance = np.linalg.inv(mixing / noise @ mixing.T)  # of s given x alone, under a flat prior
    weight = 1 / np.diag(covariance)
    to_linear = (covariance @ (mixing / noise)).T * weight
    alpha, beta, mean = switching_sources.dynamics(switching_sources.Options(**SERIES, num_points=10_000))
    variance = switching_sources.DRIVING**2 + (alpha * switching_sources.LAG_NOISE) ** 2
    log_scale = np.log(np.maximum(np.sqrt(variance) / scale[:, None] - snica.LEAST_SCALE, 1e-3))
    params = {
        "encoder": {
            "outputs": {
                "kernel": np.concatenate([to_linear, np.zeros((6, 3))], axis=1),
                "bias": np.concatenate([-offset @ to_linear, weight]),  # of a weight this large softplus is no change
            }
        },
        "decoder": {"outputs": {"kernel": mixing, "bias": offset}},
        "noise": {"log_variance": np.log(noise)},
        "dynamics": {
            "near": 1 + alpha - beta,
            "far": -alpha,
            "drift": beta * mean / scale[:, None],
            "log_scale": log_scale,
            "transition": np.tile(np.log([[0.99, 0.01], [0.01, 0.99]]), (3, 1, 1)),
            "initial": np.zeros((3, 2)),
        },
    }
    return jax.tree.map(jnp.float32, params)


@pytest.fixture(scope="module")
def loss_of(learner, batches):
    """A function: the mean loss of 10,000 points, of the same windows and draws for all parameters."""
    source = batches.source(TRAIN)

    @jax.jit
    def of_batch(params, key):
        batch = batches.drawn(source, key, TRAIN.batch_size)
        return learner.learn.terms(params, batch, key, {"step": TRAIN.steps})["loss"]

    return lambda params: np.mean([of_batch(params, jax.random.key(number)) for number in range(1000, 1010)])


WRONG = {
    "s(t-1) of the other sign": {"near": lambda near: -near},
    "s(t-2) of the other sign": {"far": lambda far: -far},
    "sources that drift the other way": {"drift": lambda drift: -drift},
    "the innovations of the other state": {"log_scale": lambda scale: scale[:, ::-1]},
    "states that leave at once": {"transition": lambda transition: -transition},
    "one state": {name: lambda of_state: of_state[:, :1].repeat(2, axis=1) for name in ("near", "far", "log_scale")},
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=WRONG)
def test_wrong_dynamics_have_a_higher_loss_than_those_of_the_series(loss_of, truth, wrong):
    changed = {name: change(truth["dynamics"][name]) for name, change in wrong.items()}
    assert loss_of(truth | {"dynamics": truth["dynamics"] | changed}) > loss_of(truth) + 1


def test_a_training_that_begins_at_the_truth_stays_there(learner, batches, loss_of, mixed, truth):
    """The MCC is 0.996, as far as the noise lets codes be known, before and after; of steps up the loss it is 0.2."""
    start, moments = learner.learn.init(0)
    assert jax.tree.map(jnp.shape, start) == jax.tree.map(jnp.shape, truth)
    source = batches.source(TRAIN)

    def step(now, key):
        batch = batches.drawn(source, key, TRAIN.batch_size)
        return learner.learn.step(now, batch, key, {"step": TRAIN.steps})[0], None

    keys = jax.vmap(jax.random.key)(jnp.arange(TRAIN.steps))
    params = learner.learn.params(jax.jit(lambda now: jax.lax.scan(step, now, keys)[0])((truth, moments)))
    # The series goes on: of twice as many points the first half is the one that was learnt from.
    longer = series(20_000)
    np.testing.assert_array_equal(longer.sources[:10_000], mixed.sources)
    codes = np.asarray(learner.encode(params, {"x": jnp.asarray(longer.storage[10_000:])})["mean"])
    assert mcc_of(codes, longer.sources[10_000:]) > 0.99
    # By the draws of the steps it is 0.7 lower to 0.02 higher; of wrong dynamics it is more than 1 higher.
    assert loss_of(params) < loss_of(truth) + 0.5
    # The drift may move more: offsets of sources are not identified.
    for name in ("near", "far"):
        moved = np.abs(params["dynamics"][name] - truth["dynamics"][name]).max(axis=0)
        assert 0 < moved[0] < 0.1, name  # of the oscillating state
        assert 0 < moved[1] < 0.5, name  # of the other, whose innovations are 100 times larger
