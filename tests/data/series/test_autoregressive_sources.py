"""Sources that depend on their own past."""

import numpy as np
import pytest

from disentanglement_study import data

N = 65_536


def load(**options):
    return data.load("autoregressive_sources", options={"num_points": N, **options}).sources.astype(np.float64)


@pytest.mark.parametrize(
    ("options", "coefficients"),
    [
        ({}, [0.7] * 5),
        ({"coefficient": -0.5}, [-0.5] * 5),
        ({"coefficient": 0.5, "spread": 0.4, "num_sources": 3}, [0.1, 0.5, 0.9]),
    ],
)
def test_the_past_counts_as_the_coefficients_say_and_no_further(options, coefficients):
    sources = load(**options)
    np.testing.assert_allclose(sources.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(sources.std(axis=0), 1, atol=1e-6)
    for values, coefficient in zip(sources.T, coefficients, strict=True):
        past = np.stack([values[1:-1], values[:-2]], axis=1)
        first, second = np.linalg.lstsq(past, values[2:], rcond=None)[0]
        # The standard deviation of either is sqrt((1 - a²)/N) / sqrt(1 - a²), 1/sqrt(N).
        assert abs(first - coefficient) < 5 / np.sqrt(N)
        assert abs(second) < 5 / np.sqrt(N)


@pytest.mark.parametrize(("distribution", "kurtosis", "spread"), [("laplace", 6, 47), ("gaussian", 3, 9.8)])
def test_innovations_are_of_the_distribution_and_independent(distribution, kurtosis, spread):
    sources = load(distribution=distribution)
    innovations = sources[1:] - 0.7 * sources[:-1]
    np.testing.assert_allclose(innovations.var(axis=0), 1 - 0.7**2, rtol=0.05)
    scaled = innovations / innovations.std(axis=0)
    np.testing.assert_allclose((scaled**4).mean(axis=0), kurtosis, atol=5 * spread / np.sqrt(N))
    together = np.corrcoef(np.abs(innovations[1:]).T, np.abs(sources[1:-1]).T) - np.eye(10)
    assert np.abs(together[:5]).max() < 5 / np.sqrt(N)


def test_the_series_begins_as_it_goes_on():
    """Without what was before it, the first points would be smaller: their variance 1 - a^2t."""
    series = np.stack([load(num_points=1000, num_sources=20, coefficient=0.99, seed=seed) for seed in range(12)])
    assert 0.6 < np.mean(series[:, :5] ** 2) / np.mean(series[:, -5:] ** 2) < 1.7
