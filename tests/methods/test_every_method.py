"""Every method keeps the contract: what it gives, and what its result may not depend on."""

import contextlib
import dataclasses
import functools
import re

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from chosen import slow
from jax.extend.core import jaxprs_in_params

from disentanglement_study import config, methods
from disentanglement_study.config.declared import check
from disentanglement_study.data.series.binning import bins
from disentanglement_study.methods import METHODS, checks
from disentanglement_study.methods.kinds import Steps
from disentanglement_study.runtime import precision
from disentanglement_study.study import axes, cost, loading
from disentanglement_study.training.encode import AFTER, encode
from disentanglement_study.training.inputs import Batches
from disentanglement_study.training.learn import learn
from disentanglement_study.types import DataSet, Job, Run

pytestmark = pytest.mark.usefixtures("quick_compilation")

STUDY = config.load_text(
    """
sweep.data_sets = ['squares']
sweep.methods = {'beta_vae': {'beta': 1}}
sweep.seeds = 1
nets.image_size = 8
nets.num_latents = 3
nets.encoder = 'mlp'
nets.decoder = 'mlp'
nets.encoder_options = {'widths': [8]}
nets.decoder_options = {'widths': [8]}
nets.discriminator_options = {'widths': [8]}
train.steps = 4
train.batch_size = 8
evaluate.training_batches = 1
"""
)
SMALL = {
    "snica": {"num_layers": 1, "iterations": 1},
    "pca": {"num_points": 60},
    "fast_ica": {"num_points": 60, "max_iter": 20},
}
SQUARE = ("conditional_likelihood", "hidden_markov", "unconditional_likelihood")
LATENTS = dict.fromkeys(SQUARE, 4)  # as many as the vectors have numbers
GAMES = ["info_gan"]  # their losses do not say how good a model is
DRAWN = {"windows": {"length": 4}}

# They repeat a kind of learning, of needs and of sampling that another method has: the slow suite has them.
LATER = [
    "annealed_vae", "beta_tc_vae", "conditional_likelihood", "dip_vae_i", "dip_vae_ii", "ice_beem", "ivae", "slow_vae",
    "snica", "unconditional_likelihood",
]  # fmt: skip
each_method = pytest.mark.parametrize("name", [slow(name) if name in LATER else name for name in METHODS])


@functools.cache
def squares():
    """A square of two sizes at ten by ten places."""
    size, row, column = np.unravel_index(np.arange(200), (2, 10, 10))
    from_start = np.arange(16) - np.stack([row, column])[:, :, None]
    rows, columns = (from_start >= 0) & (from_start < 3 + 3 * size[:, None])
    storage = (rows[:, :, None] & columns[:, None, :]).astype(np.uint8)
    render = lambda storage, index, keys: storage[index][..., None] * 255  # noqa: E731
    return DataSet("squares", ("size", "row", "column"), (2, 10, 10), (16, 16, 1), storage, render)


@functools.cache
def vectors():
    """Four mixtures of three sources, with all that may be known beside them."""
    draws, everything = np.random.default_rng(0), np.arange(200)
    sources = draws.laplace(size=(200, 3)).astype(np.float32)
    return DataSet(
        "vectors",
        ("a", "b", "c"),
        (5, 5, 5),
        (4,),
        storage=sources @ draws.normal(size=(3, 4)).astype(np.float32),
        render=lambda storage, index, keys=None: storage[index],
        points=bins(sources, 5),
        sources=sources,
        auxiliary={
            "segment": (everything // 20).astype(np.int32),
            "time": everything.astype(np.int32),
            "u": draws.normal(size=(200, 2)).astype(np.float32),
        },
    )


SETS = {"squares": squares, "vectors": vectors}


def inputs_of(data):
    return methods.inputs_of(data.input_shape, data.factor_sizes, STUDY.nets.image_size, data.auxiliary_sizes)


@functools.cache
def worlds(name):
    """The data that planning lets a method have: at least one of images and vectors."""
    accepted = []
    for world, data in SETS.items():
        with contextlib.suppress(ValueError):
            methods.check(name, inputs_of(data()), study_of(name, world))
            accepted.append(world)
    return accepted


def job_of(name, *seeds):
    hyper = {one: 1.0 + place for place, one in enumerate(METHODS[name].hyper)}
    return Job("job", tuple(Run(f"{seed}", "squares", name, hyper, seed, "paper") for seed in seeds))


def study_of(name, world="squares"):
    method, pairs = METHODS[name], "differ_in_k" if world == "squares" else "successive"
    drawn = method.draws[:1] or ([pairs] if "pair" in method.needs else ["iid"])
    train = dataclasses.replace(STUDY.train, sampling=drawn[0], sampling_options=DRAWN.get(drawn[0], {}))
    net = dataclasses.replace(STUDY.nets, num_latents=LATENTS.get(name, STUDY.nets.num_latents))
    return dataclasses.replace(STUDY, nets=net, train=train, options={name: SMALL[name]} if name in SMALL else {})


def parts_of(name, world, *seeds):
    """The job, learner, batches and study of a method on a data set."""
    job, study, data = job_of(name, *seeds), study_of(name, world), SETS[world]()
    return job, loading.learner(job, study, data), loading.batches(job, study, data), study


@functools.cache
def learnt(name, world, *seeds):
    return learn(*parts_of(name, world, *seeds))


def codes_of(name, world, *seeds):
    _, learner, batches, _ = parts_of(name, world, *seeds)
    return encode(learner, learnt(name, world, *seeds).params, len(seeds), batches, np.arange(200), 64)


@each_method
def test_there_are_data_that_it_can_have(name):
    assert worlds(name), methods.check(name, inputs_of(squares()), study_of(name))  # which says why


@each_method
def test_it_gives_codes_of_every_input_and_decodes_them_to_inputs(name):
    for world in worlds(name):
        codes = codes_of(name, world, 5, 2)
        assert "mean" in codes
        assert codes.keys() <= {"mean", "logvar"}
        for values in codes.values():
            assert values.shape == (2, 200, codes["mean"].shape[2])
            assert values.dtype == np.float32
            assert np.isfinite(values).all()
        learner = parts_of(name, world, 5)[1]
        if learner.decode is not None:
            one = jax.tree.map(lambda leaf: leaf[0], learnt(name, world, 5, 2).params)
            decoded = np.asarray(learner.decode(one, jnp.asarray(codes["mean"][0])))
            assert decoded.shape == (200, *inputs_of(SETS[world]()).shape)
            assert world == "vectors" or (decoded.min() >= 0 and decoded.max() <= 1)


@each_method
def test_a_model_does_not_depend_on_the_others_of_its_population(name):
    for world in worlds(name):
        together, alone = learnt(name, world, 5, 2), learnt(name, world, 2)
        for ours, theirs in zip(jax.tree.leaves(alone.params), jax.tree.leaves(together.params), strict=True):
            np.testing.assert_allclose(ours[0], theirs[1], atol=1e-6)
        for term, values in together.terms.items():
            np.testing.assert_allclose(alone.terms[term][0], values[1], rtol=1e-5, atol=1e-6)


@each_method
def test_its_parameters_have_the_shapes_that_it_says(name):
    for world in worlds(name):
        said = methods.checks.parameter_shapes(parts_of(name, world, 5)[1])
        leaves = jax.tree_util.tree_leaves_with_path(learnt(name, world, 5, 2).params)
        there = {"/".join(part.key for part in path): leaf.shape[1:] for path, leaf in leaves}
        # What the step after the training has learnt is known when it has run.
        there = {name: shape for name, shape in there.items() if not name.startswith(f"{AFTER}/")}
        assert said in ({}, there)
        assert all(leaf.shape[0] == 2 for _, leaf in leaves)


@each_method
def test_its_scores_of_the_training_are_numbers(name):
    for world in worlds(name):
        learner = parts_of(name, world, 5)[1]
        scores = learner.scores(learnt(name, world, 5, 2).terms)
        assert all(np.isfinite(values).all() and values.shape == (2,) for values in scores.values())
        assert ("loss" in scores) == (isinstance(learner.learn, Steps) and name not in GAMES)


def test_baselines_take_images_and_vectors_and_vaes_of_pixels_images():
    both = "fast_ica", "ground_truth", "pca", "random_encoder", "raw_pixels"
    assert [worlds(name) for name in both] == [["squares", "vectors"]] * len(both)
    assert [worlds(name) for name in ("beta_vae", "untrained_vae")] == [["squares"]] * 2


def test_batches_of_a_method_that_needs_factors_have_those_of_the_images():
    batches = Batches(squares(), 16, {"factors"})
    batch = batches.seen(batches.source(), jnp.array([0, 150, 199]), 0)
    np.testing.assert_array_equal(batch["factors"], squares().factors(np.array([0, 150, 199])))
    # A grid of which half is missing, in another order.
    points = np.arange(200)[::-2].copy()
    part = dataclasses.replace(squares(), points=points, storage=squares().storage[points])
    batches = Batches(part, 16, {"factors"})
    batch = batches.seen(batches.source(), jnp.arange(100), 0)
    np.testing.assert_array_equal(batch["factors"], part.factors(np.arange(100)))
    np.testing.assert_array_equal(batch["x"][..., 0] * 255, part.images(np.arange(100))[..., 0])
    assert Batches(squares(), 16).seen(batches.source(), jnp.arange(2), 0).keys() == {"x"}


def test_batches_of_a_method_that_needs_pairs_have_them_side_by_side():
    train = dataclasses.replace(STUDY.train, sampling="transitions", batch_size=20)
    both = Batches(squares(), 16, {"factors", "pair"})
    batch = both.drawn(both.source(train), jax.random.key(1), 20)
    assert batch["x"].shape == batch["pair"].shape == (10, 16, 16, 1)
    assert batch["factors"].shape == (10, 3)
    single = Batches(squares(), 16)
    images = single.drawn(single.source(train), jax.random.key(1), 20)["x"]
    np.testing.assert_array_equal(batch["x"], images[0::2])
    np.testing.assert_array_equal(batch["pair"], images[1::2])


@each_method
def test_what_it_costs_is_known_while_planning(name):
    for world in worlds(name):
        study, inputs, method = study_of(name, world), inputs_of(SETS[world]()), METHODS[name]
        learner = methods.build(name, inputs, study)
        if not isinstance(learner.learn, Steps):
            continue
        hyper = {given: jax.ShapeDtypeStruct((), jnp.float32) for given in method.hyper}
        hyper["step"] = jax.ShapeDtypeStruct((), jnp.int32)
        batch = checks.batch_of(method, inputs, study.train.batch_size)
        traced = jax.jit(learner.learn.step).trace(checks.state_of(learner.learn), batch, jax.random.key(0), hyper)
        by_xla = sum(traced.lower().cost_analysis().get(of, 0) for of in ("flops", "transcendentals"))
        counted = cost.flops_per_step(method, learner, inputs, study.train)
        assert counted > 0.7 * by_xla  # which counts whole numbers too
        text = str(traced.jaxpr)
        if "scan[" not in text and " lu" not in text:  # XLA counts a loop once, and hardly a factorisation, a call
            assert counted < 1.15 * by_xla


def equations(program):
    """All of a program, also those in its calls and loops."""
    for equation in program.eqns:
        yield equation
        for inner in jaxprs_in_params(equation.params):
            yield from equations(inner)


@each_method
def test_its_updates_round_products_as_the_settings_say_and_its_codes_do_not(name):
    for world in worlds(name):
        study, inputs, method = study_of(name, world), inputs_of(SETS[world]()), METHODS[name]
        study = dataclasses.replace(study, train=dataclasses.replace(study.train, precision="bfloat16"))
        learner, exact = methods.build(name, inputs, study), methods.build(name, inputs, study_of(name, world))
        batch = checks.batch_of(method, inputs, study.train.batch_size)
        if not isinstance(learner.learn, Steps):
            continue
        state, key = checks.state_of(learner.learn), jax.random.key(0)
        hyper = {given: jax.ShapeDtypeStruct((), jnp.float32) for given in (*method.hyper, "step")}
        rounded = jax.make_jaxpr(learner.learn.step)(state, batch, key, hyper)
        assert rounded.out_avals == jax.make_jaxpr(exact.learn.step)(state, batch, key, hyper).out_avals
        assert "reduce_precision" in str(rounded)
        assert not [one for one in equations(rounded.jaxpr) if precision._is_rounded(one)]
        codes = jax.make_jaxpr(learner.encode)(jax.eval_shape(learner.learn.params, state), batch)
        assert "reduce_precision" not in str(codes)


def test_each_of_our_methods_says_a_usual_value_of_each_hyperparameter():
    for name, method in METHODS.items():
        assert {*method.usual} == {*method.hyper}
        for hyper, value in method.usual.items():
            assert check(hyper, value, method.hyper[hyper]) == value
        if method.hyper:
            first, *_ = method.hyper
            rest = {one: 1 for one in method.hyper if one != first}
            message = (
                rf"^{name}: the sweep gives no value for {first} \(such as {name}.{first} = {method.usual[first]}\)$"
            )
            with pytest.raises(ValueError, match=message):
                axes.strengths(name, rest)


@pytest.mark.parametrize("name", METHODS)
def test_readers_are_told_what_it_is_and_where_it_is_from(name):
    assert re.fullmatch(r"[A-Z].{10,88}\.", METHODS[name].about)
    assert re.search(r"\b[12]\d{3}\b|^none: .", METHODS[name].source)
