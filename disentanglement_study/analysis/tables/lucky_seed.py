"""Can a good run with a bad strength beat a bad run with a good one? (Locatello et al. 2019, section 5.3)"""

import numpy as np
import pandas as pd

from disentanglement_study.analysis import models as study
from disentanglement_study.analysis import names, stats
from disentanglement_study.analysis.rows import NothingToDraw

COLUMNS = ["data_set", "method", "score", "chance", "low", "high", "n"]


def lucky_seed(
    results: pd.DataFrame, representation: str = "mean", *, resamples: int = stats.RESAMPLES, seed: int = 0
) -> pd.DataFrame:
    """The chance that a run of the worst strength of a method beats a run of its best, by a metric of the study.

    Worst and best are the strengths of the lowest and the highest median, among those of two seeds or more; ties of two
    runs count half. A row per data_set, method and score: chance, low and high (95 % over seeds; each resample has a
    worst and a best of its own), n models. High is at least what one pair of runs would make: where no run of few seeds
    beats another, more seeds may.
    """
    rows = []
    for models in study.by_data_set(results, representation):
        for score in (score for score in models.scores if score in names.STUDY_METRICS):
            values = models.scores[score].to_numpy(float)
            for method in models.runs["method"].unique():
                own = (models.runs["method"] == method).to_numpy() & np.isfinite(values)
                cells, y = _repeated(models.cells[own], values[own])
                if len(np.unique(cells)) > 1:
                    weight = stats.resample(cells, resamples, models.seed(seed))
                    rows.append([models.data_set, method, score, *_chance(cells, y, weight), own.sum()])
    if not rows:
        raise NothingToDraw("no method has two strengths with two seeds each")
    return pd.DataFrame(rows, columns=COLUMNS)


def _repeated(cells: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The models of cells of two or more, cells numbered from 0."""
    _, place, count = np.unique(cells, return_inverse=True, return_counts=True)
    there = count[place] > 1
    return np.unique(place[there], return_inverse=True)[1], y[there]


def _chance(cells: np.ndarray, y: np.ndarray, weight: np.ndarray) -> tuple[float, float, float]:
    """The chance and its interval, of models [n] that are there weight [n,resamples] times."""
    groups = [np.flatnonzero(cells == cell) for cell in range(cells.max() + 1)]
    one = np.ones((len(y), 1), weight.dtype)
    estimate, (worst, best) = _beats(groups, y, one)[0], _ends(groups, y, one)[:, 0]
    both = np.concatenate([groups[worst], groups[best]])
    low, high = stats.interval(estimate, _beats(groups, y, weight), stats.widening(cells[both]))
    one_pair = 1 / (len(groups[worst]) * len(groups[best]))
    return float(estimate), float(np.clip(low, 0, 1)), float(np.clip(high, one_pair, 1))


def _ends(groups: list[np.ndarray], y: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Which of the groups have the lowest and the highest median in each resample: [2,resamples]."""
    medians = np.array([stats.medians(y[group], weight[group]) for group in groups])
    return np.stack([medians.argmin(axis=0), len(groups) - 1 - medians[::-1].argmax(axis=0)])


def _beats(groups: list[np.ndarray], y: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """The chance in each resample: [resamples]."""
    ends, found = _ends(groups, y, weight), np.zeros(weight.shape[1])
    for worst, best in np.unique(ends, axis=1).T:
        which = (ends == [[worst], [best]]).all(axis=0)
        low, high = groups[worst], groups[best]
        wins = (y[low][:, None] > y[high]) + (y[low][:, None] == y[high]) / 2
        pairs = np.einsum("ir,ij,jr->r", weight[low][:, which], wins, weight[high][:, which], optimize=True)
        found[which] = pairs / wins.size
    return found
