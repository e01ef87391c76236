"""Sources without structure: their distribution, and none over time."""

import numpy as np
import pytest

from disentanglement_study import data

N = 40_000


@pytest.mark.parametrize(
    ("distribution", "kurtosis", "spread"), [("laplace", 6, 47), ("uniform", 1.8, 1.4), ("gaussian", 3, 9.8)]
)
def test_sources_are_of_variance_1_and_of_the_distribution(distribution, kurtosis, spread):
    """Kurtosis E s⁴, and the standard deviation of s⁴ - 2·E s⁴·s², which is that of its estimate times √N."""
    sources = data.load("iid_sources", options={"distribution": distribution, "num_points": N}).sources.astype(
        np.float64
    )
    assert sources.shape == (N, 5)
    np.testing.assert_allclose(sources.mean(axis=0), 0, atol=5 / np.sqrt(N))
    np.testing.assert_allclose(sources.var(axis=0), 1, atol=5 * np.sqrt((kurtosis - 1) / N))
    scaled = sources / sources.std(axis=0)
    np.testing.assert_allclose((scaled**4).mean(axis=0), kurtosis, atol=5 * spread / np.sqrt(N))


def test_sources_are_independent_of_each_other_and_of_their_past():
    sources = data.load("iid_sources", options={"num_points": N}).sources.astype(np.float64)
    for of in (np.asarray, np.abs):
        now, before = of(sources[1:]), of(sources[:-1])
        together = np.corrcoef(now.T, before.T) - np.eye(10)
        assert np.abs(together).max() < 5 / np.sqrt(N)
