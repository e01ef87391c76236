"""What cells of readable tables are written with: numbers, intervals, the names of rows."""

from typing import Any, NamedTuple

import pandas as pd

from disentanglement_study.analysis import names

MISSING = "–"


class Section(NamedTuple):
    """Cells of text under a title; the first `labels` columns name the row. A note says what is missing."""

    title: str
    cells: pd.DataFrame
    labels: int
    note: str = ""


def number(value: float, digits: int = 2) -> str:
    """ "0.41", or a dash where there is none."""
    return MISSING if pd.isna(value) else f"{round(float(value), digits) + 0.0:.{digits}f}"  # no -0.00


def with_interval(value: float, low: float, high: float, digits: int = 2) -> str:
    """ "0.41 [0.38, 0.44]", or "0.41" where there is no interval."""
    shown = number(value, digits)
    return shown if pd.isna(low) else f"{shown} [{number(low, digits)}, {number(high, digits)}]"


def percent(value: float, low: float, high: float) -> str:
    """ "41.0 [38.0, 44.0]" of shares."""
    return with_interval(100 * value, 100 * low, 100 * high, digits=1)


def capital(label: str) -> str:
    """The label with a capital letter, its others as they are."""
    return label[:1].upper() + label[1:]


def where(data_set: str, representation: str) -> str:
    """ "dSprites, mean representation": the end of a title."""
    return f"{names.label(data_set, names.DATA_SETS)}, {representation} representation"


def row_name(row: Any) -> str:
    """ "β-VAE", or "β-VAE, β = 4" where the table and the method have strengths; row: of `DataFrame.itertuples`."""
    strength = names.strength(row.strength_name, row.strength) if hasattr(row, "strength") else ""
    return ", ".join(filter(None, [names.label(row.method, names.METHODS), strength]))
