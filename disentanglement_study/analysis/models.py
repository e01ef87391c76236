"""The models of a study beside their scores: a row a model, a column a score, and why a score is not there."""

import zlib
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from disentanglement_study.analysis import names, once, stats
from disentanglement_study.analysis.rows import COLUMNS, UNSUPERVISED, is_failure, is_headline, scored, with_method

SETTING = ["method", "strength_name", "strength"]
METRIC, WITHOUT_LABELS, DOWNSTREAM = "metric", "without labels", "downstream"
# Where the scores of a model, not of one of its representations, are.
MODEL = "model"
# The metric whose score is a mean of accuracies, one a classifier, and the prefix of these.
OF_CLASSIFIERS, CLASSIFIER = "higgins_score", "classifier_"
CHANCE = "chance"  # its accuracy of guessing
# The prefix of a downstream accuracy, which `names.DOWNSTREAM_SCORES` goes without.
ACCURACY = "mean_test_accuracy."


class Column(NamedTuple):
    """A score that is read: its name among all scores, its metric, and METRIC, WITHOUT_LABELS or DOWNSTREAM."""

    name: str
    metric: str
    kind: str


class Models(NamedTuple):
    """The models of a data set, those included that have no score, and the scores of one representation."""

    data_set: str
    representation: str
    runs: pd.DataFrame  # [models]: SETTING and seed, by run_id
    cells: np.ndarray  # [models]: which setting, an integer
    scores: pd.DataFrame  # [models, scores]: in the papers' order; NaN where there is none
    failed: np.ndarray  # [models, scores]: whether there is none because the metric, or the run, failed
    possible: np.ndarray  # [models, scores]: whether models of this method have such a score at all
    columns: dict[str, "Column"]  # of each score, where it comes from

    def of(self, *kinds: str) -> "Models":
        """With the scores of these kinds only."""
        return self.only([score for score in self.scores if self.columns[score].kind in kinds])

    def only(self, scores: list[str]) -> "Models":
        """With these scores only."""
        places = self.scores.columns.get_indexer(scores)
        return self._replace(
            scores=self.scores[scores], failed=self.failed[:, places], possible=self.possible[:, places]
        )

    def part(self, which: np.ndarray) -> "Models":
        """Only the models for which `which` [models] is true."""
        rows = ("runs", "cells", "scores", "failed", "possible")
        return self._replace(**{name: getattr(self, name)[which] for name in rows})

    def complete(self) -> list[tuple[np.ndarray, "Models"]]:
        """For the scores that the same models have: which models [models], and the part of them, without gaps."""
        return [
            (there, self.part(there).only(list(self.scores.columns[columns])))
            for there, columns in stats.by_presence(self.scores.to_numpy())
        ]

    def resample(self, resamples: int, seed: int) -> np.ndarray:
        """`stats.resample` of the models."""
        return stats.resample(self.cells, resamples, self.seed(seed))

    def seed(self, seed: int) -> list[int]:
        """Of the resamples: another for each data set, whose runs are others; the same for all representations."""
        return [seed, zlib.crc32(self.data_set.encode())]

    def lacking(self) -> pd.DataFrame:
        """Of each score, how many models failed, and how many could have it and have no row of it."""
        absent = self.possible & ~np.isfinite(self.scores.to_numpy())
        failed = (self.failed & absent).sum(axis=0)
        return pd.DataFrame({"failed": failed, "missing": absent.sum(axis=0) - failed}, index=self.scores.columns)


def by_data_set(results: pd.DataFrame, representation: str | None = None) -> list[Models]:
    """The models of each data set, with the scores of each representation (or of this one), in the papers' order.

    Scores of the model itself, such as its losses, are beside those of either. A score that no model has is left out.
    Models of a method that has no such representation, or no such loss, are neither failed nor missing. A model that
    has a score twice is a ValueError, as in `rows.scored`.
    """
    return [models for models in once.call(_by_data_set, results) if representation in (None, models.representation)]


def _by_data_set(results: pd.DataFrame) -> list[Models]:
    results = with_method(results)
    if missing := [column for column in COLUMNS if column not in results.columns]:
        raise ValueError(f"results lack {', '.join(missing)}: the analysis needs {', '.join(COLUMNS)}")
    if results.empty:
        return []
    run, run_ids = pd.factorize(results["run_id"], sort=True)
    place, columns = _columns(results)
    shown, representations = pd.factorize(results["representation"])
    failure = is_failure(results).to_numpy()

    size = len(run_ids), len(representations), len(columns)
    good = ~failure & (place >= 0)
    at = np.ravel_multi_index((run[good], shown[good], place[good]), size)
    if len(at) and np.bincount(at).max() > 1:
        scored(results[good])  # says which, in its error
    values = np.full(size, np.nan)
    values.reshape(-1)[at] = results["value"].to_numpy()[good]

    metric, metrics = pd.factorize(results["metric"])
    broken = np.zeros((len(run_ids), len(representations), len(metrics)), dtype=bool)
    broken[run[failure], shown[failure], metric[failure]] = True
    training = metrics.get_indexer(["training"])[0]
    failed = broken[:, :, metrics.get_indexer([column.metric for column in columns])]
    if training >= 0:
        failed |= np.expand_dims(broken[:, :, training].any(axis=1), (1, 2))

    first = np.empty(len(run_ids), dtype=int)
    first[run[::-1]] = np.arange(len(run))[::-1]
    runs = results.iloc[first][["run_id", "data_set", *SETTING, "seed"]].set_index("run_id")
    runs = runs.astype(dict.fromkeys(runs.select_dtypes("category"), object))
    tried = np.zeros(size, dtype=bool)
    tried[run[place >= 0], shown[place >= 0], place[place >= 0]] = True
    possible = _possible(runs, values, tried, broken, np.asarray(representations) == MODEL)
    scores = names.in_order([column.name for column in columns], names.SCORES)
    by_name = {column.name: place for place, column in enumerate(columns)}
    named = {column.name: column for column in columns}
    found = []
    for data_set in names.in_order(runs["data_set"], names.DATA_SETS):
        own = (runs["data_set"] == data_set).to_numpy()
        cells = runs[own].groupby(SETTING, dropna=False, sort=True).ngroup().to_numpy()
        for key in names.in_order(set(representations) - {MODEL}, names.REPRESENTATIONS):
            here, bad, could = (part[own, list(representations).index(key)] for part in (values, failed, possible))
            if MODEL in representations:
                model = list(representations).index(MODEL)
                here = np.where(np.isnan(here), values[own, model], here)
                bad = bad | failed[own, model]
            there = [by_name[score] for score in scores if np.isfinite(here[:, by_name[score]]).any()]
            table = pd.DataFrame(here[:, there], runs.index[own], [columns[place].name for place in there])
            masks = bad[:, there] & could[:, there], could[:, there]
            found.append(Models(data_set, key, runs[own].drop(columns="data_set"), cells, table, *masks, named))
    return [models for models in found if len(models.scores.columns)]


def _possible(
    runs: pd.DataFrame, values: np.ndarray, tried: np.ndarray, broken: np.ndarray, is_model: np.ndarray
) -> np.ndarray:
    """Which scores a model can have, by all models of its method and data set: [models,representations,scores].

    All of a representation that one of them has; of the scores of the model itself, those that one of them has.
    """
    seen = np.logical_or(tried.any(axis=2), broken.any(axis=2))
    of_model = tried[:, is_model].any(axis=(0, 1))
    possible = np.ones(tried.shape, dtype=bool)
    for own in runs.groupby(["data_set", "method"], dropna=False).indices.values():
        # Of a method of which nothing has a score it is not known what it could have.
        if np.isfinite(values[own]).any():
            possible[own] = np.where(of_model, tried[own].any(axis=(0, 1)), seen[own].any(axis=0)[:, None])
    return possible


def stored() -> pc.Expression:
    """The rows of `needed`, for `Store.results` to read no others."""
    metric, score = pc.field("metric"), pc.field("score")
    read = metric.isin(list(UNSUPERVISED)) | (metric == score) | score.isin(names.SHOWN_INSTEAD)
    read |= pc.starts_with(score, ACCURACY) | (score == "statistical_efficiency")
    read |= (metric == OF_CLASSIFIERS) & (pc.starts_with(score, CLASSIFIER) | (score == CHANCE))
    value = pc.field("value")
    return read | pc.field("error").is_valid() | value.is_null(nan_is_null=True) | ~pc.is_finite(value)


def needed(results: pd.DataFrame) -> pd.DataFrame:
    """The rows that tables and figures read, with text as categories: a study of hundreds of scores a model is small.

    A model of which no row is read keeps one, so that it is counted.
    """
    keep = (_columns(results)[0] >= 0) | is_failure(results).to_numpy() | is_of_classifier(results, CHANCE)
    kept = results["run_id"][keep].unique()
    alone = ~results["run_id"].isin(kept) & ~results["run_id"].duplicated()
    rows = results[keep | alone.to_numpy()]
    text = ["data_set", "method", "strength_name", "run_id", "representation", "metric", "score"]
    return rows.astype(dict.fromkeys(text, "category"))


def is_of_classifier(results: pd.DataFrame, *others: str) -> np.ndarray:
    """Whether each row [rows] is the accuracy of one classifier of `higgins_score`, which is no headline score, or one
    of its `others`."""
    own = (results["metric"] == OF_CLASSIFIERS).to_numpy(copy=True)
    scores = results["score"][own]
    known = {score: str(score).startswith(CLASSIFIER) or score in others for score in scores.unique()}
    own[own] = [known[score] for score in scores]
    return own


def _columns(results: pd.DataFrame) -> tuple[np.ndarray, list[Column]]:
    """Of each row the place of its score among those that are read, -1 for others; and these."""
    metric, metrics = pd.factorize(results["metric"])
    score, scores = pd.factorize(results["score"])
    pair = metric * len(scores) + score
    columns: list[Column] = []
    place = np.full(len(metrics) * len(scores), -1)
    for there in np.flatnonzero(np.bincount(pair)):
        if column := _column(str(metrics[there // len(scores)]), str(scores[there % len(scores)])):
            if twin := next((other for other in columns if other.name == column.name), None):
                raise ValueError(
                    f"the score {column.name} is of {twin.metric} and of {column.metric}: keep one of them"
                )
            place[there] = len(columns)
            columns.append(column)
    return place[pair], columns


def _column(metric: str, score: str) -> Column | None:
    if metric in UNSUPERVISED:
        return Column(score, metric, WITHOUT_LABELS)
    if is_headline(metric, score):
        return Column(score, metric, METRIC)
    name = f"{metric}.{score.removeprefix(ACCURACY)}"
    return Column(name, metric, DOWNSTREAM) if name in names.DOWNSTREAM_SCORES else None
