"""Batches: beside the inputs what a method needs of each point."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from disentanglement_study.config import TrainConfig
from disentanglement_study.methods.kinds import AUXILIARY
from disentanglement_study.training.inputs import Batches
from disentanglement_study.types import DataSet

NUMBER = 50
DRAWS = np.random.default_rng(0)


def vectors():
    """A set of real-valued sources with all that may be known beside them; a vector is (point, 1, 2)."""
    everything = np.arange(NUMBER)
    return DataSet(
        "vectors",
        ("a", "b"),
        (5, 5),
        (3,),
        storage=np.stack([everything, 0 * everything + 1, 0 * everything + 2], axis=1).astype(np.float32),
        render=lambda storage, index, keys=None: storage[index],
        points=np.stack([everything // 10, everything % 5], axis=1).astype(np.int32),
        sources=DRAWS.normal(size=(NUMBER, 2)).astype(np.float32),
        auxiliary={
            "segment": (everything // 25).astype(np.int32),
            "time": everything.astype(np.int32),
            "u": DRAWS.normal(size=(NUMBER, 4)).astype(np.float32),
        },
    )


def grid():
    render = lambda storage, index, keys=None: storage[index]  # noqa: E731
    return DataSet("grid", ("a", "b"), (1, 50), (3,), np.zeros((50, 3), np.float32), render)


def test_a_batch_of_real_valued_sources_has_what_is_needed_of_the_drawn_points_and_no_more():
    data = vectors()
    batches = Batches(data, 64, {"factors", "sources", *AUXILIARY})
    batch = jax.jit(lambda source, key: batches.drawn(source, key, 16))(
        batches.source(TrainConfig()), jax.random.key(0)
    )
    index = np.asarray(batch["x"])[:, 0].astype(int)
    assert len(set(index)) > 5
    expected = {"factors": data.points, "sources": data.sources, **data.auxiliary}
    assert batch.keys() == {"x", *expected}
    for name, column in expected.items():
        np.testing.assert_array_equal(batch[name], column[index])
    assert Batches(data, 64).drawn(Batches(data, 64).source(TrainConfig()), jax.random.key(0), 4).keys() == {"x"}


def test_segments_are_a_u_where_there_is_no_other():
    data = vectors()
    segments = {"segment": data.auxiliary["segment"]}
    for auxiliary, expected in ((segments, np.eye(segments["segment"].max() + 1)[segments["segment"]]),
                                (data.auxiliary, data.auxiliary["u"])):  # fmt: skip
        batches = Batches(dataclasses.replace(data, auxiliary=auxiliary), 64, {"u"})
        batch = batches.seen(batches.source(), jnp.array([0, 49, 7]), 0)
        assert batch.keys() == {"x", "u"}
        np.testing.assert_array_equal(batch["u"], np.float32(expected[[0, 49, 7]]))


def test_the_sources_of_a_grid_are_its_factor_values_from_0_to_1():
    batches = Batches(grid(), 64, {"sources"})
    batch = batches.seen(batches.source(), jnp.array([0, 49, 7]), 0)
    assert batch.keys() == {"x", "sources"}
    np.testing.assert_allclose(batch["sources"], [[0, 0], [0, 1], [0, 1 / 7]])


def test_pairs_are_of_a_grid():
    with pytest.raises(ValueError, match="'transitions' draws pairs: it needs a grid"):
        Batches(vectors(), 64, {"pair"}).source(TrainConfig(sampling="transitions"))


def test_a_distribution_sees_the_bins():
    batches = Batches(vectors(), 64, {"factors"})
    train = TrainConfig(sampling="held_out_combinations", sampling_options={"held_out": [{"a": [0, 1, 2, 3]}]})
    batch = batches.drawn(batches.source(train), jax.random.key(1), 32)
    assert set(np.asarray(batch["factors"])[:, 0].tolist()) == {4}


def correlated(shape=(3,), columns=None):
    x = DRAWS.normal(size=(5000, 3)) @ np.array([[2.0, 1, 0], [0, 0.1, 3], [0, 0, 1]]) + [5.0, 0, -2]
    x = (x if columns is None else x @ columns).astype(np.float32)
    points = np.zeros((len(x), 1), np.int32)
    return DataSet("x", ("a",), (2,), (x.shape[1],), x, lambda storage, index, keys=None: storage[index], points=points)


def test_vectors_are_whitened_over_the_data_set_for_a_method_that_asks_for_it():
    data = correlated()
    batches = Batches(data, 1, whiten=True)
    seen = np.asarray(batches.seen(batches.source(), jnp.arange(5000), 0)["x"], np.float64)
    np.testing.assert_allclose(seen.mean(axis=0), 0, atol=1e-5)
    np.testing.assert_allclose(np.cov(seen, rowvar=False), np.eye(3), atol=1e-4)
    # The first component is that of the largest variance, by an eigenvector of the covariance.
    variances, directions = np.linalg.eigh(np.cov(data.storage, rowvar=False))
    expected = (data.storage - data.storage.mean(axis=0)) @ directions[:, -1] / np.sqrt(variances[-1])
    assert abs(np.corrcoef(seen[:, 0], expected)[0, 1]) > 0.9999


def test_images_are_not_whitened():
    images = DRAWS.integers(0, 256, (50, 8, 8, 1), dtype=np.uint8)
    data = DataSet("grid", ("a", "b"), (1, 50), (8, 8, 1), images, lambda storage, index, keys=None: storage[index])
    batches = Batches(data, 8, whiten=True)
    np.testing.assert_allclose(batches.seen(batches.source(), jnp.arange(9), 0)["x"], images[:9] / 255, atol=1e-6)


def test_directions_without_variance_are_whitened_to_nothing():
    data = correlated(columns=np.array([[1.0, 0, 1, 0], [0, 1, 1, 0], [0, 0, 0, 1]]))
    batches = Batches(data, 1, whiten=True)
    seen = np.asarray(batches.seen(batches.source(), jnp.arange(5000), 0)["x"])
    np.testing.assert_allclose(seen.std(axis=0), [1, 1, 1, 0], atol=1e-3)


def test_pairs_of_a_series_are_neighbours_and_both_are_whitened():
    batches = Batches(vectors(), 1, {"pair"})
    train = TrainConfig(sampling="successive", sampling_options={"lag": 3})
    batch = batches.drawn(batches.source(train), jax.random.key(0), 40)
    assert batch["x"].shape == batch["pair"].shape == (20, 3)
    np.testing.assert_array_equal(batch["x"][:, 0] - batch["pair"][:, 0], 3)
