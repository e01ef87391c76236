"""Sources that depend on each other: the covariance of each segment is the inverse of what was said."""

import numpy as np
import pytest

from disentanglement_study import data, rng
from disentanglement_study.data.series import dependent_sources
from disentanglement_study.data.series.dependent_sources import NAME, Options

SIZES = {"num_segments": 6, "segment_length": 20_000, "num_sources": 4, "least_scale": 0.5}


def drawn(what, low, high):
    """Draws of a named stream, as the set makes them."""
    return rng.generator(0, NAME, what).uniform(low, high, (6, 4))


@pytest.mark.parametrize("dependence", [0.0, 0.1, 2.0])
@pytest.mark.parametrize("mean_range", [0.0, 2.0])
def test_segments_are_gaussian_with_the_sum_of_both_precisions(dependence, mean_range):
    given = {**SIZES, "dependence": dependence, "mean_range": mean_range}
    loaded = data.load(NAME, options=given)
    scales, centres = drawn("scales", 0.5, 3), drawn("means", -mean_range, mean_range)
    base = dependence * np.linalg.inv(dependent_sources.correlation(Options(**given)))
    by_segment = loaded.sources.astype(np.float64).reshape(6, 20_000, 4)
    np.testing.assert_array_equal(loaded.auxiliary["segment"], np.repeat(np.arange(6), 20_000))
    for k in range(6):
        covariance = np.linalg.inv(base + np.diag(1 / scales[k] ** 2))
        deviation = np.sqrt(np.diag(covariance))
        found = np.cov(by_segment[k].T)
        # Of Gaussian variables an entry has a standard deviation of at most sqrt(2/n) of the product of deviations.
        assert (np.abs(found - covariance) < 5 * np.sqrt(2 / 20_000) * np.outer(deviation, deviation)).all()
        expected = covariance @ (centres[k] / scales[k] ** 2)
        assert (np.abs(by_segment[k].mean(axis=0) - expected) < 5 * deviation / np.sqrt(20_000)).all()


def test_the_dependence_is_the_same_in_all_segments_and_0_is_independence():
    correlation = dependent_sources.correlation(Options())
    np.testing.assert_allclose(np.diag(correlation), 1)
    assert np.abs(correlation - np.eye(5)).max() > 0.2
    conditions = [np.linalg.cond(dependent_sources.correlation(Options(seed=seed))) for seed in range(100)]
    assert max(conditions) < 20
    found = {}
    for dependence in (0.0, 2.0):
        by_segment = data.load(NAME, options={**SIZES, "dependence": dependence}).sources.reshape(6, -1, 4)
        found[dependence] = np.mean([np.abs(np.corrcoef(one.T) - np.eye(4)).max() for one in by_segment])
    assert found[0.0] < 5 / np.sqrt(20_000)
    assert found[2.0] > 0.2
