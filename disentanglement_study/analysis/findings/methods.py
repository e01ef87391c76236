"""Which method is best by the headline metric, and can the seeds tell?"""

from collections import Counter
from typing import NamedTuple

import numpy as np
import pandas as pd

from disentanglement_study.analysis import names, once, power
from disentanglement_study.analysis.findings.headline import headline, without_truth
from disentanglement_study.analysis.findings.wording import digits, listed, number, percent, setting, with_interval
from disentanglement_study.analysis.models import SETTING, Models
from disentanglement_study.analysis.rows import NothingToDraw
from disentanglement_study.analysis.tables.measured import Measured, mean
from disentanglement_study.analysis.tables.seeds_needed import BEST, LOWER_IS_BETTER, Pair, best_two
from disentanglement_study.analysis.tables.variance_explained import variance_explained
from disentanglement_study.runtime.words import counted


class Best(NamedTuple):
    """The setting of the highest mean on a data set, its models, and the lead of its method over the next."""

    data_set: str
    setting: tuple
    values: np.ndarray  # [seeds]
    methods: int
    settings: int
    n: int
    repeated: bool  # whether a setting has two seeds or more
    pair: Pair | None


class Shares(NamedTuple):
    """Of the variance of the headline metric."""

    method: Measured | None
    setting: Measured | None

    @property
    def seen(self) -> bool:
        """Whether settings make a difference beyond that of the seeds."""
        return self.setting is not None and self.setting.low > 0


def methods(results: pd.DataFrame) -> list[str]:
    """One sentence: the best method, how far it is ahead, and the share of the variance that methods explain."""
    score, found = headline(results)
    every = [best for models in found if (best := _best(without_truth(models), score)) is not None]
    if not every:
        return []
    label = names.label(score, names.SCORES)
    if not any(best.repeated for best in every):
        return [_of_one_seed(label, every)]
    shares = _shares(results, score, found)
    if max(best.settings for best in every) == 1:
        return [_alone(label, every[0])]
    if max(best.methods for best in every) == 1:
        return [_strengths(label, every, shares)]
    return [_one(label, every[0], shares) if len(every) == 1 else _several(label, every, shares)]


def _best(models: Models, score: str) -> Best | None:
    values = models.scores[score].to_numpy(float)
    there = np.isfinite(values)
    if not there.any():
        return None
    runs, values = models.runs[there], values[there]
    sign = -1 if score in LOWER_IS_BETTER else 1
    runs = runs.assign(value=sign * values)
    groups = runs.groupby(SETTING, dropna=False)["value"].mean()
    order = names.in_order(runs["method"], names.METHODS)
    top = max(groups.index, key=lambda key: (groups[key], -order.index(key[0])))
    own = (runs[SETTING] == list(top)).all(axis=1).to_numpy()
    spread = power.spread(values, models.cells[there])
    pair = best_two(runs, BEST, spread) if spread is not None else None
    counts = runs["method"].nunique(), len(groups), len(values), spread is not None
    return Best(models.data_set, top, values[own], *counts, pair)


def _shares(results: pd.DataFrame, score: str, found: list[Models]) -> Shares:
    """None where a share is not known, or where the truth among the methods would be most of it."""
    if any(len(without_truth(models).runs) < len(models.runs) for models in found):
        return Shares(None, None)
    table = once.call(variance_explained, results, representation=None)
    table = table[(table["representation"] == found[0].representation) & (table["score"] == score)]
    return Shares(*(_share(table, by) for by in ("method", "method_and_strength")))


def _share(table: pd.DataFrame, by: str) -> Measured | None:
    rows = table[(table["by"] == by) & (table["groups"] > 1) & (table["groups"] < table["n"])]
    try:
        return mean(rows, "adjusted", "", ["data_set"])
    except NothingToDraw:
        return None


def _one(label: str, best: Best, shares: Shares) -> str:
    name, where, n = setting(*best.setting), names.label(best.data_set, names.DATA_SETS), names.count([best.n])
    places, pair = digits(best.values.mean()), best.pair
    middle, seeds = number(best.values.mean(), places), counted(len(best.values), "seed")
    lead = ""
    if pair is not None:
        ahead = with_interval(pair.difference, pair.low, pair.high, digits=places)
        lead = f", {ahead} above {names.label(pair.second, names.METHODS)}"
    if pair is not None and pair.low > 0:
        return f"{name} is best by {label} on {where}: mean {middle} over {seeds}{lead}{_explained(shares)} ({n})."
    if shares.setting is not None and not shares.seen:
        return (
            f"{label} does not tell the methods apart on {where}: method and strength explain "
            f"{percent(*shares.setting[:3])} of its variance, and the highest mean is that of {name}, {middle} over "
            f"{seeds}{lead} ({n})."
        )
    return (
        f"No method is clearly best by {label} on {where}: {name} has the highest mean, {middle} over {seeds}{lead}"
        f"{_explained(shares)} ({n})."
    )


def _several(label: str, every: list[Best], shares: Shares) -> str:
    n = f"n = {sum(best.n for best in every):,} models"
    if shares.setting is not None and not shares.seen:
        return (
            f"{label} does not tell the methods apart on {len(every)} data sets: method and strength explain "
            f"{percent(*shares.setting[:3])} of its variance ({n})."
        )
    wins = Counter(best.setting[0] for best in every)
    order = sorted(names.in_order(wins, names.METHODS), key=lambda method: -wins[method])
    first, *others = [(names.label(method, names.METHODS), wins[method]) for method in order]
    leads = listed(
        [f"{first[0]} has the highest mean on {first[1]}", *(f"{name} on {number}" for name, number in others)]
    )
    claim = f"No method is best by {label} on all {len(every)} data sets: {leads}"
    if len(wins) == 1:
        claim = f"{names.label(order[0], names.METHODS)} has the highest mean {label} on all {len(every)} data sets"
    return f"{claim}{_ahead(every, ':' if len(wins) == 1 else ',')}{_explained(shares)} ({n})."


def _ahead(every: list[Best], stop: str) -> str:
    """Goes on with how often the lead over the next method is more than chance."""
    leads = [best.pair for best in every if best.pair is not None]
    told = sum(pair.low > 0 for pair in leads)
    if not leads:
        return ""
    return f"{stop} ahead of the next method by more than the seeds explain on {told or 'none'} of {len(leads)}"


def _explained(shares: Shares) -> str:
    """Ends a sentence: what the seed leaves to the method, and to its strength."""
    if shares.setting is None or not shares.seen:
        return ""
    both = percent(*shares.setting[:3])
    if shares.method is None or np.isclose(shares.method.value, shares.setting.value):
        return f"; the method explains {both} of the variance, and the seed the rest"
    alone = percent(*shares.method[:3])
    return f"; the method explains {alone} of the variance, method and strength {both}, and the seed the rest"


def _strengths(label: str, every: list[Best], shares: Shares) -> str:
    best = every[0]
    key, name, value = best.setting
    method, n = names.label(key, names.METHODS), f"n = {sum(one.n for one in every):,} models"
    where = names.label(best.data_set, names.DATA_SETS) if len(every) == 1 else f"{len(every)} data sets"
    if shares.setting is None or not shares.seen:
        share = f": they explain {percent(*shares.setting[:3])} of its variance" if shares.setting else ""
        return f"{label} does not tell the strengths of {method} apart on {where}{share} ({n})."
    share = f"the strength explains {percent(*shares.setting[:3])} of the variance, and the seed the rest"
    if len(every) > 1:
        best_at = listed(list(dict.fromkeys(f"{one.setting[2]:g}" for one in every)))
        return f"{method} has its highest mean {label} at {names.strength(name)} = {best_at} on {where}: {share} ({n})."
    middle, seeds = number(best.values.mean(), digits(best.values.mean())), counted(len(best.values), "seed")
    return (
        f"{method} has its highest mean {label} on {where} at {names.strength(name, value)}: {middle} over {seeds}; "
        f"{share} ({n})."
    )


def _alone(label: str, best: Best) -> str:
    places = digits(best.values.mean())
    middle, least, most = (
        number(value, places) for value in (best.values.mean(), best.values.min(), best.values.max())
    )
    where = names.label(best.data_set, names.DATA_SETS)
    return (
        f"The study has one setting, so there is nothing to compare: {setting(*best.setting)} has a mean {label} of "
        f"{middle} on {where}, {least} to {most} over {counted(len(best.values), 'seed')}."
    )


def _of_one_seed(label: str, every: list[Best]) -> str:
    best = every[0]
    value, where = number(best.values[0], digits(best.values[0])), names.label(best.data_set, names.DATA_SETS)
    if max(one.settings for one in every) == 1:
        return f"One model says nothing of others: {setting(*best.setting)} has a {label} of {value} on {where}."
    more = "" if len(every) == 1 else f", the first of {len(every)} data sets,"
    return (
        f"One seed a setting is too few to compare methods: the highest {label} on {where}{more} is {value}, of "
        f"{setting(*best.setting)} ({names.count([best.n])})."
    )
