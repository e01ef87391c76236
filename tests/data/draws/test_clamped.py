"""Batches in which one factor varies."""

import jax
import numpy as np
import pytest

from disentanglement_study.data.draws import sampling
from disentanglement_study.data.draws.clamped import one_varies
from disentanglement_study.study.components import load
from disentanglement_study.study.plan import expand

SIZES, NAMES = (3, 5, 4, 6), ("shape", "scale", "x", "y")


def batches(number, n=32):
    return np.asarray(
        jax.vmap(lambda key: one_varies(key, n, SIZES, NAMES))(jax.random.split(jax.random.key(0), number))
    )


def test_one_factor_varies_and_all_others_are_shared():
    factors = batches(2000)
    varies = (factors != factors[:, :1]).any(axis=1)
    assert (varies.sum(axis=1) == 1).all()
    # Each factor as often as the others, and within a batch, and between batches, each of its values.
    np.testing.assert_allclose(varies.mean(axis=0), 1 / 4, atol=0.04)
    for factor, size in enumerate(SIZES):
        own = factors[varies[:, factor]][..., factor]
        np.testing.assert_allclose(np.bincount(own.ravel(), minlength=size) / own.size, 1 / size, atol=0.02)
        shared = factors[~varies[:, factor]][:, 0, factor]
        np.testing.assert_allclose(np.bincount(shared, minlength=size) / len(shared), 1 / size, atol=0.05)


def test_the_sampler_gives_the_images_at_these_points():
    key = jax.random.key(3)
    index = sampling.sampler("one_varies", {}, NAMES, SIZES)(key, 16)
    factors = np.stack(np.unravel_index(index, SIZES), axis=1)
    np.testing.assert_array_equal(factors, one_varies(key, 16, SIZES, NAMES))


def test_what_cannot_be_clamped_is_refused():
    with pytest.raises(ValueError, match="expected 2 or more, so that a factor can vary"):
        one_varies(jax.random.key(0), 1, SIZES, NAMES)
    with pytest.raises(ValueError, match="factor 'x' has one value: it cannot vary"):
        one_varies(jax.random.key(0), 8, (3, 5, 1, 6), NAMES)
    with pytest.raises(ValueError, match="draws batches that share values: it needs a grid with one image at each"):
        sampling.sampler("one_varies", {}, NAMES, SIZES, points=np.array([0, 0, 1]))
    with pytest.raises(ValueError, match="draws batches that share values, to train on: expected one of iid"):
        sampling.distribution("one_varies", {}, NAMES, SIZES)


@pytest.mark.parametrize("name", ["one_varies", "differ_in_k", "transitions"])
@pytest.mark.parametrize("data_set", ["smallnorb", "segment_sources"])
def test_a_set_without_one_image_at_each_point_is_refused_while_planning(name, data_set):
    text = f"sweep.data_sets = ['{data_set}']\nsweep.methods = ['pca']\nsweep.seeds = 1\ntrain.sampling = '{name}'"
    with pytest.raises(ValueError, match=f"'{name}' draws .*: it needs a grid with one image at each point, in order"):
        expand(load(text))
