"""Do models that score higher need fewer labels?"""

import numpy as np
import pandas as pd
from scipy.stats import rankdata

from disentanglement_study.analysis import models as study
from disentanglement_study.analysis import names, stats
from disentanglement_study.analysis.models import DOWNSTREAM, METRIC
from disentanglement_study.analysis.rows import NothingToDraw

GROUPS = ("low", "middle", "high")
KEYS = ["data_set", "representation", "score", "task", "num_train"]
QUARTILES = {"median": 0.5, "lower_quartile": 0.25, "upper_quartile": 0.75}


def downstream_by_score(results: pd.DataFrame, representation: str | None = "mean") -> pd.DataFrame:
    """Downstream accuracy after 10 to 10,000 train points of the models that a score puts low, in the middle, high.

    A row per data_set, representation (None: each), headline score, task (LR, GBT), num_train and group: median and
    quartiles of the mean test accuracy, n models, and, for the whole data set, how many failed or are missing. The
    groups are the thirds of the models' ranks; models that tie are in one group, so that groups can differ in size or
    be absent. A score that is constant has none. The thirds are our choice: how the paper groups is not known to us.
    """
    rows = []
    for models in study.by_data_set(results, representation):
        metrics, accuracies = models.of(METRIC), models.of(DOWNSTREAM)
        scored, measured = np.isfinite(metrics.scores.to_numpy()), np.isfinite(accuracies.scores.to_numpy())
        for i, score in enumerate(metrics.scores):
            if "downstream" in score:
                continue
            values, thirds = metrics.scores[score].to_numpy(), {}
            for k, name in enumerate(accuracies.scores):
                task, num_train = _task(name)
                both = scored[:, i] & measured[:, k]
                if num_train is None or both.sum() < stats.MIN_MODELS or np.ptp(values[both]) == 0:
                    continue
                if both.tobytes() not in thirds:  # mostly one: of all models
                    thirds[both.tobytes()] = _thirds(values[both])
                absent = metrics.possible[:, i] & accuracies.possible[:, k] & ~both
                failed = (metrics.failed[:, i] | accuracies.failed[:, k]) & absent
                counts = int(failed.sum()), int((absent & ~failed).sum())
                where = [models.data_set, models.representation, score, task, num_train]
                accuracy = accuracies.scores[name].to_numpy()[both]
                for place, group in enumerate(GROUPS):
                    y = accuracy[thirds[both.tobytes()] == place]
                    if len(y):
                        rows.append([*where, group, *np.quantile(y, list(QUARTILES.values())), len(y), *counts])
    if not rows:
        raise NothingToDraw(
            "fewer than 3 models have both a headline score that varies and a downstream accuracy (downstream_*: mean "
            "test accuracy after 10 to 10,000 train points)"
        )
    columns = [*KEYS, "group", *QUARTILES, "n", "failed", "missing"]
    return names.sort(pd.DataFrame(rows, columns=columns), KEYS)


def _thirds(values: np.ndarray) -> np.ndarray:
    """0, 1, 2 for the lowest, middle and highest third of the ranks."""
    share = (rankdata(values) - 0.5) / len(values)
    return np.minimum((3 * share).astype(int), 2)


def _task(name: str) -> tuple[str, int | None]:
    """ "LR", 1000 of the name of a downstream score; None for its statistical efficiency."""
    task = names.DOWNSTREAM_SCORES[name].split()[0]
    _, _, count = name.rpartition(".n_")
    return task, int(count) if count.isdigit() else None
