"""Does a score rise with the strength of the regularisation?"""

import numpy as np
import pandas as pd

from disentanglement_study.analysis import models as study
from disentanglement_study.analysis import names, stats
from disentanglement_study.analysis.models import METRIC, WITHOUT_LABELS
from disentanglement_study.analysis.rows import NothingToDraw

KEYS = ["data_set", "representation", "score", "method"]


def strength_rank_correlation(
    results: pd.DataFrame,
    representation: str | None = "mean",
    *,
    resamples: int = stats.RESAMPLES,
    seed: int = 0,
) -> pd.DataFrame:
    """Rank correlation of a score with the strength, for each method.

    Spearman's, over the models of the method (Locatello et al. 2019, Figures 1 and 4).

    A row per data_set, representation (None: each), score (headline, or one without labels) and method:
    rank_correlation, low and high (95 % over seeds), and n, failed, missing as in `rank_correlation`. A strength of
    AnnealedVAE is a capacity, which regularises less as it grows. A method that has one strength, or none, has no
    row.
    """
    tables = []
    for models in study.by_data_set(results, representation):
        models = models.of(METRIC, WITHOUT_LABELS)
        for method in models.runs.loc[models.runs["strength_name"] != "", "method"].unique():
            own = models.part((models.runs["method"] == method).to_numpy())
            strength = own.runs[["strength"]].to_numpy(float)
            if np.ptp(strength) == 0:
                continue
            scores = own.scores.to_numpy()
            matrix = stats.spearman_matrix(strength, scores, own.cells, resamples=resamples, seed=own.seed(seed))
            table = pd.DataFrame({name: cells[0] for name, cells in matrix._asdict().items()}, own.scores.columns)
            table = table.join(own.lacking()).rename_axis("score").reset_index()
            where = {"data_set": own.data_set, "representation": own.representation, "method": method}
            tables.append(table[np.isfinite(scores).any(axis=0)].assign(**where))
    if not tables:
        raise NothingToDraw("no method has scores at two strengths")
    table = pd.concat(tables, ignore_index=True)
    return names.sort(table[[*KEYS, "rank_correlation", "low", "high", "n", "failed", "missing"]], KEYS)
