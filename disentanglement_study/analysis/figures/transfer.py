"""Do good settings transfer to other metrics and data sets? (Locatello et al. 2019, Table 1)"""

import matplotlib
import numpy as np
import pandas as pd

from disentanglement_study.analysis import once, tables
from disentanglement_study.analysis.figures import layout, style
from disentanglement_study.analysis.rows import NothingToDraw

COLOURS = matplotlib.colormaps["PuOr_r"]
METRICS = {"other": "Another metric", "same": "The same metric"}
DATA_SETS = {"other": "Another\ndata set", "same": "The same\ndata set"}


@style.look()
def transfer(results: pd.DataFrame, representation: str = "mean") -> style.StudyFigure:
    """Probability that a setting chosen by one metric on one data set beats a random model.

    In per cent.

    As `tables.transfer`: 50 % (white) is chance; below each number its 95 % interval over seeds.
    """
    table = once.call(tables.transfer, results, representation=representation)
    if table["probability"].isna().all():
        raise NothingToDraw("no setting can be compared with a random model on another seed")
    text = layout.Text(
        "Probability that a chosen setting beats a random model (%)",
        (f"{representation} representation", f"n = {table['n'].iloc[0]:,} models of all data sets",
         *style.lacking(table)),
        x="Judged on", y="Judged by",
        x_ticks=tuple(DATA_SETS.values()), y_ticks=tuple(METRICS.values()),
    )  # fmt: skip
    page = layout.panels(table, {"": ""}, {"": ""}, text, (1.9, 0.9), share_x="all", share_y="all")
    axis = page.axes["", ""]
    cells = table.set_index(["metric", "data_set"])
    values = np.array([[cells.loc[(metric, data_set), "probability"] for data_set in DATA_SETS] for metric in METRICS])
    axis.set_facecolor(style.MISSING)
    axis.imshow(100 * values, cmap=COLOURS, vmin=0, vmax=100, aspect="auto")
    for row, metric in enumerate(METRICS):
        for column, data_set in enumerate(DATA_SETS):
            cell = cells.loc[(metric, data_set)]
            shown, colour = "–", "black"
            if np.isfinite(cell["probability"]):
                shown, colour = f"{100 * cell['probability']:.1f}", style.readable_on(COLOURS(cell["probability"]))
            if np.isfinite(cell["low"]):
                shown += f"\n[{100 * cell['low']:.1f}, {100 * cell['high']:.1f}]"
            axis.text(column, row, shown, ha="center", va="center", color=colour)
    axis.set_xticks(range(2), list(DATA_SETS.values()))
    axis.set_yticks(range(2), list(METRICS.values()))
    axis.tick_params(length=0)
    axis.grid(visible=False)
    axis.spines[:].set_visible(False)
    return page.finished()
