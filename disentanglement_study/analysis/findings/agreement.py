"""Which metrics rank the models alike, and which do not?"""

import pandas as pd

from disentanglement_study.analysis import names, once
from disentanglement_study.analysis.findings.headline import headline, is_of_disentanglement
from disentanglement_study.analysis.findings.wording import with_interval
from disentanglement_study.analysis.tables.metric_agreement import metric_agreement


def agreement(results: pd.DataFrame) -> list[str]:
    """One sentence: the two metrics that agree most, the two that agree least, and how many pairs agree at all."""
    _, found = headline(results)
    table = once.call(metric_agreement, results, representation=None)
    scores = table["score_a"].map(is_of_disentanglement) & table["score_b"].map(is_of_disentanglement)
    rows = table[(table["representation"] == found[0].representation) & scores].dropna(subset="rank_correlation")
    if rows.empty:
        return []
    first, last = rows.iloc[0], rows.iloc[-1]
    over = f"mean over {rows['data_sets'].max()} data sets, " if rows["data_sets"].max() > 1 else ""
    n = f"({over}{names.count(rows['n'])})"
    highest, lowest = (with_interval(*row[["rank_correlation", "low", "high"]]) for row in (first, last))
    agree, known = (rows["low"] > 0).sum(), rows["low"].notna().any()
    if len(rows) == 1:
        verb = "rank the models alike" if agree or not known else "are not seen to rank the models alike"
        return [f"{_pair(first)} {verb}: rank correlation {highest} {n}."]
    if known and not agree:
        said = f"{_pair(first)} have the highest rank correlation, {highest}"
        return [f"No two metrics are seen to rank the models alike: {said} {n}."]
    pairs = (
        f"{agree} of {len(rows)} pairs of metrics {'has' if agree == 1 else 'have'} an interval above 0"
        if known
        else "one seed gives no interval"
    )
    said = f"rank correlation {highest} and {lowest}; {pairs} {n}"
    return [f"{_pair(first)} rank the models most alike, {_pair(last)} least: {said}."]


def _pair(row: pd.Series) -> str:
    return f"{names.label(row['score_a'], names.SCORES)} and {names.label(row['score_b'], names.SCORES)}"
