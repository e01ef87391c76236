"""Draws that hold one factor fixed."""

import numpy as np
import pytest

from disentanglement_study.metrics import factor_vae_score
from disentanglement_study.metrics.interventions import draw_same_value, rows_by_value

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
