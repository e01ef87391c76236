"""A matrix of rank correlations as colours and numbers × 100, as the paper shows them."""

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from analysis import names
from analysis.figures import style
from analysis.rows import NothingToDraw

COLOURS = matplotlib.colormaps["RdBu"]


@style.look()
def heat_map(table: pd.DataFrame, what: str, data_set: str, representation: str) -> Figure:
    """Draw a table of `tables.rank_correlation` or of its unsupervised sister: a row per score_a.

    Colour from -1 (red) over 0 (white) to 1 (blue), number × 100; grey and a dash where the correlation is undefined
    (n < 3 or a constant score). n, in the title, is the number of models behind each cell.
    """
    pairs = table[table["score_a"] != table["score_b"]]
    if pairs["rank_correlation"].isna().all():
        raise NothingToDraw("no two scores that vary over at least 3 models")
    matrix = table.pivot(index="score_a", columns="score_b", values="rank_correlation")
    matrix = matrix.loc[table["score_a"].unique(), table["score_b"].unique()]
    rows, columns = matrix.shape

    size = max(2.6 + 0.72 * columns, style.NARROWEST), 1.3 + 0.46 * rows
    figure = Figure(figsize=size, layout="constrained")
    axis = figure.subplots()
    axis.set_facecolor(style.MISSING)
    axis.imshow(matrix, cmap=COLOURS, vmin=-1, vmax=1, aspect="auto")
    for row, column in np.ndindex(rows, columns):
        rho = matrix.iat[row, column]
        text = "–" if np.isnan(rho) else f"{round(100 * rho)}"
        axis.text(column, row, text, ha="center", va="center", color=_readable_on(rho))
    axis.set_xticks(range(columns), [names.label(key, names.SCORES).replace(" ", "\n") for key in matrix.columns])
    axis.set_yticks(range(rows), [names.label(key, names.SCORES) for key in matrix.index])
    axis.tick_params(length=0)
    axis.grid(visible=False)
    axis.spines[:].set_visible(False)
    style.title(figure, what, data_set, f"{representation} representation", names.count(pairs["n"]))
    return figure


def _readable_on(rho: float) -> str:
    """Black on the light colours and on grey, white on the dark ones."""
    if np.isnan(rho):
        return "black"
    red, green, blue, _ = COLOURS((rho + 1) / 2)
    return "white" if 0.299 * red + 0.587 * green + 0.114 * blue < 0.5 else "black"
