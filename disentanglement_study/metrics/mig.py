"""Mutual information gap."""

import numpy as np
from jaxtyping import Integer, Num

from disentanglement_study.metrics.aggregations import gaps
from disentanglement_study.metrics.checks import check_points
from disentanglement_study.metrics.estimators.information import discretise, entropy, mutual_information
from disentanglement_study.metrics.options import NumBins


def mig(
    codes: Num[np.ndarray, "n d"],
    factors: Integer[np.ndarray, "n f"],
    *,
    rng: np.random.Generator | int | None = None,
    num_bins: NumBins = 20,
) -> dict[str, float]:
    """How much more the best code knows about a factor than the second best does.

    MIG = mean_k (I(c_(1); v_k) - I(c_(2); v_k)) / H(v_k), where c_(1) and c_(2) are the two codes that share most
    information with factor k (Chen et al. 2018, "Isolating sources of disentanglement in VAEs", section 4).

    codes [N, D], factors [N, F]; returns "mig" in [0, 1], higher is better. Codes are binned into `num_bins` bins of
    equal width, factors are taken as they are; H is of the same points. No code is pruned: a dead one shares 0 nats.
    A single code competes with 0. `rng` is not used.

    Ubisoft's code (of Carbonneau et al. 2022) divides by the entropy of the code, H(c), not by that of the factor.
    As in disentanglement_lib, which divides 0 by 0 for a constant factor; here that is a ValueError.
    """
    codes, factors = check_points(codes, factors)
    shared = mutual_information(discretise(codes, num_bins), factors)
    return {"mig": float(np.mean(gaps(shared) / entropy(factors)))}
