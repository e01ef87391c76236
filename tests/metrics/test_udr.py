"""Unsupervised disentanglement ranking."""

import json

import jaxtyping
import numpy as np
import pytest
from sklearn.linear_model import Lasso
from test_golden import GOLDEN

from disentanglement_study.metrics import METRICS, udr
from disentanglement_study.metrics.udr import _coordinate_descent, relative_strength

ANSWERS = json.loads((GOLDEN / "reference.json").read_text())
MODELS = np.load(GOLDEN / "udr.npz")
CORRELATIONS = ("spearman", "lasso")


def disentangled(num_models=3, num_codes=4, seed=0):
    """Models that found the same codes, in orders and with signs of their own."""
    rng = np.random.default_rng(seed)
    found = rng.normal(size=(500, num_codes))
    codes = [found[:, rng.permutation(num_codes)] * rng.choice([-3.0, 0.5], num_codes) for _ in range(num_models)]
    return np.stack(codes), np.ones((num_models, num_codes))


@pytest.mark.parametrize("correlation", CORRELATIONS)
def test_answer_sheet(correlation):
    answer = ANSWERS["udr"][correlation]
    ranking = udr(MODELS["codes"], MODELS["kl"], correlation=correlation)
    np.testing.assert_allclose(ranking.scores, answer["scores"], atol=1e-6)
    # disentanglement_lib's lasso stops at scikit-learn's tolerance.
    np.testing.assert_allclose(ranking.pairwise, answer["pairwise"], atol=1e-6 if correlation == "spearman" else 1e-5)
    np.testing.assert_array_equal([mask.sum() for mask in ranking.informative], [5, 5, 6, 6, 5])


def test_relative_strength():
    case = ANSWERS["relative_strength"]
    assert relative_strength(np.array(case["m"])) == pytest.approx(case["out"], rel=1e-9)
    # By column (0.36 / 0.8 + 0.5) / 2, by row (0.36 / 0.6 + 0.25 / 0.7 + 0) / 3.
    expected = ((0.45 + 0.5) / 2 + (0.6 + 0.25 / 0.7) / 3) / 2
    assert relative_strength(np.array([[0.6, 0.0], [0.2, 0.5], [0.0, 0.0]])) == pytest.approx(expected)


def test_coordinate_descent_solves_the_lasso():
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(300, 4)) @ rng.normal(size=(4, 6)) + 0.1 * rng.normal(size=(300, 6))
    inputs = (inputs - inputs.mean(axis=0)) / inputs.std(axis=0)
    targets = rng.normal(size=(300, 3)) + inputs[:, :3]
    targets -= targets.mean(axis=0)
    weights = _coordinate_descent(inputs.T @ inputs / 300, inputs.T @ targets / 300)
    expected = Lasso(alpha=0.1, tol=1e-12, max_iter=100_000).fit(inputs, targets).coef_.T
    np.testing.assert_allclose(weights, expected, atol=1e-6)


@pytest.mark.parametrize("correlation", CORRELATIONS)
def test_models_that_found_the_same_codes_score_highest(correlation):
    codes, kl = disentangled()
    same = udr(codes, kl, correlation=correlation)
    assert (same.scores > 0.85).all()
    rng = np.random.default_rng(1)
    rotated = np.stack([c @ np.linalg.qr(rng.normal(size=(4, 4)))[0] for c in codes])
    assert (udr(rotated, kl, correlation=correlation).scores < 0.6).all()
    noise = rng.normal(size=(5, 1000, 10))
    assert (udr(noise, np.ones((5, 10)), correlation=correlation).scores < 0.03).all()


@pytest.mark.parametrize("correlation", CORRELATIONS)
def test_codes_without_information_are_left_out(correlation):
    codes, kl = disentangled()
    scores = udr(codes, kl, correlation=correlation).scores
    noise = np.random.default_rng(1).normal(size=(3, 500, 2))
    more, low = np.concatenate([codes, noise], axis=2), np.hstack([kl, np.full((3, 2), 0.01)])
    np.testing.assert_allclose(udr(more, low, correlation=correlation).scores, scores)
    assert (udr(more, low, correlation=correlation, kl_threshold=-1.0).scores < scores - 0.1).all()
    more[:, :, 4:] = 0.3  # constant codes are left out whatever their KL
    np.testing.assert_allclose(udr(more, low, correlation=correlation, kl_threshold=-1.0).scores, scores)


@pytest.mark.parametrize("correlation", CORRELATIONS)
def test_a_model_without_information_scores_zero(correlation):
    codes, kl = disentangled()
    kl[1] = 0.0
    ranking = udr(codes, kl, correlation=correlation)
    assert ranking.scores[1] == 0.0
    assert not ranking.pairwise[1].any()
    assert not ranking.pairwise[:, 1].any()
    assert ranking.pairwise[0, 2] > 0.85
    assert not udr(codes, 0.0 * kl, correlation=correlation).scores.any()


@pytest.mark.parametrize("correlation", CORRELATIONS)
def test_models_may_have_codes_in_any_number(correlation):
    codes, kl = disentangled()
    ragged = udr([codes[0], codes[1][:, :2], codes[2]], [kl[0], kl[1][:2], kl[2]], correlation=correlation)
    assert [len(mask) for mask in ragged.informative] == [4, 2, 4]
    assert ragged.pairwise[0, 2] > 0.85
    padded = np.array(kl)
    padded[1, 2:] = 0.0
    np.testing.assert_allclose(ragged.pairwise, udr(codes, padded, correlation=correlation).pairwise)


def test_the_score_is_the_median_of_the_column():
    ranking = udr(MODELS["codes"], MODELS["kl"], correlation="lasso")
    for i, score in enumerate(ranking.scores):
        assert score == pytest.approx(np.median(np.delete(ranking.pairwise[:, i], i)))
    assert ranking.pairwise[0, 2] != ranking.pairwise[2, 0]


def test_it_is_not_a_score_of_one_model():
    assert "udr" not in METRICS


CODES, KL = disentangled()
BAD = {
    "one model": (CODES[:1], KL[:1], "2 or more, got 1 and 1"),
    "KLs of fewer": (CODES, KL[:2], "got 3 and 2"),
    "KLs of other codes": (CODES, KL[:, :3], r"model 0: .*got \[500, 4\] and \[3\]"),
    "other points": ([CODES[0], CODES[1][:9]], KL[:2], "model 1 has 9 points, model 0 500"),
    "NaN": (CODES * [[[1.0]], [[np.nan]], [[1.0]]], KL, "model 1: .*finite"),
}


@pytest.mark.parametrize(("codes", "kl", "message"), BAD.values(), ids=BAD)
def test_bad_input_is_an_error(codes, kl, message, monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)  # the shape checker of the tests
    with pytest.raises(ValueError, match=message):
        udr(codes, kl)


def test_an_unknown_correlation_is_an_error_with_the_nearest_one():
    with pytest.raises(ValueError, match="did you mean 'spearman'"):
        udr(CODES, KL, correlation="spearmen")
