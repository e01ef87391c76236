"""R² of linear and boosted regressions."""

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression
from sklearn.metrics import r2_score

from disentanglement_study.metrics import r2


def split(codes, factors):
    half = len(codes) // 2
    return codes[:half], factors[:half], codes[half:], factors[half:]


def real(seed=0, num_points=800):
    rng = np.random.default_rng(seed)
    factors = rng.uniform(-1, 1, size=(num_points, 2))
    return rng, factors


def test_an_affine_mixture_is_explained_wholly_by_the_linear_regression():
    _, factors = real()
    scores = r2(*split(factors @ np.array([[1.0, 2.0], [-1.0, 1.0]]) + 5.0, 1e6 * factors - 3.0))
    assert scores["r2_linear"] == pytest.approx(1.0, abs=1e-9)
    assert scores["r2_linear.factor_1"] == pytest.approx(1.0, abs=1e-9)
    assert 0.9 < scores["r2_boosted"] < 1.0


def test_what_is_not_linear_is_explained_by_trees_alone():
    _, factors = real()
    scores = r2(*split(factors**2 * [1.0, -1.0], factors**4))
    assert scores["r2_boosted"] > 0.98
    assert scores["r2_linear"] < 0.95
    scores = r2(*split(np.abs(factors), np.sign(factors) + 0.0))  # the sign is not in its absolute value
    assert abs(scores["r2_linear"]) < 0.05
    assert scores["r2_boosted"] < 0.05


def test_scores_are_those_of_scikit_learn():
    rng, factors = real()
    train_codes, train_factors, test_codes, test_factors = split(
        factors + 0.3 * rng.normal(size=factors.shape), factors
    )
    scores = r2(train_codes, train_factors, test_codes, test_factors, num_stages=20, rng=0)
    linear = LinearRegression().fit(train_codes, train_factors)
    assert scores["r2_linear"] == pytest.approx(r2_score(test_factors, linear.predict(test_codes)), abs=1e-9)
    assert scores["r2_linear_train"] == pytest.approx(r2_score(train_factors, linear.predict(train_codes)), abs=1e-9)
    expected = []
    for train_values, test_values in zip(train_factors.T, test_factors.T, strict=True):
        trees = HistGradientBoostingRegressor(max_iter=20, early_stopping=False).fit(train_codes, train_values)
        expected.append(r2_score(test_values, trees.predict(test_codes)))
    assert scores["r2_boosted"] == pytest.approx(np.mean(expected), abs=1e-6)
    assert scores["r2_boosted.factor_1"] == pytest.approx(expected[1], abs=1e-6)


def test_noise_explains_nothing_of_what_it_was_not_fitted_to():
    rng, factors = real()
    scores = r2(*split(rng.normal(size=(800, 5)), factors))
    assert -0.1 < scores["r2_linear"] < 0.05
    assert scores["r2_boosted"] < 0.05 < scores["r2_boosted_train"]


def test_dead_codes_and_a_factor_that_is_constant_in_the_test_points():
    _, factors = real()
    codes = np.hstack([factors, np.full((800, 1), 0.3)])
    factors[400:, 1] = 0.25
    scores = r2(*split(codes, factors))
    assert scores["r2_linear.factor_0"] == pytest.approx(1.0, abs=1e-9)
    assert scores["r2_linear.factor_1"] == scores["r2_boosted.factor_1"] == 0.0


def test_the_seed_decides_alone():
    rng, factors = real()
    points = split(factors + rng.normal(size=factors.shape), factors)
    assert r2(*points, rng=3, num_stages=5) == r2(*points, rng=3, num_stages=5)
