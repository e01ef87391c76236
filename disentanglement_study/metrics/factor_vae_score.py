"""FactorVAE score."""

import numpy as np
from jaxtyping import Integer, Num

from disentanglement_study.metrics.checks import check_points
from disentanglement_study.metrics.interventions import draw_same_value, rows_by_value

CHUNK = 1000  # votes at a time: all their batches at once would take hundreds of megabytes


def factor_vae_score(
    codes: Num[np.ndarray, "n d"],
    factors: Integer[np.ndarray, "n f"],
    *,
    rng: np.random.Generator | int = 0,
    num_train: int = 10_000,
    num_test: int = 5_000,
    num_variance: int = 10_000,
    batch_size: int = 64,
    prune_threshold: float = 0.05,
) -> dict[str, float]:
    """Whether the code that varies least tells which factor is held fixed.

    A vote is argmin_i Var_batch(c_i) / Var(c_i), over a batch that agrees on factor k, with k uniform. Each code
    stands for the factor that it was voted for most often in training; the score is how often that is the one held
    fixed (Kim and Mnih 2018, "Disentangling by factorising", section 4).

    codes [N, D] and factors [N, F], F >= 2, are a whole table: all rows of a factor grid, or any part of them.
    Returns "factor_vae_score", the accuracy of `num_test` votes, and "train_accuracy", that of `num_train` votes, both
    in [0, 1], higher is better, chance about 1/F; and "num_active_dims". Var(c_i) is over `num_variance` rows. Codes
    whose standard deviation there is below `prune_threshold`, or which are constant, do not vote; if none is left, all
    scores are 0. Nothing is binned.

    disentanglement_lib reports the number of all codes as `num_active_dims`. With its default threshold, 0, a constant
    code divides 0 by 0 and wins every vote; its studies set 0.05, as here.
    """
    codes, factors = check_points(codes, factors, min_factors=2)
    rng = np.random.default_rng(rng)
    sample = codes[rng.integers(len(codes), size=num_variance)].astype(np.float64)
    variance = sample.var(axis=0, ddof=1)
    active = (np.sqrt(variance) >= prune_threshold) & (np.ptp(sample, axis=0) > 0)
    if not active.any():
        return {"factor_vae_score": 0.0, "train_accuracy": 0.0, "num_active_dims": 0.0}
    codes, variance = codes[:, active], variance[active]
    index = rows_by_value(factors)
    train_labels = rng.integers(factors.shape[1], size=num_train)
    test_labels = rng.integers(factors.shape[1], size=num_test)
    train_votes = _least_varying(codes, variance, index, train_labels, batch_size, rng)
    test_votes = _least_varying(codes, variance, index, test_labels, batch_size, rng)
    tally = np.zeros((codes.shape[1], factors.shape[1]), np.int64)
    np.add.at(tally, (train_votes, train_labels), 1)
    stands_for = tally.argmax(axis=1)
    return {
        "factor_vae_score": float(np.mean(stands_for[test_votes] == test_labels)),
        "train_accuracy": float(np.mean(stands_for[train_votes] == train_labels)),
        "num_active_dims": float(active.sum()),
    }


def _least_varying(codes, variance, index, labels, batch_size, rng):
    """[len(labels)]: the code of least relative variance over a batch that agrees on the factor of the label."""
    votes = np.empty(len(labels), np.int64)
    for start in range(0, len(labels), CHUNK):
        factor = labels[start : start + CHUNK, None]
        row = rng.integers(len(codes), size=(len(factor), 1))
        batch = codes[draw_same_value(index, factor, np.repeat(row, batch_size, axis=1), rng)]
        votes[start : start + CHUNK] = np.argmin(batch.var(axis=1, ddof=1, dtype=np.float64) / variance, axis=1)
    return votes
