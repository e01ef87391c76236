"""How much of a score does the method decide, how much the strength, how much the seed?"""

import numpy as np
import pandas as pd

from disentanglement_study.analysis import models as study
from disentanglement_study.analysis import names, stats
from disentanglement_study.analysis.models import METRIC, SETTING
from disentanglement_study.analysis.rows import NothingToDraw

# What explains: the name of the table's row, and the columns whose every combination has a mean of its own.
BY = {"method": ["method"], "method_and_strength": SETTING}
COLUMNS = ["data_set", "representation", "metric", "score", "by", "r_squared", "adjusted", "low", "high"]
COLUMNS += ["groups", "n", "failed", "missing"]


def variance_explained(
    results: pd.DataFrame,
    representation: str | None = "mean",
    *,
    resamples: int = stats.RESAMPLES,
    seed: int = 0,
) -> pd.DataFrame:
    """Share of the variance of each headline score that method and strength explain.

    The share of the variance of each headline score that is explained by the method, and with its strength.

    A least-squares fit of one mean for each method, or for each method at each strength (one-way ANOVA); what the
    latter leaves is the seed's. A row per data_set, representation (None: each), score and `by`. `r_squared` is the
    plain R², which the paper's 37 % and 59 % are averages of, as far as we know. It rises with the number of groups
    even where they explain nothing but noise of the seeds; `adjusted` does not, and `low` and `high` (95 % over seeds)
    are its ends. NaN where the score is constant, or each group has one model; of one seed the noise that the method
    is adjusted for is that of the strengths. `n` models in `groups`.
    """
    rows = []
    for models in study.by_data_set(results, representation):
        metrics = models.of(METRIC)
        lacking = metrics.lacking()
        resampled = metrics.resample(resamples, seed).astype(float)
        for there, part in metrics.complete():
            weight, wider = resampled[there], stats.widening(part.cells)
            groups = {by: part.runs.groupby(keys, dropna=False).ngroup().to_numpy() for by, keys in BY.items()}
            settings = groups["method_and_strength"]
            for by, group in groups.items():
                cells = settings if len(np.unique(settings)) < len(settings) else group
                for score, y in part.scores.items():
                    where = [part.data_set, part.representation, part.columns[score].metric, score, by]
                    rows.append([*where, *_share(y.to_numpy(), group, cells, weight, wider), *lacking.loc[score]])
    if not rows:
        raise NothingToDraw("no model has a headline score of a metric")
    return names.sort(pd.DataFrame(rows, columns=COLUMNS), ["data_set", "representation", "score", "by"])


def _share(y: np.ndarray, group: np.ndarray, cells: np.ndarray, weight: np.ndarray, wider: float) -> list:
    """R², adjusted R², the ends of its interval, groups, n. cells: groups in which models differ by noise alone."""
    share, adjusted = (float(found[0]) for found in _shares(y, group, cells, None))
    low = high = np.nan
    if weight.shape[1] and np.isfinite(adjusted):
        # A resample finds the sample's own share, its groups' noise included, where the sample finds the truth.
        _, resampled = _shares(y, group, cells, weight)
        ends = stats.interval(adjusted, resampled, wider, centre=share)
        low, high = (min(float(end), 1.0) for end in ends)  # no share is larger; below 0 as the adjusted one may be
    return [share, adjusted, low, high, len(np.unique(group)), len(y)]


def _shares(y: np.ndarray, group: np.ndarray, cells: np.ndarray, weight: np.ndarray | None) -> tuple:
    """R² and adjusted R², each [resamples]."""
    share = stats.share_of_variance(y, group, weight)
    of_cells = share if cells is group else stats.share_of_variance(y, cells, weight)
    noise = stats.noise_share(of_cells, len(y), len(np.unique(cells)))
    return share, stats.adjusted_share(share, len(np.unique(group)), noise)
