"""Laplace sources whose scale changes from segment to segment, mixed by a net: the data of TCL.

    s_i(t) = λ_i(k) e_i(t),    e_i ~ Laplace of variance 1,  λ_i(k) ~ U(least_scale, 1) in segment k,    x = f(s)

Hyvärinen and Morioka 2016, "Unsupervised feature extraction by time-contrastive learning and nonlinear ICA", section 6.
With one segment the sources are independent and identically distributed over time; with one layer f is linear.
"""

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Annotated

import numpy as np
from annotated_types import Ge, Interval

from disentanglement_study import rng
from disentanglement_study.data.catalogue import Facts
from disentanglement_study.data.series import mixing
from disentanglement_study.data.series.binning import bins
from disentanglement_study.types import DataSet

NAME, VERSION = "segment_sources", 1
MOST_NUMBERS = 2**29  # of the series, and as many of the sources: 2 GB each


@dataclasses.dataclass(frozen=True)
class Options:
    """num_layers: matrices of the mixing. least_scale: 0 in the paper, whose segments are nearly silent at times.

    num_bins: of each source, equally full, for metrics that compare categories. seed: of sources and mixing.
    """

    num_sources: Annotated[int, Interval(ge=1, le=100)] = 20
    num_segments: Annotated[int, Interval(ge=1, le=1_000_000)] = 256
    segment_length: Annotated[int, Interval(ge=1, le=1_000_000)] = 512
    num_layers: Annotated[int, Interval(ge=1, le=20)] = 5
    least_scale: Annotated[float, Interval(ge=0, le=1)] = 0.0
    num_bins: Annotated[int, Interval(ge=2, le=1000)] = 20
    seed: Annotated[int, Ge(0)] = 0


def facts(options: Options) -> Facts:
    """ValueError for a series that is too long, or too short for its bins."""
    number = options.num_segments * options.segment_length
    if number * options.num_sources > MOST_NUMBERS:
        raise ValueError(
            f"{number:,} points of {options.num_sources} sources: expected at most {MOST_NUMBERS:,} numbers"
        )
    if number < 2 * options.num_bins:
        raise ValueError(f"{number} points in {options.num_bins} bins: expected 2 points or more for each bin")
    return Facts(
        factor_names=tuple(f"source_{i}" for i in range(options.num_sources)),
        factor_sizes=(options.num_bins,) * options.num_sources,
        input_shape=(options.num_sources,),
        source="Hyvärinen and Morioka 2016: mixtures of Laplace sources, whose scale changes by segment",
        num_points=number,
        auxiliary={"segment": options.num_segments, "time": number},
    )


def load(options: Options, root: Path | None = None) -> DataSet:
    """The series of these options; nothing is kept in `root`."""
    about, number = facts(options), options.num_segments * options.segment_length
    draws = {name: rng.generator(options.seed, NAME, name) for name in ("scales", "innovations", "mixing")}
    scales = draws["scales"].uniform(options.least_scale, 1, (options.num_segments, options.num_sources))
    innovations = draws["innovations"].laplace(0, 1 / np.sqrt(2), (number, options.num_sources))
    segment = np.repeat(np.arange(options.num_segments, dtype=np.int32), options.segment_length)
    sources = scales[segment] * innovations
    matrices = mixing.draw(options.num_sources, options.num_layers, draws["mixing"])
    recipe = json.dumps([NAME, VERSION, dataclasses.asdict(options)], sort_keys=True)
    return DataSet(
        NAME,
        about.factor_names,
        about.factor_sizes,
        about.input_shape,
        storage=mixing.mix(sources, matrices).astype(np.float32),
        render=lambda storage, index, keys=None: storage[index],
        points=bins(sources, options.num_bins),
        sha256=hashlib.sha256(recipe.encode()).hexdigest(),  # of arrays it would differ by the machine's rounding
        sources=sources.astype(np.float32),
        auxiliary={"segment": segment, "time": np.arange(number, dtype=np.int32)},
    )
