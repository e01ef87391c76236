"""Every method keeps the contract: what it gives, and what its result may not depend on."""

import dataclasses
import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from chosen import some_of

from disentanglement_study import config, methods
from disentanglement_study.methods import METHODS
from disentanglement_study.methods.kinds import Steps
from disentanglement_study.objectives import OBJECTIVES
from disentanglement_study.study import loading
from disentanglement_study.training.encode import encode
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
# A method that learns from other batches than those that are drawn one by one says so; none does yet.
SMALL = {"pca": {"num_points": 60}, "fast_ica": {"num_points": 60, "max_iter": 20}}

# Each time all kinds of learning, with an adversary and without; the slow suite has every objective.
FIRST = ["beta_vae", "factor_vae", *(name for name in METHODS if name not in OBJECTIVES)]
each_method = pytest.mark.parametrize("name", some_of(sorted(METHODS, key=[*FIRST, *METHODS].index), len(FIRST)))


@functools.cache
def squares():
    """A square of two sizes at ten by ten places."""
    size, row, column = np.unravel_index(np.arange(200), (2, 10, 10))
    from_start = np.arange(16) - np.stack([row, column])[:, :, None]
    rows, columns = (from_start >= 0) & (from_start < 3 + 3 * size[:, None])
    storage = (rows[:, :, None] & columns[:, None, :]).astype(np.uint8)
    render = lambda storage, index, keys: storage[index][..., None] * 255  # noqa: E731
    return DataSet("squares", ("size", "row", "column"), (2, 10, 10), (16, 16, 1), storage, render)


def job_of(name, *seeds):
    hyper = {one: 1.0 + place for place, one in enumerate(METHODS[name].hyper)}
    return Job("job", tuple(Run(f"{seed}", "squares", name, hyper, seed, "paper") for seed in seeds))


def study_of(name):
    return dataclasses.replace(STUDY, options={name: SMALL[name]} if name in SMALL else {})


@functools.cache
def learnt(name, *seeds):
    job, study = job_of(name, *seeds), study_of(name)
    return learn(job, loading.learner(job, study, squares()), loading.batches(job, study, squares()), study)


def codes_of(name, *seeds):
    job, study = job_of(name, *seeds), study_of(name)
    learner = loading.learner(job, study, squares())
    params = learnt(name, *seeds).params
    return encode(learner, params, len(seeds), loading.batches(job, study, squares()), np.arange(200), 64)


@each_method
def test_planning_finds_nothing_wrong_with_it(name):
    methods.check(name, methods.inputs_of((16, 16, 1), (2, 10, 10), 16), study_of(name))


@each_method
def test_it_gives_codes_of_every_image_and_decodes_them_to_images(name):
    codes = codes_of(name, 5, 2)
    assert "mean" in codes
    assert codes.keys() <= {"mean", "logvar"}
    for values in codes.values():
        assert values.shape == (2, 200, codes["mean"].shape[2])
        assert values.dtype == np.float32
        assert np.isfinite(values).all()
    learner = loading.learner(job_of(name, 5), study_of(name), squares())
    if learner.decode is not None:
        one = jax.tree.map(lambda leaf: leaf[0], learnt(name, 5, 2).params)
        images = np.asarray(learner.decode(one, jnp.asarray(codes["mean"][0])))
        assert images.shape == (200, 8, 8, 1)
        assert images.min() >= 0
        assert images.max() <= 1


@each_method
def test_a_model_does_not_depend_on_the_others_of_its_population(name):
    together, alone = learnt(name, 5, 2), learnt(name, 2)
    for ours, theirs in zip(jax.tree.leaves(alone.params), jax.tree.leaves(together.params), strict=True):
        np.testing.assert_allclose(ours[0], theirs[1], atol=1e-6)
    for term, values in together.terms.items():
        np.testing.assert_allclose(alone.terms[term][0], values[1], rtol=1e-5, atol=1e-6)


@each_method
def test_its_parameters_have_the_shapes_that_it_says(name):
    said = methods.checks.parameter_shapes(loading.learner(job_of(name, 5), study_of(name), squares()))
    leaves = jax.tree_util.tree_leaves_with_path(learnt(name, 5, 2).params)
    there = {"/".join(part.key for part in path): leaf.shape[1:] for path, leaf in leaves}
    assert said in ({}, there)
    assert all(leaf.shape[0] == 2 for _, leaf in leaves)


@each_method
def test_its_scores_of_the_training_are_numbers(name):
    learner = loading.learner(job_of(name, 5), study_of(name), squares())
    scores = learner.scores(learnt(name, 5, 2).terms)
    assert all(np.isfinite(values).all() and values.shape == (2,) for values in scores.values())
    assert ("loss" in scores) == isinstance(learner.learn, Steps)


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
