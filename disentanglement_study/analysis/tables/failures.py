"""What failed, and why?"""

import pandas as pd

from disentanglement_study.analysis import names
from disentanglement_study.analysis.rows import checked, is_failure


def failures(results: pd.DataFrame) -> pd.DataFrame:
    """How many models and rows have no score, and why.

    Per data set, method, representation, metric and reason.

    The reason is the first line of the error (of a traceback, its message), or that the value was not finite.
    """
    results = checked(results)
    failed = results[is_failure(results)]
    failed = failed.assign(
        reason=[_reason(error, value) for error, value in zip(failed["error"], failed["value"], strict=True)]
    )
    keys = ["data_set", "method", "representation", "metric", "reason"]
    table = failed.groupby(keys, as_index=False, dropna=False)
    return names.sort(table.agg(models=("run_id", "nunique"), rows=("run_id", "size")), keys)


def _reason(error: object, value: float) -> str:
    """One line that says why a row has no score."""
    lines = [] if pd.isna(error) else [line.rstrip() for line in str(error).splitlines() if line.strip()]
    if not lines:
        return f"the value is {float(value)} and no error was recorded"
    # A traceback opens with a line that says nothing; its message is the last line that is not indented.
    if lines[0].startswith("Traceback"):
        return next((line for line in reversed(lines) if not line.startswith(" ")), lines[0])
    return lines[0].strip()
