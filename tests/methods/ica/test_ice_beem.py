"""ICE-BeeM: its score against a closed form, its loss at the truth, and the sources of a mixture."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from contrastive import STUDY, codes_of, mcc_of, settings_of

from disentanglement_study import data
from disentanglement_study.config import TrainConfig
from disentanglement_study.methods.ica import ice_beem
from disentanglement_study.methods.kinds import Inputs
from disentanglement_study.study import loading
from disentanglement_study.types import Job, Run

INPUTS = Inputs((3,), (), {"segment": 7, "u": 7})
NOISE = 0.5


def built(inputs=INPUTS, codes=3, **options):
    return ice_beem.build(inputs, settings_of(codes, ice_beem.Options(**options)))


def linear(kernel, means, precisions, base):
    """Parameters of nets of one layer that are the density of Gaussian sources given u, up to a constant of u.

    softplus(square) = precision / 2, linear = precision * mean; a(x) = base · x.
    """
    return {
        "features": {"outputs": {"kernel": kernel, "bias": jnp.zeros(len(kernel))}},
        "alone": {"outputs": {"kernel": base[:, None], "bias": jnp.zeros(1)}},
        "sources": {"linear": precisions * means, "square": jnp.log(jnp.expm1(precisions / 2))},
    }


def test_the_loss_is_that_of_the_gaussian_score():
    """Of p(x | u) = N(m, 1 / λ) the score is -λ (x - m): the loss in closed form."""
    draws = np.random.default_rng(0)
    means, precisions = np.float32(draws.normal(size=(7, 3))), np.float32(draws.uniform(0.5, 2, (7, 3)))
    base, x, segment = np.float32(draws.normal(size=3)), draws.normal(size=(4, 3)), draws.integers(0, 7, 4)
    params, key = linear(np.eye(3, dtype=np.float32), means, precisions, base), jax.random.key(1)
    batch = {"x": jnp.float32(x), "u": jnp.float32(np.eye(7)[segment])}
    terms = built(num_layers=1, noise=NOISE).learn.terms(params, batch, key, {})
    noise = np.asarray(jax.random.normal(key, (4, 3)), float)
    score = base - precisions[segment] * (x + NOISE * noise - means[segment])
    assert float(terms["loss"]) == pytest.approx(0.5 * ((NOISE * score + noise) ** 2).sum(axis=1).mean(), rel=1e-4)


def test_the_loss_is_lowest_at_the_density_of_noisy_inputs():
    draws = np.random.default_rng(0)
    segment = np.repeat(np.arange(7), 20_000)
    means, scales = draws.normal(size=(7, 3)), draws.uniform(0.5, 1.5, (7, 3))
    x = means[segment] + scales[segment] * draws.normal(size=(len(segment), 3))
    batch = {"x": jnp.float32(x), "u": jnp.float32(np.eye(7)[segment])}
    learner, key = built(num_layers=1, noise=NOISE), jax.random.key(0)
    precisions = 1 / (scales**2 + NOISE**2)

    def loss(kernel, by=1.0):
        params = jax.tree.map(jnp.float32, linear(kernel, means, by * precisions, np.zeros(3)))
        return float(learner.learn.terms(params, batch, key, {})["loss"])

    turned = np.array([[0.8, 0.6, 0], [-0.6, 0.8, 0], [0, 0, 1]])
    for other in (loss(turned), loss(np.eye(3), 1.3), loss(np.eye(3), 0.7)):
        assert loss(np.eye(3)) < other - 0.01


@pytest.mark.parametrize("by", [0.5, 1.0, 1.5])
def test_its_expectation_is_that_of_gaussians(by):
    """E ½ (σ s(x + σ e) + e)² of the score s(y) = -λ (y - m), with v the variance of y: ½ (σ² λ² v - 2 σ² λ + 1).

    Lowest at λ = 1 / v, where it is ½ (1 - σ² / v).
    """
    draws = np.random.default_rng(0)
    segment = np.repeat(np.arange(7), 40_000)
    means, scales = draws.normal(size=(7, 3)), draws.uniform(0.5, 1.5, (7, 3))
    x = means[segment] + scales[segment] * draws.normal(size=(len(segment), 3))
    variances = scales**2 + NOISE**2
    precisions = by / variances
    params = jax.tree.map(jnp.float32, linear(np.eye(3), means, precisions, np.zeros(3)))
    batch = {"x": jnp.float32(x), "u": jnp.float32(np.eye(7)[segment])}
    found = built(num_layers=1, noise=NOISE).learn.terms(params, batch, jax.random.key(0), {})["loss"]
    each = 0.5 * (NOISE**2 * precisions**2 * variances - 2 * NOISE**2 * precisions + 1)
    assert float(found) == pytest.approx(each.sum(axis=1).mean(), rel=0.01)


def test_its_squares_are_negative_whatever_the_parameters():
    """The second derivative by f is -2 h(u), h(u) = log(1 + exp of what is learnt)."""
    square = np.linspace(-30, 30, 21).reshape(7, 3)
    sources = {"linear": jnp.ones((7, 3)), "square": jnp.float32(square)}
    curvature = jax.vmap(jax.hessian(lambda f, u: ice_beem.of_features(sources, f[None], u[None])[0]))
    found = np.asarray(curvature(jnp.full((7, 3), 0.3), jnp.eye(7)))
    expected = -2 * np.log1p(np.exp(square))
    np.testing.assert_allclose(found, expected[:, :, None] * np.eye(3), rtol=1e-4)
    assert (np.diagonal(found, axis1=1, axis2=2) < 0).all()


def test_a_training_that_begins_at_the_truth_stays_there():
    """Of a linear mixture of Gaussian sources whose mean and scale change, by nets of one layer."""
    sizes = {"num_sources": 3, "num_layers": 1, "num_segments": 40, "segment_length": 256}
    ranges = {"distribution": "gaussian", "least_scale": 0.3, "most_scale": 1.5, "mean_range": 2.0}
    mixed = data.load("segment_sources", options=sizes | ranges)
    train = TrainConfig(learning_rate=1e-2, steps=200, batch_size=512)
    study = dataclasses.replace(STUDY, train=train, options={"ice_beem": {"num_layers": 1}})
    job = Job("job", (Run("run", mixed.name, "ice_beem", {}, 0, "paper"),))
    learner, batches = loading.learner(job, study, mixed), loading.batches(job, study, mixed)
    source = batches.source(train)
    x = batches.seen(source, jnp.arange(mixed.num_images), 0)["x"]
    s, segment, noise = mixed.sources, mixed.auxiliary["segment"], ice_beem.Options().noise
    weights = np.linalg.lstsq(np.column_stack([x, np.ones(len(x))]), s)[0]
    kernel, bias = weights[:-1], weights[-1]
    means, variances = (np.stack([of(s[segment == one], axis=0) for one in range(40)]) for of in (np.mean, np.var))
    precisions = 1 / (variances + noise**2 * (kernel**2).sum(axis=0))
    truth = jax.tree.map(jnp.float32, linear(kernel, means, precisions, np.zeros(3)))
    truth["features"]["outputs"]["bias"] = jnp.float32(bias)
    start, moments = learner.learn.init(0)
    assert jax.tree.map(jnp.shape, start) == jax.tree.map(jnp.shape, truth)

    def step(state, key):
        return learner.learn.step(state, batches.drawn(source, key, train.batch_size), key, {"step": 0})[0], None

    state, _ = jax.jit(lambda state, keys: jax.lax.scan(step, state, keys))(
        (truth, moments), jax.random.split(jax.random.key(0), train.steps)
    )
    learnt = learner.learn.params(state)
    assert not np.allclose(learnt["features"]["outputs"]["kernel"], kernel, atol=1e-3)
    assert mcc_of(np.asarray(learner.encode(learnt, {"x": x})["mean"]), s) > 0.99


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        (
            INPUTS._replace(auxiliary={"segment": 6, "u": 6}),
            r"6 segments: expected at least 2 nets.num_latents \+ 1 = 7",
        ),
        (INPUTS._replace(shape=(2,)), "nets.num_latents = 3: expected at most 2, the numbers of an input"),
    ],
)
def test_bad_input_is_one_line(inputs, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        built(inputs)


@pytest.mark.slow
def test_it_unmixes_what_a_linear_map_cannot():
    sizes = {"num_sources": 3, "num_layers": 2, "num_segments": 40, "segment_length": 256}
    mixture = data.load(
        "segment_sources",
        options=sizes | {"distribution": "gaussian", "least_scale": 0.3, "most_scale": 1.5, "mean_range": 2.0},
    )
    train = TrainConfig(learning_rate=1e-2, steps=3000, batch_size=512, schedule="cosine")
    codes = codes_of("ice_beem", mixture, train, {})
    linear = codes_of("fast_ica", mixture, TrainConfig(), {})
    assert mcc_of(codes, mixture.sources) > mcc_of(linear, mixture.sources) + 0.1
