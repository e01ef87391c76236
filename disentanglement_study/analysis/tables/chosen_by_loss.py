"""How good are the models that one would take, who has no labels? Of restarts the one of lowest training loss."""

import numpy as np
import pandas as pd

from disentanglement_study.analysis import names
from disentanglement_study.analysis.models import MODEL, SETTING
from disentanglement_study.analysis.promises import PROMISES
from disentanglement_study.analysis.rows import NothingToDraw, checked, is_failure, scored

BASELINE = "fast_ica"
CONVERGED = ("converged", "after_converged")
KEYS = ["data_set", "representation", *SETTING]
DRAW = ["data_set", "data_seed", *SETTING]


def chosen_by_loss(results: pd.DataFrame, score: str = "mcc") -> pd.DataFrame:
    """The score of the models of lowest loss, over data sets drawn with other seeds.

    Median, least and most over the draws. A series of one's own is one draw.

    On each data set (its option `seed`) the restart, a run with another seed, of the lowest training loss is chosen for
    each method and strength. A method without a loss, such as FastICA, cannot choose: its score on a data set is the
    median over its restarts. n: data sets. restarts: the fewest on one. margin: the median over data sets of how much
    the score is above that of FastICA on the same data, of the same representation. models: all, chosen or not;
    not_converged and failed: how many of them have a flag that they did not converge, or have no score.
    """
    results = checked(results)
    if "data_seed" not in results and not _is_of_ica(results):
        raise NothingToDraw("no data set has the option seed")
    results = drawn(results)
    values = _of_draws(scored(results), score)
    if values.empty:
        raise NothingToDraw(f"no model has the score {score}")
    of_same_data = ["data_set", "data_seed", "representation"]
    base = values[values["method"] == BASELINE].set_index(of_same_data)["value"].rename("baseline")
    values = values.join(base, on=of_same_data)
    values["margin"] = values["value"] - values["baseline"]
    groups = values.groupby(KEYS, dropna=False)
    table = pd.DataFrame(
        {
            "median": groups["value"].median(),
            "least": groups["value"].min(),
            "most": groups["value"].max(),
            "margin": groups["margin"].median(),
            "n": groups["data_seed"].nunique(),
            "restarts": groups["restarts"].min(),
        }
    ).reset_index()
    table.loc[table["method"] == BASELINE, "margin"] = np.nan
    table.insert(0, "score", score)
    return names.sort(table.join(_counts(results, score), on=["data_set", *SETTING]), KEYS)


def _is_of_ica(results: pd.DataFrame) -> bool:
    """Whether there is a method, beside the baseline, that promises to identify sources."""
    return bool({names.parts(method)[0] for method in results["method"].unique()} & PROMISES.keys() - {BASELINE})


def drawn(results: pd.DataFrame) -> pd.DataFrame:
    """Results with the column `data_seed`: all of one draw, where no data set is drawn."""
    return results if "data_seed" in results else results.assign(data_seed=0)


def chosen(rows: pd.DataFrame) -> pd.DataFrame:
    """The runs of lowest loss, a row each: run_id, data_set, data_seed, SETTING, loss (NaN if the method has none, and
    then the run of the lowest seed), and of how many restarts it is."""
    runs = rows.drop_duplicates("run_id").set_index("run_id")[["data_set", "data_seed", *SETTING, "seed"]]
    losses = rows[(rows["representation"] == MODEL) & (rows["score"] == "loss")].set_index("run_id")["value"]
    runs = runs.assign(loss=losses.reindex(runs.index)).reset_index()
    runs["restarts"] = runs.groupby(DRAW, dropna=False)["run_id"].transform("size")
    return runs.sort_values(["loss", "seed"], kind="stable").drop_duplicates(DRAW, ignore_index=True)


def _of_draws(rows: pd.DataFrame, score: str) -> pd.DataFrame:
    """The score of each method on each draw: a row for each DRAW and representation, with value and restarts."""
    models = chosen(rows)
    values = rows[rows["score"] == score]
    values = values.merge(models[[*DRAW, "run_id", "loss", "restarts"]], on=DRAW, suffixes=("", "_chosen"))
    kept = values[values["loss"].isna() | (values["run_id"] == values["run_id_chosen"])]
    groups = kept.groupby([*DRAW, "representation"], dropna=False)
    return groups.agg(value=("value", "median"), restarts=("restarts", "first")).reset_index()


def _counts(results: pd.DataFrame, score: str) -> pd.DataFrame:
    """Of each data set, method and strength how many models there are, did not converge, and failed."""
    setting = results.drop_duplicates("run_id").set_index("run_id")[["data_set", *SETTING]]
    flagged = results["score"].isin(CONVERGED) & (results["value"] == 0)
    failed = is_failure(results) & (results["score"].isin([score, "loss"]) | results["error"].notna())
    counts = {
        name: setting.index.isin(results.loc[rows, "run_id"])
        for name, rows in (("not_converged", flagged), ("failed", failed))
    }
    groups = setting.assign(models=1, **counts).groupby(["data_set", *SETTING], dropna=False)
    return groups[["models", *counts]].sum()
