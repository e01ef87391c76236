"""Sources that depend on their own past, mixed by a net: the data of PCL.

    s_i(t) = a_i s_i(t-1) + e_i(t),    x = f(s),    each s_i of mean 0 and variance 1

Hyvärinen and Morioka 2017, "Nonlinear ICA of temporally dependent stationary sources", section 5. Gaussian sources of
the same coefficient cannot be told apart; with other coefficients, or other innovations, they can.
"""

import dataclasses
import itertools
from pathlib import Path
from typing import Annotated

import numpy as np
from annotated_types import Interval
from jaxtyping import Float

from disentanglement_study import rng
from disentanglement_study.data.catalogue import Facts
from disentanglement_study.data.series import mixture
from disentanglement_study.data.series.innovations import INNOVATIONS, Distribution
from disentanglement_study.types import DataSet

NAME, VERSION = "autoregressive_sources", 1
LARGEST = 0.999  # coefficient, either way
FORGETTING = 20  # what was before the series began counts less than e^-20


@dataclasses.dataclass(frozen=True)
class Options(mixture.Options):
    """Those of `mixture.Options`. The a_i are equally spaced from coefficient - spread to coefficient + spread.
    distribution: of the e_i."""

    num_points: mixture.NumPoints = 16_384
    coefficient: Annotated[float, Interval(ge=-LARGEST, le=LARGEST)] = 0.7
    spread: Annotated[float, Interval(ge=0, lt=1)] = 0.0
    distribution: Distribution = "laplace"


def facts(options: Options) -> Facts:
    """ValueError for a coefficient with which a source would not be stationary, and a wrong length."""
    if (most := LARGEST - abs(options.coefficient)) < options.spread:
        raise ValueError(
            f"spread = {options.spread:g}: expected at most {most:.3g}, so that all coefficients are within "
            f"{-LARGEST} and {LARGEST}"
        )
    if options.spread and options.num_sources == 1:
        raise ValueError(f"spread = {options.spread:g}: expected 0, as one source has one coefficient")
    source = "Hyvärinen and Morioka 2017: autoregressive sources"
    return mixture.facts(options, options.num_points, source)


def load(options: Options, root: Path | None = None) -> DataSet:
    """The series of these options; nothing is kept in `root`."""
    about, lowest = facts(options), options.coefficient - options.spread
    coefficients = np.linspace(lowest, options.coefficient + options.spread, options.num_sources).tolist()
    burn_in = int(FORGETTING / (1 - max(map(abs, coefficients))))
    draws = rng.generator(options.seed, NAME, "innovations")
    innovations = INNOVATIONS[options.distribution](draws, (burn_in + options.num_points, options.num_sources))
    pairs = zip(coefficients, innovations.T, strict=True)
    sources = np.stack([autoregression(coefficient, own) for coefficient, own in pairs], axis=1)[burn_in:]
    sources = (sources - sources.mean(axis=0)) / sources.std(axis=0)
    return mixture.data_set(NAME, VERSION, options, about, sources)


def autoregression(coefficient: float, innovations: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """s(1) = e(1), s(t) = a s(t-1) + e(t)."""
    # Of Python's numbers: NumPy takes ten times longer for single ones.
    return np.array([*itertools.accumulate(innovations.tolist(), lambda past, new: coefficient * past + new)])
