"""A number of a study beside a published one, with its interval."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from disentanglement_study.analysis.rows import NothingToDraw
from disentanglement_study.analysis.tables.verdict import beyond


class Measured(NamedTuple):
    """A number of this study, its interval, the models behind it, and, for a direction, whether the claim holds."""

    value: float
    low: float
    high: float
    n: int
    measured_as: str
    holds: str | None = None  # None: decided by the published number
    why: str = ""


def mean(table: pd.DataFrame, value: str, measured_as: str, independent: list[str]) -> Measured:
    """The mean of the rows. Rows that differ in the columns `independent` err alone, all others together."""
    table = finite(table, value)
    if table.empty:
        raise NothingToDraw("no interval: a setting needs two seeds")
    middle = table[value].mean()
    below, above = (
        np.sqrt((distance.groupby([table[key] for key in independent]).sum() ** 2).sum()) / len(table)
        for distance in (table[value] - table["low"], table["high"] - table[value])
    )
    n = int(table.groupby(independent)["n"].max().sum())
    return Measured(middle, middle - below, middle + above, n, measured_as)


def finite(table: pd.DataFrame, value: str) -> pd.DataFrame:
    """The rows that have the value and its interval."""
    return table[np.isfinite(table[[value, "low", "high"]]).all(axis=1)]


def decided(measured: Measured, threshold: float, above: bool) -> Measured:
    """With what `beyond` says of its interval."""
    holds, why = beyond(threshold, measured.low, measured.high, above)
    return measured._replace(holds=holds, why=why)
