"""The scores of all runs, a column of numbers each, which the page unpacks when it is chosen."""

import numpy as np
import pandas as pd

from disentanglement_study.analysis import models as study
from disentanglement_study.analysis import names
from disentanglement_study.analysis.report.encoding import floats


def scores(plan: pd.DataFrame, results: pd.DataFrame) -> dict:
    """For each representation the place of each score in `columns`, which are float32 in the order of the plan.

    NaN is a run without the score, infinity one that failed: its metric, or all of it. Scores of the model itself are
    the same column for all representations.
    """
    place = pd.Series(range(len(plan)), index=plan["run_id"])
    found: dict[str, dict[str, np.ndarray]] = {}
    kinds: dict[str, str] = {}
    for models in study.by_data_set(results):
        rows = place[models.scores.index.astype(object)].to_numpy()
        of_score = found.setdefault(models.representation, {})
        for at, (score, values) in enumerate(models.scores.items()):
            column = of_score.setdefault(score, np.full(len(plan), np.nan))
            column[rows] = np.where(models.failed[:, at] & values.isna(), np.inf, values)
            kinds[score] = models.columns[score].kind
    columns: dict[str, int] = {}
    representations = {
        representation: {
            score: columns.setdefault(floats(found[representation][score]), len(columns))
            for score in names.in_order(found[representation], names.SCORES)
        }
        for representation in names.in_order(found, names.REPRESENTATIONS)
    }
    return {"representations": representations, "columns": list(columns), "kinds": kinds}
