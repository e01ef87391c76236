"""The metrics made of mutual information since 2019, on grids where every information is known."""

import numpy as np
import pytest

from disentanglement_study.metrics import dcimig, jemmig, med, mig, mig_sup, rmig
from disentanglement_study.metrics.estimators.information import discretise

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
        shared = [counted_information(label, values) for label in labels.T]
        first, second = np.argsort(shared)[[-1, -2]]
        missing = counted_entropy(values) - shared[first]
        too_much = counted_entropy(labels[:, first]) - shared[first]
        expected.append(missing + too_much + shared[second])
    assert jemmig(columns, factors)["jemmig_unnormalised"] == pytest.approx(np.mean(expected), abs=1e-9)


def counted_entropy(*variables):
    counts = np.unique(np.stack(variables), axis=1, return_counts=True)[1]
    return -np.sum(counts / counts.sum() * np.log(counts / counts.sum()))


def counted_information(left, right):
    return counted_entropy(left) + counted_entropy(right) - counted_entropy(left, right)


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


@pytest.mark.parametrize("metric", [rmig, jemmig])
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"num_bins": 1}, "num_bins must be 2 or more, got 1"),
        ({"limits": (1.0, 1.0)}, r"limits must be finite and rise, got 1\.0 and 1\.0"),
        ({"limits": (4.0, -4.0)}, r"limits must be finite and rise, got 4\.0 and -4\.0"),
        ({"limits": (-np.inf, 1.0)}, "limits must be finite and rise"),
    ],
)
def test_bins_that_are_none_are_named(metric, options, said):
    with pytest.raises(ValueError, match=said):
        metric(codes(A, B), FACTORS, **options)


def test_jemmig_in_bins_between_limits():
    # Bins of width 2 between -4 and 4: the four values of A - 2 fall in pairs, 1 bit of a is missing, none of b.
    columns = codes(A - 2.0, 3.0 * B - 0.5)
    scores = jemmig(columns, FACTORS, num_bins=4, limits=(-4.0, 4.0))
    assert scores["jemmig_unnormalised"] == pytest.approx(0.5 * BIT, abs=1e-12)
    assert scores["jemmig"] == pytest.approx(1 - (1 / 4 + 0 / 3) / 2, abs=1e-12)
    assert jemmig(columns, FACTORS, num_bins=4)["jemmig"] == pytest.approx(1.0, abs=1e-12)
    # What lies outside is in the outermost bins: -200 and -100, which are half of a, in one.
    outside = jemmig(100 * columns, FACTORS, num_bins=4, limits=(-4.0, 4.0))
    assert outside["jemmig_unnormalised"] == pytest.approx(0.25 * BIT, abs=1e-12)


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
