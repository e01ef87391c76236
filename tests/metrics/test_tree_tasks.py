"""Tasks solved by boosted trees, against disentanglement_lib and by hand; `about` in golden/tree_tasks.json."""

import json
import re
import sys

import numpy as np
import pytest
from test_golden import GOLDEN, GRID, TABLES, points

from disentanglement_study.metrics import fairness, reduced_downstream, strong_downstream
from disentanglement_study.metrics.estimators.predictors import predict_factors
from disentanglement_study.metrics.fairness import aggregates, total_variation
from disentanglement_study.metrics.interventions import draw_each_value, rows_by_value

ANSWERS = json.loads((GOLDEN / "tree_tasks.json").read_text())
PAIRS = np.stack(np.unravel_index(np.arange(6), (2, 3)), axis=1).repeat(20, axis=0)  # two factors, each point 20 times


def within(score, answer, deviations, margin):
    mean, deviation = answer
    return score == pytest.approx(mean, abs=deviations * deviation + margin)


@pytest.mark.parametrize("representation", TABLES)
def test_fairness(representation):
    answers = ANSWERS["fairness"][representation]
    scores = fairness(TABLES[representation], GRID, num_train=500)
    assert scores.keys() == {"fairness"} | answers.keys()
    assert scores["fairness"] == scores["mean_fairness.mean_target.mean_sensitive"]
    for name, answer in answers.items():
        of_all = not re.search(r"\d", name)
        assert within(scores[name], answer, *((3, 0.005) if of_all else (4, 0.03))), name


@pytest.mark.parametrize("representation", ANSWERS["strong_downstream"])
def test_strong_downstream(representation):
    answers = ANSWERS["strong_downstream"][representation]
    scores = strong_downstream(TABLES[representation], GRID, num_train=500, num_test=500, num_experiments=2)
    for name, answer in answers.items():
        assert within(scores[name], answer, 3, 0.005), name
    assert scores.keys() == answers.keys()


@pytest.mark.parametrize("representation", ANSWERS["reduced_downstream"])
def test_reduced_downstream(representation):
    train, test = ([array[:500] for array in points(representation, split)] for split in ("train", "test"))
    num_removed, answers = ANSWERS["reduced_downstream"][representation].values()
    scores = reduced_downstream(*train, *test, num_removed=num_removed)
    for name, answer in answers.items():
        assert scores[name] == pytest.approx(answer, abs=0.03 if "." in name else 0.005), name
    assert scores.keys() == {"reduced_downstream"} | answers.keys()
    difference = answers["mean_test_accuracy_other_factors"] - answers["mean_test_accuracy_reduced_factor"]
    assert scores["reduced_downstream"] == pytest.approx(difference, abs=0.01)


def test_total_variation():
    case = ANSWERS["unit"]["inter_group_fairness"]
    assert total_variation(np.array(case["counts"])) == pytest.approx(case["out"], rel=1e-6)  # theirs are of float32


def test_aggregates():
    case = ANSWERS["unit"]["fairness_scores_dict"]
    assert aggregates("mean_fairness", np.array(case["matrix"])) == pytest.approx(case["out"], rel=1e-12)


def test_rows_of_each_value_are_counterfactuals_of_each_other():
    grid = np.stack(np.unravel_index(np.arange(24), (3, 4, 2)), axis=1)
    for factor, size in enumerate((3, 4, 2)):
        rows = draw_each_value(rows_by_value(grid), factor, 50, np.random.default_rng(0))
        assert (grid[rows, factor] == np.arange(size)[:, None]).all()
        others = np.delete(grid[rows], factor, axis=2)
        assert (others == others[0]).all()
        assert len(np.unique(rows[0])) == 24 // size


def test_rows_of_each_value_are_uniform_on_a_part_of_a_grid():
    factors = np.array([[0], [2], [0], [2], [2]])
    rows = draw_each_value(rows_by_value(factors), 0, 30_000, np.random.default_rng(0))
    for drawn, expected in zip(rows, ([0.5, 0, 0.5, 0, 0], [0, 1 / 3, 0, 1 / 3, 1 / 3]), strict=True):
        np.testing.assert_allclose(np.bincount(drawn, minlength=5) / 30_000, expected, atol=0.02)


def test_the_order_of_rows_does_not_matter_to_fairness():
    order = np.random.default_rng(0).permutation(len(GRID))
    options = {"num_train": 300, "num_stages": 5}
    shuffled = fairness(TABLES["vae_like"][order], GRID[order], **options)
    assert shuffled == fairness(TABLES["vae_like"], GRID, **options)


def test_predictions_of_factors_that_are_always_equal_are_unfair():
    factors = np.repeat([[0, 0], [1, 1], [2, 2]], 20, axis=0)
    scores = fairness(factors.astype(float), factors, num_train=200, num_stages=10)
    # Given c all predictions are c, overall each value is predicted in a third of them.
    assert scores == pytest.approx(dict.fromkeys(scores, 2 / 3))


def test_a_code_that_another_factor_flips_does_not_generalise():
    factors = np.repeat([[0, 0], [0, 1], [1, 0], [1, 1]], 20, axis=0)
    code = (factors[:, :1] ^ factors[:, 1:]).astype(float)
    scores = strong_downstream(code, factors, num_train=200, num_test=200, num_experiments=2, num_stages=10)
    assert scores["mean_strong_train_accuracy"] == 1.0
    assert scores["strong_downstream"] == 0.0
    assert scores["strong_generalisation_gap"] == 1.0
    assert scores["mean_test_accuracy"] == pytest.approx(0.5, abs=0.1)


def reduced(codes, num_removed):
    return reduced_downstream(codes, PAIRS, codes, PAIRS, num_removed=num_removed, num_stages=10)


def test_a_code_for_each_factor_can_be_removed_alone():
    scores = reduced(PAIRS.astype(float), 1)
    assert scores["mean_test_accuracy_other_factors"] == 1.0
    assert scores["test_accuracy.reduced_factor_0.factor_0"] == pytest.approx(1 / 2)
    assert scores["test_accuracy.reduced_factor_1.factor_1"] == pytest.approx(1 / 3)
    assert scores["reduced_downstream"] == pytest.approx(1 - 5 / 12)


def test_the_most_frequent_value_is_predicted_where_no_code_is_left():
    rows = np.flatnonzero((PAIRS != [1, 2]).all(axis=1) | (np.arange(len(PAIRS)) % 2 == 0))
    codes, factors = PAIRS[rows].astype(float), PAIRS[rows]
    scores = reduced_downstream(codes, factors, codes, factors, num_removed=5, num_stages=10)
    for i, column in enumerate(factors.T):
        most_frequent = np.unique_counts(column).counts.max() / len(column)
        assert scores[f"test_accuracy.reduced_factor_{1 - i}.factor_{i}"] == pytest.approx(most_frequent)


def test_importances_are_those_of_the_codes_that_are_left():
    dead, coarse = np.zeros((len(PAIRS), 1)), PAIRS[:, 1:] > 0  # both unimportant beside the factor itself
    codes = np.hstack([dead, PAIRS, coarse])
    accuracies = [reduced(codes, removed)["test_accuracy.reduced_factor_1.factor_1"] for removed in range(3)]
    assert accuracies == pytest.approx([1, 2 / 3, 1 / 3])


def test_both_backends_take_the_number_of_stages():
    codes, factors = points("vae_like", "train")
    exact, sklearn = (
        predict_factors(
            codes[:200], factors[:200], codes[:9], rng=np.random.default_rng(0), backend=backend, num_stages=2
        )
        for backend in ("exact", "sklearn")
    )
    np.testing.assert_allclose(exact.importance, sklearn.importance, atol=0.02)
    np.testing.assert_array_equal(exact.test, sklearn.test)


@pytest.mark.parametrize("backend", ["exact", "sklearn"])
def test_an_offset_of_codes_moves_no_prediction(backend):
    codes, factors = (part[:300] for part in (TABLES["vae_like"], GRID))
    codes = np.round(codes.astype(np.float64), 4)  # exact beside the offset, but for a rounding
    results = [
        predict_factors(shifted[::2], factors[::2], shifted[1::2], rng=np.random.default_rng(0), backend=backend,
                        num_stages=5)
        for shifted in (codes, codes + 1e9)
    ]  # fmt: skip
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(other, one, atol=1e-3)


def test_what_was_learnt_by_heart_does_not_count_on_a_sample(monkeypatch):
    draws = np.random.default_rng(0)
    noise, factors = draws.normal(size=(600, 5)), draws.integers(4, size=(600, 3))
    scores = strong_downstream(noise, factors, num_experiments=2, num_stages=30)
    assert scores["mean_train_accuracy"] > 0.5
    assert scores["mean_test_accuracy"] == pytest.approx(0.25, abs=0.07)  # of 600 guesses at 1 in 4: four sd
    assert scores["strong_generalisation_gap"] == pytest.approx(0, abs=0.3)

    def predict(train_codes, train_factors, test_codes, **options):
        assert not set(train_codes[:, 0]) & set(test_codes[:, 0])
        return predict_factors(train_codes, train_factors, test_codes, **options)

    monkeypatch.setattr(sys.modules["disentanglement_study.metrics.fairness"], "predict_factors", predict)
    assert 0 < fairness(noise, factors, num_stages=5)["fairness"] < 1
