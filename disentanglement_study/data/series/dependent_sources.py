"""Sources that depend on each other, and whose scale changes by segment, mixed by a net: the data of IMCA.

    p(s | segment k) ∝ exp(-dependence/2 sᵀ C⁻¹ s) Π_i exp(-(s_i - a_i(k))² / (2 λ_i(k)²)),    x = f(s)
    λ_i(k) ~ U(least_scale, most_scale),    a_i(k) ~ U(-mean_range, mean_range),    C a random correlation matrix

The first factor is the same in all segments: the sources are independent but for it. Khemakhem et al. 2020 (ICE-BeeM,
arXiv 2002.11537), independently modulated components, with the λ and dependence of their code. There an eigenvalue of
C may be close to 0, and a source almost a function of the others; here it may not.
"""

import dataclasses
from pathlib import Path
from typing import Annotated

import numpy as np
from annotated_types import Interval
from jaxtyping import Float

from disentanglement_study import rng
from disentanglement_study.data.catalogue import Facts
from disentanglement_study.data.series import mixing, mixture
from disentanglement_study.types import DataSet

NAME, VERSION = "dependent_sources", 1
LEAST_EIGENVALUE = 0.1  # of what C is the correlation matrix of; the largest is at most 1


@dataclasses.dataclass(frozen=True)
class Options(mixture.Options):
    """Those of `mixture.Options`. dependence: with 0 the sources are independent in each segment. mean_range: with 0,
    as in the paper, the scale alone changes."""

    num_sources: Annotated[int, Interval(ge=2, le=100)] = 5
    num_segments: Annotated[int, Interval(ge=1, le=1_000_000)] = 40
    segment_length: Annotated[int, Interval(ge=1, le=1_000_000)] = 512
    dependence: mixture.NotNegative = 0.1
    least_scale: mixture.Positive = 0.01
    most_scale: mixture.Positive = 3.0
    mean_range: mixture.NotNegative = 0.0


def facts(options: Options) -> Facts:
    """ValueError for a series that is too long, or too short for its bins, and for a range that is none."""
    mixture.check_range("least_scale", options.least_scale, "most_scale", options.most_scale)
    source = "Khemakhem et al. 2020: sources that depend on each other, and whose scale changes by segment"
    return mixture.facts_of_segments(options, options.num_segments, options.segment_length, source)


def load(options: Options, root: Path | None = None) -> DataSet:
    """The series of these options; nothing is kept in `root`."""
    about, by_segment = facts(options), (options.num_segments, options.num_sources)
    scales = rng.generator(options.seed, NAME, "scales").uniform(options.least_scale, options.most_scale, by_segment)
    centres = rng.generator(options.seed, NAME, "means").uniform(-options.mean_range, options.mean_range, by_segment)
    base = options.dependence * np.linalg.inv(correlation(options))
    covariances = np.linalg.inv(base + scales[:, :, None] ** -2 * np.eye(options.num_sources))
    means = np.einsum("kij,kj->ki", covariances, centres / scales**2)
    draws = rng.generator(options.seed, NAME, "innovations")
    innovations = draws.standard_normal((options.num_segments, options.segment_length, options.num_sources))
    sources = means[:, None] + innovations @ np.linalg.cholesky(covariances).transpose(0, 2, 1)
    segment = np.repeat(np.arange(options.num_segments, dtype=np.int32), options.segment_length)
    return mixture.data_set(NAME, VERSION, options, about, sources.reshape(len(segment), -1), {"segment": segment})


def correlation(options: Options) -> Float[np.ndarray, "s s"]:
    """C, of a covariance with random directions and eigenvalues U(.1, 1)."""
    draws, number = rng.generator(options.seed, NAME, "dependence"), options.num_sources
    eigenvalues = draws.uniform(LEAST_EIGENVALUE, 1, number)
    (directions,) = mixing.orthogonal(1, (number, number), draws)
    covariance = directions * eigenvalues @ directions.T
    deviations = np.sqrt(np.diag(covariance))
    return covariance / np.outer(deviations, deviations)
