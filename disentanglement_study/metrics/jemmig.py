"""Joint entropy minus mutual information gap."""

from typing import Annotated

import numpy as np
from jaxtyping import Integer, Num

from disentanglement_study.config.declared import Rising
from disentanglement_study.metrics.checks import check_points
from disentanglement_study.metrics.estimators.information import discretise, entropy, mutual_information
from disentanglement_study.metrics.options import NumBins


def jemmig(
    codes: Num[np.ndarray, "n d"],
    factors: Integer[np.ndarray, "n f"],
    *,
    rng: np.random.Generator | int | None = None,
    num_bins: NumBins = 20,
    limits: Annotated[tuple[float, float], Rising()] | None = None,
) -> dict[str, float]:
    """Whether one code is about a factor, about all of it, about nothing else, and no other code is about it.

    JEMMIG_k = H(c_(1), v_k) - I(c_(1); v_k) + I(c_(2); v_k), where c_(1) and c_(2) are the two codes that share most
    information with factor k; it is H(c_(1) | v_k) + H(v_k | c_(1)) + I(c_(2); v_k), three things to be small. The
    headline is its normalised form, mean_k 1 - JEMMIG_k / (H(v_k) + log `num_bins`) (Do and Tran 2020, "Theory and
    evaluation metrics for learning disentangled representations").

    codes [N, D], factors [N, F]. Returns "jemmig" in [0, 1], higher is better, and "jemmig_unnormalised", the mean of
    JEMMIG_k in nats, at least 0, *lower* is better. Codes are binned into `num_bins` bins of equal width over their
    own range, or between `limits`, the same for every code; factors are taken as they are. A single code competes with
    0. `rng` is not used.

    Noise is not 0, and dead is better than noise. A code that is uniform over the bins and knows nothing scores 0, but
    fewer bins in use mean less joint entropy: Gaussian noise scores 0.12 on the factors of dSprites. No code is pruned,
    and dead ones alone score log num_bins / (H(v_k) + log num_bins), 0.55 on these factors. Of codes that share exactly
    the same with a factor, the one of the largest joint entropy counts.

    The authors' code takes the mean of q(z|x) over 100 bins on [-4, 4], of which `rmig` says more, and returns the
    fraction that is here taken from 1: its bins are `num_bins` 100 and `limits` (-4, 4). The code of Carbonneau et al.
    2022, "Measuring disentanglement: a review of metrics", does as here in 10 bins, and bins the factors too.
    """
    codes, factors = check_points(codes, factors)
    labels = discretise(codes, num_bins, limits)
    shared = mutual_information(labels, factors)
    joint_entropy = entropy(labels)[:, None] + entropy(factors) - shared
    runner_up, best = np.sort(np.vstack([shared, np.zeros(factors.shape[1])]), axis=0)[-2:]
    # A dead code ties with one that is exactly independent: the order of codes must not decide between them.
    joint_entropy = np.max(np.where(shared == best, joint_entropy, -np.inf), axis=0)
    unnormalised = np.maximum(joint_entropy - best + runner_up, 0.0)
    normalised = 1.0 - unnormalised / (entropy(factors) + np.log(num_bins))
    return {"jemmig": float(np.mean(normalised)), "jemmig_unnormalised": float(np.mean(unnormalised))}
