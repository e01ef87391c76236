"""Matrices of rank correlations as colours and numbers × 100, as the paper shows them."""

from collections.abc import Mapping
from typing import NamedTuple

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from disentanglement_study.analysis.figures import layout, style
from disentanglement_study.analysis.rows import NothingToDraw

COLOURS = matplotlib.colormaps["RdBu"]
# Inches: a number × 100, and a line of text, with some air, and with little where a matrix has many columns.
CELL, TIGHT_CELL, MANY = (0.27, 0.2), (0.2, 0.15), 12
# Of a matrix of which two stand side by side only if its cells, and the numbers in them, are smaller yet.
NARROWEST = 0.145


class Matrix(NamedTuple):
    """The columns of a table that name the panel, the row and the column, each with its keys and their labels."""

    panel: str
    panels: Mapping[str, str]
    row: str
    rows: Mapping[str, str]
    column: str
    columns: Mapping[str, str]


@style.look()
def heat_maps(
    table: pd.DataFrame, matrix: Matrix, title: str, *details: str, unit: str = "models"
) -> style.StudyFigure:
    """A panel for each matrix of a table with the column `rank_correlation`.

    Colour from -1 (red) over 0 (white) to 1 (blue), number × 100; grey and a dash where the correlation is undefined
    (n < 3 or a constant score) or there is none, grey alone where it would be of a score or data set with itself.
    """
    pairs = table[table[matrix.row] != table[matrix.column]]
    if pairs["rank_correlation"].isna().all():
        raise NothingToDraw("no two scores vary over at least 3 models")
    text = layout.Text(
        title, (*details, style.count(pairs, unit)),
        x_ticks=tuple(matrix.columns.values()), y_ticks=tuple(matrix.rows.values()), upright=True,
    )  # fmt: skip
    numbers = table.drop(columns=["low", "high"], errors="ignore")
    cell = _cell(matrix)
    size = max(cell[0] * len(matrix.columns), 0.8), max(cell[1] * len(matrix.rows), 0.3)
    own = list(matrix.rows) == list(matrix.columns)
    widest = layout.width(_shown(rho) for rho in table["rank_correlation"].unique())
    points = style.TEXT * min(1, 0.95 * size[0] / len(matrix.columns) / widest)
    page = layout.panels(numbers, {"": ""}, matrix.panels, text, size, share_x="all", share_y="all")
    for (_, panel), axis in page.axes.items():
        cells = table[table[matrix.panel] == panel].pivot(
            index=matrix.row, columns=matrix.column, values="rank_correlation"
        )
        _draw(axis, cells.reindex(index=list(matrix.rows), columns=list(matrix.columns)).to_numpy(float), points, own)
        axis.set_xticks(range(len(matrix.columns)), list(matrix.columns.values()), rotation=90)
        axis.set_yticks(range(len(matrix.rows)), list(matrix.rows.values()))
    return page.finished()


def _cell(matrix: Matrix) -> tuple[float, float]:
    """Inches of a cell."""
    if len(matrix.columns) < MANY:
        return CELL
    if len(matrix.panels) == 1:
        return TIGHT_CELL
    half = (style.WIDTH - layout.width(matrix.rows.values()) - 0.35) / 2
    across = half / len(matrix.columns)
    return (min(across, TIGHT_CELL[0]) if across >= NARROWEST else TIGHT_CELL[0]), TIGHT_CELL[1]


def _shown(rho: float) -> str:
    return "–" if np.isnan(rho) else f"{round(100 * rho)}"


def _draw(axis: Axes, matrix: np.ndarray, points: float, own: bool) -> None:
    axis.set_facecolor(style.MISSING)
    axis.imshow(matrix, cmap=COLOURS, vmin=-1, vmax=1, aspect="auto", interpolation="nearest")
    for (row, column), rho in np.ndenumerate(matrix):
        if np.isnan(rho) and own and row == column:
            continue
        colour = "black" if np.isnan(rho) else style.readable_on(COLOURS((rho + 1) / 2))
        axis.text(column, row, _shown(rho), ha="center", va="center", color=colour, fontsize=points)
    axis.tick_params(length=0)
    axis.grid(visible=False)
    axis.spines[:].set_visible(False)
