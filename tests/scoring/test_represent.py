"""Codes of a population: which rows are encoded, that each gets its own model's posterior, and the representations."""

import dataclasses
import functools
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from learners import learner_of
from scipy.stats import chisquare, kstest

from disentanglement_study.config import EvaluateConfig, NetConfig
from disentanglement_study.data.draws.sampling import distribution
from disentanglement_study.scoring.represent import is_population, representation, table_index
from disentanglement_study.training import encode as encoding
from disentanglement_study.training.inputs import Batches
from disentanglement_study.types import Codes, DataSet, Run

MEMBERS = 3
NET = NetConfig(image_size=8, num_latents=4, encoder="mlp", decoder="mlp", encoder_options={"widths": (6,)})


@functools.cache
def noise_images():
    """Random images of 16 x 16 pixels; eight pixels a byte, unpacked by `render`."""
    storage = np.random.default_rng(0).integers(0, 256, (6 * 7, 32)).astype(np.uint8)

    def render(storage, index, keys):
        module = jnp if isinstance(storage, jax.Array) else np
        return module.unpackbits(storage[index], axis=-1).reshape(len(index), 16, 16, 1) * np.uint8(255)

    return DataSet("noise", ("row", "column"), (6, 7), (16, 16, 1), storage, render)


@functools.cache
def population():
    """Random parameters of three encoders."""
    draws = np.random.default_rng(1)
    shapes, _ = jax.eval_shape(learner_of("beta_vae", noise_images(), NET).learn.init, 0)
    return jax.tree.map(lambda leaf: draws.normal(scale=0.3, size=(MEMBERS, *leaf.shape)).astype(np.float32), shapes)


def encode(params, data, index, net, batch_size, population=None, seed=0, members=MEMBERS):
    """Codes of the members of a population."""
    learner, batches = learner_of("beta_vae", data, net), Batches(data, net.image_size)
    codes = encoding.encode(learner, params, members, batches, index, batch_size, population, seed)
    return Codes(index, **codes)


def run_of(seed=0, run_id="a"):
    return Run(run_id, "noise", "beta_vae", {"beta": 1.0}, seed, "dlib")


def test_the_whole_grid_is_encoded_unless_told_otherwise():
    for rows in (None, 42, 10**6):
        np.testing.assert_array_equal(table_index(noise_images(), EvaluateConfig(table_rows=rows)), np.arange(42))


def test_drawn_rows_are_distinct_ascending_and_on_the_grid():
    index = table_index(noise_images(), EvaluateConfig(table_rows=20))
    assert len(index) == 20
    assert (np.diff(index) > 0).all()
    assert index[0] >= 0
    assert index[-1] < 42


def test_drawn_rows_follow_from_the_seed_and_the_data_set():
    settings = EvaluateConfig(table_rows=20)
    index = table_index(noise_images(), settings)
    np.testing.assert_array_equal(table_index(noise_images(), settings), index)
    other_seed = table_index(noise_images(), dataclasses.replace(settings, seed=1))
    other_data = table_index(dataclasses.replace(noise_images(), name="other"), settings)
    assert not np.array_equal(index, other_seed)
    assert not np.array_equal(index, other_data)


def test_rows_of_the_grid_are_drawn_uniformly():
    settings = [EvaluateConfig(table_rows=7, seed=seed) for seed in range(600)]
    counts = np.bincount(np.concatenate([table_index(noise_images(), s) for s in settings]), minlength=42)
    # Each row is in with probability 1/6: 100 of 600 draws, with a standard deviation of 9.
    assert np.abs(counts - 100).max() < 5 * 9.1


def test_a_held_out_part_is_the_table():
    held_out = {"on": ["column"], "share": 0.4}
    parts = [
        EvaluateConfig(sampling="extrapolation", sampling_options={**held_out, "part": part})
        for part in ("train", "test")
    ]
    train, test = (table_index(noise_images(), settings) for settings in parts)
    assert (noise_images().factors(train)[:, 1] < 4).all()
    assert (noise_images().factors(test)[:, 1] >= 4).all()
    np.testing.assert_array_equal(np.sort(np.concatenate([train, test])), np.arange(42))
    some = table_index(noise_images(), dataclasses.replace(parts[0], table_rows=10))
    assert len(set(some.tolist())) == 10
    assert set(some.tolist()) <= set(train.tolist())
    assert is_population(noise_images(), np.arange(42))
    assert not is_population(noise_images(), train)


def test_a_correlated_distribution_is_drawn_from():
    options = {"first": "row", "second": "column", "sigma": 0.2}
    settings = EvaluateConfig(sampling="correlated_pair", sampling_options=options)
    weights = distribution("correlated_pair", options, ("row", "column"), (6, 7))
    draws = np.concatenate([table_index(noise_images(), dataclasses.replace(settings, seed=s)) for s in range(200)])
    assert len(draws) == 200 * 42
    common = weights * len(draws) / weights.sum() > 10
    counts = np.bincount(draws, minlength=42)
    expected = weights[common] / weights[common].sum() * counts[common].sum()
    assert chisquare(counts[common], expected).pvalue > 1e-4


def test_codes_are_each_members_posteriors_of_the_rows():
    data, index = noise_images(), np.array([3, 41, 0, 3, 17])
    codes = encode(population(), data, index, NET, batch_size=5)
    np.testing.assert_array_equal(codes.index, index)
    images = (data.images(index).reshape(5, 8, 2, 8, 2, 1) / 255).mean(axis=(2, 4)).reshape(5, -1)
    for member in range(MEMBERS):
        layers = jax.tree.map(lambda leaf, at=member: leaf[at].astype(np.float64), population()["encoder"])
        hidden = np.maximum(images @ layers["Dense_0"]["kernel"] + layers["Dense_0"]["bias"], 0)
        for name, ours in (("mean", codes.mean), ("logvar", codes.logvar)):
            expected = hidden @ layers[name]["kernel"] + layers[name]["bias"]
            np.testing.assert_allclose(ours[member], expected, atol=1e-5)
    assert codes.mean.dtype == codes.logvar.dtype == np.float32


@pytest.mark.parametrize("batch_size", [1, 16, 64])
def test_codes_do_not_depend_on_the_batch_size(batch_size):
    index = np.arange(42)  # 42 = 2 * 16 + 10: a ragged last batch; 64: one that is not full
    ours = encode(population(), noise_images(), index, NET, batch_size)
    assert ours.mean.shape == ours.logvar.shape == (MEMBERS, 42, 4)
    whole = encode_in_one_batch()
    np.testing.assert_allclose(ours.mean, whole.mean, atol=1e-6)
    np.testing.assert_allclose(ours.logvar, whole.logvar, atol=1e-6)


@functools.cache
def encode_in_one_batch():
    return encode(population(), noise_images(), np.arange(42), NET, batch_size=42)


def test_codes_do_not_depend_on_how_many_members_are_encoded_together():
    whole = encode(population(), noise_images(), np.arange(42), NET, batch_size=42)
    for members in (1, 2, 5):
        parts = encode(population(), noise_images(), np.arange(42), NET, batch_size=42, population=members)
        np.testing.assert_array_equal(parts.mean, whole.mean)
        np.testing.assert_array_equal(parts.logvar, whole.logvar)


def test_codes_of_a_vmapped_population_are_the_same():
    with mock.patch.object(jax, "default_backend", return_value="gpu"):  # where members advance by `vmap`
        ours = encode(population(), noise_images(), np.arange(42), NET, batch_size=42)
    np.testing.assert_allclose(ours.mean, encode_in_one_batch().mean, atol=1e-5)
    np.testing.assert_allclose(ours.logvar, encode_in_one_batch().logvar, atol=1e-5)


def test_codes_of_a_member_do_not_depend_on_the_others():
    one = jax.tree.map(lambda leaf: leaf[1:2], population())
    alone = encode(one, noise_images(), np.arange(42), NET, batch_size=42, members=1)
    np.testing.assert_allclose(alone.mean[0], encode_in_one_batch().mean[1], atol=1e-6)
    np.testing.assert_allclose(alone.logvar[0], encode_in_one_batch().logvar[1], atol=1e-6)


def posteriors(n=5000):
    """Two members' posteriors with the standard deviations 0.1, 1 and 3."""
    mean = np.random.default_rng(2).normal(size=(2, n, 3)).astype(np.float32)
    logvar = np.broadcast_to(2 * np.log(np.float32([0.1, 1, 3])), mean.shape)
    return Codes(np.arange(n), mean, logvar)


def test_mean_representation_is_the_posterior_mean():
    codes = posteriors()
    for member in range(2):
        ours = representation("mean", codes, member, run_of())
        np.testing.assert_array_equal(ours, codes.mean[member])
        assert ours.dtype == np.float64


def test_sampled_representation_is_a_draw_from_the_posterior():
    codes = posteriors()
    noise = (representation("sampled", codes, 1, run_of()) - codes.mean[1]) / np.array([0.1, 1, 3])
    for column in noise.T:
        assert kstest(column, "norm").pvalue > 1e-3
    correlation = np.corrcoef(noise.T) - np.eye(3)
    assert np.abs(correlation).max() < 4 / np.sqrt(len(noise))


def test_sampled_representation_follows_from_the_run_alone():
    codes = posteriors(50)
    one = representation("sampled", codes, 0, run_of(3, "a"))
    np.testing.assert_array_equal(representation("sampled", codes, 0, run_of(3, "a")), one)
    as_another_member = Codes(codes.index, codes.mean[::-1], codes.logvar[::-1])
    np.testing.assert_array_equal(representation("sampled", as_another_member, 1, run_of(3, "a")), one)
    for other in (run_of(4, "a"), run_of(3, "b")):
        assert np.abs(representation("sampled", codes, 0, other) - one).min() > 0
