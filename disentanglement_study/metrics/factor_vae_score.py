"""FactorVAE score."""

import numpy as np
from jaxtyping import Bool, Float, Integer, Num

from disentanglement_study.metrics.checks import check_points
from disentanglement_study.metrics.interventions import draw_same_value, rows_by_value
from disentanglement_study.metrics.options import NumPoints, NumVariance, Threshold, VarianceBatch

CHUNK = 1000  # votes at a time: all their batches at once would take hundreds of megabytes


def factor_vae_score(
    codes: Num[np.ndarray, "n d"],
    factors: Integer[np.ndarray, "n f"],
    *,
    rng: np.random.Generator | int = 0,
    num_train: NumPoints = 10_000,
    num_test: NumPoints = 5_000,
    num_variance: NumVariance = 10_000,
    batch_size: VarianceBatch = 64,
    prune_threshold: Threshold = 0.05,
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

    Carbonneau et al. 2022 call it Z-min Variance, and its opposite, in which one factor alone varies, `z_max_variance`.

    disentanglement_lib reports the number of all codes as `num_active_dims`. With its default threshold, 0, a constant
    code divides 0 by 0 and wins every vote; its studies set 0.05, as here.
    """
    codes, factors = check_points(codes, factors, min_factors=2)
    rng = np.random.default_rng(rng)
    active, variance = active_codes(codes, rng, num_variance, prune_threshold)
    if not active.any():
        return {"factor_vae_score": 0.0, "train_accuracy": 0.0, "num_active_dims": 0.0}
    codes, variance = codes[:, active], variance[active]
    index = rows_by_value(factors)
    train_labels = rng.integers(factors.shape[1], size=num_train)
    test_labels = rng.integers(factors.shape[1], size=num_test)
    train_votes = _least_varying(codes, variance, index, train_labels, batch_size, rng)
    test_votes = _least_varying(codes, variance, index, test_labels, batch_size, rng)
    train_accuracy, test_accuracy = majority_vote(train_votes, train_labels, test_votes, test_labels)
    return {
        "factor_vae_score": test_accuracy,
        "train_accuracy": train_accuracy,
        "num_active_dims": float(active.sum()),
    }


def active_codes(
    codes: Num[np.ndarray, "n d"], rng: np.random.Generator, num_rows: int, prune_threshold: float
) -> tuple[Bool[np.ndarray, " d"], Float[np.ndarray, " d"]]:
    """Which codes vary, with a standard deviation of `prune_threshold` or more, and all variances, of random rows."""
    sample = codes[rng.integers(len(codes), size=num_rows)].astype(np.float64)
    variance = sample.var(axis=0, ddof=1)
    return (np.sqrt(variance) >= prune_threshold) & (np.ptp(sample, axis=0) > 0), variance


def majority_vote(
    train_votes: Integer[np.ndarray, " n"],
    train_labels: Integer[np.ndarray, " n"],
    test_votes: Integer[np.ndarray, " m"],
    test_labels: Integer[np.ndarray, " m"],
) -> tuple[float, float]:
    """The train and test accuracy of the classifier that takes each vote for its most frequent label in training."""
    size = (max(train_votes.max(), test_votes.max()) + 1, max(train_labels.max(), test_labels.max()) + 1)
    tally = np.zeros(size, np.int64)
    np.add.at(tally, (train_votes, train_labels), 1)
    stands_for = tally.argmax(axis=1)
    train_accuracy, test_accuracy = (
        np.mean(stands_for[train_votes] == train_labels),
        np.mean(stands_for[test_votes] == test_labels),
    )
    return float(train_accuracy), float(test_accuracy)


def _least_varying(codes, variance, index, labels, batch_size, rng):
    """[len(labels)]: the code of least relative variance over a batch that agrees on the factor of the label."""
    votes = np.empty(len(labels), np.int64)
    for start in range(0, len(labels), CHUNK):
        factor = labels[start : start + CHUNK, None]
        row = rng.integers(len(codes), size=(len(factor), 1))
        batch = codes[draw_same_value(index, factor, np.repeat(row, batch_size, axis=1), rng)]
        votes[start : start + CHUNK] = np.argmin(batch.var(axis=1, ddof=1, dtype=np.float64) / variance, axis=1)
    return votes
