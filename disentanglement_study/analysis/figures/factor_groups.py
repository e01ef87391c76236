"""At which threshold do codes mix factors? (Locatello et al. 2020, arXiv:2010.14766)"""

import pandas as pd

from disentanglement_study.analysis import names, once
from disentanglement_study.analysis.figures import layout, shared, style
from disentanglement_study.analysis.tables import factor_groups as groups
from disentanglement_study.analysis.tables.unified_rank_correlation import MATRICES


@style.look()
def factor_groups(results: pd.DataFrame, representation: str = "mean") -> style.StudyFigure:
    """Number of groups of factors by the threshold of each matrix.

    Groups are on y, the threshold on x; a line for each method and data set.

    Means over models, as `tables.factor_groups`: a line that stays high longer is of representations that keep factors
    apart. n: models per line. Thresholds are in units of the matrix (importance, nats, accuracy).
    """
    table = once.call(groups.factor_groups, results, representation=representation)
    marks = style.marks(table["method"])
    matrices = {key: names.label(key, MATRICES) for key in names.in_order(table["matrix"], MATRICES)}
    text = layout.Text(
        "Groups of factors that codes connect, by threshold",
        (f"{representation} representation", style.count(table, "models per line")),
        x="Threshold (in units of the matrix)", y="Groups of factors", x_ticks=("0.0",), y_ticks=("10",),
    )  # fmt: skip
    page = layout.panels(
        table, shared.data_sets(table["data_set"]), matrices, text, (1.9, 0.8),
        share_x="column", share_y="row", legend=[*style.legend(marks)],
    )  # fmt: skip
    for (data_set, matrix), axis in page.axes.items():
        own = table[(table["data_set"] == data_set) & (table["matrix"] == matrix)]
        if own.empty:
            layout.nothing(axis)
        for method, mark in marks.items():
            line = own[own["method"] == method]
            axis.plot(line["threshold"], line["groups"], color=mark.colour, marker=mark.marker, markevery=8)
        axis.yaxis.set_major_locator(layout.few_ticks())
    return page.finished()
