"""How good are the models? Medians and quartiles of every headline score."""

import pandas as pd

from analysis import models as study
from analysis import names
from analysis.models import METRIC, SETTING
from analysis.rows import NothingToDraw


def scores_by_objective(results: pd.DataFrame) -> pd.DataFrame:
    """Median, quartiles and n (models) of each headline score, per objective, over strengths and seeds."""
    return _summary(results, ["objective"])


def scores_by_strength(results: pd.DataFrame) -> pd.DataFrame:
    """Median, quartiles and n (models) of each headline score, per objective and strength, over seeds."""
    return _summary(results, SETTING)


def _summary(results: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """A row per data set, representation, score and combination of the keys, in the papers' order."""
    tables = []
    for models in study.by_data_set(results):
        models = models.of(METRIC)
        long = models.scores.melt(var_name="score", ignore_index=False)
        long = long.assign(failed=models.failed.T.ravel()).join(models.runs)
        if long.empty:
            continue
        long["missing"] = long["value"].isna() & ~long["failed"]
        long["failed"] &= long["value"].isna()
        groups = long.groupby(["score", *keys], dropna=False)
        values = groups["value"]
        quartiles = {"median": 0.5, "lower_quartile": 0.25, "upper_quartile": 0.75}
        table = pd.DataFrame({name: values.quantile(place) for name, place in quartiles.items()})
        table = table.assign(n=values.count(), failed=groups["failed"].sum(), missing=groups["missing"].sum())
        table = table.reset_index().assign(data_set=models.data_set, representation=models.representation)
        tables.append(table.assign(metric=[models.columns[score].metric for score in table["score"]]))
    if not tables:
        raise NothingToDraw("no model has a headline score of a metric")
    table = pd.concat(tables, ignore_index=True)
    table = table[table["n"] > 0]
    order = ["data_set", "representation", "metric", "score", *keys]
    return names.sort(table[[*order, *(column for column in table if column not in order)]], order)
