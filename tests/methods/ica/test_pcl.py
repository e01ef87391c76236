"""PCL: its regression function against the true log-ratio, its loss by hand, and the sources of a mixture."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from contrastive import STUDY, codes_of, mcc_of, settings_of
from scipy.stats import laplace, norm

from disentanglement_study import data
from disentanglement_study.methods.ica import pcl
from disentanglement_study.methods.kinds import Inputs


def built(size=3, codes=3, **options):
    return pcl.build(Inputs((size,)), settings_of(codes, pcl.Options(**options)))


def test_at_the_true_sources_the_regression_is_the_true_log_ratio_up_to_a_constant():
    coefficients, scales = np.array([0.7, -0.4, 0.2]), np.array([0.5, 1.3, 0.8])
    draws = np.random.default_rng(0)
    now, before = draws.normal(size=(2, 50, 3))
    # Innovations are Laplace; for the marginal a Gaussian stands.
    innovation = laplace.logpdf(now, coefficients * before + 0.1, scales)
    truth = (innovation - norm.logpdf(now, 0, 1.5)).sum(axis=1)
    head = {
        "now": 1 / scales,
        "before": -coefficients / scales,
        "offset": -0.1 / scales,
        "log_curvature": np.full(3, np.log(1 / (2 * 1.5**2))),
        "constant": np.array(0.3),
    }
    apart = np.asarray(pcl.log_ratio(jax.tree.map(np.float32, head), now, before)) - truth
    np.testing.assert_allclose(apart, apart[0], atol=1e-4)


def test_the_loss_is_that_of_a_logistic_regression_on_normalised_features():
    learner, draws, key = built(num_layers=2), np.random.default_rng(0), jax.random.key(3)
    batch = {name: jnp.float32(draws.normal(2, 3, size=(40, 3))) for name in ("x", "pair")}
    params = jax.device_get(learner.learn.params(learner.learn.init(0)))
    h, past = (np.asarray(learner.encode(params, {"x": batch[name]})["mean"], float) for name in ("x", "pair"))
    both = np.concatenate([h, past])
    h, past = ((values - both.mean(axis=0)) / both.std(axis=0) for values in (h, past))

    def ratio(past):
        return (h**2 - np.abs(h - past)).sum(axis=1)

    wrong = ratio(past[np.asarray(jax.random.permutation(key, 40))])
    probability = lambda r: 1 / (1 + np.exp(-r))  # noqa: E731
    expected = -(np.log(probability(ratio(past))).mean() + np.log(1 - probability(wrong)).mean()) / 2
    terms = learner.learn.terms(params, batch, key, {})
    np.testing.assert_allclose(terms["loss"], expected, rtol=1e-3)
    np.testing.assert_allclose(terms["accuracy"], ((ratio(past) > 0).mean() + (wrong <= 0).mean()) / 2, atol=1e-6)


def test_the_loss_does_not_see_the_scale_of_features():
    learner, draws, key = built(num_layers=1), np.random.default_rng(0), jax.random.key(3)
    batch = {name: jnp.float32(draws.normal(size=(64, 3))) for name in ("x", "pair")}
    params = jax.device_get(learner.learn.params(learner.learn.init(0)))
    larger = {**params, "features": jax.tree.map(lambda leaf: leaf * np.float32([2, 5, 9]), params["features"])}
    losses = [learner.learn.terms(each, batch, key, {})["loss"] for each in (params, larger)]
    np.testing.assert_allclose(*losses, rtol=1e-3)


def test_more_codes_than_an_input_has_numbers_are_refused():
    with pytest.raises(ValueError, match=r"^nets.num_latents = 3: expected at most 2, the numbers of an input$"):
        built(size=2)


@pytest.mark.slow
def test_sources_are_found_where_linear_components_are_not():
    mixed = data.load("autoregressive_sources", options={"num_sources": 3, "num_layers": 2, "num_points": 8192})
    train = dataclasses.replace(
        STUDY.train, steps=3000, batch_size=512, learning_rate=0.1, optimiser="sgd", schedule="step"
    )
    drawn = dataclasses.replace(train, sampling="successive")
    found = mcc_of(codes_of("pcl", mixed, drawn, {"num_layers": 2}), mixed.sources)
    assert found > 0.8
    assert found > mcc_of(codes_of("fast_ica", mixed, train, {}), mixed.sources) + 0.05
