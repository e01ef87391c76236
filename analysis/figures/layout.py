"""Panels of equal size on a page, with room for their text and no more.

The text is measured and everything placed in inches. matplotlib's constrained layout finds the same by drawing all
panels several times, which for 42 of them takes longer than all else.
"""

import math
import textwrap
from collections.abc import Iterable, Mapping
from itertools import product
from typing import Literal, NamedTuple

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.textpath import text_to_path
from matplotlib.ticker import MaxNLocator

from analysis.figures import style

Share = Literal["all", "row", "column", "none"]
GAP, EDGE, LINE = 0.07, 0.05, 0.125  # Inches: between panels, around the figure, from line to line.
NARROWEST = 3.3  # The column of a page.
SMALLEST = 0.62  # Of a panel; so many that they would be smaller make the figure wider than a page.


class StudyFigure(Figure):
    """A figure that holds the table that it shows."""

    numbers: pd.DataFrame


class Text(NamedTuple):
    """What a figure says around its panels; the tick labels are the widest to make room for."""

    title: str
    details: tuple[str, ...]
    x: str = ""
    y: str = ""
    x_ticks: tuple[str, ...] = ("0.0",)
    y_ticks: tuple[str, ...] = ("0.00",)
    upright: bool = False  # The labels of the x ticks.


class Panels(NamedTuple):
    figure: StudyFigure
    axes: dict[tuple[str, str], Axes]  # by the keys of row and column


def width(texts: Iterable[str], size: float = style.TEXT) -> float:
    """Inches of the longest line of the texts."""
    font = FontProperties(family=style.SETTINGS["font.family"], size=size)
    lines = [line for text in texts for line in text.split("\n")]
    return max((text_to_path.get_text_width_height_descent(line, font, False)[0] for line in lines), default=0) / 72


def panels(
    numbers: pd.DataFrame,
    rows: Mapping[str, str],
    columns: Mapping[str, str],
    text: Text,
    size: tuple[float, float],
    *,
    share_x: Share,
    share_y: Share,
    legend: list[Line2D] = (),
) -> Panels:
    """A panel for each row and column, keys with their labels: a grid, or, of one row or column, as many as fit a line.

    `size` (width, height) of a panel is what it has if there is room. Panels that share an axis have its labels once.
    """
    keys = list(product(rows, columns))
    wrapped = len(rows) == 1 or len(columns) == 1
    x_keys, y_keys = (
        [{"all": None, "row": row, "column": column, "none": (row, column)}[share] for row, column in keys]
        for share in (share_x, share_y)
    )
    ticks_y = width(text.y_ticks) + 0.06
    lines = max((label.count("\n") + 1 for label in text.x_ticks), default=0)
    ticks_x = 0.05 + (width(text.x_ticks) if text.upright else LINE * lines)
    left = EDGE + (LINE + 0.03 if text.y else 0) + ticks_y
    right = EDGE + (0 if wrapped else LINE + 0.03)

    # Of a single row or column, panels that share along it share all.
    apart_y = len(set(y_keys)) > 1 if wrapped else share_y in ("column", "none")
    gap_x = GAP + (ticks_y if apart_y else 0)
    room = style.WIDTH - left - right
    across = len(columns)
    if wrapped:
        across = max(1, min(len(keys), int((room + gap_x) / (size[0] + gap_x))))
        across = math.ceil(len(keys) / math.ceil(len(keys) / across))
    down = math.ceil(len(keys) / across)
    panel = max(min(size[0], (room - (across - 1) * gap_x) / across), SMALLEST), size[1]

    def inner(place: int, other: int, shared: list) -> bool:
        return 0 <= other < len(keys) and shared[place] == shared[other]

    below = [inner(place, place + across, x_keys) for place in range(len(keys))]
    beside = [place % across > 0 and inner(place, place - 1, y_keys) for place in range(len(keys))]
    apart_x = any(not below[place] for place in range(len(keys)) if place + across < len(keys))
    gap_y = GAP + (LINE + 0.03 if wrapped else 0) + (ticks_x if apart_x else 0)

    total = max(left + across * panel[0] + (across - 1) * gap_x + right, NARROWEST)
    title = textwrap.wrap(text.title, int(total * 15.5)) + textwrap.wrap(", ".join(text.details), int(total * 15.5))
    entry = width([line.get_label() for line in legend]) + 0.45
    entries = max(1, min(len(legend), int((total - 2 * EDGE) / entry)))
    named = math.ceil(len(legend) / entries) * (LINE + 0.02) + 0.06 if legend else 0
    top = EDGE + 0.14 * len(title) + 0.06 + LINE + 0.03
    bottom = EDGE + named + (LINE + 0.03 if text.x else 0) + ticks_x
    height = top + down * panel[1] + (down - 1) * gap_y + bottom

    figure = StudyFigure(figsize=(total, height))
    figure.numbers = numbers
    figure.suptitle("\n".join(title), x=EDGE / total, y=1 - EDGE / height, ha="left", va="top", linespacing=1.15)
    middle = (left + (across * panel[0] + (across - 1) * gap_x) / 2) / total
    if text.x:
        figure.supxlabel(text.x, x=middle, y=(EDGE + named) / height, va="bottom", fontsize=style.TEXT)
    if text.y:
        centre = (bottom + (down * panel[1] + (down - 1) * gap_y) / 2) / height
        figure.supylabel(text.y, x=EDGE / total, y=centre, ha="left", fontsize=style.TEXT)
    if legend:
        figure.legend(
            handles=legend, loc="lower left", bbox_to_anchor=(EDGE / total, EDGE / 2 / height), ncols=entries,
            borderaxespad=0, borderpad=0, labelspacing=0.35, columnspacing=1.2, handlelength=1.8,
        )  # fmt: skip

    axes, first_x, first_y = {}, {}, {}
    for place, (row, column) in enumerate(keys):
        x = left + place % across * (panel[0] + gap_x)
        y = height - top - (place // across + 1) * panel[1] - place // across * gap_y
        axis = figure.add_axes(
            (x / total, y / height, panel[0] / total, panel[1] / height),
            sharex=first_x.get(x_keys[place]),
            sharey=first_y.get(y_keys[place]),
        )
        first_x.setdefault(x_keys[place], axis)
        first_y.setdefault(y_keys[place], axis)
        axis.tick_params(labelbottom=not below[place], labelleft=not beside[place])
        if wrapped:
            axis.set_title(columns[column] if len(rows) == 1 else rows[row], loc="left")
        else:
            if place < across:
                axis.set_title(_fitting(columns[column], panel[0] + gap_x), loc="center")
            if place % across == across - 1:
                axis.text(1 + 0.03 / panel[0], 0.5, rows[row], transform=axis.transAxes, rotation=270, va="center")
        axes[row, column] = axis
    return Panels(figure, axes)


def _fitting(label: str, room: float) -> str:
    """The label, or its first words and an ellipsis."""
    while width([label]) > room and " " in label:
        label = label.removesuffix("…").rpartition(" ")[0] + "…"
    return label


def nothing(axis: Axes, what: str = "no scores") -> None:
    """Say in an empty panel that it is one."""
    axis.text(0.5, 0.5, what, transform=axis.transAxes, ha="center", va="center", color="#7F7F7F")


def few_ticks() -> MaxNLocator:
    """Ticks for the axis of a small panel, of at most two digits."""
    return MaxNLocator(3, steps=[1, 2, 5, 10])
