"""What do models say of themselves, without labels? Losses, likelihoods, accuracies of what they learn from."""

import pandas as pd

from disentanglement_study.analysis import names
from disentanglement_study.analysis.models import MODEL, SETTING
from disentanglement_study.analysis.rows import NothingToDraw, checked, is_failure, scored

GROUPS = ["data_set", *SETTING]


def training_scores(results: pd.DataFrame) -> pd.DataFrame:
    """Median, least and most of each score of the model itself, for each method and strength.

    With n, the number of models.

    In the units of the score. `converged` and `after_converged` are 0 or 1: the median is that of most models.
    """
    results = checked(results)
    rows = scored(results)
    rows = rows[rows["representation"] == MODEL]
    if rows.empty:
        raise NothingToDraw("no model has a loss or another training score")
    values = rows.groupby([*GROUPS, "score"], dropna=False)["value"]
    table = pd.DataFrame({"middle": values.median(), "least": values.min(), "most": values.max(), "n": values.count()})
    models = results.groupby(GROUPS, dropna=False)["run_id"].nunique()
    broken = results[is_failure(results) & (results["metric"] == "training")]
    failed = broken.groupby(GROUPS, dropna=False)["run_id"].nunique().reindex(models.index, fill_value=0)
    table = table.reset_index().join(pd.DataFrame({"models": models, "failed": failed}), on=GROUPS)
    table["missing"] = table.pop("models") - table["n"] - table["failed"]
    return names.sort(table, [*GROUPS, "score"])
