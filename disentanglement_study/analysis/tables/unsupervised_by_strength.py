"""How do scores that need no labels change with the strength of the regularisation?"""

import pandas as pd

from disentanglement_study.analysis import models as study
from disentanglement_study.analysis import names
from disentanglement_study.analysis.models import SETTING, WITHOUT_LABELS
from disentanglement_study.analysis.rows import NothingToDraw

KEYS = ["data_set", "representation", "score", *SETTING]
QUARTILES = {"median": 0.5, "lower_quartile": 0.25, "upper_quartile": 0.75}


def unsupervised_by_strength(results: pd.DataFrame, representation: str | None = None) -> pd.DataFrame:
    """Median and quartiles over seeds of each score that needs no labels, per method and strength (Figure 1).

    A row per data_set, representation (None: each), score and setting, with n, failed and missing models. Total
    correlations, mutual information and losses are in nats.
    """
    tables = []
    for models in study.by_data_set(results, representation):
        own = models.of(WITHOUT_LABELS)
        for place, (score, values) in enumerate(own.scores.items()):
            absent = values.isna().to_numpy()
            rows = own.runs[SETTING].assign(
                value=values, failed=own.failed[:, place] & absent, missing=~own.failed[:, place] & absent
            )
            groups = rows[own.possible[:, place]].groupby(SETTING, dropna=False)
            table = pd.DataFrame({name: groups["value"].quantile(at) for name, at in QUARTILES.items()})
            table = table.assign(
                n=groups["value"].count(), failed=groups["failed"].sum(), missing=groups["missing"].sum()
            )
            where = {"data_set": own.data_set, "representation": own.representation, "score": score}
            tables.append(table.reset_index().assign(**where))
    if not tables:
        raise NothingToDraw("no model has a score that needs no labels (training, unsupervised)")
    table = pd.concat(tables, ignore_index=True)
    return names.sort(table[[*KEYS, *QUARTILES, "n", "failed", "missing"]], KEYS)
