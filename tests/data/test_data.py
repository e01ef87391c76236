"""Data sets: the contract over the registry."""

import functools

import jax
import numpy as np
import pytest
from chosen import slow

from disentanglement_study import rng
from disentanglement_study.data import CATALOGUE, DATASETS, load

pytestmark = pytest.mark.usefixtures("quick_compilation")


# Rendering the largest set whole takes half a minute: test_shapes3d_rendered.py has its own small part of it. Of the
# variants of dSprites some stand for all.
SETS = [
    slow(name) if name in ("shapes3d_rendered", "color_dsprites", "texture_dsprites") else name for name in DATASETS
]


@pytest.fixture(scope="module", params=SETS)
def data_set(request, dsprites_root):
    return load(request.param, dsprites_root)


def some_index(data_set, number=200):
    return np.random.default_rng(0).integers(data_set.num_images, size=number)


def test_is_what_the_catalogue_says(data_set):
    facts = CATALOGUE[data_set.name]
    described = (data_set.factor_names, data_set.factor_sizes, data_set.input_shape)
    assert described == (facts.factor_names, facts.factor_sizes, facts.input_shape)
    assert data_set.num_images >= np.prod(facts.factor_sizes)


def test_images_are_bytes_of_the_whole_range(data_set):
    images = data_set.images(some_index(data_set), seed=np.arange(200))
    assert images.shape == (200, *data_set.input_shape)
    assert images.dtype == np.uint8
    assert images.min() < 20
    assert images.max() > 200


def test_images_keep_the_order_and_the_repeats_of_the_index(data_set):
    index = some_index(data_set, 5)[[3, 0, 0, 4]]
    one_by_one = [data_set.images(index[i : i + 1])[0] for i in range(4)]
    np.testing.assert_array_equal(data_set.images(index), one_by_one)


def test_last_factor_is_the_fastest(data_set):
    sizes = data_set.factor_sizes
    first = data_set.factors(np.arange(2 * sizes[-1]))
    np.testing.assert_array_equal(first[:, -1], np.tile(np.arange(sizes[-1]), 2))
    np.testing.assert_array_equal(first[:, -2], np.repeat([0, 1], sizes[-1]))
    np.testing.assert_array_equal(first[:, :-2], 0)
    last = data_set.factors(np.array([data_set.num_images - 1]))[0]
    np.testing.assert_array_equal(last, np.array(sizes) - 1)


def test_index_follows_from_factors(data_set):
    index = some_index(data_set)
    factors = data_set.factors(index)
    np.testing.assert_array_equal(np.ravel_multi_index(factors.T, data_set.factor_sizes), index)


def storage_of(data_set):
    """The storage on the device, not copied: always an argument of what is compiled, or it becomes a constant of it."""
    return jax.device_put(data_set.storage, may_alias=True)


def on_the_device(data_set, index):
    """Images by the compiled contract; those of an image are the same whatever is beside it."""
    keys = rng.keys(0, index, "test")
    return np.asarray(jax.jit(data_set.render)(storage_of(data_set), index, keys))


def test_renders_on_the_device_as_on_the_host(data_set):
    index = some_index(data_set, 50)
    images = on_the_device(data_set, index)
    assert images.shape == (50, *data_set.input_shape)
    if data_set.nuisance is None:
        assert images.dtype == np.uint8
        np.testing.assert_array_equal(images, data_set.images(index))
    else:
        assert images.dtype in (np.uint8, np.float32)
        assert images.min() >= 0
        assert images.max() <= (255 if images.dtype == np.uint8 else 1)


def test_renders_an_image_from_its_index_and_key_alone(data_set):
    index = some_index(data_set, 6)
    together = on_the_device(data_set, index)
    alone = np.concatenate([on_the_device(data_set, index[i : i + 1]) for i in range(6)])
    np.testing.assert_allclose(together.astype(float), alone.astype(float), atol=1e-6)


def test_a_nuisance_changes_with_the_key_alone(data_set):
    index = some_index(data_set, 8)
    render, storage = jax.jit(data_set.render), storage_of(data_set)
    first, second = (np.asarray(render(storage, index, rng.keys(seed, index, "test"))) for seed in (0, 1))
    np.testing.assert_array_equal(first, on_the_device(data_set, index))
    assert (first != second).any() == (data_set.nuisance is not None)


def test_renders_within_a_jitted_scan_over_members(data_set):
    index = some_index(data_set, 12).reshape(2, 3, 2)

    @jax.jit
    @functools.partial(jax.vmap, in_axes=(None, 0))
    def gather(storage, index):
        def step(_, i):
            return _, data_set.render(storage, i, rng.keys(0, i, "test"))

        return jax.lax.scan(step, None, index)[1]

    expected = on_the_device(data_set, index.ravel()).reshape(*index.shape, *data_set.input_shape)
    images = np.asarray(gather(storage_of(data_set), index))
    np.testing.assert_allclose(images.astype(float), expected.astype(float), atol=1e-6)


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="unknown data set 'dsprite': did you mean 'dsprites'"):
        load("dsprite")


def test_catalogue_has_the_grids_of_the_study_and_of_the_published_files():
    sizes = {name: int(np.prod(facts.factor_sizes)) for name, facts in CATALOGUE.items()}
    names = "dsprites", "color_dsprites", "noisy_dsprites", "scream_dsprites", "texture_dsprites", "dsprites_original"
    sprites = {**dict.fromkeys(names, 737_280), "abstract_dsprites": 552_960}
    robots = dict.fromkeys(("mpi3d_toy", "mpi3d_realistic", "mpi3d_real"), 1_036_800) | {"mpi3d_complex": 460_800}
    others = {"smallnorb": 4_860, "cars3d": 17_568, "shapes3d": 480_000, "shapes3d_rendered": 480_000}
    assert sizes | sprites | robots | others == sizes  # and those that were added since
    assert all(len(facts.factor_names) == len(facts.factor_sizes) for facts in CATALOGUE.values())
    assert set(DATASETS) <= set(CATALOGUE)
