"""What can be said of models that have no score of a metric?"""

import pandas as pd

from disentanglement_study.analysis import names
from disentanglement_study.analysis.findings.wording import setting
from disentanglement_study.analysis.rows import NothingToDraw, checked, is_failure
from disentanglement_study.analysis.tables.training_scores import training_scores
from disentanglement_study.runtime.words import counted


def training(results: pd.DataFrame) -> list[str]:
    """That no model is done, that all failed, or what only their ELBO says."""
    results = checked(results)
    number = results["run_id"].nunique()
    if not number:
        return ["No model is done yet, so there is nothing to say."]
    if is_failure(results).all():
        return [f"No model has a score: {'the only model' if number == 1 else f'all {number:,} models'} failed."]
    found = [
        f"The scores of {counted(number, 'model')} need no factors: they do not say how well codes are disentangled."
    ]
    try:
        table = training_scores(results)
    except NothingToDraw:
        return found
    elbo = table[table["score"] == "elbo"]
    if len(elbo) > 1 and elbo["data_set"].nunique() == 1:
        row = elbo.loc[elbo["middle"].idxmax()]
        name = setting(row["method"], row["strength_name"], row["strength"])
        where = names.label(row["data_set"], names.DATA_SETS)
        middle = f"{row['middle']:.4g} nats ({row['least']:.4g} to {row['most']:.4g}, {names.count([row['n']])})"
        found.append(f"{name} has the highest median ELBO on {where}: {middle}.")
    return found
