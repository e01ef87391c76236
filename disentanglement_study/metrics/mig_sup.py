"""Supplement of the mutual information gap."""

import numpy as np
from jaxtyping import Integer, Num

from disentanglement_study.metrics.checks import check_points
from disentanglement_study.metrics.estimators.information import discretise, entropy, mutual_information
from disentanglement_study.metrics.options import NumBins, Threshold


def mig_sup(
    codes: Num[np.ndarray, "n d"],
    factors: Integer[np.ndarray, "n f"],
    *,
    rng: np.random.Generator | int | None = None,
    num_bins: NumBins = 20,
    prune_threshold: Threshold = 0.1,
) -> dict[str, float]:
    """How much more a code knows about its best factor than about the second best.

    MIG-sup = mean_i (J_i(1) - J_i(2)), with J_ik = I(c_i; v_k) / H(v_k), J_i(1) and J_i(2) the two largest of code i
    (Li, Murkute, Gyawali and Wang 2020, "Progressive learning and disentanglement of hierarchical representations").
    It sees factors that share a code, to which MIG is blind, and not codes that share a factor, which MIG sees.

    codes [N, D], factors [N, F], F >= 2; returns "mig_sup" in [0, 1], higher is better, and "num_active_dims". Codes
    are binned into `num_bins` bins of equal width, factors are taken as they are. `rng` is not used.

    Codes whose standard deviation is below `prune_threshold`, or which are constant, are left out of the mean, which
    makes the score depend on the units of codes; if none is left it is 0. The information is divided by the entropy of
    the factor, so that a code that is exactly a factor scores 1, and one that merges values of a factor less. A live
    code of pure noise counts, as about 0; a duplicated one counts twice.

    The authors' code estimates I by sampling q(z|x), without bins, takes log(number of values) for H(v_k), and prunes
    by the variance of the posterior mean, at 0.01 as here. Sampled codes of variance about 1 are not pruned however
    dead the mean. The code of Carbonneau et al. 2022 divides by the entropy of the code instead, in 10 bins, and
    prunes nothing.
    """
    codes, factors = check_points(codes, factors, min_factors=2)
    active = (codes.std(axis=0, dtype=np.float64) >= prune_threshold) & (np.ptp(codes, axis=0) > 0)
    if not active.any():
        return {"mig_sup": 0.0, "num_active_dims": 0.0}
    shared = mutual_information(discretise(codes[:, active], num_bins), factors) / entropy(factors)
    runner_up, best = np.sort(shared, axis=1)[:, -2:].T
    return {"mig_sup": float(np.mean(best - runner_up)), "num_active_dims": float(active.sum())}
