"""FactorVAE score."""

import functools

import numpy as np
from jaxtyping import Integer, Num

from disentanglement_study.metrics.checks import check_points
from disentanglement_study.metrics.interventions import draw_same_value, rows_by_value
from disentanglement_study.metrics.options import NumPoints, NumVariance, Threshold, VarianceBatch
from disentanglement_study.metrics.votes import CHUNK, scores_of_votes


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
    cast = functools.partial(_least_varying, rows_by_value(factors), batch_size, rng)
    return scores_of_votes(
        "factor_vae_score",
        codes,
        factors.shape[1],
        cast,
        rng,
        num_train=num_train,
        num_test=num_test,
        num_variance=num_variance,
        prune_threshold=prune_threshold,
    )


def _least_varying(index, batch_size, rng, codes, variance, labels):
    """[len(labels)]: the code of least relative variance over a batch that agrees on the factor of the label."""
    votes = np.empty(len(labels), np.int64)
    for start in range(0, len(labels), CHUNK):
        factor = labels[start : start + CHUNK, None]
        row = rng.integers(len(codes), size=(len(factor), 1))
        batch = codes[draw_same_value(index, factor, np.repeat(row, batch_size, axis=1), rng)]
        votes[start : start + CHUNK] = np.argmin(batch.var(axis=1, ddof=1, dtype=np.float64) / variance, axis=1)
    return votes
