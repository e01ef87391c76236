"""InfoMEC, and the information of nearest neighbours that it is made of."""

import numpy as np
import pytest
from scipy.special import digamma
from sklearn.feature_selection import mutual_info_classif
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss
from test_information import (
    BOTH,
    DEAD,
    ENTROPY_OF_QUARTER,
    FACTORS,
    HALF_AND_B,
    OTHER,
    A,
    B,
    codes,
    counted_entropy,
    dsprites_points,
    noisy,
    normal,
)

from disentanglement_study.metrics import info_mec
from disentanglement_study.metrics.estimators.neighbours import neighbour_information


def _ross(code, labels, num_neighbours):
    """The estimator of neighbour_information, point by point."""
    terms = []
    repeats = np.array([np.sum(labels == label) > 1 for label in labels])
    code, labels = code[repeats], labels[repeats]
    for value, label in zip(code, labels, strict=True):
        distances = np.abs(code - value)
        alike = np.sort(distances[labels == label])
        k = min(num_neighbours, len(alike) - 1)
        nearer = np.sum(distances < alike[k])
        terms.append(digamma(len(code)) + digamma(k) - digamma(len(alike)) - digamma(nearer))
    return max(np.mean(terms), 0.0)


def test_neighbour_information():
    factors = dsprites_points(200)
    factors[0, 2] = 99  # once only
    columns = noisy(factors)
    expected = [[_ross(code, labels, 10) for labels in factors.T] for code in columns.T]
    shared = neighbour_information(columns, factors, rng=np.random.default_rng(0))
    np.testing.assert_allclose(shared, expected, atol=1e-9)


def test_neighbour_information_is_that_of_scikit_learn():
    factors = dsprites_points(3000)[:, :3]
    columns = noisy(dsprites_points(3000))[:, :3]
    expected = [mutual_info_classif(columns, labels, n_neighbors=10, random_state=0) for labels in factors.T]
    shared = neighbour_information(columns, factors, rng=np.random.default_rng(0))
    np.testing.assert_allclose(shared, np.transpose(expected), atol=1e-9)


def test_neighbour_information_of_ties_and_constants():
    factors = dsprites_points(3000)[:, :2]
    columns = np.stack([factors[:, 0] / 7, factors[:, 1] / 3, np.full(3000, 0.1)], axis=1)
    shared = neighbour_information(columns, factors, rng=np.random.default_rng(0))
    np.testing.assert_allclose(np.diag(shared[:2]), np.log([3, 6]), atol=0.02)
    np.testing.assert_allclose([shared[0, 1], shared[1, 0]], 0.0, atol=0.02)
    np.testing.assert_array_equal(shared[2], 0.0)


def both(columns, factors=FACTORS, **options):
    return info_mec(columns, factors, columns, factors, **options)


@pytest.mark.parametrize(
    ("columns", "modular", "compact", "active"),
    [
        ((A, B), 1.0, 1.0, 2),
        ((A, B, DEAD), 1.0, 1.0, 2),
        ((A, BOTH), 0.5, 0.5, 2),  # rows (1, 0) and (1, 1)
        ((HALF_AND_B,), 1 / 3, 1.0, 1),  # (1/2, 1): a share of 2/3 of the largest, where 1/2 is the least
        ((A, A, B, OTHER), 3 / 4, 2 / 3, 4),  # the last knows nothing; of a 1/2 where 1/4 is the least, of b all
        ((DEAD, DEAD), 0.0, 0.0, 0),
    ],
)
@pytest.mark.parametrize("estimator", ["values", "bins"])
def test_info_mec(columns, modular, compact, active, estimator):
    scores = both(codes(*columns), estimator=estimator)
    assert scores["info_m"] == pytest.approx(modular, abs=1e-9)
    assert scores["info_c"] == pytest.approx(compact, abs=1e-9)
    assert scores["num_active_dims"] == active


def test_info_mec_prunes_codes_of_a_small_range():
    factors = dsprites_points(300)[:, :2]
    columns = normal(300, 3) * [1.0, 1.0, 30.0]
    assert both(columns, factors)["num_active_dims"] == 1.0
    assert both(columns, factors, estimator="bins")["num_active_dims"] == 1.0
    assert both(columns, factors, estimator="values")["num_active_dims"] == 3.0


def test_info_mec_tells_train_points_from_test_points():
    # The code is the factor in 3 of 4 points: the regression says so, and no more.
    truth = np.tile([0, 0, 0, 0, 1, 1, 1, 1], 10)
    code = np.tile([0, 0, 0, 1, 1, 1, 1, 0], 10)
    factors = np.stack([truth, truth], axis=1)
    for estimator in ("values", "bins", "neighbours"):
        wrong = 1 - factors  # what was 3/4 of all points is right in 1/4 of them
        scores = info_mec(codes(code), factors, codes(code), wrong, estimator=estimator)
        assert scores["info_e_train"] == pytest.approx(1 - ENTROPY_OF_QUARTER, abs=1e-4)
        assert scores["info_e"] == pytest.approx(1 - (np.log2(4) * 3 + np.log2(4 / 3)) / 4, abs=1e-3)


def test_info_mec_leaves_out_values_that_were_not_trained_on():
    columns, test_factors = codes(A, B), FACTORS.copy()
    test_factors[A == 3, 0] = 7
    scores = info_mec(columns, FACTORS, columns, test_factors, estimator="values")
    assert 0.9 < scores["info_e"] <= 1.0
    nowhere = info_mec(columns, FACTORS, columns, FACTORS + 9, estimator="values")
    assert nowhere["info_e"] == 0.0
    assert nowhere["info_e_train"] > 0.9


def test_info_mec_is_that_of_the_authors():
    """Their equations, with their scikit-learn functions; the last factor is not uniform."""
    first, second = dsprites_points(1500)[:, :2].T
    factors = np.stack([first, second, second // 4], axis=1)
    columns = np.hstack([noisy(dsprites_points(1500))[:, :2], normal(1500, 2), 0.01 * normal(1500, 1)])
    standard = (columns - columns.mean(axis=0)) / columns.std(axis=0)
    shared, explained = [], []
    for labels in factors.T:
        information = mutual_info_classif(standard[:, :4], labels, n_neighbors=10, random_state=0)
        shared.append(information / counted_entropy(labels))
        losses = []
        for inputs in (standard, np.zeros_like(standard)):
            model = LogisticRegression(C=np.inf, class_weight="balanced", max_iter=100).fit(inputs, labels)
            losses.append(log_loss(labels, model.predict_proba(inputs)))
        explained.append((losses[1] - losses[0]) / losses[1])
    shared = np.array(shared)
    preferred = np.mean(shared.max(axis=0) / shared.sum(axis=0)), np.mean(shared.max(axis=1) / shared.sum(axis=1))
    scores = both(columns, factors)
    assert scores["info_m"] == pytest.approx((preferred[0] - 1 / 3) / (1 - 1 / 3), abs=1e-6)
    assert scores["info_c"] == pytest.approx((preferred[1] - 1 / 4) / (1 - 1 / 4), abs=1e-6)
    assert scores["info_e_train"] == pytest.approx(np.mean(explained), abs=1e-6)
    assert scores["num_active_dims"] == 4.0


def test_info_mec_of_noise_is_not_0():
    factors, columns = dsprites_points(2000), normal(2000, 10)
    by_neighbours, by_bins = both(columns, factors), both(columns, factors, estimator="bins")
    assert by_neighbours["info_m"] > 0.4
    assert by_bins["info_m"] < 0.25
    assert by_bins["info_e"] == pytest.approx(0.0, abs=0.03)


def test_the_loss_of_info_e_is_capped_as_scikit_learns_and_uncapped_as_in_the_paper():
    rng = np.random.default_rng(0)
    factors = np.stack([rng.integers(3, size=1400), rng.integers(2, size=1400)], axis=1)
    columns = factors + 0.2 * rng.normal(size=(1400, 2))
    train, test = (columns[:700].copy(), factors[:700]), (columns[700:].copy(), factors[700:])
    test[0][0] = 100.0 * (1 - 2 * (test[1][0] > 0))  # far out on the wrong side of both
    scores = info_mec(*train, *test)
    mean, deviation = train[0].mean(axis=0), train[0].std(axis=0)
    expected = []
    for k, labels in enumerate(train[1].T):
        model = LogisticRegression(C=np.inf, class_weight="balanced", max_iter=100)
        model.fit((train[0] - mean) / deviation, labels)
        loss = log_loss(test[1][:, k], model.predict_proba((test[0] - mean) / deviation))
        expected.append(1 - loss / np.log(len(model.classes_)))
    assert scores["info_e"] == pytest.approx(np.mean(expected), abs=1e-6)
    assert scores["info_e_uncapped"] < scores["info_e"] - 0.01
    # Without the outlier no loss reaches the cap.
    assert scores["info_e_train_uncapped"] == pytest.approx(scores["info_e_train"], abs=1e-12)
