"""The scores of models over a grid of numbers of latents and normalised β, and where the best of them are."""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from disentanglement_study.analysis import models as study
from disentanglement_study.analysis import names, stats
from disentanglement_study.analysis.models import METRIC, OF_CLASSIFIERS, Models
from disentanglement_study.analysis.rows import NothingToDraw, checked
from disentanglement_study.analysis.tables.verdict import NO, NOT_ENOUGH, YES

STRENGTH, LATENTS = "normalised_beta", "num_latents"
MIN_BETAS = 3  # two ends and a middle
WITHIN_1 = (OF_CLASSIFIERS, *names.STUDY_METRICS)  # scores in [0, 1]


class Ridge(NamedTuple):
    """One score of a method on a data set: M numbers of latents, B values of β_norm, both rising.

    A cell is NaN where no model has the score; its interval and resamples are where it has one seed. A resample draws
    the models of each cell from it, made wider as `stats.widening` says.
    """

    data_set: str
    method: str
    score: str
    latents: np.ndarray  # [M]
    betas: np.ndarray  # [B]
    median: np.ndarray  # [M,B]
    low: np.ndarray  # [M,B]: 95 % over seeds
    high: np.ndarray  # [M,B]
    n: np.ndarray  # [M,B]: models, and those of them without the score
    failed: np.ndarray  # [M,B]
    missing: np.ndarray  # [M,B]
    resampled: np.ndarray  # [resamples,M,B]

    @property
    def best(self) -> np.ndarray:
        """The place of the best β_norm of each number of latents, of ties the smallest: [M]."""
        return np.nanargmax(self.median, axis=1)

    def resampled_best(self) -> np.ndarray:
        """`best` of each resample: [resamples,M]; NaN in a row of which a cell has one seed."""
        there = np.isfinite(self.median)
        known = (np.isfinite(self.resampled) | ~there).all(axis=(0, 2))
        values = np.where(there & np.isfinite(self.resampled), self.resampled, -np.inf)
        return np.where(known, values.argmax(axis=2), np.nan)

    def best_interval(self) -> tuple[np.ndarray, np.ndarray]:
        """The places of the ends of the 95 % interval of `best` over seeds: [M], [M]; NaN where there is none."""
        return _ends(self.resampled_best(), method="nearest")

    def edge(self) -> list[str]:
        """Of each number of latents whether its best β_norm is the "lowest" or "highest" that was tried, else ""."""
        ends = [np.flatnonzero(np.isfinite(row))[[0, -1]] for row in self.median]
        return [
            "" if first == last else "lowest" if best == first else "highest" if best == last else ""
            for best, (first, last) in zip(self.best, ends, strict=True)
        ]

    def inverted_u(self) -> list[str]:
        """Of each number of latents whether the best is inside the grid and above both of its ends, intervals apart."""
        return [self._is_inverted_u(row, *where) for row, where in enumerate(zip(self.best, self.edge(), strict=True))]

    def _is_inverted_u(self, row: int, best: int, edge: str) -> str:
        tried = np.flatnonzero(np.isfinite(self.median[row]))
        if len(tried) < MIN_BETAS:
            return NOT_ENOUGH
        if edge:
            return NO
        ends = tried[[0, -1]]
        if not np.isfinite([self.low[row, best], *self.high[row, ends]]).all():
            return NOT_ENOUGH
        return YES if (self.high[row, ends] < self.low[row, best]).all() else NO


def ridges(
    results: pd.DataFrame, representation: str = "mean", *, resamples: int = stats.RESAMPLES, seed: int = 0
) -> list[Ridge]:
    """A `Ridge` of each data set, method and headline score that models with a normalised β have.

    NothingToDraw where β was given, not β_norm, or where the number of latents is no axis of the sweep.
    """
    results = checked(results)
    found = []
    for models in study.by_data_set(results, representation):
        models = models.of(METRIC)
        models = models.part((models.runs["strength_name"] == STRENGTH).to_numpy())
        parts = [names.parts(method) for method in models.runs["method"]]
        latents = np.array([float(settings.pop(LATENTS, "nan")) for _, settings in parts])
        methods = np.array([names.joined(base, settings) for base, settings in parts], dtype=object)
        for method in names.in_order(methods[np.isfinite(latents)], names.METHODS):
            own = (methods == method) & np.isfinite(latents)
            found += _of_method(models.part(own), method, latents[own].astype(int), resamples, seed)
    if not found:
        raise NothingToDraw(_lacking(results, representation))
    return found


def shown(scores: Iterable[str]) -> list[str]:
    """The scores to judge by: the paper's own if it is there, else those of the study of 2019, else all."""
    scores = names.in_order(scores, names.SCORES)
    of_study = [score for score in scores if score in names.STUDY_METRICS]
    return [OF_CLASSIFIERS] if OF_CLASSIFIERS in scores else of_study or scores


def _lacking(results: pd.DataFrame, representation: str) -> str:
    own = results[results["strength_name"] == STRENGTH]
    if own.empty:
        given = ", only beta" if "beta" in set(results["strength_name"]) else ""
        return f"no model was given beta_vae.{STRENGTH}{given}"
    if not any(LATENTS in names.parts(method)[1] for method in own["method"].unique()):
        return "all models have one number of latents: nets.num_latents is not an axis of the sweep"
    return f"no model with a normalised β has a headline score of the {representation} representation"


def _of_method(models: Models, method: str, latents: np.ndarray, resamples: int, seed: int) -> list[Ridge]:
    beta = models.runs["strength"].to_numpy(float)
    found = []
    for place, (score, column) in enumerate(models.scores.items()):
        values = column.to_numpy(float)
        there = np.isfinite(values)
        if not there.any():
            continue
        rows, columns = np.unique(latents[there]), np.unique(beta)
        median, low, high = (np.full((len(rows), len(columns)), np.nan) for _ in range(3))
        n, failed, missing = (np.zeros((len(rows), len(columns)), dtype=int) for _ in range(3))
        drawn = np.full((resamples, *median.shape), np.nan)
        cells = np.searchsorted(columns, beta) + len(columns) * latents
        weight = np.zeros((len(values), resamples))
        weight[there] = stats.resample(cells[there], resamples, models.seed(seed))
        absent = models.possible[:, place] & ~there
        for (row, column), _ in np.ndenumerate(median):
            cell = (latents == rows[row]) & (beta == columns[column])
            own, lost = cell & there, cell & absent
            n[row, column], failed[row, column] = own.sum(), (lost & models.failed[:, place]).sum()
            missing[row, column] = lost.sum() - failed[row, column]
            if own.any():
                median[row, column] = middle = np.median(values[own])
            if own.sum() > 1:
                wider = stats.widening(np.zeros(own.sum()))
                drawn[:, row, column] = middle + wider * (stats.medians(values[own], weight[own]) - middle)
                ends = np.array(stats.interval(middle, drawn[:, row, column]))
                low[row, column], high[row, column] = ends.clip(0, 1) if score in WITHIN_1 else ends
        grid = median, low, high, n, failed, missing, drawn
        found.append(Ridge(models.data_set, method, str(score), rows, columns, *grid))
    return found


def _ends(resampled: np.ndarray, **how: Any) -> tuple[np.ndarray, np.ndarray]:
    """The ends of the 95 % interval of the columns of resampled [resamples,M]; NaN for a column that is NaN."""
    tails = (1 - stats.LEVEL) / 2, (1 + stats.LEVEL) / 2
    ends = np.full((2, resampled.shape[1]), np.nan)
    known = np.isfinite(resampled).all(axis=0)
    if len(resampled) and known.any():
        ends[:, known] = np.quantile(resampled[:, known], tails, axis=0, **how)
    return ends[0], ends[1]
