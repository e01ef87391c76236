"""Rank correlations against scipy.stats, and bootstrap intervals against the coverage that they promise."""

import numpy as np
import pytest
import scipy.stats

from disentanglement_study.analysis import stats


@pytest.mark.parametrize("levels", [3, 1000])
def test_spearman_is_scipys(levels):
    scores = np.random.default_rng(1).integers(levels, size=(50, 5)).astype(float)
    expected = scipy.stats.spearmanr(scores).statistic
    np.testing.assert_allclose(stats.spearman_matrix(scores).rank_correlation, expected, atol=1e-14)
    cross = stats.spearman_matrix(scores[:, :2], scores[:, 2:]).rank_correlation
    np.testing.assert_allclose(cross, expected[:2, 2:], atol=1e-14)


def test_midranks_of_ties():
    x = np.array([3.0, 1.0, 3.0, 2.0])
    assert stats.midranks(x, np.ones((4, 1))).ravel().tolist() == [1.0, -1.5, 1.0, -0.5]


def test_a_weight_is_a_repetition():
    rng = np.random.default_rng(2)
    x, drawn = rng.integers(5, size=20).astype(float), rng.integers(20, size=20)
    weight = np.bincount(drawn, minlength=20).astype(float)[:, None]
    expected = scipy.stats.rankdata(x[drawn]) - 10.5
    np.testing.assert_allclose(stats.midranks(x, weight).ravel()[drawn], expected)


def test_medians_of_resamples_are_those_of_what_is_drawn():
    values = np.array([0.3, 0.1, 0.7, 0.2])
    weight = np.array([[1, 0, 4], [1, 2, 0], [1, 1, 0], [1, 1, 0]])
    expected = [np.median(np.repeat(values, times)) for times in weight.T]
    assert stats.medians(values, weight).tolist() == pytest.approx(expected)


def test_long_sums_are_exact():
    drawn = np.random.default_rng(3).integers(9, size=(1801, 3)).astype(np.float32)
    x = np.arange(1801.0)
    expected = np.cumsum(drawn, axis=0) - drawn / 2 - drawn.sum(axis=0) / 2
    assert (stats.midranks(x, drawn) == expected).all()


def test_a_resample_keeps_its_cells():
    cells = np.array([2, 0, 0, 2, 2, 1])
    weight = stats.resample(cells, 500)
    for cell in range(3):
        assert (weight[cells == cell].sum(axis=0) == (cells == cell).sum()).all()
    np.testing.assert_allclose(weight.mean(axis=1), 1, atol=0.15)
    assert (weight == stats.resample(cells, 500)).all()
    assert not (weight == stats.resample(cells, 500, seed=1)).all()


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
    alone = stats.spearman_matrix(np.random.default_rng(0).normal(size=(9, 2)), cells=np.arange(9), resamples=10)
    assert np.isfinite(alone.rank_correlation).all()
    assert np.isnan([alone.low, alone.high]).all()


def test_intervals_with_gaps_are_of_the_pair():
    """One column lacks models at random: its interval with another is nearly that of the models that have both."""
    rng = np.random.default_rng(7)
    scores = rng.multivariate_normal([0, 0], [[1, 0.6], [0.6, 1]], size=400)
    scores[rng.choice(400, 40, replace=False), 0] = np.nan
    gaps = stats.spearman_matrix(scores, resamples=800)
    whole = stats.spearman_matrix(scores[np.isfinite(scores[:, 0])], resamples=800)
    assert gaps.rank_correlation[0, 1] == whole.rank_correlation[0, 1]
    np.testing.assert_allclose(gaps.low[0, 1], whole.low[0, 1], atol=0.015)
    np.testing.assert_allclose(gaps.high[0, 1], whole.high[0, 1], atol=0.015)


def test_bootstrap_is_seeded():
    scores = np.random.default_rng(4).normal(size=(30, 2))
    low, again, other = (stats.spearman_matrix(scores, resamples=100, seed=seed).low[0, 1] for seed in (0, 0, 1))
    assert low == again != other


@pytest.mark.parametrize("cells", [1, 20])
def test_bootstrap_interval_of_a_mean_covers_it(cells):
    """60 models in one cell, or 3 in each of 20: the few of a cell must not make the interval too narrow."""
    rng, cells = np.random.default_rng(5), np.arange(60) % cells
    effect = rng.normal(size=cells.max() + 1)[cells]
    covered = []
    for seed in range(300):
        x = effect + rng.normal(size=60)
        resampled = x @ stats.resample(cells, 400, seed) / 60
        low, high = stats.interval(x.mean(), resampled, stats.widening(cells))
        covered.append(low < effect.mean() < high)
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


@pytest.mark.filterwarnings("error")
def test_a_resample_that_has_none_of_the_models_explains_nothing():
    y, groups = np.array([0.0, 1.0, 3.0]), np.array([0, 0, 1])
    weight = np.array([[1.0, 0.0, 2.0], [1.0, 0.0, 0.0], [1.0, 0.0, 1.0]])
    whole, nothing, third = stats.share_of_variance(y, groups, weight)
    assert whole == pytest.approx(1 - 0.5 / (14 / 3))
    assert np.isnan(nothing)
    assert third == pytest.approx(1)
