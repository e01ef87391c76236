"""Unsupervised disentanglement ranking: how alike the codes of several models are. Not a score of one model."""

from collections.abc import Sequence
from typing import Annotated, NamedTuple

import numpy as np
from jaxtyping import Float, Num

from disentanglement_study.config.declared import OneOf
from disentanglement_study.errors import unknown

LASSO_PENALTY = 0.1
LASSO_SWEEPS = 1000


class UDR(NamedTuple):
    """Of M models; all in [0, 1], higher is better."""

    scores: np.ndarray  # [M], the median of the model's column of `pairwise`, itself left out
    pairwise: np.ndarray  # [M, M], likeness_ij, 0 on the diagonal
    informative: tuple[np.ndarray, ...]  # M of [D], which codes were compared


def udr(
    codes: Num[np.ndarray, "m n d"] | Sequence[Num[np.ndarray, "n _"]],
    kl: Num[np.ndarray, "m d"] | Sequence[Num[np.ndarray, " _"]],
    *,
    correlation: Annotated[str, OneOf(lambda: CORRELATIONS)] = "spearman",
    kl_threshold: float = 0.01,
) -> UDR:
    """Whether other models found the same codes: those that disentangle are alike but for order and sign.

    With R_ab how much code a of model i has to do with code b of model j, likeness_ij = ½ mean_b max_a R_ab² / Σ_a R_ab
    + ½ mean_a max_b R_ab² / Σ_b R_ab, which is 1 if R is a permutation; a model's score is the median of its likeness
    to the others (Duan et al. 2020, "Unsupervised model selection for variational disentangled representation
    learning").

    codes [M, N, D] of M >= 2 models at the same N points, in the same order; kl [M, D], the mean over points of each
    code's KL divergence from the prior, nats. Models may differ in D: lists of arrays will do. Models that are compared
    should differ by seed alone. 10 codes of noise at 1,000 points score 0.015 (0 with lasso); a score of 1 means that
    all models agree, even if they all failed in the same way.

    `correlation` "spearman": the absolute rank correlation; "lasso", the default of disentanglement_lib: the absolute
    coefficients, not symmetric, with which all codes of model i predict a code of model j, penalty 0.1. Codes are
    standardised for it. Codes with a KL of `kl_threshold` or less, and constant ones, are left out; a negative
    threshold keeps all that vary. A model with no code left is like no other: 0.

    disentanglement_lib sets codes with a KL of 0.01 or less to 0 whatever the threshold: where they are not left out
    too, their rank correlation is NaN and their column counts as 0. It fails on a model with no code left.
    """
    if correlation not in CORRELATIONS:
        raise unknown("correlation", correlation, CORRELATIONS)
    codes, kl = _check_models(codes, kl)
    informative = tuple((k > kl_threshold) & (np.ptp(c, axis=0) > 0) for c, k in zip(codes, kl, strict=True))
    kept = [c[:, which] for c, which in zip(codes, informative, strict=True)]
    pairwise = np.zeros((len(codes), len(codes)))
    for i, row in enumerate(CORRELATIONS[correlation](kept)):
        pairwise[i] = [relative_strength(similarity) if i != j else 0.0 for j, similarity in enumerate(row)]
    others = pairwise.T[~np.eye(len(codes), dtype=bool)].reshape(len(codes), -1)
    return UDR(np.median(others, axis=1), pairwise, informative)


def relative_strength(similarity: Float[np.ndarray, "a b"]) -> float:
    """½ mean over columns of max² / sum + ½ the same over rows; a column or row of 0s counts as 0."""
    if similarity.size == 0:
        return 0.0
    by_axis = []
    for axis in (0, 1):
        best, total = similarity.max(axis=axis), similarity.sum(axis=axis)
        by_axis.append(np.mean(best**2 / np.where(total > 0, total, 1.0)))
    return float(np.mean(by_axis))


def _spearman(models):
    """For each model a list of |rank correlations| [D_i, D_j] with every model."""
    from scipy.stats import rankdata

    ranks = [_standardise(rankdata(codes, axis=0)) for codes in models]
    for left in ranks:
        yield [np.abs(left.T @ right) / len(left) for right in ranks]


def _lasso(models):
    """The same of |coefficients| with which model i predicts every model."""
    models = [_standardise(codes.astype(np.float64)) for codes in models]
    targets = np.hstack(models)
    splits = np.cumsum([codes.shape[1] for codes in models])[:-1]
    for inputs in models:
        weights = _coordinate_descent(inputs.T @ inputs / len(inputs), inputs.T @ targets / len(inputs))
        yield np.split(np.abs(weights), splits, axis=1)


def _coordinate_descent(gram, covariance):
    """[D, T]: w of each target that minimises wᵀ gram w / 2 - covarianceᵀ w + penalty |w|₁, where diag(gram) = 1."""
    weights = np.zeros_like(covariance)
    for _ in range(LASSO_SWEEPS):
        before = weights.copy()
        for i in range(len(gram)):
            rest = covariance[i] - gram[i] @ weights + weights[i]
            weights[i] = np.sign(rest) * np.maximum(np.abs(rest) - LASSO_PENALTY, 0.0)
        if np.abs(weights - before).max(initial=0.0) < 1e-10:
            break
    return weights


def _standardise(codes):
    codes = codes / np.abs(codes).max(axis=0)  # their squares may be beyond float64
    return (codes - codes.mean(axis=0)) / codes.std(axis=0)


def _check_models(codes, kl):
    codes, kl = [np.asarray(c) for c in codes], [np.asarray(k) for k in kl]
    if len(codes) < 2 or len(codes) != len(kl):
        raise ValueError(f"UDR compares models: it needs codes and KLs of 2 or more, got {len(codes)} and {len(kl)}")
    for m, (c, k) in enumerate(zip(codes, kl, strict=True)):
        if c.ndim != 2 or k.shape != c.shape[1:]:
            raise ValueError(
                f"model {m}: codes must be [points, codes] and kl [codes], got {list(c.shape)} and {list(k.shape)}"
            )
        if len(c) != len(codes[0]) or len(c) < 2:
            raise ValueError(
                f"model {m} has {len(c)} points, model 0 {len(codes[0])}: all must have the same, 2 or more"
            )
        if c.dtype.kind != "f" or not np.isfinite(c).all() or not np.isfinite(k).all():
            raise ValueError(f"model {m}: codes must be floats, codes and kl finite")
    return codes, kl


CORRELATIONS = {"lasso": _lasso, "spearman": _spearman}
