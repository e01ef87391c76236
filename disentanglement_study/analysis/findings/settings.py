"""What does a setting that was swept beside method and strength change?"""

import numpy as np
import pandas as pd

from disentanglement_study.analysis import names, once
from disentanglement_study.analysis.findings.headline import headline
from disentanglement_study.analysis.findings.wording import digits, number, with_interval
from disentanglement_study.analysis.tables.paired_differences import paired_differences


def setting(results: pd.DataFrame) -> list[str]:
    """One sentence: the largest difference of the headline metric between two values of a setting."""
    score, found = headline(results)
    table = once.call(paired_differences, results, representation=None)
    rows = table[(table["representation"] == found[0].representation) & (table["score"] == score)]
    rows = rows[rows["setting"] == rows["setting"].iloc[0]] if len(rows) else rows
    if rows.empty:
        return []
    row = rows.loc[rows["difference"].abs().idxmax()]
    label, name = names.label(score, names.SCORES), row["setting"]
    where = f" on {names.label(row['data_set'], names.DATA_SETS)}" if rows["data_set"].nunique() > 1 else ""
    n = f"({names.count([row['n']], 'pairs of models')})"
    places = digits(max(abs(row["difference"]), np.nan_to_num(row["high"] - row["low"])))
    value, low, high = row[["difference", "low", "high"]]
    if low <= 0 <= high:
        between = (
            f"that of {name} = {row['a']} and {row['b']}{where}"
            if len(rows) > 1
            else f"between {row['a']} and {row['b']}"
        )
        largest = "the largest difference, " if len(rows) > 1 else "the difference "
        end = "," if len(rows) > 1 else ""
        shown = with_interval(value, low, high, digits=places)
        return [f"{label} does not depend on {name} beyond the seeds: {largest}{between}{end} is {shown} {n}."]
    verb = "rises" if value > 0 else "falls"
    least, most = np.sort(np.abs([low, high])).tolist()
    shown = number(abs(value), places) if np.isnan(low) else with_interval(abs(value), least, most, places)
    alone = "; one seed gives no interval" if np.isnan(low) else ""
    return [f"{label} {verb} from {name} = {row['a']} to {row['b']}{where}, all else alike: by {shown} {n}{alone}."]
