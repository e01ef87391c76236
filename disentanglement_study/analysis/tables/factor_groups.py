"""At which threshold do factors share a code?"""

import numpy as np
import pandas as pd

from disentanglement_study.analysis import names
from disentanglement_study.analysis.rows import NothingToDraw, checked, scored, with_method
from disentanglement_study.analysis.tables.unified_rank_correlation import MATRICES, METRIC

KEYS = ["data_set", "representation", "matrix", "method", "threshold"]
THRESHOLDS = 41
MERGE = r"(\w+)\.merge\.factors_(\d+)_(\d+)"


def factor_groups(results: pd.DataFrame, representation: str = "mean") -> pd.DataFrame:
    """In how many groups the factors are at a threshold, of matrices of codes and factors (arXiv:2010.14766).

    Two factors are in one group where codes connect them by entries at or above the threshold. A row per data_set,
    matrix (of the metric `unified_scores`), method and threshold: `groups`, the mean over n models; failed could not
    be scored, missing were not. From the number of factors, where the threshold is above all entries that connect, down
    to 1. The paper counts only factors that a code has at the threshold; of those the study keeps no score.
    """
    results = with_method(results)
    own = checked(results[(results["metric"] == METRIC) & (results["representation"] == representation)])
    rows = scored(own[own["score"].isin([s for s in own["score"].unique() if ".merge." in s])])
    if rows.empty:
        raise NothingToDraw(f"no model has the metric {METRIC} of the {representation} representation")
    kinds = rows["score"].drop_duplicates()
    parts = kinds.str.extract(MERGE).set_axis(["matrix", "a", "b"], axis=1).set_axis(kinds)
    rows = rows.assign(matrix=rows["score"].map(parts["matrix"]), b=rows["score"].map(parts["b"]).astype(int))
    # A group has one factor that is not connected to any before it; it joins them at its best connection.
    joins = rows.groupby(["data_set", "matrix", "method", "run_id", "b"], sort=False)["value"].max()
    of_models, of_own = (
        part.drop_duplicates("run_id").groupby(["data_set", "method"], observed=True).size() for part in (results, own)
    )
    tables = []
    for (data_set, matrix, method), values in joins.groupby(["data_set", "matrix", "method"], sort=False):
        ends = joins.xs((data_set, matrix), level=("data_set", "matrix"))
        thresholds = np.linspace(0, ends.max(), THRESHOLDS)
        models = values.index.get_level_values("run_id").nunique()
        joined = np.searchsorted(np.sort(values.to_numpy()), thresholds, side="left")
        groups = 1 + joined / models
        all_models, tried = of_models[data_set, method], of_own[data_set, method]
        counts = {"n": models, "failed": tried - models, "missing": all_models - tried}
        where = {"data_set": data_set, "matrix": matrix, "method": method}
        tables.append(pd.DataFrame({"threshold": thresholds, "groups": groups}).assign(**counts, **where))
    table = pd.concat(tables, ignore_index=True).assign(representation=representation)
    table["matrix"] = pd.Categorical(table["matrix"], names.in_order(table["matrix"], MATRICES))
    return names.sort(
        table[[*KEYS, "groups", "n", "failed", "missing"]].astype({"matrix": str}), ["data_set", "method"]
    )
