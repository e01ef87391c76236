"""Which normalised β is the best for a number of latents? (Higgins et al. 2017, Figure 6 right)"""

import numpy as np
import pandas as pd

from disentanglement_study.analysis import names, once
from disentanglement_study.analysis.tables.ridge import Ridge, ridges

KEYS = ["data_set", "representation", "method", "score", "num_latents"]


def best_normalised_beta(results: pd.DataFrame, representation: str = "mean") -> pd.DataFrame:
    """The β_norm of the highest median score, for each number of latents.

    β_norm = β M / N, of M latents and N pixels.

    A row per data_set, method, headline score and num_latents: best_normalised_beta, its ends low and high (95 % over
    seeds of the best of a resample; NaN where a β_norm has one seed), the median score there with its interval
    (best_score, _low, _high), the lowest and highest β_norm that were tried, n, failed and missing (models of all of
    them), edge ("lowest" or "highest" where the best is an end of the grid, beyond which a better may be), and
    inverted_u: "yes" if the best is inside and both ends are lower, intervals apart, else "no", or "not enough data"
    below three β_norm or two seeds.
    """
    table = pd.concat([_of(ridge) for ridge in once.call(ridges, results, representation=representation)])
    return names.sort(
        table.assign(representation=representation)[[*KEYS, *table.columns.difference(KEYS, False)]], KEYS
    )


def _of(ridge: Ridge) -> pd.DataFrame:
    rows, best = np.arange(len(ridge.latents)), ridge.best
    low, high = (_at(ridge.betas, end) for end in ridge.best_interval())
    tried = np.isfinite(ridge.median)
    return pd.DataFrame(
        {
            "data_set": ridge.data_set,
            "method": ridge.method,
            "score": ridge.score,
            "num_latents": ridge.latents,
            "best_normalised_beta": ridge.betas[best],
            "low": low,
            "high": high,
            "best_score": ridge.median[rows, best],
            "best_score_low": ridge.low[rows, best],
            "best_score_high": ridge.high[rows, best],
            "lowest": [ridge.betas[row].min() for row in tried],
            "highest": [ridge.betas[row].max() for row in tried],
            "n": ridge.n.sum(axis=1),
            "failed": ridge.failed.sum(axis=1),
            "missing": ridge.missing.sum(axis=1),
            "edge": ridge.edge(),
            "inverted_u": ridge.inverted_u(),
        }
    )


def _at(betas: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The β_norm at these places [M], NaN where the place is."""
    known = np.isfinite(places)
    return np.where(known, betas[np.where(known, places, 0).astype(int)], np.nan)
