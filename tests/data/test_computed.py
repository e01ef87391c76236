"""Data sets that are computed from options: the contract over the registry, each with its defaults."""

import dataclasses

import jax
import numpy as np
import pytest

from disentanglement_study import data
from disentanglement_study.data import COMPUTED, DATASETS
from disentanglement_study.data.catalogue import CATALOGUE


@pytest.fixture(scope="module", params=COMPUTED)
def data_set(request):
    return data.load(request.param)


def test_is_what_its_facts_say(data_set):
    facts = data.facts(data_set.name)
    assert (data_set.factor_names, data_set.factor_sizes) == (facts.factor_names, facts.factor_sizes)
    assert (data_set.input_shape, data_set.num_images) == (facts.input_shape, facts.num_points)
    assert data_set.auxiliary_sizes == facts.auxiliary
    assert data_set.name not in DATASETS | CATALOGUE


def test_has_its_truth_as_real_numbers_and_in_bins_that_rise_with_them(data_set):
    everything = np.arange(data_set.num_images)
    sources, factors = data_set.truth(everything), data_set.factors(everything)
    assert sources.shape == factors.shape == (len(everything), len(data_set.factor_names))
    assert sources.dtype == np.float32
    assert np.isfinite(sources).all()
    for values, bins, size in zip(sources.T, factors.T, data_set.factor_sizes, strict=True):
        assert (np.diff(bins[np.argsort(values, kind="stable")]) >= 0).all()
        assert (bins.min(), bins.max()) == (0, size - 1)


def test_what_is_known_beside_the_truth_is_of_every_point(data_set):
    for name, values in data_set.auxiliary.items():
        assert len(values) == data_set.num_images
        if name == "u":
            assert values.dtype == np.float32
            assert np.isfinite(values).all()
        else:
            assert values.dtype == np.int32
            assert values.min() == 0


def test_inputs_are_vectors_the_same_on_the_device(data_set):
    index = np.array([7, 0, 0, data_set.num_images - 1])
    x = data_set.images(index)
    assert x.shape == (4, *data_set.input_shape)
    assert x.dtype == np.float32
    assert np.isfinite(data_set.storage).all()
    np.testing.assert_array_equal(x[1], x[2])
    np.testing.assert_array_equal(jax.jit(data_set.render)(data_set.storage, index, None), x)


def test_inputs_without_noise_are_unmixed(data_set):
    noisy = getattr(COMPUTED[data_set.name].options(), "noise", 0) > 0
    clean = data.load(data_set.name, options={"noise": 0}) if noisy else data_set
    index = np.arange(0, clean.num_images, 7)
    sources, truth = clean.unmix(clean.images(index)), clean.truth(index)
    assert sources.dtype == np.float64
    # Inputs have 7 digits, of which five layers lose some.
    assert (np.abs(sources - truth).mean(axis=0) < 1e-3 * truth.std(axis=0)).all()


def test_is_the_same_whenever_it_is_loaded_and_another_of_another_seed(data_set):
    again, other = data.load(data_set.name), data.load(data_set.name, options={"seed": 1})
    np.testing.assert_array_equal(again.storage, data_set.storage)
    assert again.identity == data_set.identity
    assert other.sha256 != data_set.sha256
    assert other.identity["options"] == {"seed": 1}
    assert not np.array_equal(other.sources, data_set.sources)


@pytest.mark.parametrize("name", COMPUTED)
def test_defaults_are_no_options_of_a_study(name):
    defaults = dataclasses.asdict(COMPUTED[name].options())
    assert "seed" in defaults
    assert data.differing(name, defaults) == {}
