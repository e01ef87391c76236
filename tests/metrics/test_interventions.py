"""Draws that hold one factor fixed, or all others."""

import numpy as np
import pytest

from disentanglement_study.metrics import factor_vae_score, z_max_variance
from disentanglement_study.metrics.interventions import draw_same_value, rows_by_others, rows_by_value
from disentanglement_study.metrics.votes import majority_vote

SIZES = (3, 4, 2)
GRID = np.stack(np.unravel_index(np.arange(24), SIZES), axis=1)


@pytest.mark.parametrize("rows", [np.arange(24), np.arange(24)[::-3]], ids=["grid", "part of a grid"])
def test_draws_are_uniform_among_rows_that_share_the_value(rows):
    factors = GRID[rows]
    index, rng = rows_by_value(factors), np.random.default_rng(0)
    for factor in range(3):
        row = np.full(20_000, 5)
        drawn = draw_same_value(index, factor, row, rng)
        sharing = np.flatnonzero(factors[:, factor] == factors[5, factor])
        frequencies = np.bincount(drawn, minlength=len(factors))[sharing] / len(row)
        assert np.isin(drawn, sharing).all()
        np.testing.assert_allclose(frequencies, 1 / len(sharing), atol=0.02)


def test_factors_and_rows_broadcast():
    rng = np.random.default_rng(0)
    factor, row = rng.integers(3, size=(50, 1)), rng.integers(24, size=(50, 8))
    drawn = draw_same_value(rows_by_value(GRID), factor, row, rng)
    np.testing.assert_array_equal(GRID[drawn, factor], GRID[row, factor])


def test_factor_vae_score_prunes_what_barely_varies():
    noise = 0.01 * np.random.default_rng(0).normal(size=(24, 1))
    codes = np.hstack([GRID, noise, np.full((24, 1), 0.1)])
    counts = {"num_train": 100, "num_test": 100}
    pruned = factor_vae_score(codes, GRID, rng=np.random.default_rng(0), **counts)
    assert pruned == {"factor_vae_score": 1.0, "train_accuracy": 1.0, "num_active_dims": 3.0}
    kept = factor_vae_score(codes, GRID, rng=np.random.default_rng(0), prune_threshold=0.0, **counts)
    assert kept["num_active_dims"] == 4.0
    none = factor_vae_score(codes, GRID, rng=np.random.default_rng(0), prune_threshold=9.0, **counts)
    assert none == {"factor_vae_score": 0.0, "train_accuracy": 0.0, "num_active_dims": 0.0}


def shares_others(factors, row, k):
    """[N]: by definition, which rows agree with `row` on all factors but k."""
    return (np.delete(factors, k, axis=1) == np.delete(factors[row], k)).all(axis=1)


PARTS = {
    "grid": GRID,
    "part of a grid": np.random.default_rng(0).permutation(GRID)[:15],
    "repeated rows": np.repeat(GRID[::5], 2, axis=0),
    "values far apart": GRID * [-(2**40), 2**50, 2**60] + 2**59,
}


@pytest.mark.parametrize("factors", PARTS.values(), ids=PARTS)
def test_rows_by_others(factors):
    index, varies = rows_by_others(factors)
    for k in range(3):
        for row in range(len(factors)):
            sharing = shares_others(factors, row, k)
            start = index.first[k, row]
            found = index.rows[k, start : start + index.count[k, row]]
            np.testing.assert_array_equal(np.sort(found), np.flatnonzero(sharing))
            assert varies[k, row] == (np.ptp(factors[sharing, k]) > 0)


def test_draws_by_others_are_uniform_among_partners():
    index, _ = rows_by_others(GRID)
    drawn = draw_same_value(index, 1, np.full(20_000, 5), np.random.default_rng(0))
    frequencies = np.bincount(drawn, minlength=24) / 20_000
    np.testing.assert_allclose(frequencies, shares_others(GRID, 5, 1) / 4, atol=0.02)


def test_majority_vote():
    train_votes, train_labels = np.array([0, 0, 0, 1, 1]), np.array([2, 2, 1, 0, 0])
    # Vote 2 never occurs in training and stands for label 0.
    test_votes, test_labels = np.array([0, 1, 2, 2]), np.array([2, 1, 0, 3])
    assert majority_vote(train_votes, train_labels, test_votes, test_labels) == (4 / 5, 2 / 4)


BIG = np.stack(np.unravel_index(np.arange(4 * 5 * 6 * 3), (4, 5, 6, 3)), axis=1)
FEW = {"num_train": 600, "num_test": 400, "num_variance": 2000}
TABLES = pytest.mark.parametrize(
    "factors", [BIG, np.random.default_rng(1).permutation(BIG)[:120]], ids=["grid", "part of a grid"]
)


@TABLES
def test_z_max_variance_of_perfect_codes_is_1(factors):
    codes = np.hstack([np.cos(factors / 2.0), factors[:, ::-1] * -3.0])
    scores = z_max_variance(codes, factors, rng=0, **FEW)
    assert scores == {"z_max_variance": 1.0, "train_accuracy": 1.0, "num_active_dims": 8.0}


MANY = np.stack(np.unravel_index(np.arange(20 * 15 * 12 * 6), (20, 15, 12, 6)), axis=1)
NOISE = np.random.default_rng(2).normal(size=(len(MANY), 4))


@pytest.mark.parametrize("rows", [slice(None), NOISE[:, 0] > 0.2], ids=["grid", "part of a grid"])
def test_z_max_variance_of_noise_is_about_chance(rows):
    score = z_max_variance(NOISE[rows], MANY[rows], rng=0, **FEW)["z_max_variance"]
    assert score == pytest.approx(1 / 4, abs=0.07)


def test_z_max_variance_of_noise_beside_perfect_codes():
    # Of five codes that vary, one is right; the votes for noise are right by chance: 1/5 + 4/5 * 1/4.
    codes = np.hstack([MANY / 10, NOISE])
    assert z_max_variance(codes, MANY, rng=0, **FEW)["z_max_variance"] == pytest.approx(2 / 5, abs=0.1)


def test_z_max_variance_prunes_what_barely_varies():
    codes = np.hstack([BIG, 0.01 * np.random.default_rng(0).normal(size=(len(BIG), 2)), np.zeros((len(BIG), 1))])
    assert z_max_variance(codes, BIG, rng=0, **FEW)["num_active_dims"] == 4.0
    assert z_max_variance(codes, BIG, rng=0, prune_threshold=0.0, **FEW)["num_active_dims"] == 6.0
    none = z_max_variance(codes, BIG, rng=0, prune_threshold=9.0, **FEW)
    assert none == {"z_max_variance": 0.0, "train_accuracy": 0.0, "num_active_dims": 0.0}


def test_a_factor_that_never_varies_alone_is_an_error_that_names_it():
    bound = GRID[(GRID[:, 1] // 2) == GRID[:, 2]]  # factor 2 is a function of factor 1, which varies alone
    with pytest.raises(ValueError, match="factor 2 never varies alone: none of the 12 rows"):
        z_max_variance(bound / 1.0, bound, rng=0)
