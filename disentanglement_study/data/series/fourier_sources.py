"""Gaussian sources whose mean and precision are smooth curves of time, mixed by a net: data of GCL and IIA.

    s_i(t) ~ N(a_i(t), exp(-c_i(t)) / 2),    x = f(s)
    a_i, c_i: sums of sin(2πkt/T) and cos(2πkt/T), k = 1..K, of Gaussian weights, stretched to fill their ranges

The innovations of Morioka, Hälvä and Hyvärinen 2021, "Independent innovation analysis for nonlinear vector
autoregressive process", mixed at each time alone, for generalised contrastive learning with time as what is observed
beside x (Hyvärinen, Sasaki and Turner 2019, arXiv 1805.08651).
"""

import dataclasses
from pathlib import Path
from typing import Annotated

import numpy as np
from annotated_types import Interval
from jaxtyping import Float

from disentanglement_study import rng
from disentanglement_study.data.catalogue import Facts
from disentanglement_study.data.series import mixture
from disentanglement_study.types import DataSet

NAME, VERSION = "fourier_sources", 1


@dataclasses.dataclass(frozen=True)
class Options(mixture.Options):
    """Those of `mixture.Options`. num_frequencies: K. mean_range, log_precision_range: a_i and c_i go from minus this
    to this; with 0 they are 0. "u" of each point is the sines and then the cosines that its curves are made of."""

    num_points: mixture.NumPoints = 16_384
    num_frequencies: Annotated[int, Interval(ge=1, le=1000)] = 16
    mean_range: Annotated[float, Interval(ge=0, le=100)] = 1.0
    log_precision_range: Annotated[float, Interval(ge=0, le=20)] = 2.0


def facts(options: Options) -> Facts:
    """ValueError for a series that is too short for its frequencies or bins, or too long."""
    if options.num_points < 4 * options.num_frequencies:
        raise ValueError(
            f"num_frequencies = {options.num_frequencies}: expected at most {options.num_points // 4}, a quarter of "
            "num_points"
        )
    source = "Morioka et al. 2021: Gaussian sources whose mean and precision are curves of time"
    return mixture.facts(options, options.num_points, source, {"u": 2 * options.num_frequencies})


def load(options: Options, root: Path | None = None) -> DataSet:
    """The series of these options; nothing is kept in `root`."""
    about, u = facts(options), basis(options.num_points, options.num_frequencies)
    means = curves(u, options.num_sources, options.mean_range, rng.generator(options.seed, NAME, "means"))
    logs = curves(u, options.num_sources, options.log_precision_range, rng.generator(options.seed, NAME, "precisions"))
    innovations = rng.generator(options.seed, NAME, "innovations").standard_normal(means.shape)
    sources = means + np.sqrt(np.exp(-logs) / 2) * innovations
    return mixture.data_set(NAME, VERSION, options, about, sources, {"u": u.astype(np.float32)})


def basis(num_points: int, num_frequencies: int) -> Float[np.ndarray, "n u"]:
    """[N,2K]: sin(2πkt/N), k = 1..K, then the cosines."""
    angles = 2 * np.pi / num_points * np.outer(np.arange(num_points), np.arange(1, num_frequencies + 1))
    return np.concatenate([np.sin(angles), np.cos(angles)], axis=1)


def curves(u: Float[np.ndarray, "n u"], number: int, size: float, draws: np.random.Generator) -> np.ndarray:
    """[N,number]: random affine functions of u, each from -size to size."""
    drawn = u @ draws.standard_normal((u.shape[1], number))
    least, most = drawn.min(axis=0), drawn.max(axis=0)
    return size * (2 * (drawn - least) / (most - least) - 1)
