"""Mean correlation coefficient: assignments, invariances, and what is weak and what is strong."""

import jaxtyping
import numpy as np
import pytest

from disentanglement_study.metrics.estimators.dependence import dependence
from disentanglement_study.metrics.mcc import align, mcc, mean_correlation

RNG = np.random.default_rng(0)
SOURCES = RNG.laplace(size=(4000, 3))
NOISE = RNG.normal(size=(4000, 5))
FACTORS = RNG.integers(5, size=(4000, 3))
METHODS = pytest.mark.parametrize("method", ["pearson", "spearman"])


def scores(codes, factors=FACTORS):
    return mcc(codes[:2000], factors[:2000], codes[2000:], factors[2000:])


def test_by_hand():
    # Column 0 of the estimates is source 1 upside down; column 1 correlates with source 0 by 1/2.
    sources = np.array([[1.0, 1.0], [-1.0, 1.0], [0.0, -2.0]])
    estimates = np.array([[-1.0, 1.0], [-1.0, 0.0], [2.0, -1.0]])
    expected = (np.corrcoef(sources[:, 0], estimates[:, 1])[0, 1] + 1) / 2
    assert expected == pytest.approx((0.5 + 1) / 2)
    assert mean_correlation(sources, estimates) == pytest.approx(expected)


def test_the_assignment_is_the_best_not_the_greedy_one():
    # The correlations are [[0.8, 0.7], [0.6, 0]]: the greedy assignment takes 0.8 and 0.
    basis = np.linalg.qr(np.hstack([np.ones((50, 1)), RNG.normal(size=(50, 3))]))[0][:, 1:]
    estimates = basis @ np.array([[0.8, 0.7], [0.6, 0.0], [0.0, np.sqrt(0.51)]])
    assert mean_correlation(basis[:, :2], estimates) == pytest.approx((0.7 + 0.6) / 2)


@METHODS
def test_order_sign_scale_and_offset_do_not_matter(method):
    estimates = SOURCES + 0.5 * NOISE[:, :3]
    changed = estimates[:, [2, 0, 1]] * [-3.0, 1e-6, 1e6] + [5.0, -1.0, 0.0]
    expected = mean_correlation(SOURCES, estimates, method=method)
    assert 0.5 < expected < 0.99
    assert mean_correlation(SOURCES, changed, method=method) == pytest.approx(expected, abs=1e-9)
    assert mean_correlation(SOURCES[:, ::-1], changed, method=method) == pytest.approx(expected, abs=1e-9)


def test_monotone_maps_matter_to_pearson_alone():
    bent = np.exp(SOURCES)
    assert mean_correlation(SOURCES, bent, method="spearman") == pytest.approx(1.0)
    assert mean_correlation(SOURCES, bent) < 0.9


def test_more_and_fewer_estimates_than_sources():
    wide = np.hstack([NOISE, SOURCES])
    assert mean_correlation(SOURCES, wide) == pytest.approx(1.0)
    assert mean_correlation(SOURCES, SOURCES[:, 1:]) == pytest.approx(2 / 3)
    assert mean_correlation(SOURCES, np.repeat(SOURCES[:, :1], 3, axis=1)) == pytest.approx(1 / 3, abs=0.03)


@METHODS
def test_constants_correlate_with_nothing(method):
    assert mean_correlation(SOURCES, np.full((4000, 2), 0.1), method=method) == 0.0
    half_dead = np.hstack([SOURCES[:, :2], np.full((4000, 2), 0.1)])
    assert mean_correlation(SOURCES, half_dead, method=method) == pytest.approx(2 / 3)
    assert mean_correlation(np.hstack([SOURCES, np.ones((4000, 1))]), SOURCES, method=method) == pytest.approx(3 / 4)


def test_test_points_are_scored_with_the_assignment_of_the_others():
    shifted = SOURCES[:, [1, 2, 0]]
    assert mean_correlation(SOURCES, shifted, test=(SOURCES, shifted)) == pytest.approx(1.0)
    assert mean_correlation(SOURCES, shifted, test=(SOURCES, SOURCES)) < 0.05


def test_noise_scores_about_0_and_less_out_of_sample():
    found = scores(NOISE)
    assert all(found[name] < 0.06 for name in found if name != "weak_in_sample")
    assert found["mcc"] < found["in_sample"]
    assert found["weak"] < found["weak_in_sample"] < 0.1


def test_factors_themselves_score_1():
    assert scores(FACTORS[:, ::-1] * -2.0) == pytest.approx(dict.fromkeys(scores(NOISE), 1.0))


@pytest.mark.parametrize("width", [3, 7])
def test_an_affine_mixture_is_weakly_but_not_strongly_perfect(width):
    mixture = FACTORS @ RNG.normal(size=(3, width)) + RNG.normal(size=width)
    found = scores(mixture)
    assert found["weak"] == pytest.approx(1.0)
    assert found["weak_in_sample"] == pytest.approx(1.0)
    assert found["mcc"] < 0.97


def test_in_sample_a_weak_score_is_never_below_the_strong_one():
    found = scores(FACTORS @ RNG.normal(size=(3, 2)) + NOISE[:, :2])
    assert found["weak_in_sample"] >= found["in_sample"]


def test_alignment_ignores_dead_and_duplicated_estimates():
    mixture = SOURCES @ RNG.normal(size=(3, 3))
    spoilt = np.hstack([1e-6 * mixture, np.full((4000, 1), 0.1), -2.0 * mixture])
    np.testing.assert_allclose(align(SOURCES[:2000], spoilt[:2000], spoilt[2000:]), SOURCES[2000:], atol=1e-8)
    revived = spoilt[2000:].copy()
    revived[:, 3] = NOISE[2000:, 0]
    np.testing.assert_allclose(align(SOURCES[:2000], spoilt[:2000], revived), SOURCES[2000:], atol=1e-8)


def test_bad_input_is_named():
    with pytest.raises(ValueError, match="did you mean 'pearson'"):
        mean_correlation(SOURCES, SOURCES, method="person")
    with pytest.raises(ValueError, match=r"estimates must be finite: column 1"):
        mean_correlation(SOURCES, np.where(np.arange(3) == 1, np.nan, SOURCES))


def test_shapes_must_agree(monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    with pytest.raises(ValueError, match=r"got shapes \[4000, 3\] and \[3000, 3\]"):
        mean_correlation(SOURCES, SOURCES[:3000])
    with pytest.raises(ValueError, match=r"\[3, 3\] sources and estimates to choose from, \[3, 5\] to score"):
        mean_correlation(SOURCES, SOURCES, test=(SOURCES, NOISE))


def test_the_randomised_dependence_sees_through_maps_of_one_variable_and_not_through_mixtures():
    bent = np.stack([np.exp(SOURCES[:, 0]), np.square(SOURCES[:, 1]), -SOURCES[:, 2], np.zeros(4000)], axis=1)
    found = dependence(SOURCES, bent, np.random.default_rng(0))
    assert found.shape == (3, 4)
    assert np.diag(found).min() > 0.99
    assert found[~np.eye(3, 4, dtype=bool)].max() < 0.12
    np.testing.assert_array_equal(found[:, 3], 0)
    mixed = (SOURCES[:, :1] + SOURCES[:, 1:2]) / np.sqrt(2)
    assert 0.6 < dependence(SOURCES[:, :1], mixed, np.random.default_rng(0)).item() < 0.8


def test_the_randomised_dependence_of_gaussians_is_their_correlation():
    pair = NOISE[:, :2] @ np.array([[1.0, 0.6], [0.0, 0.8]])
    assert dependence(pair[:, :1], pair[:, 1:], np.random.default_rng(1)).item() == pytest.approx(0.6, abs=0.06)


def test_rdc_is_scored_on_request_with_the_assignment_of_the_train_points():
    codes = np.exp(SOURCES[:, [1, 2, 0]])
    assert "rdc" not in scores(codes, SOURCES)
    parts = codes[:2000], SOURCES[:2000], codes[2000:], SOURCES[2000:]
    found = mcc(*parts, rng=np.random.default_rng(0), rdc=True)
    assert found["rdc"] > 0.99
    assert found["rdc_in_sample"] > 0.99
    assert found["mcc"] == scores(codes, SOURCES)["mcc"] < 0.9
    mismatched = mcc(*parts[:2], SOURCES[2000:], SOURCES[2000:], rng=np.random.default_rng(0), rdc=True)
    assert mismatched["rdc"] < 0.15
