"""How good are the models? Medians and quartiles of every headline score."""

import pandas as pd

from disentanglement_study.analysis import models as study
from disentanglement_study.analysis import names
from disentanglement_study.analysis.models import METRIC, SETTING
from disentanglement_study.analysis.rows import NothingToDraw

# What a model is shown by, and chosen by the first of them that it has.
SHOWN = ("mig", "dci", "factor_vae_score")


def best_models(results: pd.DataFrame, by: str = "mig") -> pd.DataFrame:
    """The model of each data set and method with the highest score `by`, of the mean representation.

    Its strength, seed, run_id, and whichever scores of `SHOWN` there are. A maximum: it favours methods with more
    models, and is to find a model to look at.
    """
    tables = []
    for models in study.by_data_set(results, "mean"):
        if by not in models.scores:
            continue
        scores = models.scores[[score for score in SHOWN if score in models.scores]]
        table = models.runs[[*SETTING, "seed"]].join(scores).rename_axis("run_id").reset_index()
        table = table[table[by].notna()].sort_values(by, ascending=False, kind="stable").drop_duplicates("method")
        tables.append(table.assign(data_set=models.data_set))
    if not tables or not sum(map(len, tables)):
        raise NothingToDraw(f"no model has the score {by}")
    return names.sort(pd.concat(tables, ignore_index=True), ["data_set", "method"])


def scores_by_method(results: pd.DataFrame) -> pd.DataFrame:
    """Median and quartiles of each headline score, for each method.

    Median, quartiles and n (models) of each headline score, per method, over strengths and seeds.
    """
    return _summary(results, ["method"])


def scores_by_strength(results: pd.DataFrame) -> pd.DataFrame:
    """Median and quartiles of each headline score, for each method and strength.

    Over seeds, with n, the number of models.
    """
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
