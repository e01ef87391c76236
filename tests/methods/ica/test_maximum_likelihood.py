"""Densities, their log-determinants and relative gradients, against what is known of them."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
import scipy.stats

from disentanglement_study import config, data, methods
from disentanglement_study.metrics.mcc import mean_correlation
from disentanglement_study.nets import square
from disentanglement_study.study import loading
from disentanglement_study.training.encode import encode
from disentanglement_study.training.learn import learn
from disentanglement_study.types import Job, Run

METHODS = "conditional_likelihood", "unconditional_likelihood"
both = pytest.mark.parametrize("name", METHODS)


def study_of(name, num_latents, steps=10, **options):
    train = {"steps": steps, "batch_size": 512, "learning_rate": 1e-2, "schedule": "cosine"}
    text = "sweep.data_sets = ['segment_sources']\nsweep.methods = {'pca': {}}\nsweep.seeds = 1\n"
    text += f"nets.num_latents = {num_latents}\nevaluate.training_batches = 10\n"
    study = config.load_text(text + "".join(f"train.{key} = {value!r}\n" for key, value in train.items()))
    return dataclasses.replace(study, options={name: options})


def built(name, size=3, num_segments=10, **options):
    return methods.build(
        name, methods.inputs_of((size,), (), 64, {"segment": num_segments}), study_of(name, size, **options)
    )


def random_params(learner, seed=0):
    """Parameters off the first values: biases, means and scales that are not 0."""
    params, draws = learner.learn.params(learner.learn.init(0)), np.random.default_rng(seed)
    return jax.tree.map(lambda leaf: leaf + jnp.asarray(draws.normal(size=leaf.shape) * 0.3, jnp.float32), params)


def batch_of(size=3, number=16, num_segments=10):
    draws = np.random.default_rng(1)
    x, segment = draws.normal(size=(number, size)), draws.integers(num_segments, size=number)
    return {"x": jnp.asarray(x, jnp.float32), "u": jnp.asarray(np.eye(num_segments)[segment], jnp.float32)}


def log_likelihood(learner, params, batch):
    return learner.learn.terms(params, batch, jax.random.key(0), {"step": 0})["log_likelihood"]


def test_the_log_determinant_is_that_of_the_jacobian():
    params, x = random_params(built(METHODS[1], num_layers=3))["unmixing"], batch_of()["x"]
    codes, log_dets = square.apply(params, x, 0.2)
    one = lambda point: square.apply(params, point[None], 0.2)[0][0]  # noqa: E731
    np.testing.assert_allclose(codes, jax.vmap(one)(x), rtol=1e-5, atol=1e-6)
    expected = np.linalg.slogdet(np.asarray(jax.vmap(jax.jacfwd(one))(x), np.float64))[1]
    np.testing.assert_allclose(log_dets, expected, atol=1e-4)


@both
def test_the_relative_gradient_is_that_of_the_plain_loss_times_w_wt(name):
    plain, relative = (built(name, num_layers=3, relative_gradient=one) for one in (False, True))
    params, batch = random_params(plain), batch_of()
    gradients = [jax.grad(lambda params, of=of: log_likelihood(of, params, batch))(params) for of in (plain, relative)]
    for layer, values in params["unmixing"].items():
        w = np.asarray(values["kernel"], np.float64)
        by_w, relative_by_w = (np.asarray(one["unmixing"].pop(layer)["kernel"]) for one in gradients)
        np.testing.assert_allclose(relative_by_w, w @ w.T @ by_w, rtol=1e-3, atol=1e-4)
        assert not np.allclose(by_w, relative_by_w, atol=1e-2)
    rest = [one.get("sources", {}) for one in gradients]
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-5), *rest)


def test_the_density_of_each_segment_integrates_to_1():
    learner = built("conditional_likelihood", size=2)
    params, axis = random_params(learner), np.linspace(-40, 40, 1001)
    grid = jnp.asarray(np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2), jnp.float32)
    for u in (np.eye(10)[[0]], np.eye(10)[[7]]):
        one = lambda x, u=u: log_likelihood(learner, params, {"x": x[None], "u": u})  # noqa: E731
        total = np.exp(np.asarray(jax.jit(jax.vmap(one))(grid), np.float64)).sum() * (axis[1] - axis[0]) ** 2
        assert total == pytest.approx(1, abs=2e-3)


def test_the_density_of_the_sources_is_gaussian_by_segment_or_standard_normal():
    params, batch = random_params(built("conditional_likelihood")), batch_of()
    for sources in (params["sources"], None):
        learner = built(METHODS[sources is None], num_layers=1)
        linear = {"unmixing": {"layer_0": {"kernel": 2 * jnp.eye(3), "bias": jnp.ones(3)}}}
        mean, scale = np.zeros((16, 3)), np.ones((16, 3))
        if sources is not None:
            linear["sources"] = sources
            segment = np.argmax(batch["u"], axis=1)
            mean, scale = sources["mean"][segment], np.exp(sources["log_scale"][segment])
        expected = scipy.stats.norm.logpdf(2 * batch["x"] + 1, mean, scale).sum(axis=1) + 3 * np.log(2)
        np.testing.assert_allclose(log_likelihood(learner, linear, batch), expected.mean(), rtol=1e-5)


@both
def test_its_net_is_square(name):
    with pytest.raises(ValueError, match=r"expected nets\.num_latents = 4, the number of observed variables, got 3"):
        methods.build(name, methods.inputs_of((4,), (), 64, {"segment": 10}), study_of(name, 3))
    with pytest.raises(ValueError, match="takes vectors"):
        methods.build(name, methods.inputs_of((64, 64, 1), (), 64, {"segment": 10}), study_of(name, 3))


def test_too_few_segments_are_refused():
    built("conditional_likelihood", num_segments=7)
    with pytest.raises(ValueError, match=r"6 segments: expected at least 2 nets.num_latents \+ 1 = 7"):
        built("conditional_likelihood", num_segments=6)


def series(**options):
    given = {"num_sources": 5, "num_segments": 40, "segment_length": 512, "num_layers": 2}
    return data.load(
        "segment_sources",
        options=given | {"distribution": "gaussian", "least_scale": 0.5, "most_scale": 3.0, **options},
    )


def trained(name, of, study, seeds):
    job = Job("job", tuple(Run(f"{seed}", of.name, name, {}, seed, "paper") for seed in seeds))
    learner, batches = loading.learner(job, study, of), loading.batches(job, study, of)
    learnt = learn(job, learner, batches, study)
    codes = encode(learner, learnt.params, len(seeds), batches, np.arange(0, of.num_images, 4), 4096)["mean"]
    return learnt, [mean_correlation(of.sources[::4], one) for one in codes]


def test_a_training_that_begins_at_the_truth_stays_there():
    mixture, study = series(num_layers=1), study_of("conditional_likelihood", 5, num_layers=1)
    job = Job("job", (Run("0", mixture.name, "conditional_likelihood", {}, 0, "paper"),))
    learner, batches = loading.learner(job, study, mixture), loading.batches(job, study, mixture)
    source = batches.source(study.train)
    everything = batches.seen(source, jnp.arange(mixture.num_images), 0)
    x, s = np.asarray(everything["x"], np.float64), mixture.sources
    unmixing, *_ = np.linalg.lstsq(x, s, rcond=None)
    scales = np.stack([s[mixture.auxiliary["segment"] == u].std(axis=0) for u in range(40)])
    truth = {
        "unmixing": {"layer_0": {"kernel": jnp.asarray(unmixing, jnp.float32), "bias": jnp.zeros(5)}},
        "sources": {"mean": jnp.zeros((40, 5)), "log_scale": jnp.asarray(np.log(scales), jnp.float32)},
    }
    _, *rest = learner.learn.init(0)
    step = jax.jit(lambda state, batch: learner.learn.step(state, batch, jax.random.key(0), {"step": 0})[0])
    state, draw = (truth, *rest), jax.jit(lambda key: batches.drawn(source, key, 512))
    for number in range(10):
        state = step(state, draw(jax.random.key(number)))
    assert not np.array_equal(state[0]["unmixing"]["layer_0"]["kernel"], truth["unmixing"]["layer_0"]["kernel"])
    codes = learner.encode(learner.learn.params(state), everything)["mean"]
    assert mean_correlation(s, np.asarray(codes)) > 0.99


@pytest.mark.slow
@pytest.mark.parametrize("relative_gradient", [False, True])
def test_it_unmixes_what_a_density_without_segments_cannot(relative_gradient):
    mccs = {}
    for name in METHODS:
        study = study_of(name, 5, steps=2500, relative_gradient=relative_gradient)
        learnt, found = trained(name, series(), study, (0, 1, 2))
        mccs[name] = found[int(np.argmin(learnt.terms["loss"]))]
    conditional, unconditional = mccs.values()
    assert conditional > 0.9
    assert unconditional < conditional - 0.15
