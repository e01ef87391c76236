"""The downstream tasks, and their logistic regressions against scikit-learn's."""

import json

import numpy as np
import pytest
from test_golden import GOLDEN, points

from disentanglement_study.metrics import downstream_boosted_trees, downstream_logistic_regression
from disentanglement_study.metrics.estimators.logistic_regression import predict_factors_logistic
from disentanglement_study.metrics.estimators.one_vs_rest import CS, one_vs_rest

ANSWERS = json.loads((GOLDEN / "downstream.json").read_text())
REPRESENTATIONS = list(ANSWERS["sk020"])


def accuracies(scores, split, n):
    return [scores[f"{split}_accuracy.n_{n}.factor_{k}"] for k in range(5)]


@pytest.mark.parametrize("representation", REPRESENTATIONS)
def test_logistic_regression_is_that_of_disentanglement_lib(representation):
    arrays = *points(representation, "train"), *points(representation, "test")
    scores = downstream_logistic_regression(*arrays)
    for n, answer in ANSWERS["sk020"][representation]["logistic_regression"].items():
        for split, expected in answer.items():
            assert accuracies(scores, split, n) == pytest.approx(expected, abs=0.0011 if n != "10" else 0.007)


def test_multinomial_logistic_regression_is_that_of_disentanglement_lib_today():
    arrays = *points("noisy", "train"), *points("noisy", "test")
    scores = downstream_logistic_regression(*arrays, protocol="paper", train_sizes=(10, 100))
    for n in (10, 100):
        for split, expected in ANSWERS["sk19"]["noisy"]["logistic_regression"][str(n)].items():
            assert accuracies(scores, split, n) == pytest.approx(expected, abs=0.021)


@pytest.mark.parametrize("representation", ["rotation", "noisy", "vae_like"])
def test_boosted_trees_are_those_of_disentanglement_lib(representation):
    # Ten points make many ties, and the answers are of one seed.
    arrays = *points(representation, "train"), *points(representation, "test")
    scores = downstream_boosted_trees(*arrays)
    for era in ("sk020", "sk19"):
        for n, answer in ANSWERS[era][representation]["boosted_trees"].items():
            for split, expected in answer.items():
                assert accuracies(scores, split, n) == pytest.approx(expected, abs=0.02 if n != "10" else 0.08)
                mean = scores[f"mean_{split}_accuracy.n_{n}"]
                assert mean == pytest.approx(np.mean(expected), abs=0.005 if n != "10" else 0.03)


def problem(num_points, num_codes, seed, num_test=200):
    """Codes of several scales, and factors of 4, 2 and 3 values that depend on them."""
    rng = np.random.default_rng(seed)
    codes = rng.normal(size=(num_points + num_test, num_codes))
    signal = codes @ rng.normal(size=(num_codes, 3)) + 0.3 * rng.normal(size=(len(codes), 3))
    factors = np.stack([np.digitize(signal[:, 0], [-1, 0, 2]), 7 * (signal[:, 1] > 0), np.abs(signal[:, 2])], axis=1)
    codes *= 10.0 ** rng.integers(-2, 3, size=num_codes)
    return codes[:num_points], factors[:num_points].astype(int).clip(max=[3, 7, 2]), codes[num_points:]


def agreement(arrays):
    newton, sklearn = (predict_factors_logistic(*arrays, backend=backend) for backend in ("newton", "sklearn"))
    return [np.mean(one == other) for one, other in zip(newton, sklearn, strict=True)]


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(("num_points", "num_codes"), [(2, 2), (4, 3), (7, 1), (60, 4)])
def test_newton_is_scikit_learn(num_points, num_codes, seed):
    # Of few points, classes are absent from the train part of folds.
    train, test = agreement(problem(num_points, num_codes, seed))
    assert train == 1.0
    assert test > 0.99


def test_newton_is_scikit_learn_on_dead_and_duplicated_codes():
    train_codes, factors, test_codes = problem(60, 3, seed=0)

    def redundant(codes):
        return np.hstack([codes, np.full((len(codes), 1), 0.1), -2.0 * codes, np.zeros((len(codes), 1))])

    train, test = agreement((redundant(train_codes), factors, redundant(test_codes)))
    assert train == 1.0
    assert test > 0.99


def test_each_column_is_at_the_minimum_of_one_of_the_strengths():
    codes, factors, _ = problem(100, 3, seed=1)
    margins, _ = one_vs_rest(codes, factors[:, :1].T, codes)
    design = np.column_stack([codes, np.ones(len(codes))])
    for value, z in enumerate(margins):
        weights = np.linalg.lstsq(design, z, rcond=None)[0]
        gradient = design.T @ (1 / (1 + np.exp(-z)) - (factors[:, 0] == value))
        strengths = -weights[:-1] / gradient[:-1]  # C · gradient + w = 0
        np.testing.assert_allclose(strengths, strengths[0], rtol=1e-4)
        assert np.isclose(strengths[0], CS, rtol=1e-4).any()
        assert gradient[-1] == pytest.approx(0.0, abs=1e-6)


def test_dead_codes_predict_the_most_common_value():
    factors = np.repeat([[3, 0], [1, 1], [5, 1]], [20, 30, 15], axis=0)
    train, test = predict_factors_logistic(np.full((65, 2), 0.1), factors, np.full((4, 2), 0.1))
    assert (train == [1, 1]).all()
    assert (test == [1, 1]).all()


@pytest.mark.parametrize(("protocol", "backend"), [("dlib", "newton"), ("dlib", "sklearn"), ("paper", "sklearn")])
def test_a_factor_with_one_value_is_that_value(protocol, backend):
    codes, factors, test_codes = problem(12, 2, seed=0)
    factors[:, 1] = -4
    train, test = predict_factors_logistic(codes, factors, test_codes, protocol=protocol, backend=backend)
    assert (train[:, 1] == -4).all()
    assert (test[:, 1] == -4).all()
    assert len(np.unique(train[:, 0])) > 1
    train, test = predict_factors_logistic(codes[:1], factors[:1], test_codes, protocol=protocol, backend=backend)
    assert (train == factors[0]).all()
    assert (test == factors[0]).all()


EXTREME = {
    "tiny": lambda codes: 1e-200 * codes,
    "huge": lambda codes: 1e200 * codes,
    "all scales": lambda codes: codes * [1e-15, 1e-5, 1e5, 1e15],
    "far away": lambda codes: codes + 1e9,
    "outliers": lambda codes: np.concatenate([1e8 * codes[:3], codes[3:]]),
    "nearly duplicated": lambda codes: np.hstack([codes, codes + 1e-9 * codes[:, ::-1]]),
    "heavy tails": lambda codes: np.sinh(10 * codes),
    "separable": lambda codes: 1e6 * codes.round(),
}


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("change", EXTREME.values(), ids=EXTREME)
def test_every_regression_converges(change):
    rng = np.random.default_rng(0)
    codes = change(rng.normal(size=(120, 4)))
    labels = np.stack([rng.integers(3, size=120), np.digitize(codes[:, 1], np.quantile(codes[:, 1], [0.4, 0.8])) + 3])
    margins, same_margins = one_vs_rest(codes, labels, codes)
    assert np.isfinite(margins).all()
    np.testing.assert_array_equal(margins, same_margins)


def test_what_does_not_converge_is_kept_with_a_warning():
    codes, factors, test_codes = problem(100, 3, seed=0)
    with pytest.warns(RuntimeWarning, match=r"of 4 logistic regressions still .* after 2 steps"):
        margins, _ = one_vs_rest(codes, factors[:, :1].T, test_codes, max_steps=2)
    assert np.isfinite(margins).all()


def test_the_blocks_of_points_change_nothing(monkeypatch):
    codes, factors, test_codes = problem(700, 4, seed=0)
    expected = one_vs_rest(codes, factors[:, :1].T, test_codes)
    monkeypatch.setattr("disentanglement_study.metrics.estimators.one_vs_rest.BLOCK", 17)
    for one, other in zip(one_vs_rest(codes, factors[:, :1].T, test_codes), expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-8, atol=1e-8)


TASKS = {
    "downstream_boosted_trees": downstream_boosted_trees,
    "downstream_logistic_regression": downstream_logistic_regression,
}


@pytest.fixture(params=TASKS)
def task(request):
    return request.param


def small_arrays(num_points=160):
    rng = np.random.default_rng(0)
    factors = rng.integers([2, 3], size=(num_points + 50, 2))
    codes = factors + 0.2 * rng.normal(size=factors.shape)
    return codes[:num_points], factors[:num_points], codes[num_points:], factors[num_points:]


def test_scores_are_means_and_minima_of_those_of_factors(task):
    scores = TASKS[task](*small_arrays(), train_sizes=[100, 20, 100, 161])
    assert len(scores) == 1 + 2 * 2 * (2 + 2)
    assert scores[task] == scores["mean_test_accuracy.n_100"]
    for split in ("train", "test"):
        for n in (20, 100):
            of_factors = [scores[f"{split}_accuracy.n_{n}.factor_{k}"] for k in range(2)]
            assert scores[f"mean_{split}_accuracy.n_{n}"] == pytest.approx(np.mean(of_factors))
            assert scores[f"min_{split}_accuracy.n_{n}"] == min(of_factors)


def test_a_size_is_the_first_points(task):
    codes, factors, *test = small_arrays()
    part = TASKS[task](codes[:60], factors[:60], *test, train_sizes=(60,))
    assert TASKS[task](codes, factors, *test, train_sizes=(60,)) == part


def test_statistical_efficiency_needs_both_sizes():
    arrays = [np.tile(array, (63, 1))[:10_000] for array in small_arrays()]
    scores = downstream_logistic_regression(*arrays)
    efficiency = scores["mean_test_accuracy.n_100"] / scores["mean_test_accuracy.n_10000"]
    assert scores["statistical_efficiency"] == efficiency
    assert "statistical_efficiency" not in downstream_logistic_regression(*small_arrays())


def test_bad_sizes_are_errors_that_name_them(task):
    with pytest.raises(ValueError, match=r"none of train_sizes \[1000, 161\] fits: there are 160 train points"):
        TASKS[task](*small_arrays(), train_sizes=[1000, 161])
    with pytest.raises(ValueError, match="train_sizes must be positive integers, got 0"):
        TASKS[task](*small_arrays(), train_sizes=[0, 10])
