"""Gaussian sources whose means and variances a hidden Markov chain chooses, mixed by a net: the data of HM-NLICA.

    s_i(t) ~ N(μ_i(k), v_i(k)) in state k,    x = f(s)
    the next state is k with the probability `stay`, else k + 1, after the last the first

Hälvä and Hyvärinen 2020 (arXiv 2006.12107), section 5. Means are on the unit sphere, far from each other; variances are
so small that states hardly overlap. "segment" is the state of each point, the truth that HM-NLICA has to find: methods
that need it are told.
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

NAME, VERSION = "hidden_markov_sources", 1
CANDIDATES = 1000  # sets of means, and of variances, of which the best is taken
LEAST_VARIANCE = 0.001
WIDTH = 3.92  # standard deviations between the 2.5% and the 97.5% quantile of a Gaussian


@dataclasses.dataclass(frozen=True)
class Options(mixture.Options):
    """Those of `mixture.Options`. The paper has 2 num_sources + 1 states, and 100,000 points."""

    num_sources: Annotated[int, Interval(ge=2, le=100)] = 5
    num_points: mixture.NumPoints = 20_000
    num_states: Annotated[int, Interval(ge=2, le=100)] = 11
    stay: Annotated[float, Interval(gt=0, lt=1)] = 0.99


def facts(options: Options) -> Facts:
    """ValueError for a series that ends before it has been in each state, or is too long or short."""
    source = "Hälvä and Hyvärinen 2020: sources whose means and variances follow a hidden Markov chain"
    about = mixture.facts(options, options.num_points, source, {"segment": options.num_states})
    if (visited := len(np.unique(states(options)))) < options.num_states:
        raise ValueError(
            f"{options.num_points} points that stay in their state with probability {options.stay:g} are in {visited} "
            f"of {options.num_states} states: expected a longer series, or a smaller probability to stay"
        )
    return about


def load(options: Options, root: Path | None = None) -> DataSet:
    """The series of these options; nothing is kept in `root`."""
    about, state = facts(options), states(options)
    means, variances = emissions(options)
    innovations = rng.generator(options.seed, NAME, "innovations").standard_normal((len(state), options.num_sources))
    sources = means[state] + np.sqrt(variances)[state] * innovations
    return mixture.data_set(NAME, VERSION, options, about, sources, {"segment": state})


def states(options: Options) -> Int[np.ndarray, " n"]:
    """The state of each point; the first is any of them."""
    draws = rng.generator(options.seed, NAME, "states")
    first, leaves = draws.integers(options.num_states), draws.random(options.num_points - 1) >= options.stay
    return ((first + np.concatenate([[0], np.cumsum(leaves)])) % options.num_states).astype(np.int32)


def emissions(options: Options) -> tuple[Float[np.ndarray, "k s"], Float[np.ndarray, "k s"]]:
    """The means and variances of the states.

    Of the drawn means those whose nearest two are farthest apart; of the drawn variances those with which natural
    parameters differ between states in the best conditioned way, on which identifiability rests.
    """
    shape = options.num_states, options.num_sources
    draws = {name: rng.generator(options.seed, NAME, name) for name in ("means", "variances")}
    means = max((_unit(draws["means"].standard_normal(shape)) for _ in range(CANDIDATES)), key=_nearest)
    most = (_nearest(means) / WIDTH) ** 2
    least = min(LEAST_VARIANCE, most / 2)
    candidates = (draws["variances"].uniform(least, most, shape) for _ in range(CANDIDATES))
    return means, min(candidates, key=lambda variances: _condition(means, variances))


def _unit(rows: Float[np.ndarray, "k s"]) -> Float[np.ndarray, "k s"]:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def _nearest(rows: Float[np.ndarray, "k s"]) -> float:
    """The smallest distance of two rows of length 1."""
    cosines = rows @ rows.T
    return float(np.sqrt(max(2 - 2 * cosines[~np.eye(len(rows), dtype=bool)].max(), 0)))


def _condition(means: Float[np.ndarray, "k s"], variances: Float[np.ndarray, "k s"]) -> float:
    """How badly the states' natural parameters, less those of the first, are conditioned."""
    natural = np.concatenate([means / variances, -1 / (2 * variances)], axis=1)
    return float(np.linalg.cond(natural[1:] - natural[0]))
