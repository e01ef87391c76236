"""HM-NLICA: its loss against densities by hand, its diagnostics, and what it keeps of the truth."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from contrastive import codes_of, mcc_of, settings_of
from scipy.stats import norm

from disentanglement_study import data
from disentanglement_study.config import TrainConfig
from disentanglement_study.methods.ica import hidden_markov, markov
from disentanglement_study.methods.kinds import Inputs
from disentanglement_study.nets import square
from disentanglement_study.training.inputs import Batches

LENGTH = 6
INPUTS = Inputs((2,), (), {"segment": 5})


def built(inputs=INPUTS, codes=2, **options):
    settings = settings_of(codes, hidden_markov.Options(**options))
    train = dataclasses.replace(settings.train, sampling="windows", sampling_options={"length": LENGTH})
    return hidden_markov.build(inputs, settings._replace(train=train))


def params_of(learner, seed=0):
    params, draws = learner.learn.params(learner.learn.init(seed)), np.random.default_rng(seed)
    return jax.tree.map(lambda leaf: leaf + np.float32(0.3 * draws.normal(size=leaf.shape)), params)


def test_the_loss_is_the_density_of_each_window():
    learner, draws = built(), np.random.default_rng(0)
    x, params = jnp.float32(draws.normal(size=(3 * LENGTH, 2))), params_of(built())
    terms = learner.learn.terms(params, {"x": x}, jax.random.key(0), {"step": 0})
    states = jax.tree.map(lambda leaf: np.asarray(leaf, float), params["states"])
    codes, log_det = square.apply(params["unmixing"], x, 0.2)
    seen = norm.logpdf(np.asarray(codes)[:, None], states["mean"], np.exp(states["log_scale"])).sum(axis=2)
    initial, transition = (np.exp(states[name]) for name in ("initial", "transition"))
    initial, transition = initial / initial.sum(), transition / transition.sum(axis=1, keepdims=True)
    total = float(np.sum(log_det))
    for window in np.exp(seen).reshape(3, LENGTH, 5):
        ahead = initial * window[0]
        for at in window[1:]:
            ahead = (ahead @ transition) * at
        total += np.log(ahead.sum())
    assert float(terms["loss"]) == pytest.approx(-total / len(x), rel=1e-4)
    assert terms.keys() == {"loss", "log_likelihood"}


def test_states_are_matched_before_they_are_compared():
    truth = jnp.array([0, 0, 0, 1, 1, 2])
    renamed = jnp.array([2, 2, 2, 0, 0, 1])
    assert {name: float(value) for name, value in hidden_markov.agreement(renamed, truth, 3).items()} == pytest.approx(
        {"state_accuracy": 1.0, "chance": 0.5}
    )
    assert float(hidden_markov.agreement(renamed.at[0].set(0), truth, 4)["state_accuracy"]) == pytest.approx(5 / 6)


def test_of_a_data_set_that_knows_its_states_it_tells_how_many_it_finds():
    learner, draws = built(), np.random.default_rng(0)
    batch = {
        "x": jnp.float32(draws.normal(size=(2 * LENGTH, 2))),
        "segment": jnp.asarray(draws.integers(0, 5, 2 * LENGTH), jnp.int32),
    }
    params = params_of(learner)
    terms = learner.learn.terms(params, batch, jax.random.key(0), {"step": 0})
    assert 0 < float(terms["state_accuracy"]) <= 1
    assert float(terms["chance"]) == pytest.approx(np.bincount(batch["segment"]).max() / (2 * LENGTH))
    _, while_learning = learner.learn.step(learner.learn.init(0), batch, jax.random.key(0), {"step": 0})
    assert "state_accuracy" not in while_learning


@pytest.mark.parametrize(
    ("inputs", "options", "message"),
    [
        (INPUTS, {"num_states": 4}, r"num_states = 4: expected at least 2 nets.num_latents \+ 1 = 5"),
        (
            INPUTS._replace(shape=(3,)),
            {},
            "its net is square: expected nets.num_latents = 3, the number of observed variables, got 2",
        ),
        (INPUTS._replace(shape=(8, 8, 1)), {}, r"it takes vectors, got images of \[8, 8, 1\]"),
    ],
)
def test_bad_input_is_one_line(inputs, options, message):
    with pytest.raises(ValueError, match=f"^{message}$"):
        built(inputs, **options)


def series(**options):
    given = {"num_sources": 2, "num_states": 5, "num_points": 10_000, "num_layers": 1, **options}
    return data.load("hidden_markov_sources", options=given)


def test_a_training_that_begins_at_the_truth_stays_there():
    mixture = series()
    settings = settings_of(2, hidden_markov.Options(num_layers=1))
    train = TrainConfig(sampling="windows", sampling_options={"length": 50}, batch_size=500, learning_rate=1e-3)
    learner = hidden_markov.build(INPUTS, settings._replace(train=train))
    batches = Batches(mixture, 64, (), whiten=True)
    source = batches.source(train)
    everything = batches.seen(source, jnp.arange(mixture.num_images), 0)
    state = mixture.auxiliary["segment"]
    kernel, *_ = np.linalg.lstsq(np.asarray(everything["x"], float), mixture.sources, rcond=None)
    bias = (mixture.sources - everything["x"] @ kernel).mean(axis=0)
    of_state = [mixture.sources[state == k] for k in range(5)]
    first, *rest = learner.learn.init(0)
    truth = {
        "unmixing": {"layer_0": {"kernel": kernel, "bias": bias}},
        "states": first["states"]
        | {
            "mean": np.stack([s.mean(axis=0) for s in of_state]),
            "log_scale": np.log([s.std(axis=0) for s in of_state]),
        },
    }
    now = (jax.tree.map(jnp.float32, truth), *rest)
    step = jax.jit(lambda now, batch: learner.learn.step(now, batch, jax.random.key(0), {"step": 0})[0])
    draw = jax.jit(lambda key: batches.drawn(source, key, 500))
    for number in range(50):
        now = step(now, draw(jax.random.key(number)))
    params = learner.learn.params(now)
    assert not np.array_equal(params["unmixing"]["layer_0"]["kernel"], truth["unmixing"]["layer_0"]["kernel"])
    codes = np.asarray(learner.encode(params, everything)["mean"])
    assert mcc_of(codes, mixture.sources) > 0.99
    seen = hidden_markov.emission(params["states"], codes)
    path = markov.viterbi(*hidden_markov.chain(params["states"]), seen)
    assert np.mean(np.asarray(path) == state) > 0.95


@pytest.mark.slow
def test_it_finds_states_and_sources_of_a_linear_mixture():
    mixture = series(num_sources=3, num_states=7, num_points=20_000)
    train = TrainConfig(
        sampling="windows", sampling_options={"length": 50}, batch_size=1000, learning_rate=1e-2, steps=1000
    )
    assert mcc_of(codes_of("hidden_markov", mixture, train, {"num_layers": 1}), mixture.sources) > 0.8
