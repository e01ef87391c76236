"""ICE-BeeM: its score against a closed form, its loss at the truth, and the sources of a mixture."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from contrastive import codes_of, mcc_of, settings_of

from disentanglement_study import data
from disentanglement_study.config import TrainConfig
from disentanglement_study.methods.ica import ice_beem
from disentanglement_study.methods.kinds import Inputs

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


def test_no_density_grows_without_bound():
    sources = {"linear": jnp.ones((7, 3)), "square": jnp.full((7, 3), -5.0)}
    far = ice_beem.of_features(sources, 1e4 * jnp.ones((1, 3)), jnp.eye(7)[:1])
    assert far < 0


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
