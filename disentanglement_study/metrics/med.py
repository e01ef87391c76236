"""Mutual information based entropy disentanglement."""

from typing import Annotated

import numpy as np
from annotated_types import Ge
from jaxtyping import Float, Integer, Num

from disentanglement_study.metrics.checks import check_points
from disentanglement_study.metrics.dci import concentration
from disentanglement_study.metrics.estimators.information import discretise, mutual_information
from disentanglement_study.metrics.options import NumBins


def med(
    codes: Num[np.ndarray, "n d"],
    factors: Integer[np.ndarray, "n f"],
    *,
    rng: np.random.Generator | int | None = None,
    num_bins: NumBins = 20,
    top_k: Annotated[int, Ge(1)] | None = None,
) -> dict[str, float]:
    """Whether each code shares information with one factor only: DCI with information for importance.

    With R_ik = I(c_i; v_k) / Σ_j I(c_j; v_k) and ρ_i the share of code i in ΣΣ R: MED = Σ_i ρ_i (1 - H_F(R_i. / Σ_k
    R_ik)), H_F the entropy to base F; completeness is the same of R transposed, to base D (Cao, Nai, Yang, Huang and
    Gao 2022, "An empirical study on disentanglement of negative-free contrastive learning").

    With `top_k` also for the best codes alone, for representations of many: every code is about the factor of its
    largest R, and of those about a factor the `top_k` of the largest 1 - H_F(R_i.) are kept, without new shares R.

    codes [N, D], factors [N, F], F >= 2. Returns "med", "completeness" and, for top_k = 5, "med.top_5" and
    "completeness.top_5", all in [0, 1], higher is better. Codes are binned into `num_bins` bins of equal width, factors
    are taken as they are. A dead code has no importance, and is not among the best. A single code is complete.
    `rng` is not used.

    Each factor is normalised, over codes: the bias of estimated information, larger for factors of many values,
    cancels, and codes of noise score about 0 together. Beside a code that knows a factor well one of noise weighs
    little, but many weigh more. The best of many codes of noise seem better than they are: of 1000, at 10,000 points
    and the factors of dSprites, "med" is 0.004 and "med.top_2" 0.02. A single live code of noise is complete.

    The authors' code also reports the accuracy of a logistic regression. In it dead codes are about factor 0, and may
    be among its best, which changes the base of the completeness; here they are left out.
    """
    codes, factors = check_points(codes, factors, min_factors=2)
    if top_k is not None and top_k < 1:
        raise ValueError(f"top_k must be 1 or more, or None, got {top_k}")
    shared = mutual_information(discretise(codes, num_bins), factors)
    total = shared.sum(axis=0)
    importance = shared / np.where(total > 0, total, 1.0)
    scores = {"med": concentration(importance), "completeness": concentration(importance.T)}
    if top_k is not None:
        best = importance[_most_disentangled(importance, top_k)]
        scores[f"med.top_{top_k}"] = concentration(best) if len(best) else 0.0
        scores[f"completeness.top_{top_k}"] = concentration(best.T) if len(best) else 0.0
    return scores


def _most_disentangled(importance: Float[np.ndarray, "d f"], top_k: int) -> np.ndarray:
    """The rows of least entropy, `top_k` for each column that is their largest."""
    alive = np.flatnonzero(importance.any(axis=1))
    score = np.array([concentration(importance[[i]]) for i in alive])
    ranked = alive[np.argsort(-score, kind="stable")]
    about = importance[ranked].argmax(axis=1)
    return np.concatenate([ranked[about == k][:top_k] for k in range(importance.shape[1])])
