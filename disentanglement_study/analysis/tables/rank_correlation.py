"""Do scores order the models alike? Rank correlations of the metrics with each other and with other scores."""

import numpy as np
import pandas as pd

from disentanglement_study.analysis import models as study
from disentanglement_study.analysis import names, once, stats
from disentanglement_study.analysis.models import DOWNSTREAM, METRIC, WITHOUT_LABELS, Models
from disentanglement_study.analysis.rows import NothingToDraw

COLUMNS = [
    "data_set",
    "representation",
    "score_a",
    "score_b",
    "rank_correlation",
    "low",
    "high",
    "n",
    "failed",
    "missing",
]
FAIRNESS = "fairness"
# Needs no labels, but is of disentanglement: it stands beside the metrics, too.
UDR = "udr"


def rank_correlation(
    results: pd.DataFrame,
    representation: str | None = "mean",
    *,
    resamples: int = stats.RESAMPLES,
    seed: int = 0,
) -> pd.DataFrame:
    """Rank correlation of the headline scores with each other, and with UDR.

    Spearman's, over the models of a data set (Locatello et al. 2019, Figure 2).

    A row per data_set, representation (None: each), score_a and score_b, both orders and the diagonal:
    rank_correlation in [-1, 1]; low and high, 95 % over seeds (NaN with resamples=0, or where no setting has two); n,
    the models that have both scores, and of the others how many failed, how many are missing. NaN with n < 3 or where
    a score is constant.
    """
    tables = []
    for models in study.by_data_set(results, representation):
        tables += _pairs(models, of_disentanglement(models), None, resamples, seed)
    return _stack(tables, "a headline score of a metric", representation)


def unsupervised_rank_correlation(
    results: pd.DataFrame,
    representation: str | None = "mean",
    *,
    resamples: int = stats.RESAMPLES,
    seed: int = 0,
) -> pd.DataFrame:
    """Rank correlation of scores that need no labels with the headline scores.

    Spearman's (Locatello et al. 2019, Figure 4 centre).

    Columns as in `rank_correlation`. score_a is a training score (reconstruction, KL, ELBO, training loss; nats), an
    unsupervised one of the same representation (Gaussian total correlation, ...) or UDR; score_b is a disentanglement
    metric. Over all methods, although the training loss of each is on a scale of its own.
    """
    tables = []
    for models in study.by_data_set(results, representation):
        tables += _pairs(models, models.of(WITHOUT_LABELS), models.of(METRIC), resamples, seed)
    return _stack(tables, "both a headline score and one that needs no labels (training, unsupervised)", representation)


def downstream_rank_correlation(
    results: pd.DataFrame,
    representation: str | None = "mean",
    *,
    resamples: int = stats.RESAMPLES,
    seed: int = 0,
) -> pd.DataFrame:
    """Rank correlation of downstream accuracy with the metrics.

    Spearman's (Locatello et al. 2019, Figures 5 and 6).

    Columns as in `rank_correlation`. score_a is the mean test accuracy of logistic regression (LR) or boosted trees
    (GBT) after 10 to 10,000 train points, or its statistical efficiency: accuracy at 100 over accuracy at 10,000.
    """
    tables = []
    for models in study.by_data_set(results, representation):
        tables += _pairs(models, models.of(DOWNSTREAM), _disentanglement(models), resamples, seed)
    return _stack(tables, "both a headline score and a downstream accuracy (downstream_*)", representation)


def fairness_rank_correlation(
    results: pd.DataFrame,
    representation: str | None = "mean",
    *,
    resamples: int = stats.RESAMPLES,
    seed: int = 0,
) -> pd.DataFrame:
    """Rank correlation of unfairness with every other headline score.

    Spearman's (Locatello et al. 2019b, arXiv:1905.13662).

    Columns as in `rank_correlation`. Negative: models that score higher are fairer. Downstream accuracy is among the
    scores, for it goes with both.
    """
    pairs = once.call(rank_correlation, results, representation=representation, resamples=resamples, seed=seed)
    own = (pairs["score_a"] == FAIRNESS) & (pairs["score_b"] != FAIRNESS)
    what = "both the score fairness and another headline score"
    return _stack([pairs[own]] if own.any() else [], what, representation)


def of_disentanglement(models: Models) -> Models:
    """With the headline scores of metrics, and UDR."""
    return models.only([score for score in models.scores if models.columns[score].kind == METRIC or score == UDR])


def _disentanglement(models: Models) -> Models:
    metrics = models.of(METRIC)
    return metrics.only([score for score in metrics.scores if "downstream" not in score and score != FAIRNESS])


def _pairs(models: Models, left: Models, right: Models | None, resamples: int, seed: int) -> list[pd.DataFrame]:
    """The rank correlations of two sets of scores of the same models (None: of left), a row per pair, if any."""
    x, y = left.scores, (left if right is None else right).scores
    if not len(x.columns) or not len(y.columns):
        return []
    matrix = stats.spearman_matrix(
        x.to_numpy(),
        None if right is None else y.to_numpy(),
        models.cells,
        resamples=resamples,
        seed=models.seed(seed),
    )
    cells = matrix._asdict() | lacking(left, left if right is None else right)
    pairs = pd.MultiIndex.from_product([x.columns, y.columns], names=["score_a", "score_b"])
    table = pd.DataFrame({name: cell.ravel() for name, cell in cells.items()}, index=pairs).reset_index()
    return [table.assign(data_set=models.data_set, representation=models.representation)]


def lacking(left: Models, right: Models) -> dict[str, np.ndarray]:
    """Of each pair [p,q], the models that lack a score of it because something failed, and the others that do.

    Models of a method that cannot have one of the two count as neither.
    """
    (there_a, bad_a, could_a), (there_b, bad_b, could_b) = (
        (there.astype(int), (models.failed & ~there).astype(int), models.possible.astype(int))
        for models in (left, right)
        for there in [np.isfinite(models.scores.to_numpy())]
    )
    failed = bad_a.T @ could_b + could_a.T @ bad_b - bad_a.T @ bad_b
    return {"failed": failed, "missing": could_a.T @ could_b - there_a.T @ there_b - failed}


def _stack(tables: list[pd.DataFrame], what: str, representation: str | None) -> pd.DataFrame:
    """The tables below each other."""
    if not tables:
        where = "" if representation is None else f" of the {representation} representation"
        raise NothingToDraw(f"no model has {what}{where}")
    table = pd.concat(tables, ignore_index=True)[COLUMNS]
    return names.sort(table, ["data_set", "representation"])
