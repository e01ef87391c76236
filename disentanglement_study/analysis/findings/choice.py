"""Could good models have been chosen without labels, or on another data set?"""

from collections.abc import Callable

import numpy as np
import pandas as pd

from disentanglement_study.analysis import names, once
from disentanglement_study.analysis.cells import capital
from disentanglement_study.analysis.findings.headline import headline
from disentanglement_study.analysis.findings.wording import listed, percent, with_interval
from disentanglement_study.analysis.rows import NothingToDraw
from disentanglement_study.analysis.tables.measured import finite, mean
from disentanglement_study.analysis.tables.rank_correlation import unsupervised_rank_correlation
from disentanglement_study.analysis.tables.seeds_needed import LOWER_IS_BETTER
from disentanglement_study.analysis.tables.transfer import transfer

# How a model would be chosen by a score, 1: by its highest, -1: by its lowest. Losses of methods are not comparable.
CHOOSE_BY = {
    "udr": (1, "the highest UDR"),
    "udr_lasso": (1, "the highest UDR (Lasso)"),
    "elbo": (1, "the highest ELBO"),
    "reconstruction_loss": (-1, "the lowest reconstruction loss"),
    "gaussian_total_correlation": (-1, "the lowest total correlation"),
    "mutual_information": (-1, "the lowest mutual information of latents"),
}


def choice(results: pd.DataFrame) -> list[str]:
    """One sentence: the score without labels that goes best with the headline metric, and how settings transfer."""
    parts = [part for function in (_without_labels, _elsewhere) if (part := _try(function, results))]
    return [f"{capital('; '.join(parts))}."] if parts else []


def _try(function: Callable[[pd.DataFrame], str], results: pd.DataFrame) -> str:
    try:
        return function(results)
    except NothingToDraw:
        return ""


def _without_labels(results: pd.DataFrame) -> str:
    score, found = headline(results)
    table = once.call(unsupervised_rank_correlation, results, representation=None)
    of_score = (table["representation"] == found[0].representation) & (table["score_b"] == score)
    known = {}
    for key, (sign, _) in CHOOSE_BY.items():
        rows = _turned(table[of_score & (table["score_a"] == key)], sign)
        if len(rows):
            known[key] = mean(rows, "rank_correlation", "", ["data_set"]), rows
    if not known or score in LOWER_IS_BETTER:
        return ""
    key, (best, rows) = max(known.items(), key=lambda item: item[1][0].value)
    label, chosen = names.label(score, names.SCORES), CHOOSE_BY[key][1]
    over = f"mean over {len(rows)} data sets, " if len(rows) > 1 else ""
    rho, n = with_interval(best.value, best.low, best.high), f"({over}n = {best.n:,} models)"
    if not best.low > 0:
        which = f"the best of {len(known)}, {chosen}," if len(known) > 1 else chosen
        return f"no score without labels is a guide to a high {label}: {which} has a rank correlation of {rho} {n}"
    against = [names.label(row.data_set, names.DATA_SETS) for row in rows.itertuples() if row.rank_correlation < 0]
    but = f", but negative on {listed(against)}" if against else ""
    return f"without labels, {chosen} is the best guide to a high {label}: rank correlation {rho} {n}{but}"


def _turned(rows: pd.DataFrame, sign: int) -> pd.DataFrame:
    """The rank correlations with choosing by a score, those that have an interval."""
    low, high = np.sort(sign * rows[["low", "high"]].to_numpy(float), axis=1).T
    return finite(rows.assign(rank_correlation=sign * rows["rank_correlation"], low=low, high=high), "rank_correlation")


def _elsewhere(results: pd.DataFrame) -> str:
    table = once.call(transfer, results).set_index(["metric", "data_set"])
    row = table.loc["same", "other"]
    if not row["pairs"] or np.isnan(row["low"]):
        return ""
    share = percent(*row[["probability", "low", "high"]])
    return f"a setting chosen on one data set beats a random model of another in {share} of cases (chance: 50 %)"
