"""Interventional robustness score."""

from typing import Annotated, Literal

import numpy as np
from annotated_types import Interval
from jaxtyping import Float, Integer, Num

from disentanglement_study.config.declared import OneOf
from disentanglement_study.errors import unknown
from disentanglement_study.metrics.checks import check_points
from disentanglement_study.metrics.estimators.information import discretise
from disentanglement_study.metrics.options import NumBins

PROTOCOLS = {"dlib": (0.99, 20), "paper": (1.0, 0)}  # quantile, bins of factors


def irs(
    codes: Num[np.ndarray, "n d"],
    factors: Integer[np.ndarray, "n f"],
    *,
    rng: np.random.Generator | int | None = None,
    protocol: Annotated[str, OneOf(lambda: PROTOCOLS)] = "dlib",
    quantile: Annotated[float, Interval(ge=0, le=1)] | None = None,
    num_bins: Literal[0] | NumBins | None = None,
) -> dict[str, float]:
    """Whether each code stays where one factor puts it, whatever the other factors do.

    robustness_ik = 1 - mean_v Q(|c_i - E[c_i | v_k = v]| given v_k = v) / max |c_i - E[c_i]|, with Q a quantile, 1 for
    the maximum; IRS = Σ_i w_i max_k robustness_ik, with w_i the share of code i in Σ_i max |c_i - E[c_i]| (Suter et al.
    2019, "Robustly disentangled causal mechanisms: validating deep representations for interventional robustness").

    codes [N, D], factors [N, F]. Returns "irs" in [0, 1], higher is better, and "num_active_dims", the number of codes
    that are not constant: the others are left out, and if none is left, the score is 0. The values of a factor count
    equally, however frequent. Noise scores above 0: a few points of a value rarely reach the largest deviation of all.
    One outlier of a code raises its robustness and its weight; the scale of a code matters to its weight.

    `protocol` "dlib": the quantile is 0.99 and *factors* (not codes) are binned into 20 bins of equal width, which
    merges neighbouring values of factors that have more: there the order of values counts, though not their distances,
    as their ranks 0, 1, 2, ... are what is binned. "paper": the maximum, and factors as they are. `quantile` and
    `num_bins` (0: factors as they are) replace those of the protocol. `rng` is not used. The number of
    active dimensions of disentanglement_lib is the sum of all codes; its score is not cut at 0.
    """
    codes, factors = check_points(codes, factors)
    if protocol not in PROTOCOLS:
        raise unknown("protocol", protocol, PROTOCOLS)
    quantile = PROTOCOLS[protocol][0] if quantile is None else quantile
    num_bins = PROTOCOLS[protocol][1] if num_bins is None else num_bins
    if not 0.0 <= quantile <= 1.0:
        raise ValueError(f"quantile must be in [0, 1], got {quantile}")
    codes = codes[:, np.ptp(codes, axis=0) > 0].astype(np.float64)
    if codes.shape[1] == 0:
        return {"irs": 0.0, "num_active_dims": 0.0}
    if num_bins > 0:
        factors = discretise(factors, num_bins)
    largest = np.abs(codes - codes.mean(axis=0)).max(axis=0)
    score = np.average(robustness(codes, factors, quantile).max(axis=1), weights=largest)
    return {"irs": float(np.clip(score, 0.0, 1.0)), "num_active_dims": float(codes.shape[1])}


def robustness(
    codes: Num[np.ndarray, "n d"], factors: Integer[np.ndarray, "n f"], quantile: float
) -> Float[np.ndarray, "d f"]:
    """How little each code, none of them constant, deviates from its mean given each factor; 1 is not at all."""
    deviations = np.empty((codes.shape[1], factors.shape[1]))
    for k, values in enumerate(factors.T):
        order = np.argsort(values, kind="stable")
        groups = np.split(codes[order], np.flatnonzero(np.diff(values[order])) + 1)
        within = [np.quantile(np.abs(group - group.mean(axis=0)), quantile, axis=0) for group in groups]
        deviations[:, k] = np.mean(within, axis=0)
    return 1.0 - deviations / np.abs(codes - codes.mean(axis=0)).max(axis=0)[:, None]
