"""The metrics made of mutual information since 2019, on grids where every information is known."""

import numpy as np
import pytest
from scipy.special import digamma
from sklearn.feature_selection import mutual_info_classif
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from disentanglement_study.metrics import dcimig, info_mec, jemmig, med, mig, mig_sup, rmig
from disentanglement_study.metrics.information import discretise
from disentanglement_study.metrics.neighbours import neighbour_information

# Factors a of 4 values and b of 2, and a variable that is independent of both: in bits, H(a) = 2 and H(b) = 1.
A, B, OTHER = np.stack(np.unravel_index(np.arange(4 * 2 * 4), (4, 2, 4)))
FACTORS = np.stack([A, B], axis=1)
DEAD = np.full(len(A), 0.3)
HALF = A // 2  # 1 bit about a
BOTH = 2 * A + B  # 2 bits about a, 1 about b
HALF_AND_B = 2 * HALF + B  # 1 bit about each
BIT = np.log(2.0)
ENTROPY_OF_QUARTER = 2 - 0.75 * np.log2(3)  # bits
ENTROPY_OF_THIRD = np.log2(3) - 2 / 3

DSPRITES_SIZES = (3, 6, 40, 32, 32)


def codes(*columns):
    return np.stack(columns, axis=1).astype(float)


def dsprites_points(num_points, seed=0):
    rng = np.random.default_rng(seed)
    return np.stack([rng.integers(size, size=num_points) for size in DSPRITES_SIZES], axis=1)


def normal(num_points, num_codes, seed=1):
    return np.random.default_rng(seed).normal(size=(num_points, num_codes))


def noisy(factors, seed=2):
    return factors / np.array(DSPRITES_SIZES) + 0.1 * normal(len(factors), factors.shape[1], seed)


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        ((A, B), 1.0),
        ((HALF,), 0.5),
        ((BOTH,), 0.0),  # all of a, all of b
        ((HALF_AND_B,), 0.5),  # half of a, all of b: it is the entropy of the factor that divides
        ((A, HALF, BOTH), 0.5),
        ((A, DEAD, 0.05 * B), 1.0),  # the last has a standard deviation of 0.025
        ((DEAD,), 0.0),
    ],
)
def test_mig_sup(columns, expected):
    assert mig_sup(codes(*columns), FACTORS)["mig_sup"] == pytest.approx(expected, abs=1e-12)


def test_mig_sup_prunes():
    columns = codes(A, DEAD, 0.05 * B)
    assert mig_sup(columns, FACTORS)["num_active_dims"] == 1.0
    assert mig_sup(columns, FACTORS, prune_threshold=0.01)["num_active_dims"] == 2.0
    assert mig_sup(columns, FACTORS, prune_threshold=0.0)["num_active_dims"] == 2.0  # never a constant one


@pytest.mark.parametrize(
    ("columns", "bits"),
    [
        ((A, B), 3),
        ((A, A, B, DEAD), 3),  # a second code of the same costs nothing
        ((A,), 2),
        ((HALF, B), 2),
        ((BOTH,), 1),  # 2 bits about a, less 1 about b
        ((HALF_AND_B,), 0),
        ((BOTH, B, A), 3),
        ((DEAD,), 0),
    ],
)
def test_dcimig(columns, bits):
    assert dcimig(codes(*columns), FACTORS)["dcimig"] == pytest.approx(bits / 3, abs=1e-12)


@pytest.mark.parametrize(
    ("columns", "bits_of_a", "bits_of_b"),
    [
        ((A, B), 0, 0),
        ((HALF, B), 1, 0),  # 1 bit of a is missing
        ((BOTH,), 1, 2),  # the code has 1 bit that is not of a, 2 that are not of b
        ((A, A, B), 2, 0),  # a second code knows all of a
        ((DEAD,), 2, 1),
        ((OTHER,), 4, 3),
        ((DEAD, OTHER), 4, 3),  # equally informative: the larger joint entropy counts
        ((OTHER, DEAD), 4, 3),
    ],
)
def test_jemmig(columns, bits_of_a, bits_of_b):
    scores = jemmig(codes(*columns), FACTORS, num_bins=8)
    assert scores["jemmig_unnormalised"] == pytest.approx((bits_of_a + bits_of_b) / 2 * BIT, abs=1e-12)
    # The largest possible are H(a) + log 8, 5 bits, and H(b) + log 8, 4.
    assert scores["jemmig"] == pytest.approx(1 - (bits_of_a / 5 + bits_of_b / 4) / 2, abs=1e-12)


def test_jemmig_of_a_code_that_fills_its_bins_and_knows_nothing_is_0():
    assert jemmig(codes(OTHER), FACTORS, num_bins=4)["jemmig"] == pytest.approx(0.0, abs=1e-12)


def test_jemmig_is_what_is_missing_plus_what_is_too_much():
    factors = dsprites_points(2000)
    columns = noisy(factors)
    labels = discretise(columns)
    expected = []
    for values in factors.T:
        shared = [_counted_information(label, values) for label in labels.T]
        first, second = np.argsort(shared)[[-1, -2]]
        missing = _counted_entropy(values) - shared[first]
        too_much = _counted_entropy(labels[:, first]) - shared[first]
        expected.append(missing + too_much + shared[second])
    assert jemmig(columns, factors)["jemmig_unnormalised"] == pytest.approx(np.mean(expected), abs=1e-9)


def _counted_entropy(*variables):
    counts = np.unique(np.stack(variables), axis=1, return_counts=True)[1]
    return -np.sum(counts / counts.sum() * np.log(counts / counts.sum()))


def _counted_information(left, right):
    return _counted_entropy(left) + _counted_entropy(right) - _counted_entropy(left, right)


def test_rmig_is_mig_in_other_bins():
    factors = dsprites_points(2000)
    columns = noisy(factors)
    low, high = columns.min(axis=0), columns.max(axis=0)
    stretched = -4.0 + 8.0 * (columns - low) / (high - low)
    in_range = rmig(stretched, factors, num_bins=20)["rmig"]
    assert in_range == pytest.approx(mig(columns, factors)["mig"], abs=1e-3)  # a point or two on an edge
    assert rmig(stretched, factors)["rmig"] != pytest.approx(in_range, abs=1e-3)


@pytest.mark.parametrize(
    ("columns", "share_of_a", "share_of_b"),
    [
        ((A - 1.5, B - 0.5), 1.0, 1.0),
        ((A, B), 1.0, 1.0),
        ((A, A, B), 0.0, 1.0),
        ((HALF, B), 0.5, 1.0),
        ((1000.0 * A, B), ENTROPY_OF_QUARTER / 2, 1.0),  # 0, and all else beyond 4
        ((0.01 * A, B), 0.0, 1.0),  # in one bin, of width 0.08
        ((DEAD,), 0.0, 0.0),
    ],
)
def test_rmig(columns, share_of_a, share_of_b):
    assert rmig(codes(*columns), FACTORS)["rmig"] == pytest.approx((share_of_a + share_of_b) / 2, abs=1e-12)


@pytest.mark.parametrize("options", [{"num_bins": 1}, {"limits": (1.0, 1.0)}, {"limits": (4.0, -4.0)}])
def test_rmig_names_bins_that_are_none(options):
    with pytest.raises(ValueError, match=r"2 bins or more between rising limits, got \d+ between"):
        rmig(codes(A, B), FACTORS, **options)


@pytest.mark.parametrize(
    ("columns", "expected", "completeness"),
    [
        ((A, B), 1.0, 1.0),
        ((A, B, DEAD), 1.0, 1.0),
        ((BOTH,), 0.0, 1.0),
        # Importances (1/2, 0) and (1/2, 1): a quarter of the weight at entropy 0, the rest at that of (1/3, 2/3).
        ((A, BOTH), 1 / 4 + 3 / 4 * (1 - ENTROPY_OF_THIRD), 1 / 2),
        ((A, A, B, B), 1.0, 1 / 2),
        ((DEAD,), 0.0, 1.0),
        ((DEAD, DEAD), 0.0, 0.0),
    ],
)
def test_med(columns, expected, completeness):
    scores = med(codes(*columns), FACTORS)
    assert scores == pytest.approx({"med": expected, "completeness": completeness}, abs=1e-8)


def test_med_of_the_best_codes():
    columns = codes(DEAD, BOTH, A, DEAD, A, B)
    best = med(columns, FACTORS, top_k=1)
    assert best["med"] < 0.9
    assert best["med.top_1"] == pytest.approx(1.0, abs=1e-8)
    assert best["completeness.top_1"] == pytest.approx(1.0, abs=1e-8)
    # Importances (1/3, 1/2), (1/3, 0) twice and (0, 1/2): the mixed code is the second best of those about b.
    second = med(columns, FACTORS, top_k=2)
    mixed = 1 - (np.log2(5) - (2 * np.log2(2) + 3 * np.log2(3)) / 5)
    assert second["med.top_2"] == pytest.approx((5 / 6 * mixed + 7 / 6) / 2, abs=1e-8)
    assert second["med.top_2"] == pytest.approx(second["med"], abs=1e-8)
    # Four codes rather than six: log2 3 of 2 bits and 1 bit of 2.
    assert second["completeness.top_2"] == pytest.approx(1 - (np.log2(3) + 1) / 4, abs=1e-8)
    assert second["completeness"] == pytest.approx(1 - (np.log2(3) + 1) / 2 / np.log2(6), abs=1e-8)
    assert med(codes(DEAD, DEAD), FACTORS, top_k=1) == pytest.approx(dict.fromkeys(best, 0.0), abs=1e-8)
    with pytest.raises(ValueError, match="top_k must be 1 or more, or None, got 0"):
        med(columns, FACTORS, top_k=0)


@pytest.mark.parametrize("metric", [mig_sup, dcimig, rmig, med])
def test_noise_scores_about_0(metric):
    factors, columns = dsprites_points(10_000), normal(10_000, 10)
    assert metric(columns, factors)[metric.__name__] == pytest.approx(0.0, abs=0.005)


def test_jemmig_prefers_dead_codes_to_noise():
    factors = dsprites_points(10_000)
    assert jemmig(normal(10_000, 10), factors)["jemmig"] == pytest.approx(0.12, abs=0.01)
    assert jemmig(np.zeros((10_000, 10)), factors)["jemmig"] == pytest.approx(0.55, abs=0.01)


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
        shared.append(information / _counted_entropy(labels))
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
