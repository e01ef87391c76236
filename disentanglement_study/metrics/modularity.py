"""Modularity."""

import numpy as np
from jaxtyping import Integer, Num

from disentanglement_study.metrics.aggregations import modularities
from disentanglement_study.metrics.checks import check_points
from disentanglement_study.metrics.estimators.information import discretise, mutual_information
from disentanglement_study.metrics.options import NumBins


def modularity(
    codes: Num[np.ndarray, "n d"],
    factors: Integer[np.ndarray, "n f"],
    *,
    rng: np.random.Generator | int | None = None,
    num_bins: NumBins = 20,
) -> dict[str, float]:
    """Whether each code shares information with one factor only.

    modularity_i = 1 - Σ_{k ≠ k*} I(c_i; v_k)² / ((F - 1) I(c_i; v_k*)²), with k* the factor that code i knows best;
    the score is the mean over codes (Ridgeway and Mozer 2018, "Learning deep disentangled embeddings with the
    F-statistic loss").

    codes [N, D], factors [N, F], F >= 2; returns "modularity" in [0, 1], higher is better. Codes are binned into
    `num_bins` bins of equal width, factors are taken as they are. No code is pruned: a constant one counts as 0, and
    one of pure noise is scored on the bias of its estimated informations. `rng` is not used.

    As in disentanglement_lib, but for constant codes under scikit-learn 0.20: it estimated their information as 1e-16
    rather than 0, and their modularity from such rounding errors. The authors' code drops from the estimate of an
    information the cells of the joint histogram whose probability is 1e-4 or less; here every cell counts.
    """
    codes, factors = check_points(codes, factors, min_factors=2)
    shared = mutual_information(discretise(codes, num_bins), factors)
    return {"modularity": float(np.mean(modularities(shared)))}
