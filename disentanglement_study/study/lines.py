"""The losses of many models in few lines, for who looks at a job that runs."""

from collections.abc import Sequence

import numpy as np

from disentanglement_study.store.losses_so_far import Line, Losses, Number, Term
from disentanglement_study.training import learnt
from disentanglement_study.types import Run

MOST = 12  # lines that can be told apart


def lines(runs: Sequence[Run], losses: learnt.Losses) -> Losses:
    """A line for each model; of many models one for each of their hyperparameters; of many of these one for all.

    A value that is not finite is none. Of what is left of a line's models at a step the median is its middle, and the
    10th and 90th percentile are low and high.
    """
    places = [[place] for place in range(len(runs))]
    if len(places) > MOST:
        of: dict[tuple, list[int]] = {}
        for place, run in enumerate(runs):
            of.setdefault(tuple(run.hyper.items()), []).append(place)
        places = [*of.values()] if len(of) <= MOST else [[*range(len(runs))]]
    places.sort(key=lambda group: (*runs[group[0]].hyper.values(), runs[group[0]].seed))
    terms = {name: _term(values, places) for name, values in losses.terms.items()}
    return Losses(losses.steps.tolist(), [_line(runs, group, losses.diverged) for group in places], terms)


def _line(runs: Sequence[Run], group: list[int], diverged: np.ndarray) -> Line:
    first = runs[group[0]]
    hyper = {key: value for key, value in first.hyper.items() if all(runs[one].hyper[key] == value for one in group)}
    return Line(hyper, first.seed if len(group) == 1 else None, len(group), int(diverged[group].sum()))


def _term(values: np.ndarray, places: list[list[int]]) -> Term:
    return Term(*map(list, zip(*(_quantiles(values[group]) for group in places), strict=True)))


def _quantiles(values: np.ndarray) -> tuple[list[Number], list[Number], list[Number]]:
    """Middle, low and high of values [m, P]."""
    found = np.full((3, values.shape[1]), np.nan)
    there = np.isfinite(values)
    every, some = there.all(axis=0), there.any(axis=0)
    for quantile, steps in ((np.quantile, every), (np.nanquantile, some & ~every)):  # the second is slow
        if steps.any():
            found[:, steps] = quantile(np.where(there, values, np.nan)[:, steps], [0.5, 0.1, 0.9], axis=0)
    middle, low, high = ([float(f"{one:.5g}") if np.isfinite(one) else None for one in row] for row in found)
    return middle, low, high
