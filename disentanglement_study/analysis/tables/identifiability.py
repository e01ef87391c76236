"""What does each method need, what does it promise, and what did it reach here?"""

import pandas as pd

from disentanglement_study.analysis import names, once
from disentanglement_study.analysis.promises import PROMISES
from disentanglement_study.analysis.rows import NothingToDraw
from disentanglement_study.analysis.tables.chosen_by_loss import chosen_by_loss


def identifiability(results: pd.DataFrame) -> pd.DataFrame:
    """Of each method of `PROMISES`, on each data set: assumptions, promise, its source, and the MCC reached.

    median, margin, n: as in `chosen_by_loss`, of the codes that are held against what the method identifies.
    """
    table = once.call(chosen_by_loss, results)
    table = table.assign(key=[names.parts(method)[0] for method in table["method"]])
    table = table[table["key"].isin(PROMISES)]
    promises = pd.DataFrame([PROMISES[key]._asdict() for key in table["key"]], index=table.index)
    if table.empty or not (own := table["representation"] == promises.pop("representation")).any():
        raise NothingToDraw("no method of these promises to identify sources")
    columns = ["method", *promises, "data_set", "median", "margin", "n", "restarts"]
    return names.sort(table.join(promises)[own][columns], ["method", "data_set"])
