"""TCL: its loss by hand, what follows the training, and |s| of a mixture."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from contrastive import STUDY, codes_of, mcc_of, settings_of

from disentanglement_study import data
from disentanglement_study.methods.ica import tcl
from disentanglement_study.methods.kinds import Inputs

INPUTS = Inputs((3,), (), {"segment": 4})


def built(inputs=INPUTS, codes=3, **options):
    return tcl.build(inputs, settings_of(codes, tcl.Options(**options)))


def batch_of(size=7):
    draws = np.random.default_rng(0)
    return {
        "x": jnp.float32(draws.normal(size=(size, 3))),
        "segment": jnp.int32(draws.integers(0, 4, size)),
    }


def test_codes_are_the_absolute_last_layer_of_a_net_of_maxout_units():
    learner, batch = built(num_layers=2, expansion=2), batch_of()
    params = jax.device_get(learner.learn.params(learner.learn.init(0)))
    first, last = params["features"]["Dense_0"], params["features"]["features"]
    pieces = batch["x"] @ first["kernel"] + first["bias"]
    assert pieces.shape == (7, 12)
    hidden = np.maximum(pieces[:, 0::2], pieces[:, 1::2])
    expected = np.abs(hidden @ last["kernel"] + last["bias"])
    np.testing.assert_allclose(learner.encode(params, batch)["mean"], expected, rtol=1e-4, atol=1e-5)


def test_the_loss_is_the_cross_entropy_of_segments_and_half_the_squares_of_weights():
    learner, batch = built(num_layers=2, weight_decay=0.3), batch_of()
    params = jax.device_get(learner.learn.params(learner.learn.init(0)))
    params["segments"]["bias"] = np.array([3.0, -1.0, 0.5, 2.0], np.float32)
    h = np.asarray(learner.encode(params, batch)["mean"], np.float64)
    odds = np.exp(h @ params["segments"]["kernel"] + params["segments"]["bias"])
    share = odds[np.arange(7), batch["segment"]] / odds.sum(axis=1)
    kernels = params["features"]["Dense_0"], params["features"]["features"], params["segments"]
    decay = 0.3 * sum(0.5 * (layer["kernel"] ** 2).sum() for layer in kernels)
    terms = learner.learn.terms(params, batch, jax.random.key(0), {})
    np.testing.assert_allclose(terms["loss"], -np.log(share).mean() + decay, rtol=1e-4)
    np.testing.assert_allclose(terms["accuracy"], (odds.argmax(axis=1) == batch["segment"]).mean())
    assert float(terms["chance"]) == 0.25


def test_what_follows_the_training_unmixes_positive_sources():
    learner = built(num_points=4000)
    sources = np.abs(np.random.default_rng(0).laplace(size=(4000, 3)))
    mixed = (sources @ np.array([[1, 0.5, 0.2], [0.1, 1, 0.4], [0.6, 0.2, 1]])).astype(np.float32)
    arrays, terms = learner.after.fit(mixed, 0)
    found = np.asarray(learner.after.apply(arrays, mixed))
    assert terms == {"after_converged": 1.0}
    correlation = np.abs(np.corrcoef(found.T, sources.T)[:3, 3:])
    assert correlation.max(axis=0).min() > 0.99
    assert sorted(correlation.argmax(axis=0)) == [0, 1, 2]


@pytest.mark.parametrize(
    ("inputs", "options", "message"),
    [
        (INPUTS._replace(auxiliary={"segment": 3}), {}, "3 segments: expected at least nets.num_latents + 1 = 4"),
        (INPUTS._replace(shape=(2,)), {}, "nets.num_latents = 3: expected at most 2, the numbers of an input"),
        (INPUTS, {"num_points": 2}, "num_points = 2: expected at least 3, nets.num_latents"),
    ],
)
def test_bad_input_is_one_line(inputs, options, message):
    with pytest.raises(ValueError, match="^" + message.replace("+", r"\+") + "$"):
        built(inputs, **options)


@pytest.mark.slow
def test_absolute_sources_are_found_where_linear_components_are_not():
    mixed = data.load(
        "segment_sources", options={"num_sources": 3, "num_layers": 2, "num_segments": 40, "segment_length": 256}
    )
    train = dataclasses.replace(STUDY.train, steps=3000, batch_size=256, learning_rate=3e-3)
    codes = codes_of("tcl", mixed, train, {"num_layers": 2})
    absolute = np.abs(codes_of("fast_ica", mixed, train, {}))
    target = np.abs(mixed.sources)
    assert mcc_of(codes, target) > 0.8
    assert mcc_of(codes, target) > mcc_of(absolute, target) + 0.05
