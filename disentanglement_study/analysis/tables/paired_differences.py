"""What does a setting change? Models that differ in it alone, in pairs."""

import itertools

import numpy as np
import pandas as pd
from scipy.stats import t

from disentanglement_study.analysis import models as study
from disentanglement_study.analysis import names, power
from disentanglement_study.analysis.models import METRIC, WITHOUT_LABELS, Models
from disentanglement_study.analysis.rows import NothingToDraw

KEYS = ["data_set", "representation", "setting", "a", "b", "score"]
COLUMNS = [*KEYS, "difference", "low", "high", "spread", "n", "failed", "missing"]


def paired_differences(
    results: pd.DataFrame,
    representation: str | None = "mean",
) -> pd.DataFrame:
    """The mean difference of a score between models of two values of a setting.

    The models of a pair are alike in all else, also in the seed.

    Settings are the axes of the sweep that no data set has, such as `train.precision`. A row per data_set,
    representation (None: each), setting, two of its values, a and b, and score (headline, or one without labels):
    difference, b less a; low and high, 95 % over seeds by Student's t, of the variance of differences within one method
    and strength (NaN of one seed); spread, the standard deviation over seeds of models of a method, strength and
    settings, of both values; n pairs, and how many have a model that failed, or one missing.
    """
    tables = []
    for models in study.by_data_set(results, representation):
        models = models.of(METRIC, WITHOUT_LABELS)
        split = [names.parts(method) for method in models.runs["method"]]
        for setting in dict.fromkeys(name for _, settings in split for name in settings):
            own = [settings.get(setting) for _, settings in split]
            rest = [_without(setting, base, settings) for base, settings in split]
            runs = models.runs.assign(method=rest, value=own, place=np.arange(len(own)))
            for a, b in itertools.combinations(sorted(runs["value"].dropna().unique(), key=names.place), 2):
                where = {"data_set": models.data_set, "representation": models.representation}
                where |= {"setting": setting, "a": a, "b": b}
                pairs = _pairs(runs, a, b)
                if len(pairs):
                    tables.append(_of_pairs(models, pairs).assign(**where))
    if not tables:
        raise NothingToDraw("no two models differ only in one setting: the sweep has no axis besides strength and seed")
    table = pd.concat(tables, ignore_index=True)
    return names.sort(table[COLUMNS], KEYS)


def _without(setting: str, base: str, settings: dict[str, str]) -> str:
    return names.joined(base, {name: value for name, value in settings.items() if name != setting})


def _pairs(runs: pd.DataFrame, a: str, b: str) -> pd.DataFrame:
    """The places of the models of each pair, `place_a` and `place_b`, and its cell: a method at a strength."""
    alike = ["method", "strength_name", "strength", "seed"]
    one, other = (runs.loc[runs["value"] == value, [*alike, "place"]] for value in (a, b))
    pairs = one.merge(other, on=alike, suffixes=("_a", "_b"))
    return pairs.assign(cell=pairs.groupby(alike[:-1], dropna=False).ngroup())


def _of_pairs(models: Models, pairs: pd.DataFrame) -> pd.DataFrame:
    scores, places = models.scores.to_numpy(), pairs[["place_a", "place_b"]].to_numpy()
    rows = []
    for column, score in enumerate(models.scores):
        values = scores[places, column]  # [pairs, 2]
        there = np.isfinite(values).all(axis=1)
        failed = (models.failed[places, column].any(axis=1) & ~there).sum()
        if not there.any():
            continue
        difference, cells = np.diff(values[there])[:, 0], pairs["cell"].to_numpy()[there]
        middle, half = difference.mean(), _half_width(difference, cells)
        apart = power.spread(values[there].T.ravel(), np.concatenate([cells, cells + len(pairs)]))
        spread = apart.sd if apart else np.nan
        counts = [len(cells), failed, (~there).sum() - failed]
        rows.append([score, middle, middle - half, middle + half, spread, *counts])
    return pd.DataFrame(rows, columns=["score", *COLUMNS[len(KEYS) :]])


def _half_width(difference: np.ndarray, cells: np.ndarray) -> float:
    """Of the interval of the mean of differences [pairs], as many from each cell when a study is repeated."""
    spread = power.spread(difference, cells)
    if spread is None:
        return np.nan
    return float(t.ppf((1 + power.LEVEL) / 2, spread.degrees_of_freedom) * spread.sd / np.sqrt(len(cells)))
