"""What does each method need, what does it promise, and what did it reach here?"""

import pandas as pd

from disentanglement_study.analysis import names, once
from disentanglement_study.analysis.promises import PROMISES
from disentanglement_study.analysis.rows import NothingToDraw
from disentanglement_study.analysis.tables.chosen_by_loss import BASELINE, chosen_by_loss


def identifiability(results: pd.DataFrame) -> pd.DataFrame:
    """What each method of non-linear ICA assumes and promises, and the MCC that it reached.

    Of each method of `PROMISES`, on each data set: assumptions, promise, its source, and the MCC reached.

    median, margin, n: as in `chosen_by_loss`, of the codes that are held against what the method identifies.
    """
    table = once.call(chosen_by_loss, results)
    table = table.assign(key=[names.parts(method)[0] for method in table["method"]])
    table = table[table["key"].isin(PROMISES)]
    promises = pd.DataFrame([PROMISES[key]._asdict() for key in table["key"]], index=table.index)
    if table.empty or not (own := table["representation"] == promises.pop("representation")).any():
        raise NothingToDraw("no method of this study promises to identify sources")
    columns = ["method", *promises, "data_set", "median", "margin", "n", "restarts"]
    return names.sort(table.join(promises)[own][columns], ["method", "data_set"])


def promised(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of `chosen_by_loss` of the representations that a method on the same data promises, FastICA aside."""
    there = set()
    for data_set, method in table[["data_set", "method"]].itertuples(index=False, name=None):
        key = names.parts(method)[0]
        if key in PROMISES and key != BASELINE:
            there.add((data_set, PROMISES[key].representation))
    return table[[pair in there for pair in zip(table["data_set"], table["representation"], strict=True)]]
