"""The shares of variance that the page draws."""

import pandas as pd

from disentanglement_study.analysis import once, tables
from disentanglement_study.analysis.report.encoding import rounded
from disentanglement_study.analysis.rows import NothingToDraw

TEXT = ("data_set", "representation", "score", "by")
NUMBERS = ("r_squared", "adjusted", "low", "high")
COUNTS = ("groups", "n", "failed", "missing")


def variance(results: pd.DataFrame) -> dict:
    """`tables.variance_explained` column by column, of every representation; with `why` where there is none."""
    try:
        table = once.call(tables.variance_explained, results, representation=None)
    except NothingToDraw as reason:
        return {"why": str(reason)}
    columns = {name: table[name].astype(str).tolist() for name in TEXT}
    columns |= {name: rounded(table[name]) for name in NUMBERS}
    return columns | {name: table[name].astype(int).tolist() for name in COUNTS}
