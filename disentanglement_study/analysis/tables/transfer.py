"""Do good settings transfer? The chance that a model chosen elsewhere beats a random one."""

import numpy as np
import pandas as pd

from disentanglement_study.analysis import models as study
from disentanglement_study.analysis import names, once, stats
from disentanglement_study.analysis.models import SETTING, Models
from disentanglement_study.analysis.rows import NothingToDraw

SCORES = names.STUDY_METRICS
# By whether the metric and the data set are those of the choice, as the paper's table is laid out.
RELATIONS = [("same", "same"), ("other", "same"), ("same", "other"), ("other", "other")]


def transfer(
    results: pd.DataFrame,
    scores: tuple[str, ...] = SCORES,
    representation: str = "mean",
    *,
    resamples: int = stats.RESAMPLES,
    seed: int = 0,
) -> pd.DataFrame:
    """The probability that a chosen setting beats a random model on another seed.

    (Locatello et al. 2019, Table 1.)

    The setting, a method at a strength, is the best by one metric on one data set among the models of one seed. Its
    model of another seed is compared with a random other model of the target: by the same or another metric, on the
    same or another data set. `probability` (0.5: chance) is the exact mean over the choice's metric, data set and seed
    and over the target's, where the paper takes 10,000 draws; ties count half, and are broken at random in the choice.

    A row for each relation of `metric` and `data_set` ("same", "other"; the paper calls the latter random): low and
    high (95 % over seeds, drawn whole, across settings, as a choice is made within a seed; NaN where a data set has
    fewer than three), `pairs` of metric and data set at either end, n models of all data sets that have one of the
    scores, failed and missing.
    Not certain of the paper's definition: that it chooses by the models of one seed, not by means over several, and
    that the random model may be of any seed.
    """
    table, resampled, grid = once.call(
        _pairs, results, scores=scores, representation=representation, resamples=resamples, seed=seed
    )
    rows = []
    for metric, data_set in RELATIONS:
        related = (table["metric"] == metric) & (table["data_set"] == data_set)
        own = (related & table["probability"].notna()).to_numpy()
        low = high = estimate = np.nan
        if own.any():
            estimate = table["probability"][own].mean()
            if resamples and not grid.pairs_of_few[own].any():
                low, high = map(float, stats.interval(estimate, resampled[:, own].mean(axis=1), grid.wider))
        counts = (own.sum(), grid.n, grid.failed, grid.missing)
        rows.append([metric, data_set, estimate, *np.clip([low, high], 0, 1), *counts])
    columns = ["metric", "data_set", "probability", "low", "high", "pairs", "n", "failed", "missing"]
    return pd.DataFrame(rows, columns=columns)


def transfer_pairs(
    results: pd.DataFrame,
    scores: tuple[str, ...] = SCORES,
    representation: str = "mean",
    *,
    resamples: int = stats.RESAMPLES,
    seed: int = 0,
) -> pd.DataFrame:
    """The same as `transfer`, for every pair of metrics and data sets.

    `transfer` for every pair of (metric, data set) to choose by and (metric, data set) to be judged by.

    Columns: chosen_on and chosen_by, a data set and a score, and judged_on and judged_by; `metric` and `data_set` say
    whether they are the same; probability, low, high, and n, the models of judged_on that have judged_by.
    """
    table, resampled, grid = once.call(
        _pairs, results, scores=scores, representation=representation, resamples=resamples, seed=seed
    )
    low = high = np.full(len(table), np.nan)
    if resamples:
        low, high = stats.interval(table["probability"].to_numpy(), resampled, grid.wider)
        low, high = (np.where(grid.pairs_of_few, np.nan, end) for end in (low, high))
    return table.assign(low=np.clip(low, 0, 1), high=np.clip(high, 0, 1))


class _Grid:
    """The scores of all data sets on a grid of settings and seeds: values [targets,settings,seeds]."""

    def __init__(self, results: pd.DataFrame, scores: tuple[str, ...], representation: str):
        found = study.by_data_set(results, representation)
        found = [models.only([score for score in scores if score in models.scores]) for models in found]
        found = [models for models in found if len(models.scores.columns)]
        if not found:
            raise NothingToDraw(f"no model has any of {', '.join(scores)} ({representation} representation)")
        runs = pd.concat([models.runs.assign(data_set=models.data_set) for models in found])
        twice = runs[runs.duplicated(["data_set", *SETTING, "seed"])]
        if len(twice):
            raise NothingToDraw(
                f"run {twice.index[0]} has the same setting and seed as another run: keep one draw of the data"
            )
        setting = runs.groupby(SETTING, dropna=False).ngroup().to_numpy()
        place, seeds = pd.factorize(runs["seed"], sort=True)
        self.seeds = len(seeds)
        if self.seeds < 2 or setting.max() < 1:
            raise NothingToDraw("the study needs two settings with two seeds each")
        self.wider = stats.widening(np.zeros(self.seeds))
        self.targets: list[tuple[str, str, int]] = []
        # Of two seeds each resample that holds a pair holds both, and says nothing: there is no interval.
        self.few: list[bool] = []  # of each target
        values, start = [], 0
        self.n = self.failed = self.missing = 0
        for models in found:
            own = slice(start, start := start + len(models.runs))
            for score, column in models.scores.items():
                cells = np.full((setting.max() + 1, self.seeds), np.nan)
                cells[setting[own], place[own]] = column
                values.append(cells)
                self.targets.append((models.data_set, score, int(np.isfinite(cells).sum())))
                self.few.append(np.isfinite(cells).any(axis=0).sum() < 3)
            self._count(models)
        self.values = np.stack(values)

    @property
    def pairs_of_few(self) -> np.ndarray:
        """Which pairs of targets have one of fewer than three seeds: [pairs]."""
        few = np.array(self.few)
        return (few[:, None] | few).ravel()

    def _count(self, models: Models) -> None:
        there = np.isfinite(models.scores.to_numpy())
        absent = models.possible & ~there
        failed = (models.failed & absent).any(axis=1)
        self.n += there.any(axis=1).sum()
        self.failed += failed.sum()
        self.missing += (absent.any(axis=1) & ~failed).sum()


def _pairs(
    results: pd.DataFrame, scores: tuple[str, ...], representation: str, resamples: int, seed: int
) -> tuple[pd.DataFrame, np.ndarray, _Grid]:
    """A row per pair of choice and target with its probability; the resampled ones [resamples,pairs]; the grid."""
    grid = _Grid(results, scores, representation)
    chosen = _chosen(grid.values)
    estimate = _probability(grid.values, chosen, np.ones((grid.seeds, 1)))[0]
    weight = stats.resample(np.zeros(grid.seeds, dtype=int), resamples, seed)
    blocks = np.split(weight, range(stats.BLOCK, resamples, stats.BLOCK), axis=1) if resamples else []
    resampled = [_probability(grid.values, chosen, block) for block in blocks]
    rows = [
        [*a[:2], *b[:2], "same" if a[1] == b[1] else "other", "same" if a[0] == b[0] else "other", b[2]]
        for a in grid.targets
        for b in grid.targets
    ]
    columns = ["chosen_on", "chosen_by", "judged_on", "judged_by", "metric", "data_set", "n"]
    table = pd.DataFrame(rows, columns=columns).assign(probability=estimate)
    return table, np.concatenate(resampled) if resampled else np.zeros((0, len(rows))), grid


def _chosen(values: np.ndarray) -> np.ndarray:
    """The share with which each setting is chosen by the models of each seed: [targets,seeds,settings]."""
    values = np.where(np.isnan(values), -np.inf, values).transpose(0, 2, 1)
    best = values.max(axis=2, keepdims=True)
    chosen = ((values == best) & np.isfinite(best)).astype(float)
    return chosen / np.maximum(chosen.sum(axis=2, keepdims=True), 1)


def _probability(values: np.ndarray, chosen: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Of each pair of targets, that what the first chose beats a random model of the second: [resamples,pairs].

    weight [seeds,resamples] says how often each seed was drawn. Another seed is one of another number, not another
    draw of the same.
    """
    targets, settings, seeds = values.shape
    beats = np.zeros((weight.shape[1], targets, settings, seeds))
    there = np.isfinite(values)
    for target in range(targets):
        drawn = np.broadcast_to(weight, (settings, *weight.shape))[there[target]]
        others = np.maximum(drawn.sum(axis=0) - 1, 1)
        beats[:, target, there[target]] = (0.5 + stats.midranks(values[target][there[target]], drawn) / others).T
    probability = np.empty((weight.shape[1], targets * targets))
    for place, (drawn, wins) in enumerate(zip(weight.T.astype(float), beats, strict=True)):
        all_wins, all_pairs = (_of_other_seeds(chosen, x, drawn) for x in (wins, there.astype(float)))
        ratio = np.divide(all_wins, all_pairs, out=np.full(all_wins.shape, np.nan), where=all_pairs > 1e-9)
        probability[place] = ratio.ravel()
    return probability


def _of_other_seeds(chosen: np.ndarray, x: np.ndarray, drawn: np.ndarray) -> np.ndarray:
    """The sum of x [targets,settings,seeds] over what was chosen by every other seed: [targets,targets]."""
    every = np.einsum("ksc,s->kc", chosen, drawn) @ (x @ drawn).T
    flat = len(x), -1
    same = (chosen * drawn[:, None] ** 2).reshape(flat) @ x.transpose(0, 2, 1).reshape(flat).T
    return every - same
