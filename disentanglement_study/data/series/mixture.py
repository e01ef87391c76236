"""What all series of this folder share: their options, what must hold of them, and how sources become a data set."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated

import numpy as np
from annotated_types import Ge, Interval
from jaxtyping import Float

from disentanglement_study import rng
from disentanglement_study.config import identity
from disentanglement_study.config.declared import OneOf
from disentanglement_study.data.catalogue import Facts
from disentanglement_study.data.series import mixing
from disentanglement_study.data.series.binning import bins
from disentanglement_study.types import DataSet

MOST_NUMBERS = 2**29  # of the series, and as many of the sources: 2 GB each
NONE: Mapping = MappingProxyType({})

NumSources = Annotated[int, Interval(ge=1, le=100)]
NumLayers = Annotated[int, Interval(ge=1, le=20)]
NumObserved = Annotated[int, Interval(ge=1, le=1000)] | None
NumPoints = Annotated[int, Interval(ge=2, le=10_000_000)]
Positive = Annotated[float, Interval(gt=0, le=1000)]
NotNegative = Annotated[float, Interval(ge=0, le=1000)]
Activation = Annotated[str, OneOf(lambda: mixing.ACTIVATIONS)]
Slope = Annotated[float, Interval(ge=0.001, le=1)]
Noise = Annotated[float, Interval(ge=0, le=100)]


@dataclasses.dataclass(frozen=True)
class Options:
    """num_layers: matrices of the mixing, which is linear with one. slope: of the leaky ReLU below 0, or a in the
    xtanh, tanh(x) + a x. weights: of the mixing, see `mixing`. num_observed: as many as sources, or more.

    noise: the standard deviation of Gaussian noise on what is observed, over that of each noise-free component.
    num_bins: of each source, equally full, for metrics that compare categories. seed: of all that is drawn.
    """

    num_sources: NumSources = 5
    num_layers: NumLayers = 2
    activation: Activation = "leaky_relu"
    slope: Slope = 0.2
    weights: Annotated[str, OneOf(lambda: mixing.WEIGHTS)] = "uniform"
    num_observed: NumObserved = None
    noise: Noise = 0.0
    num_bins: Annotated[int, Interval(ge=2, le=1000)] = 20
    seed: Annotated[int, Ge(0)] = 0


def facts(options: Options, num_points: int, source: str, auxiliary: Mapping[str, int] = NONE) -> Facts:
    """The facts of a mixture; "time" is known of each point. ValueError for options that do not go together."""
    num_observed = _num_observed(options)
    if num_observed < options.num_sources:
        raise ValueError(
            f"num_observed = {num_observed}: expected {options.num_sources} or more, the number of sources"
        )
    width = max(num_observed, auxiliary.get("u", 0))
    if num_points * width > MOST_NUMBERS:
        raise ValueError(f"{num_points:,} points of {width} numbers: expected at most {MOST_NUMBERS:,} numbers in all")
    if num_points < 2 * options.num_bins:
        raise ValueError(f"{num_points} points in {options.num_bins} bins: expected 2 points or more for each bin")
    return Facts(
        factor_names=tuple(f"source_{i}" for i in range(options.num_sources)),
        factor_sizes=(options.num_bins,) * options.num_sources,
        input_shape=(num_observed,),
        source=source,
        num_points=num_points,
        auxiliary={**auxiliary, "time": num_points},
    )


def facts_of_segments(options: Options, num_segments: int, segment_length: int, source: str) -> Facts:
    """The facts of a mixture in segments of one length. ValueError as `facts` has it."""
    return facts(options, num_segments * segment_length, source, {"segment": num_segments})


def data_set(
    name: str,
    version: int,
    options: Options,
    about: Facts,
    sources: Float[np.ndarray, "n s"],
    auxiliary: Mapping[str, np.ndarray] = NONE,
) -> DataSet:
    """The set `name` of these sources, mixed as the options say. Raise `version` whenever its numbers change."""
    mixed = mixing.draw(
        options.num_sources,
        _num_observed(options),
        options.num_layers,
        options.weights,
        options.activation,
        options.slope,
        rng.generator(options.seed, name, "mixing"),
    )
    x = mixed.mix(sources)
    if options.noise:
        x += options.noise * x.std(axis=0) * rng.generator(options.seed, name, "noise").standard_normal(x.shape)
    # Options at their defaults are left out: one that is added later leaves the identity of older sets alone.
    recipe = json.dumps([name, version, identity.differing(options)], sort_keys=True)
    return DataSet(
        name,
        about.factor_names,
        about.factor_sizes,
        about.input_shape,
        storage=x.astype(np.float32),
        render=lambda storage, index, keys=None: storage[index],
        points=bins(sources, options.num_bins),
        sha256=hashlib.sha256(recipe.encode()).hexdigest(),  # of arrays it would differ by the machine's rounding
        sources=sources.astype(np.float32),
        auxiliary={**auxiliary, "time": np.arange(len(sources), dtype=np.int32)},
        unmix=mixed.unmix,
    )


def check_range(lower: str, least: float, upper: str, most: float) -> None:
    """ValueError for a range that ends before it begins."""
    if least > most:
        raise ValueError(f"{lower} = {least:g}: expected at most {upper}, {most:g}")


def _num_observed(options: Options) -> int:
    return options.num_observed or options.num_sources
