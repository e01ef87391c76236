"""Z-max Variance."""

import functools

import numpy as np
from jaxtyping import Integer, Num

from disentanglement_study.metrics.checks import check_points
from disentanglement_study.metrics.interventions import draw_same_value, rows_by_others
from disentanglement_study.metrics.options import NumPoints, NumVariance, Threshold, VarianceBatch
from disentanglement_study.metrics.votes import CHUNK, scores_of_votes


def z_max_variance(
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
    """Whether the code that varies most tells which factor alone varies.

    A vote is argmax_i Var_batch(c_i) / Var(c_i), over a batch that agrees on all factors but k, with k uniform. Each
    code stands for the factor that it was voted for most often in training; the score is how often that is the one
    that varies (Kim, Wang, Sahu and Pavlovic 2019, "Relevance factor VAE"; named Z-max Variance by Carbonneau et al.
    2022, "Measuring disentanglement: a review of metrics", where `factor_vae_score`, in which one factor is held fixed,
    is Z-min Variance and `beta_vae_score` is Z-diff).

    codes [N, D] and factors [N, F], F >= 2, are a whole table: all rows of a factor grid, or any part of them. Returns
    "z_max_variance", the accuracy of `num_test` votes, and "train_accuracy", that of `num_train` votes, both in
    [0, 1], higher is better, chance about 1/F (more on a table so small that its batches recur); and
    "num_active_dims". Var(c_i) is over `num_variance` rows, and codes are pruned as in `factor_vae_score`: if none is
    left, all scores are 0. Nothing is binned.

    A batch is drawn with replacement from the rows that agree with one row, uniform among those that have a partner: a
    factor of three values gives a batch of three different codes. On a small part of a grid few rows have a partner; a
    factor without any is a ValueError.

    Noise wins votes: a code that depends on no factor, such as a sampled latent of variance 1, varies in any batch as
    it does overall, so that five codes of noise beside five perfect ones leave a score of about 1/3. A code of several
    factors gets the votes of the one that moves it most, so that codes of mixed factors may score 1.

    disentanglement_lib does not have this metric. The review's code casts 800 votes on batches of 200, draws uniformly
    among combinations of the other factors, not among rows, and subtracts chance: (score - 1/F) / (1 - 1/F). The
    authors' code casts 800 votes on batches of up to 100 rows, drawn without replacement, prunes no code, and scores
    the votes that it was fitted on: here "train_accuracy".
    """
    codes, factors = check_points(codes, factors, min_factors=2)
    rng = np.random.default_rng(rng)
    index, varies = rows_by_others(factors)
    if not varies.any(axis=1).all():
        factor = int(np.argmin(varies.any(axis=1)))
        raise ValueError(
            f"factor {factor} never varies alone: none of the {len(factors)} rows differs from another in that factor "
            "and in no other"
        )
    candidates = [np.flatnonzero(row) for row in varies]
    return scores_of_votes(
        "z_max_variance",
        codes,
        factors.shape[1],
        functools.partial(_most_varying, index, candidates, batch_size, rng),
        rng,
        num_train=num_train,
        num_test=num_test,
        num_variance=num_variance,
        prune_threshold=prune_threshold,
    )


def _most_varying(index, candidates, batch_size, rng, codes, variance, labels):
    """[len(labels)]: the code of largest relative variance over a batch that differs in the factor of the label."""
    votes = np.empty(len(labels), np.int64)
    for start in range(0, len(labels), CHUNK):
        factor = labels[start : start + CHUNK]
        row = np.empty(len(factor), np.int64)
        for k, rows in enumerate(candidates):
            row[factor == k] = rng.choice(rows, size=np.sum(factor == k))
        partners = draw_same_value(index, factor[:, None], np.repeat(row[:, None], batch_size, axis=1), rng)
        votes[start : start + CHUNK] = np.argmax(
            codes[partners].var(axis=1, ddof=1, dtype=np.float64) / variance, axis=1
        )
    return votes
