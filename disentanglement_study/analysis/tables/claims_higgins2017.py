"""Do the claims of Higgins et al. 2017 on β and the number of latents hold in this study?"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from disentanglement_study.analysis import once, stats
from disentanglement_study.analysis.published import CLAIMS_HIGGINS_2017
from disentanglement_study.analysis.tables.ridge import Ridge, ridges, shown
from disentanglement_study.analysis.tables.verdict import NO, NOT_ENOUGH, YES

COLUMNS = [
    "data_set", "representation", "method", "score", "claim", "source", "certainty", "published", "measured",
    "measured_as", "low", "high", "n", "failed", "missing", "holds", "why",
]  # fmt: skip


def claims_higgins2017(results: pd.DataFrame, representation: str = "mean") -> pd.DataFrame:
    """Each claim of Higgins et al. 2017 beside what this study measures.

    Each claim beside what this study measures, of each data set and method; nothing is filled in by hand.

    By the `higgins_score` if models have it, else by each metric of the study of 2019. Columns as in
    `paper_vs_measured`. That the best β_norm rises with the number of latents M is measured by the rank correlation of
    M with the best, with its interval over seeds; it holds above 0. A best that is the same for all M does not rise: it
    counts as 0. That the score is an inverted U of β_norm holds if it is one for each M (see `best_normalised_beta`).
    Of a grid with a cell that has no score neither is judged.
    """
    found = once.call(ridges, results, representation=representation)
    rows = []
    for data_set in dict.fromkeys(ridge.data_set for ridge in found):
        own = [ridge for ridge in found if ridge.data_set == data_set]
        scores = shown(ridge.score for ridge in own)
        for ridge in sorted((ridge for ridge in own if ridge.score in scores), key=lambda one: scores.index(one.score)):
            counts = {name: int(getattr(ridge, name).sum()) for name in ("n", "failed", "missing")}
            where = {key: getattr(ridge, key) for key in ("data_set", "method", "score")}
            for claim in CLAIMS_HIGGINS_2017:
                of_claim = {"claim": claim.text, "source": claim.source, "certainty": claim.certainty}
                rows.append(where | of_claim | counts | MEASURES[claim.key](ridge) | _unless_whole(ridge))
    return pd.DataFrame(rows).assign(representation=representation, published=np.nan)[COLUMNS]


def _unless_whole(ridge: Ridge) -> dict:
    """That nothing can be said of a study that is half done: where the best is may be what is missing."""
    absent = np.argwhere(~np.isfinite(ridge.median))
    if not len(absent):
        return {}
    row, column = absent[0]
    more = f", and {len(absent) - 1} more" if len(absent) > 1 else ""
    return {
        "holds": NOT_ENOUGH,
        "why": f"no model with M = {ridge.latents[row]}, β_norm = {ridge.betas[column]:g} has a score{more}",
    }


def _rises(ridge: Ridge) -> dict:
    what = "rank correlation of the number of latents and the best β_norm; holds above 0"
    lacks = ""
    if len(ridge.latents) < stats.MIN_MODELS:
        lacks = f"the study has {len(ridge.latents)} numbers of latents: it needs {stats.MIN_MODELS}"
    elif len(ridge.betas) < 2:
        lacks = "the study has one β_norm"
    if lacks:
        return _measured(np.nan, what, NOT_ENOUGH, lacks)
    value = float(_rank_correlation(ridge.latents, ridge.best[None])[0])
    drawn = ridge.resampled_best()
    if not len(drawn) or not np.isfinite(drawn).all():
        return _measured(value, what, NOT_ENOUGH, "no interval: each β_norm needs two seeds")
    low, high = stats.interval(value, _rank_correlation(ridge.latents, drawn))
    edges = [str(latents) for latents, edge in zip(ridge.latents, ridge.edge(), strict=True) if edge]
    why = f"the best is at the edge of the grid for M = {', '.join(edges)}" if edges else ""
    return _measured(value, what, YES if low > 0 else NO, why, float(low), float(high))


def _inverted_u(ridge: Ridge) -> dict:
    shapes = np.array(ridge.inverted_u())
    what = f"share of the {len(shapes)} numbers of latents with an inverted U; holds if all have one"
    if (shapes == NOT_ENOUGH).any():
        return _measured(np.nan, what, NOT_ENOUGH, "it needs three values of β_norm with two seeds each")
    others = [
        f"M = {latents} ({f'best at the {edge} β_norm' if edge else 'not above both ends, intervals apart'})"
        for latents, edge, shape in zip(ridge.latents, ridge.edge(), shapes, strict=True)
        if shape == NO
    ]
    why = f"not for {', '.join(others)}" if others else ""
    return _measured(float((shapes == YES).mean()), what, NO if others else YES, why)


def _measured(value: float, what: str, holds: str, why: str, low: float = np.nan, high: float = np.nan) -> dict:
    return {"measured": value, "measured_as": what, "low": low, "high": high, "holds": holds, "why": why}


def _rank_correlation(latents: np.ndarray, best: np.ndarray) -> np.ndarray:
    """Spearman's rho of latents [M] with each row of best [rows,M]: [rows]; 0 where the best are the same."""
    rho = stats.spearman_matrix(latents[:, None].astype(float), best.T.astype(float)).rank_correlation[0]
    return np.nan_to_num(rho)


MEASURES: dict[str, Callable[[Ridge], dict]] = {"best_normalised_beta_rises": _rises, "inverted_u": _inverted_u}
