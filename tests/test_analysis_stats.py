"""Rank correlations against scipy.stats, and bootstrap intervals against the coverage that they promise."""

import numpy as np
import pytest
import scipy.stats

from analysis import stats


@pytest.mark.parametrize("levels", [3, 1000])
def test_spearman_is_scipys(levels):
    scores = np.random.default_rng(1).integers(levels, size=(50, 5)).astype(float)
    expected = scipy.stats.spearmanr(scores).statistic
    np.testing.assert_allclose(stats.spearman_matrix(scores).rank_correlation, expected, atol=1e-14)
    cross = stats.spearman_matrix(scores[:, :2], scores[:, 2:]).rank_correlation
    np.testing.assert_allclose(cross, expected[:2, 2:], atol=1e-14)


def test_midranks_of_ties():
    x = np.array([3.0, 1.0, 3.0, 2.0])
    assert stats.midranks(x, np.ones(4)).tolist() == [3.5, 1.0, 3.5, 2.0]


def test_a_weight_is_a_repetition():
    rng = np.random.default_rng(2)
    x, y, drawn = rng.integers(5, size=20), rng.integers(5, size=20), rng.integers(20, size=20)
    weight = np.bincount(drawn, minlength=20).astype(float)[:, None]
    expected = scipy.stats.spearmanr(x[drawn], y[drawn]).statistic
    np.testing.assert_allclose(stats.spearman(x, y, weight), [expected], atol=1e-14)


def test_pairs_use_the_models_that_have_both():
    scores = np.random.default_rng(3).normal(size=(20, 3))
    scores[:5, 0] = np.nan
    scores[18:, 1] = np.inf
    matrix = stats.spearman_matrix(scores)
    assert matrix.n.tolist() == [[15, 13, 15], [13, 18, 18], [15, 18, 20]]
    expected = scipy.stats.spearmanr(scores[5:18, 0], scores[5:18, 1]).statistic
    assert matrix.rank_correlation[0, 1] == pytest.approx(expected, abs=1e-14)
    assert matrix.rank_correlation[1, 0] == matrix.rank_correlation[0, 1]


@pytest.mark.filterwarnings("error")
def test_undefined_is_nan_without_a_warning():
    constant = np.column_stack([np.ones(9), np.arange(9.0)])
    matrix = stats.spearman_matrix(constant, resamples=10)
    assert np.isnan(matrix.rank_correlation[[0, 0, 1], [0, 1, 0]]).all()
    assert matrix.rank_correlation[1, 1] == 1
    assert np.isnan(stats.spearman_matrix(constant[:2]).rank_correlation).all()
    assert np.isnan(stats.bootstrap_interval(lambda weight: np.full(weight.shape[1], np.nan), 5)).all()


def test_bootstrap_is_seeded():
    x, y = np.random.default_rng(4).normal(size=(2, 30))
    intervals = [
        stats.bootstrap_interval(lambda weight: stats.spearman(x, y, weight), 30, seed=seed) for seed in (0, 0, 1)
    ]
    assert intervals[0] == intervals[1] != intervals[2]
    assert intervals[0][0] < scipy.stats.spearmanr(x, y).statistic < intervals[0][1]


def test_bootstrap_interval_of_a_mean_covers_it():
    rng = np.random.default_rng(5)
    covered = []
    for _ in range(300):
        x = rng.normal(size=60)
        low, high = stats.bootstrap_interval(lambda weight, x=x: x @ weight / 60, 60, resamples=400)
        covered.append(low < 0 < high)
    assert 0.90 < np.mean(covered) < 0.98


def test_bootstrap_interval_of_a_correlation_covers_it():
    rng = np.random.default_rng(6)
    rho = 6 / np.pi * np.arcsin(0.6 / 2)  # Spearman's rho of a Gaussian whose Pearson correlation is 0.6.
    covered = []
    for _ in range(200):
        scores = rng.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], size=100)
        matrix = stats.spearman_matrix(scores[:, :1], scores[:, 1:], resamples=300)
        covered.append(matrix.low[0, 0] < rho < matrix.high[0, 0])
    assert 0.89 < np.mean(covered) < 0.99
