"""How many seeds does a comparison of two methods need? A power analysis from the spread over seeds of a study."""

from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import t as student

from disentanglement_study.analysis import models as study
from disentanglement_study.analysis import names, once, power
from disentanglement_study.analysis.models import METRIC, Models
from disentanglement_study.analysis.power import Spread
from disentanglement_study.analysis.rows import NothingToDraw

SEEDS = (2, 5, 10, 20, 50)  # of each method
DIFFERENCES = (0.05, 0.1)
BEST, MEDIAN = "best strength", "median strength"
LOWER_IS_BETTER = ("fairness",)
KEYS = ["data_set", "representation", "metric", "score"]
OF_SPREAD = ["sd", "sd_low", "sd_high", "cells", "degrees_of_freedom"]
COUNTS = ["n", "failed", "missing"]


def detectable_difference(results: pd.DataFrame, representation: str = "mean") -> pd.DataFrame:
    """The smallest difference of two methods' mean scores that so many seeds each detect.

    At 80 % power, two-sided at 5 %.

    A row per data_set ("all": pooled over them, where there are several), score and `seeds` of each method: difference,
    low and high, for the SD and the ends of its 95 % interval; sd, the standard deviation over seeds within a method at
    a strength, pooled over all these cells that have two seeds or more; n, the models in these. Formulas and sources:
    `analysis.power`. All cells count as if their SDs were the same, and scores as normal.
    """
    rows = [
        [*one.where, *_of_spread(one.spread), seeds, *(times * end for end in one.spread[:3]), *one.counts]
        for one in once.call(_scores, results, representation=representation)
        for seeds in SEEDS
        for times in [power.detectable(seeds)]
    ]
    return pd.DataFrame(rows, columns=[*KEYS, *OF_SPREAD, "seeds", "difference", "low", "high", *COUNTS])


def seeds_needed(results: pd.DataFrame, representation: str = "mean") -> pd.DataFrame:
    """How many seeds each of two methods needs for a difference of means to be detected.

    How many seeds each of two methods needs for a difference of their mean scores to be detected.

    With 80 % power, two-sided at 5 %, as in `detectable_difference`. A row per data_set ("all" as there), score and
    `comparison`: a difference of 0.05 and of 0.1, and that between the `better` and the `second` best method, each at
    its best strength, and at the median of its strengths. difference with low and high (95 %, Student's t; for a given
    one itself), sd, and seeds, with fewest and most for the ends of the interval: of the difference where it is
    measured, else of the SD. NaN: not within 1,000 seeds. The best two are chosen by the scores that are compared,
    which makes their difference look larger than it is where there are few seeds.
    """
    rows = []
    for one in once.call(_scores, results, representation=representation):
        for difference in DIFFERENCES:
            ends = [power.needed(difference / sd) for sd in one.spread[:3]]
            rows.append([*one.where, f"{difference:g}", "", "", *[difference] * 3, one.spread.sd, *ends, *one.counts])
        for comparison, pair in one.pairs.items():
            seeds, most, fewest = (power.needed(max(end, 0) / one.spread.sd) for end in pair[2:])
            rows.append([*one.where, comparison, *pair, one.spread.sd, seeds, fewest, most, *one.counts])
    between = ["comparison", "better", "second", "difference", "low", "high", "sd", "seeds", "fewest", "most"]
    return pd.DataFrame(rows, columns=[*KEYS, *between, *COUNTS])


class Pair(NamedTuple):
    """The best two methods and the difference of their means with its interval."""

    better: str
    second: str
    difference: float
    low: float
    high: float


class _Score(NamedTuple):
    """A score on a data set, or on all: its spread, the best two methods by comparison, what lacks it."""

    where: list[str]
    spread: Spread
    pairs: dict[str, Pair]
    lacking: list[int]

    @property
    def counts(self) -> list[int]:
        return [self.spread.n, *self.lacking]


def _of_spread(spread: Spread) -> list[float]:
    return [spread.sd, spread.low, spread.high, spread.cells, spread.degrees_of_freedom]


def _scores(results: pd.DataFrame, representation: str) -> list[_Score]:
    """Each headline score of each data set, then of all together, that differs between seeds of a setting."""
    found = [models.of(METRIC) for models in study.by_data_set(results, representation)]
    if not any(len(models.scores.columns) for models in found):
        raise NothingToDraw("no model has a headline score of a metric")
    scores = [
        one for models in found for score in models.scores
        if (one := _score([models], score, models.data_set)) is not None
    ]  # fmt: skip
    if len(found) > 1:
        shared = names.in_order({score for models in found for score in models.scores}, names.SCORES)
        pooled = [_score([models for models in found if score in models.scores], score, names.ALL) for score in shared]
        scores += [one for one in pooled if one is not None]
    if not scores:
        raise NothingToDraw(
            "no score differs between seeds of a method at a strength: the study needs two seeds or more"
        )
    return scores


def _score(found: list[Models], score: str, data_set: str) -> _Score | None:
    """One score of these data sets; None where seeds do not change it, or there is one of each setting."""
    values = [models.scores[score].to_numpy(float) for models in found]
    there = [np.isfinite(own) for own in values]
    first = np.cumsum([0, *(models.cells.max() + 1 for models in found)])
    cells = [models.cells[has] + start for models, has, start in zip(found, there, first, strict=False)]
    every = np.concatenate([own[has] for own, has in zip(values, there, strict=True)])
    spread = power.spread(every, np.concatenate(cells))
    if spread is None or spread.sd <= 1e-9 * np.abs(every).max():
        return None
    pairs = {}
    if data_set != names.ALL:
        sign = -1 if score in LOWER_IS_BETTER else 1
        own = found[0].runs[there[0]].assign(value=sign * every)
        pairs = {name: pair for name in (BEST, MEDIAN) if (pair := best_two(own, name, spread))}
    lacking = sum((models.lacking().loc[score] for models in found), pd.Series({"failed": 0, "missing": 0}))
    where = [data_set, found[0].representation, found[0].columns[score].metric, score]
    return _Score(where, spread, pairs, [int(number) for number in lacking])


def best_two(runs: pd.DataFrame, at: str, spread: Spread) -> Pair | None:
    """The two methods of the highest mean at their best strength, or at the (lower) median of those swept."""
    means = runs.groupby(["method", "strength"], dropna=False)["value"].agg(["mean", "size"]).reset_index()
    means = means.sort_values("mean" if at == BEST else "strength", kind="stable")
    of_method = means.groupby("method", sort=False)
    last = of_method["mean"].transform("size") - 1
    chosen = means[of_method.cumcount() == (last if at == BEST else last // 2)]
    if len(chosen) < 2:
        return None
    order = names.in_order(chosen["method"], names.METHODS)
    chosen = chosen.set_index("method").loc[order].sort_values("mean", ascending=False, kind="stable")
    difference = float(chosen["mean"].iloc[0] - chosen["mean"].iloc[1])
    error = spread.sd * np.sqrt((1 / chosen["size"].iloc[:2]).sum())
    half = float(error * student.ppf((1 + power.LEVEL) / 2, spread.effective))
    better, second = chosen.index[:2]
    return Pair(better, second, difference, difference - half, difference + half)
