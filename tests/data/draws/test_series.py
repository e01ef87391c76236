"""Samplings of a series: neighbours in time, at places that are drawn evenly."""

import jax
import numpy as np
import pytest

from disentanglement_study.data.draws import sampling
from disentanglement_study.data.draws.series import SERIES, successive, windows

KEY = jax.random.key(0)


def test_a_pair_is_a_point_and_the_one_before_it_and_every_pair_is_drawn():
    later, earlier = np.asarray(successive(KEY, 4000, 10)).reshape(-1, 2).T
    np.testing.assert_array_equal(later - earlier, 1)
    counts = np.bincount(earlier, minlength=9)
    assert len(counts) == 9
    np.testing.assert_allclose(counts, 2000 / 9, rtol=0.25)


def test_couples_are_kept_apart_and_a_lag_may_be_longer():
    later, earlier = np.asarray(successive(KEY, 1000, 10, every=2)).reshape(-1, 2).T
    assert set(earlier) == {0, 2, 4, 6, 8}
    np.testing.assert_array_equal(later - earlier, 1)
    later, earlier = np.asarray(successive(KEY, 1000, 10, lag=9)).reshape(-1, 2).T
    assert (set(earlier), set(later)) == ({0}, {9})


def test_windows_are_points_that_follow_one_another_wherever_they_fit():
    drawn = np.asarray(windows(KEY, 3000, 12, length=10)).reshape(300, 10)
    np.testing.assert_array_equal(np.diff(drawn, axis=1), 1)
    assert set(drawn[:, 0]) == {0, 1, 2}


@pytest.mark.parametrize(
    ("name", "options", "number", "size", "message"),
    [
        ("successive", {}, 10, 5, "a batch of 5 points cannot be cut into pairs"),
        ("successive", {"lag": 10}, 10, 4, "lag = 10: expected less than 10, the points of the series"),
        ("successive", {"lags": 1}, 10, 4, "unknown option of sampling 'successive' 'lags': did you mean 'lag'"),
        ("windows", {"length": 7}, 10, 16, "a batch of 16 points cannot be cut into windows of 7"),
        ("windows", {"length": 16}, 10, 16, "length = 16: expected at most 10, the points of the series"),
        ("windows", {}, None, 100, "sampling 'windows' draws neighbours in time: it needs a series"),
    ],
)
def test_bad_input_is_found_while_planning(name, options, number, size, message):
    with pytest.raises(ValueError, match=message):
        sampling.check(name, options, ("a",), (5,), batch_size=size, num_points=number)


@pytest.mark.parametrize("name", SERIES)
def test_neighbours_have_no_weights_and_need_a_series(name):
    with pytest.raises(ValueError, match=f"'{name}' draws neighbours, to train on: expected one of iid"):
        sampling.distribution(name, {}, ("a",), (5,))
    for points in (None, np.arange(5)):
        with pytest.raises(ValueError, match="it needs a series"):
            sampling.sampler(name, {}, ("a",), (5,), points)
