"""Classifiers by majority vote: what `factor_vae_score` and `z_max_variance` share.

A vote is a code, cast by a batch of rows that was drawn for a factor. Each code stands for the factor that it was voted
for most often in training.
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Bool, Float, Integer, Num

CHUNK = 1000  # votes at a time: all their batches at once would take hundreds of megabytes


Labels = Integer[np.ndarray, " n"]
Cast = Callable[[Num[np.ndarray, "n d"], Float[np.ndarray, " d"], Labels], Integer[np.ndarray, " n"]]


def scores_of_votes(
    name: str,
    codes: Num[np.ndarray, "n d"],
    num_factors: int,
    cast: Cast,
    rng: np.random.Generator,
    *,
    num_train: int,
    num_test: int,
    num_variance: int,
    prune_threshold: float,
) -> dict[str, float]:
    """{name: the accuracy of `num_test` votes, "train_accuracy": that of `num_train`, "num_active_dims": ...}.

    `cast(codes, variance, labels)` gives a vote for each label, a factor; it sees the codes that vary, and their
    variances over `num_variance` random rows. Without any, all scores are 0.
    """
    active, variance = _active_codes(codes, rng, num_variance, prune_threshold)
    if not active.any():
        return {name: 0.0, "train_accuracy": 0.0, "num_active_dims": 0.0}
    codes, variance = codes[:, active], variance[active]
    train_labels = rng.integers(num_factors, size=num_train)
    test_labels = rng.integers(num_factors, size=num_test)
    train_votes, test_votes = (cast(codes, variance, labels) for labels in (train_labels, test_labels))
    train_accuracy, test_accuracy = majority_vote(train_votes, train_labels, test_votes, test_labels)
    return {name: test_accuracy, "train_accuracy": train_accuracy, "num_active_dims": float(active.sum())}


def _active_codes(
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
