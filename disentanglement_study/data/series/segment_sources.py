"""Sources whose scale, and mean, change from segment to segment, mixed by a net: the data of TCL, iVAE and GCL.

    s_i(t) = μ_i(k) + λ_i(k) e_i(t) in segment k,    x = f(s)
    λ_i(k) ~ U(least_scale, most_scale),    μ_i(k) ~ U(-mean_range, mean_range),    e_i of mean 0 and variance 1

Hyvärinen and Morioka 2016, "Unsupervised feature extraction by time-contrastive learning and nonlinear ICA", section 6.
Khemakhem et al. 2020 (arXiv 1907.04809) have Gaussian e, scales U(.5, 3), and in one variant means U(-5, 5).
With one segment the sources are independent and identically distributed over time; with one layer f is linear.
"""

import dataclasses
from pathlib import Path
from typing import Annotated

import numpy as np
from annotated_types import Interval

from disentanglement_study import rng
from disentanglement_study.data.catalogue import Facts
from disentanglement_study.data.series import mixture
from disentanglement_study.data.series.innovations import INNOVATIONS, Distribution
from disentanglement_study.types import DataSet

NAME, VERSION = "segment_sources", 1


@dataclasses.dataclass(frozen=True)
class Options(mixture.Options):
    """Those of `mixture.Options`. distribution: of e. least_scale: 0 in the paper, whose segments are nearly silent at
    times. mean_range: with 0, as in the paper, the scale alone changes."""

    num_sources: mixture.NumSources = 20
    num_layers: mixture.NumLayers = 5
    num_segments: Annotated[int, Interval(ge=1, le=1_000_000)] = 256
    segment_length: Annotated[int, Interval(ge=1, le=1_000_000)] = 512
    distribution: Distribution = "laplace"
    least_scale: mixture.NotNegative = 0.0
    most_scale: mixture.Positive = 1.0
    mean_range: mixture.NotNegative = 0.0


def facts(options: Options) -> Facts:
    """ValueError for a series that is too long, or too short for its bins, and for a range that is none."""
    mixture.check_range("least_scale", options.least_scale, "most_scale", options.most_scale)
    source = "Hyvärinen and Morioka 2016: sources whose scale changes by segment"
    return mixture.facts_of_segments(options, options.num_segments, options.segment_length, source)


def load(options: Options, root: Path | None = None) -> DataSet:
    """The series of these options; nothing is kept in `root`."""
    about, by_segment = facts(options), (options.num_segments, options.num_sources)
    draws = {name: rng.generator(options.seed, NAME, name) for name in ("scales", "means", "innovations")}
    scales = draws["scales"].uniform(options.least_scale, options.most_scale, by_segment)
    means = draws["means"].uniform(-options.mean_range, options.mean_range, by_segment)
    segment = np.repeat(np.arange(options.num_segments, dtype=np.int32), options.segment_length)
    innovations = INNOVATIONS[options.distribution](draws["innovations"], (len(segment), options.num_sources))
    sources = means[segment] + scales[segment] * innovations
    return mixture.data_set(NAME, VERSION, options, about, sources, {"segment": segment})
