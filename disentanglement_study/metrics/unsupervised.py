"""Scores of the codes alone: how far they are from independent."""

import numpy as np
from jaxtyping import Num

from disentanglement_study.metrics.checks import check_points
from disentanglement_study.metrics.estimators.information import discretise, mutual_information
from disentanglement_study.metrics.options import NumBins

# A code that is an exact function of others makes the total correlation infinite. The eigenvalues of the correlation
# matrix are cut here, well above their rounding error, so that it adds 13.8 nats instead.
SMALLEST_EIGENVALUE = 1e-12


def unsupervised(
    codes: Num[np.ndarray, "n d"],
    factors: Num[np.ndarray, "n f"] | None = None,
    *,
    rng: np.random.Generator | int | None = None,
    num_bins: NumBins = 20,
) -> dict[str, float]:
    """How dependent the codes are on each other (Locatello et al. 2019, "Challenging common assumptions", 5.2).

    With C the covariance of the codes (over N - 1) and Λ its diagonal; all are 0 for independent codes and unbounded:

    - gaussian_total_correlation = KL(N(0, C) || N(0, Λ)) = ½ (log det Λ - log det C), nats;
    - gaussian_wasserstein_correlation = W₂²(N(0, C), N(0, Λ)) = 2 tr C - 2 tr (Λ^½ C Λ^½)^½, squared units of codes;
    - gaussian_wasserstein_correlation_normalised = the same divided by tr C;
    - mutual_information = mean over pairs i ≠ j of I(c_i; c_j), nats.

    codes [N, D]; factors [N, F], which may be left out, and `rng` are not used. Codes are binned into `num_bins` bins
    of equal width for the mutual information. A dead code is left out of the total correlation and shares 0 with all
    others; a score without any pair of codes to compare is 0. There is no headline score.

    As in disentanglement_lib, where a dead code makes the total correlation NaN and a duplicated one infinite.
    """
    codes, _ = check_points(codes, factors, kind="none")
    codes = codes.astype(np.float64)
    covariance = np.atleast_2d(np.cov(codes, rowvar=False))
    # The mean of a constant is rounded, so that its variance is not exactly 0.
    alive = np.ptp(codes, axis=0) > 0
    covariance = np.where(np.outer(alive, alive), covariance, 0.0)
    distance, variance = _wasserstein_correlation(covariance), np.trace(covariance)
    labels = discretise(codes, num_bins)
    shared = mutual_information(labels, labels)[~np.eye(codes.shape[1], dtype=bool)]
    return {
        "gaussian_total_correlation": float(_total_correlation(covariance[np.ix_(alive, alive)])),
        "gaussian_wasserstein_correlation": float(distance),
        "gaussian_wasserstein_correlation_normalised": float(distance / variance) if variance > 0 else 0.0,
        "mutual_information": float(shared.mean()) if shared.size else 0.0,
    }


def _total_correlation(covariance):
    deviation = np.sqrt(np.diag(covariance))
    eigenvalues = np.linalg.eigvalsh(covariance / np.outer(deviation, deviation))
    return max(-0.5 * np.sum(np.log(np.maximum(eigenvalues, SMALLEST_EIGENVALUE))), 0.0)


def _wasserstein_correlation(covariance):
    # In a unit near the codes' own, a power of two: fourth powers of codes vanish below 1e-81. Rounding is as without.
    unit = 4.0 ** np.round(0.5 * np.log2(np.trace(covariance) or 1.0))
    covariance = covariance / unit
    deviation = np.sqrt(np.diag(covariance))
    eigenvalues = np.linalg.eigvalsh(covariance * np.outer(deviation, deviation))
    return unit * max(2.0 * np.trace(covariance) - 2.0 * np.sum(np.sqrt(np.maximum(eigenvalues, 0.0))), 0.0)
