"""Sources that switch between two linear dynamics, each on its own, seen through a net and noise: the data of SNICA.

    s(t) = (1 + α - β) s(t-1) - α r(t-1) + β m + σ e(t),    r(t) = s(t-1) + 0.001 e'(t),    x = f(s) + noise
    oscillating: α ~ U(.9, 1), β = .1, m ~ U(0, .5), σ = .003;    returning to its mean: α = .3, β ~ U(.5, .6),
    m ~ U(-.5, 0), σ = .3

Hälvä et al. 2021 (arXiv 2106.09620), section 5. α is the momentum, β how strongly a source is drawn to its mean m; e
and e' are standard Gaussian. Each source has its own parameters, and its own chain of states, which is not given.
The truth is s(t) itself, which f mixes; the code of the authors scores its expectation given the state before.
"""

import dataclasses
from pathlib import Path
from typing import Annotated

import numpy as np
from annotated_types import Interval
from jaxtyping import Float, Int

from disentanglement_study import rng
from disentanglement_study.data.catalogue import Facts
from disentanglement_study.data.series import mixture
from disentanglement_study.types import DataSet

NAME, VERSION = "switching_sources", 1
DRIVING = np.array([0.003, 0.3])  # σ of both dynamics
LAG_NOISE = 0.001
FIRST_VARIANCE = 0.1  # of s and r before the series


@dataclasses.dataclass(frozen=True)
class Options(mixture.Options):
    """Those of `mixture.Options`. stay: the probability to go on with the same dynamics. The paper has 100,000 points,
    and noise of a tenth of the variance, as here."""

    num_sources: mixture.NumSources = 3
    activation: mixture.Activation = "xtanh"
    slope: mixture.Slope = 0.01
    num_observed: mixture.NumObserved = 12
    noise: mixture.Noise = 0.316
    num_points: mixture.NumPoints = 20_000
    stay: Annotated[float, Interval(gt=0, lt=1)] = 0.99


def facts(options: Options) -> Facts:
    source = "Hälvä et al. 2021: sources that switch between two linear dynamics, and noise"
    return mixture.facts(options, options.num_points, source)


def load(options: Options, root: Path | None = None) -> DataSet:
    """The series of these options; nothing is kept in `root`."""
    about, state = facts(options), states(options)
    innovations = rng.generator(options.seed, NAME, "innovations").standard_normal((*state.shape, 2))
    first = rng.generator(options.seed, NAME, "first").normal(0, np.sqrt(FIRST_VARIANCE), (options.num_sources, 2))
    own = zip(*dynamics(options), state.T, innovations.transpose(1, 0, 2), first, strict=True)
    sources = np.stack([simulated(*one) for one in own], axis=1)
    return mixture.data_set(NAME, VERSION, options, about, sources)


def states(options: Options) -> Int[np.ndarray, "n s"]:
    """0 where a source oscillates, 1 where it returns to its mean."""
    draws = rng.generator(options.seed, NAME, "states")
    first = draws.integers(2, size=(1, options.num_sources))
    leaves = draws.random((options.num_points - 1, options.num_sources)) >= options.stay
    return np.cumsum(np.concatenate([first, leaves]), axis=0) % 2


def dynamics(options: Options) -> tuple[Float[np.ndarray, "s 2"], Float[np.ndarray, "s 2"], Float[np.ndarray, "s 2"]]:
    """α, β and m of each source, of both dynamics."""
    draws, number = rng.generator(options.seed, NAME, "dynamics"), options.num_sources
    alpha = np.stack([draws.uniform(0.9, 1, number), np.full(number, 0.3)], axis=1)
    beta = np.stack([np.full(number, 0.1), draws.uniform(0.5, 0.6, number)], axis=1)
    return alpha, beta, np.stack([draws.uniform(0, 0.5, number), draws.uniform(-0.5, 0, number)], axis=1)


def simulated(
    alpha: Float[np.ndarray, "2"],
    beta: Float[np.ndarray, "2"],
    mean: Float[np.ndarray, "2"],
    state: Int[np.ndarray, " n"],
    innovations: Float[np.ndarray, "n 2"],
    first: Float[np.ndarray, "2"],
) -> Float[np.ndarray, " n"]:
    """One source: s(1), ... s(n), of the states and innovations of each time, and s and r before."""
    near, far = 1 + alpha - beta, -alpha
    drive = (beta * mean)[state] + DRIVING[state] * innovations[:, 0]
    s, r = first.tolist()
    values = []
    # Of Python's numbers: NumPy takes ten times longer for single ones.
    for to_s, to_r, driven, lag in zip(
        near[state].tolist(), far[state].tolist(), drive.tolist(), (LAG_NOISE * innovations[:, 1]).tolist(), strict=True
    ):
        s, r = to_s * s + to_r * r + driven, s + lag
        values.append(s)
    return np.array(values)
