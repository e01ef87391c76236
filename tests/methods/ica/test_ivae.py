"""iVAE: its density, prior and loss by independent formulas, what it keeps and what it finds."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from contrastive import STUDY, mcc_of, settings_of
from scipy.stats import multivariate_normal, norm

from disentanglement_study import data
from disentanglement_study.config import TrainConfig
from disentanglement_study.methods.ica import ivae
from disentanglement_study.methods.kinds import Inputs
from disentanglement_study.study import loading
from disentanglement_study.training.encode import encode
from disentanglement_study.training.learn import learn
from disentanglement_study.types import Job, Run

ELBO = dict.fromkeys(ivae.HYPER, 1.0)
CODE = {"reconstruction": 100.0, "mutual_information": 1.0, "total_correlation": 0.0, "dimension_wise_kl": 10.0}
INPUTS = Inputs((4,), (), {"u": 7, "segment": 7})


def built(inputs=INPUTS, codes=3, **options):
    return ivae.build(inputs, settings_of(codes, ivae.ConditionalOptions(width=8, **options)))


def unconditional(inputs=INPUTS, codes=3):
    return ivae.build_unconditional(inputs, settings_of(codes, ivae.Options(width=8)))


def params_of(learner):
    """Parameters off the first values: biases that are not 0."""
    draws = np.random.default_rng(0)
    return jax.tree.map(
        lambda leaf: leaf + jnp.asarray(draws.normal(size=leaf.shape) * 0.3, jnp.float32),
        learner.learn.params(learner.learn.init(0)),
    )


def batch_of(number=32):
    draws = np.random.default_rng(1)
    x, segment = draws.normal(size=(number, 4)), draws.integers(7, size=number)
    return {"x": jnp.asarray(x, jnp.float32), "u": jnp.eye(7)[segment]}


def net(params, x):
    """Linear layers, between them tanh(x) + x / 10, in NumPy."""
    *hidden, last = (params[name] for name in (*sorted(params.keys() - {"outputs"}), "outputs"))
    for layer in hidden:
        x = x @ np.asarray(layer["kernel"], np.float64) + layer["bias"]
        x = np.tanh(x) + 0.1 * x
    return x @ np.asarray(last["kernel"], np.float64) + last["bias"]


def gaussians(params, batch, sees_u=True):
    """Mean and logvar of the posterior and of the prior, in NumPy."""
    seen = np.concatenate([batch["x"], batch["u"]], axis=1) if sees_u else batch["x"]
    posterior = [net(params["encoder"][name], seen) for name in ("mean", "logvar")]
    nets = params.get("prior", {})
    prior = [
        net(nets[name], batch["u"]) if name in nets else np.zeros_like(posterior[0]) for name in ("mean", "logvar")
    ]
    return posterior, prior


def terms_of(learner, params, batch, hyper, key=0):
    return {
        name: float(value) for name, value in learner.learn.terms(params, batch, jax.random.key(key), hyper).items()
    }


LEARNERS = {
    "of x and u": lambda: built(encoder_sees_u=True),
    "with a mean": lambda: built(prior_mean=True, encoder_sees_u=True),
    "of x alone": built,
    "unconditional": unconditional,
}
each = pytest.mark.parametrize("kind", LEARNERS)


@each
def test_reconstruction_and_kl_are_those_of_the_densities(kind):
    learner, batch = LEARNERS[kind](), batch_of(4)
    params = params_of(learner)
    (mean, logvar), (prior_mean, prior_logvar) = gaussians(params, batch, kind in ("of x and u", "with a mean"))
    terms = terms_of(learner, params, batch, ELBO, key=5)
    z = mean + np.exp(logvar / 2) * jax.random.normal(jax.random.key(5), mean.shape)
    density = [
        multivariate_normal.logpdf(x, decoded, 0.1 * np.eye(4))
        for x, decoded in zip(batch["x"], net(params["decoder"], z), strict=True)
    ]
    assert terms["reconstruction_loss"] == pytest.approx(-np.mean(density), rel=1e-4)
    z = mean + np.exp(logvar / 2) * np.random.default_rng(2).normal(size=(20_000, *mean.shape))
    ratio = norm.logpdf(z, mean, np.exp(logvar / 2)) - norm.logpdf(z, prior_mean, np.exp(prior_logvar / 2))
    draws = ratio.sum(axis=2).mean(axis=1)
    assert terms["kl_loss"] == pytest.approx(draws.mean(), abs=4 * draws.std() / len(draws) ** 0.5)


@each
def test_with_equal_weights_the_loss_is_the_negative_elbo_for_the_aggregate_terms_cancel(kind):
    learner, batch = LEARNERS[kind](), batch_of()
    for weight in (1, 2):
        terms = terms_of(learner, params_of(learner), batch, dict.fromkeys(ELBO, weight))
        assert terms["loss"] == pytest.approx(weight * (terms["reconstruction_loss"] + terms["kl_loss"]), rel=1e-5)


def test_the_weighted_loss_is_that_of_the_authors_code_but_for_constants():
    """a log p(x|z) - b (log q(z|x,u) - log q(z)) - c (log q(z) - Σ log q(z_i)) - d (Σ log q(z_i) - log p(z|u)), with
    logsumexp over the batch less log(batch times data set) in log q(z) and log q(z_i): of 32 and 1000 points here."""
    learner, batch = built(encoder_sees_u=True), batch_of()
    params, log_size = params_of(learner), np.log(32 * 1000)
    (mean, logvar), (prior_mean, prior_logvar) = gaussians(params, batch)
    deviation, prior_deviation = np.exp(logvar / 2), np.exp(prior_logvar / 2)
    z = mean + deviation * np.asarray(jax.random.normal(jax.random.key(3), mean.shape), np.float64)
    given_each = norm.logpdf(z[:, None], mean, deviation)
    joint = np.logaddexp.reduce(given_each.sum(axis=2), axis=1) - log_size
    marginals = (np.logaddexp.reduce(given_each, axis=1) - log_size).sum(axis=1)
    # Over z, in place of the authors' draw.
    posterior = -norm.entropy(mean, deviation).sum(axis=1)
    prior = (norm.logpdf(mean, prior_mean, prior_deviation) - (deviation / prior_deviation) ** 2 / 2).sum(axis=1)
    density = norm.logpdf(batch["x"], net(params["decoder"], z), np.sqrt(0.1)).sum(axis=1)
    a, b, c, d = CODE.values()
    theirs = -np.mean(a * density - b * (posterior - joint) - c * (joint - marginals) - d * (marginals - prior))
    constants = (b - c) * log_size + (c - d) * 3 * log_size
    ours = terms_of(learner, params, batch, CODE, key=3)["loss"]
    assert ours + constants == pytest.approx(theirs, rel=1e-4)


def test_the_prior_is_a_function_of_u_and_its_mean_is_0_unless_it_is_learnt():
    assert params_of(built())["prior"].keys() == {"logvar"}
    assert params_of(built(prior_mean=True))["prior"].keys() == {"mean", "logvar"}
    assert "prior" not in params_of(unconditional())
    learner, batch = built(), batch_of()
    other = {**batch, "u": jnp.roll(batch["u"], 1, axis=0)}
    kl = [terms_of(learner, params_of(learner), one, ELBO)["kl_loss"] for one in (batch, other)]
    assert kl[0] != pytest.approx(kl[1], rel=1e-3)
    control = unconditional()
    terms_of(control, params_of(control), {"x": batch["x"]}, ELBO)  # it has no use for u


@pytest.mark.parametrize("sees_u", [True, False])
def test_codes_are_means_of_the_posterior_which_sees_u_or_not(sees_u):
    learner, batch = built(encoder_sees_u=sees_u), batch_of()
    params = params_of(learner)
    codes = learner.encode(params, batch)
    (mean, logvar), _ = gaussians(params, batch, sees_u)
    np.testing.assert_allclose(codes["mean"], mean, atol=1e-4)
    np.testing.assert_allclose(codes["logvar"], logvar, atol=1e-4)
    np.testing.assert_allclose(learner.decode(params, codes["mean"]), net(params["decoder"], mean), atol=1e-4)
    other = {**batch, "u": jnp.roll(batch["u"], 1, axis=0)}
    assert np.allclose(learner.encode(params, other)["mean"], codes["mean"]) != sees_u


@pytest.mark.parametrize(
    ("inputs", "options", "message"),
    [
        (INPUTS._replace(auxiliary={"u": 3, "segment": 3}), {}, "3 segments: expected at least 4, .* = 3"),
        (
            INPUTS._replace(auxiliary={"u": 6, "segment": 6}),
            {"prior_mean": True},
            "6 segments: expected at least 7, .*",
        ),
        (INPUTS._replace(shape=(2,)), {}, "nets.num_latents = 3: expected at most 2, the numbers of an input"),
        (INPUTS._replace(shape=(8, 8, 1)), {}, r"it takes vectors, got images of \[8, 8, 1\]"),
    ],
)
def test_bad_input_is_one_line(inputs, options, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        built(inputs, **options)


def test_a_real_valued_u_has_no_segments_to_count():
    built(INPUTS._replace(auxiliary={"u": 2}))


def series(**options):
    """Gaussian sources of a mixture whose segments are known as u, one-hot."""
    given = {"num_sources": 5, "num_segments": 40, "distribution": "gaussian", "least_scale": 0.5, "most_scale": 3.0}
    mixed = data.load("segment_sources", options=given | options)
    u = np.eye(40, dtype=np.float32)[mixed.auxiliary["segment"]]
    return dataclasses.replace(mixed, auxiliary={**mixed.auxiliary, "u": u})


def parts_of(name, of, hyper, train, **options):
    net = dataclasses.replace(STUDY.nets, num_latents=5)
    study = dataclasses.replace(STUDY, nets=net, train=train, options={name: options})
    job = Job("job", (Run("run", of.name, name, hyper, 0, "paper"),))
    return job, loading.learner(job, study, of), loading.batches(job, study, of), study


def test_a_training_that_begins_at_the_truth_stays_there():
    """Of a linear mixture, by linear nets."""
    mixed = series(num_layers=1, segment_length=256)
    train = TrainConfig(steps=100, batch_size=256, learning_rate=1e-3)
    _, learner, batches, study = parts_of("ivae", mixed, ELBO, train, num_layers=1, variance=0.001)
    x, s, segment = mixed.storage, mixed.sources, mixed.auxiliary["segment"]
    mixing = np.linalg.lstsq(s, x)[0]
    logvars = np.log([s[segment == one].var(axis=0) for one in range(40)])
    noise = np.log(0.001 * np.diag(np.linalg.inv(mixing @ mixing.T)))

    def linear(kernel, bias=(0.0,) * 5):
        return {"outputs": {"kernel": jnp.asarray(kernel, jnp.float32), "bias": jnp.asarray(bias, jnp.float32)}}

    truth = {
        "encoder": {"mean": linear(np.linalg.inv(mixing)), "logvar": linear(np.zeros((5, 5)), noise)},
        "decoder": linear(mixing),
        "prior": {"logvar": linear(logvars)},
    }
    start, moments = learner.learn.init(0)
    assert jax.tree.map(jnp.shape, start) == jax.tree.map(jnp.shape, truth)
    source, state = batches.source(study.train), (truth, moments)
    step = jax.jit(
        lambda state, key: learner.learn.step(state, batches.drawn(source, key, 256), key, ELBO | {"step": 0})[0]
    )
    for number in range(100):
        state = step(state, jax.random.key(number))
    assert not np.array_equal(state[0]["decoder"]["outputs"]["kernel"], truth["decoder"]["outputs"]["kernel"])
    codes = learner.encode(learner.learn.params(state), {"x": jnp.asarray(x)})["mean"]
    assert mcc_of(np.asarray(codes), s) > 0.99


@pytest.mark.slow
def test_it_finds_more_of_the_sources_than_is_in_the_inputs_or_a_vae_finds():
    """The setting of the authors' code, but for a cosine schedule and an encoder that does not see u."""
    mixed = series(num_layers=3, activation="xtanh", slope=0.1, weights="repeated", segment_length=1000, seed=1)
    train = TrainConfig(steps=12_500, batch_size=64, learning_rate=1e-2, schedule="cosine")
    found = {"raw": mcc_of(mixed.storage, mixed.sources)}
    for name in ("ivae", "unconditional_vae"):
        job, learner, batches, study = parts_of(name, mixed, CODE, train)
        params = learn(job, learner, batches, study).params
        codes = encode(learner, params, 1, batches, np.arange(mixed.num_images), 4096)["mean"][0]
        found[name] = mcc_of(codes, mixed.sources)
    assert found["ivae"] > found["raw"] + 0.15
    assert found["ivae"] > found["unconditional_vae"] + 0.1
