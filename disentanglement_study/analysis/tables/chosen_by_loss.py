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


def chosen_by_loss(results: pd.DataFrame, score: str = "mcc") -> pd.DataFrame:
    """The score of the chosen models: the median, least and most over data sets drawn with other seeds. A series of
    one's own is one draw.

    On each data set (its option `seed`) the restart, a run with another seed, of the lowest training loss is chosen for
    each method and strength; of a method without a loss that of the lowest seed. n: data sets. restarts: the fewest on
    one. margin: the median over data sets of what the model is above FastICA on the same data, of the same
    representation. not_converged and failed: models, chosen or not, with a flag that it was not, or without a score.
    """
    results = checked(results)
    if "data_seed" not in results and not _is_of_ica(results):
        raise NothingToDraw("no data set has an option seed")
    results = drawn(results)
    rows = scored(results)
    models = chosen(rows)
    values = rows[rows["score"] == score].merge(models[["run_id", "restarts"]], on="run_id")
    if values.empty:
        raise NothingToDraw(f"no model has the score {score}")
    of_same_data = ["data_set", "data_seed", "representation"]
    base = values[values["method"] == BASELINE].drop_duplicates(of_same_data)
    base = base.set_index(of_same_data)["value"].rename("baseline")
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
    """The runs of lowest loss, a row each: run_id, data_set, data_seed, SETTING, and of how many restarts it is."""
    runs = rows.drop_duplicates("run_id").set_index("run_id")[["data_set", "data_seed", *SETTING, "seed"]]
    losses = rows[(rows["representation"] == MODEL) & (rows["score"] == "loss")].set_index("run_id")["value"]
    runs = runs.assign(loss=losses.reindex(runs.index)).reset_index()
    groups = ["data_set", "data_seed", *SETTING]
    runs["restarts"] = runs.groupby(groups, dropna=False)["run_id"].transform("size")
    return runs.sort_values(["loss", "seed"], kind="stable").drop_duplicates(groups, ignore_index=True)


def _counts(results: pd.DataFrame, score: str) -> pd.DataFrame:
    """Of each data set, method and strength the models that did not converge, and that failed."""
    setting = results.drop_duplicates("run_id").set_index("run_id")[["data_set", *SETTING]]
    flagged = results["score"].isin(CONVERGED) & (results["value"] == 0)
    failed = is_failure(results) & (results["score"].isin([score, "loss"]) | results["error"].notna())
    counts = {
        name: setting.index.isin(results.loc[rows, "run_id"])
        for name, rows in (("not_converged", flagged), ("failed", failed))
    }
    return setting.assign(**counts).groupby(["data_set", *SETTING], dropna=False)[[*counts]].sum()
