"""Gaussian sources whose mean and precision are curves of time."""

import numpy as np
import pytest

from disentanglement_study import data
from disentanglement_study.data.series import fourier_sources

N = 65_536


def load(**options):
    return data.load("fourier_sources", options={"num_points": N, "num_frequencies": 4, "num_sources": 3, **options})


def windows(values, width=512):
    """[windows, width, S]: within one the curves hardly move."""
    return values.astype(np.float64).reshape(-1, width, values.shape[1])


def test_u_is_sines_and_cosines_of_time():
    u = load().auxiliary["u"]
    assert u.shape == (N, 8)
    turns = np.arange(N) / N
    np.testing.assert_allclose(u[:, 2], np.sin(2 * np.pi * 3 * turns), atol=1e-6)
    np.testing.assert_allclose(u[:, 4], np.cos(2 * np.pi * turns), atol=1e-6)


def test_local_means_and_log_precisions_are_linear_in_u_and_fill_their_ranges():
    loaded = load(mean_range=1.5, log_precision_range=2.0)
    sources, u = windows(loaded.sources), windows(loaded.auxiliary["u"]).mean(axis=1)
    design = np.column_stack([u, np.ones(len(u))])
    # exp(-c)/2 is the variance: of 512 points the log of its estimate has a standard deviation of sqrt(2/512) = .06.
    for curve, size, noise in (
        (sources.mean(axis=1), 1.5, 1.92 / np.sqrt(512)),
        (-np.log(2 * (sources - sources.mean(axis=1, keepdims=True)).var(axis=1)), 2.0, np.sqrt(2 / 512)),
    ):
        missed = curve - design @ np.linalg.lstsq(design, curve, rcond=None)[0]
        assert missed.std() < 1.3 * noise
        np.testing.assert_allclose(curve.max(axis=0), size, atol=5 * noise)
        np.testing.assert_allclose(curve.min(axis=0), -size, atol=5 * noise)


@pytest.mark.parametrize("option", ["mean_range", "log_precision_range"])
def test_a_range_of_0_leaves_the_other_modulation_alone(option):
    sources = windows(load(**{option: 0.0}).sources)
    means, variances = sources.mean(axis=1), sources.var(axis=1)
    if option == "mean_range":
        assert np.abs(means / np.sqrt(variances / 512)).max() < 5
        assert np.ptp(np.log(variances), axis=0).min() > 3
    else:
        np.testing.assert_allclose(variances, 0.5, rtol=0.35)
        assert np.ptp(means, axis=0).min() > 1.5


def test_sources_are_gaussian_given_time():
    options = fourier_sources.Options(num_points=N, num_sources=3, log_precision_range=0.0, mean_range=0.0)
    sources = fourier_sources.load(options).sources.astype(np.float64)
    np.testing.assert_allclose((sources**4).mean(axis=0) / sources.var(axis=0) ** 2, 3, atol=5 * np.sqrt(24 / N))
