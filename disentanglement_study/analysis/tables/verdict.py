"""Does a published number, or direction, hold beside one of ours?"""

import numpy as np
import pandas as pd

from disentanglement_study.analysis.published import ALL

YES, NO, NOT_ENOUGH = "yes", "no", "not enough data"


def compared(published: float, around: float, value: float, low: float, high: float) -> tuple[str, str]:
    """Whether it holds, and why, of a value of ours with its 95 % interval.

    It holds if it is as near to ours as that of another study of this size would be in 95 % of cases: within sqrt(2) of
    the half of our interval on its side, and what it is uncertain by itself, `around`: its rounding, or its spread.
    """
    half = (high - value) if published > value else (value - low)
    difference = abs(published - value)
    allowed = np.sqrt(2) * max(half, 0) + around
    return (YES if difference <= allowed else NO), f"they differ by {difference:.3f}; {allowed:.3f} is allowed"


def beyond(threshold: float, low: float, high: float, above: bool = True) -> tuple[str, str]:
    """Whether a value with this 95 % interval is above a threshold, or below it, and why that is not known."""
    if low > threshold or high < threshold:
        return (YES if (low > threshold) == above else NO), ""
    if np.isnan([low, high]).any():
        return NOT_ENOUGH, "no interval: a setting needs more seeds"
    return NOT_ENOUGH, f"the interval ({low:.3f} to {high:.3f}) contains {threshold:.3g}"


def judged(table: pd.DataFrame, results: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """The rows of `paper_vs_measured` with a verdict, and a line on the others ("" if there are none)."""
    rows = table[table["holds"] != NOT_ENOUGH].reset_index(drop=True)
    if not (open_ := len(table) - len(rows)):
        return rows, ""
    there = len(set(ALL) & set(results["data_set"].unique()))
    why = f"it has {there} of {len(ALL)} data sets" if there < len(ALL) else "it has too few scores"
    if table.loc[table["holds"] == NOT_ENOUGH, "measured"].notna().any():
        why += ", and some intervals are too wide"
    return rows, f"{open_} of the {len(table)} claims of Locatello et al. 2019 cannot be judged on this study ({why})"
