"""DCIMIG, or 3CharM."""

import numpy as np
from jaxtyping import Integer, Num

from disentanglement_study.metrics.checks import check_points
from disentanglement_study.metrics.estimators.information import discretise, entropy, mutual_information
from disentanglement_study.metrics.options import NumBins


def dcimig(
    codes: Num[np.ndarray, "n d"],
    factors: Integer[np.ndarray, "n f"],
    *,
    rng: np.random.Generator | int | None = None,
    num_bins: NumBins = 20,
) -> dict[str, float]:
    """The share of the information about the factors that is in codes about one factor only.

    The gap of code i is g_i = I(c_i; v_k*) - max_{k ≠ k*} I(c_i; v_k), with k* the factor that it knows best.
    DCIMIG = Σ_k max_{i: k*(i) = k} g_i / Σ_k H(v_k): each factor has the largest gap of the codes that are about it,
    and 0 if there is none (Sepliarskaia, Kiseleva and de Rijke 2019, "How to not measure disentanglement", where it is
    3CharM; DCIMIG in Carbonneau, Zaïdi, Boilard and Gagnon 2022, "Measuring disentanglement: a review of metrics").

    codes [N, D], factors [N, F], F >= 2; returns "dcimig" in [0, 1], higher is better, chance about 0. Codes are binned
    into `num_bins` bins of equal width, factors are taken as they are; H is of the same points. No code is pruned: a
    dead one has no gap. `rng` is not used.

    The sums are in nats, so that factors of many values weigh more than those of few. A second code for the same
    factor costs nothing: duplicated codes leave the score as it is. Factors with more values than `num_bins` cannot
    reach their entropy: perfect codes score below 1.

    The code of Carbonneau et al. takes 10 bins, and bins the factors too.
    """
    codes, factors = check_points(codes, factors, min_factors=2)
    shared = mutual_information(discretise(codes, num_bins), factors)
    runner_up, best = np.sort(shared, axis=1)[:, -2:].T
    gaps = np.zeros(factors.shape[1])
    np.maximum.at(gaps, shared.argmax(axis=1), best - runner_up)
    return {"dcimig": float(gaps.sum() / entropy(factors).sum())}
