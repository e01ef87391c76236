"""GCL: its regression function against the true log-ratio, its loss by hand, and the sources of a mixture."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from contrastive import STUDY, codes_of, mcc_of, settings_of
from scipy.stats import norm

from disentanglement_study import data
from disentanglement_study.methods.ica import gcl
from disentanglement_study.methods.kinds import Inputs

INPUTS = Inputs((3,), (), {"segment": 7, "u": 7})


def built(inputs=INPUTS, codes=3, **options):
    return gcl.build(inputs, settings_of(codes, gcl.Options(**options)))


def test_at_the_true_sources_it_is_the_true_log_density_up_to_what_is_of_them_alone():
    draws = np.random.default_rng(0)
    scales, means, points = draws.uniform(0.3, 1.5, (7, 3)), draws.uniform(-2, 2, (7, 3)), draws.normal(size=(20, 3))
    tables = jax.tree.map(np.float32, {"log_precision": -2 * np.log(scales), "mean": means, "offset": np.zeros(7)})
    given = np.stack([gcl.given_u(tables, points, np.tile(np.eye(7)[segment], (20, 1))) for segment in range(7)])
    truth = norm.logpdf(points, means[:, None], scales[:, None]).sum(axis=2)
    np.testing.assert_allclose(given - given[0], truth - truth[0], rtol=1e-4, atol=1e-3)


def test_the_loss_is_that_of_a_logistic_regression():
    learner, draws, key = built(num_layers=2), np.random.default_rng(0), jax.random.key(3)
    segment = draws.integers(0, 7, 40)
    batch = {"x": jnp.float32(draws.normal(size=(40, 3))), "u": jnp.float32(np.eye(7)[segment])}
    params = jax.device_get(learner.learn.params(learner.learn.init(0)))
    h, sources = np.asarray(learner.encode(params, batch)["mean"], float), params["sources"]
    first, last = params["alone"]["Dense_0"], params["alone"]["features"]
    pieces = batch["x"] @ first["kernel"] + first["bias"]
    alone = (np.maximum(pieces[:, 0::2], pieces[:, 1::2]) @ last["kernel"] + last["bias"])[:, 0]

    def ratio(segment):
        scales = np.exp(-sources["log_precision"][segment] / 2)
        return alone + (norm.logpdf(h, sources["mean"][segment], scales) + np.log(2 * np.pi) / 2).sum(axis=1)

    right, wrong = ratio(segment), ratio(np.asarray(jax.random.permutation(key, segment)))
    terms = learner.learn.terms(params, batch, key, {})
    expected = (np.log1p(np.exp(-right)).mean() + np.log1p(np.exp(wrong)).mean()) / 2
    np.testing.assert_allclose(terms["loss"], expected, rtol=1e-3)
    np.testing.assert_allclose(terms["accuracy"], ((right > 0).mean() + (wrong <= 0).mean()) / 2, atol=1e-6)


def test_a_real_valued_u_has_no_least_number():
    learner = built(INPUTS._replace(auxiliary={"u": 2}))
    assert learner.learn.params(learner.learn.init(0))["sources"]["mean"].shape == (2, 3)


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
def test_sources_are_found_where_linear_components_are_not():
    options = {"distribution": "gaussian", "least_scale": 0.3, "most_scale": 1.5, "mean_range": 2.0}
    sizes = {"num_sources": 3, "num_layers": 2, "num_segments": 40, "segment_length": 256}
    mixed = data.load("segment_sources", options=sizes | options)
    train = dataclasses.replace(STUDY.train, steps=3000, batch_size=256, learning_rate=3e-3)
    found = mcc_of(codes_of("gcl", mixed, train, {"num_layers": 2}), mixed.sources)
    assert found > 0.8
    assert found > mcc_of(codes_of("fast_ica", mixed, train, {}), mixed.sources) + 0.05
