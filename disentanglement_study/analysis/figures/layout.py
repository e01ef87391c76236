"""Panels of equal size on a page, with room for their text and no more.

The text is measured and everything placed in inches. matplotlib's constrained layout finds the same by drawing all
panels several times, and its shared axes tell each other of every change: for 42 panels either takes longer than all
else.
"""

import math
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from itertools import product
from typing import Literal, NamedTuple

import numpy as np
import pandas as pd
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.textpath import text_to_path
from matplotlib.ticker import MaxNLocator

from disentanglement_study.analysis.figures import style

Share = Literal["all", "row", "column", "none"]
GAP, EDGE, LINE = 0.07, 0.05, 0.125  # Inches: between panels, around the figure, from line to line.
HEADER = LINE + 0.03
TITLE_LINE, CHARACTERS = 0.14, 15.5  # Of the title: inches a line, characters an inch.
NARROWEST = 3.3  # The column of a page.
SMALLEST = 0.62  # Of a panel; so many that they would be smaller make the figure wider than a page.


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
    """A figure, its axes by the keys of their row and column, and what those that share an axis have in common."""

    figure: style.StudyFigure
    axes: dict[tuple[str, str], Axes]
    x_groups: list
    y_groups: list

    def finished(self) -> style.StudyFigure:
        """The figure, once all is drawn: the panels that share an axis get limits that hold what each of them shows."""
        for side, groups in (("x", self.x_groups), ("y", self.y_groups)):
            for group in dict.fromkeys(groups):
                own = [axis for axis, of in zip(self.axes.values(), groups, strict=True) if of == group]
                filled = [axis for axis in own if axis.has_data()] or own
                _with_margin(filled[0], filled, side)
                limits = np.array([getattr(axis, f"get_{side}lim")() for axis in filled])
                low, high = limits.min(), limits.max()
                ends = (high, low) if limits[0, 0] > limits[0, 1] else (low, high)
                for axis in own:
                    getattr(axis, f"set_{side}lim")(ends)
        return self.figure


def _with_margin(axis: Axes, others: list[Axes], side: str) -> None:
    """Limits for what all of these show, with room around it, where the axis has none of its own yet."""
    ends = np.array([getattr(other.dataLim, f"interval{side}") for other in others])
    if np.isfinite(ends).all():
        setattr(axis.dataLim, f"interval{side}", (ends.min(), ends.max()))
        axis.autoscale_view(scalex=side == "x", scaley=side == "y")


class _Grid(NamedTuple):
    """Where the panels are, and which of them share an axis."""

    rows: Mapping[str, str]
    columns: Mapping[str, str]
    across: int
    x_groups: list
    y_groups: list

    @property
    def keys(self) -> list[tuple[str, str]]:
        return list(product(self.rows, self.columns))

    @property
    def wrapped(self) -> bool:
        return len(self.rows) == 1 or len(self.columns) == 1

    @property
    def down(self) -> int:
        return math.ceil(len(self.keys) / self.across)

    def has_x_labels(self, place: int) -> bool:
        """Whether no panel below has the same x axis."""
        below = place + self.across
        return below >= len(self.keys) or self.x_groups[place] != self.x_groups[below]

    def has_y_labels(self, place: int) -> bool:
        """Whether no panel to the left has the same y axis."""
        return place % self.across == 0 or self.y_groups[place] != self.y_groups[place - 1]


class _Inches(NamedTuple):
    """Of a panel, between panels, and around them."""

    width: float
    height: float
    gap_x: float
    gap_y: float
    left: float
    right: float
    top: float
    bottom: float
    legend: float

    def across(self, panels: int) -> float:
        return panels * self.width + (panels - 1) * self.gap_x

    def down(self, panels: int) -> float:
        return panels * self.height + (panels - 1) * self.gap_y


def panels(
    numbers: pd.DataFrame,
    rows: Mapping[str, str],
    columns: Mapping[str, str],
    text: Text,
    size: tuple[float, float],
    *,
    share_x: Share,
    share_y: Share,
    legend: Sequence[Artist] = (),
) -> Panels:
    """A panel for each row and column, keys with their labels: a grid, or, of one row or column, as many as fit a line.

    `size` (width, height; inches) of a panel is what it has if there is room. Panels that share an axis show its labels
    once.
    """
    keys = list(product(rows, columns))
    x_groups, y_groups = (
        [{"all": "", "row": key[:1], "column": key[1:], "none": key}[share] for key in keys]
        for share in (share_x, share_y)
    )
    wrapped = len(rows) == 1 or len(columns) == 1
    ticks_y = width(text.y_ticks) + 0.06
    left = EDGE + (HEADER if text.y else 0) + ticks_y
    # Panels in a line have axes of their own where they do not share along it; of one line, all do that share.
    own_y = len(set(y_groups)) > 1 if wrapped else share_y in ("column", "none")
    stands_out = 0 if text.upright else width(text.x_ticks)  # Half of a label, on either side.
    if not wrapped:  # the labels of rows, upright, one below the other: each word has room
        size = size[0], max(size[1], width(" ".join(rows.values()).split()) - GAP)
        rows = {key: _stacked(label, size[1] + GAP) for key, label in rows.items()}
    of_rows = HEADER + LINE * max(label.count("\n") for label in rows.values())
    right = EDGE + max(0 if wrapped else of_rows, stands_out / 2)
    gap_x = max(GAP, 0.03 + stands_out) + (ticks_y if own_y else 0)
    room = style.WIDTH - left - right + gap_x
    across = len(columns)
    if wrapped:  # the titles of panels stand side by side
        of_panels = columns.values() if len(rows) == 1 else rows.values()
        size = max(size[0], min(width(of_panels), room - gap_x)), size[1]
        fit = max(1, min(len(keys), int(room / (size[0] + gap_x))))
        across = math.ceil(len(keys) / math.ceil(len(keys) / fit))
    grid = _Grid(rows, columns, across, x_groups, y_groups)

    lines = max((label.count("\n") + 1 for label in text.x_ticks), default=0)
    ticks_x = 0.05 + (width(text.x_ticks) if text.upright else LINE * lines)
    own_x = any(grid.has_x_labels(place) for place in range(len(keys) - across))
    total = left + across * (max(min(size[0], room / across - gap_x), SMALLEST) + gap_x) - gap_x + right
    figure_width = max(total, NARROWEST)
    title = [line for part in (text.title, ", ".join(text.details)) for line in _wrapped(part, figure_width)]
    entries = _entries(legend, figure_width)
    of_legend = math.ceil(len(legend) / entries) * (LINE + 0.02) + 0.06 if legend else 0.0
    gap_y = GAP + (HEADER if wrapped else 0) + (ticks_x if own_x else 0)
    inches = _Inches(
        width=(total - left - right + gap_x) / across - gap_x,
        height=max(size[1], (width([text.y]) + gap_y) / grid.down - gap_y),  # All rows together hold the label.
        gap_x=gap_x,
        gap_y=gap_y,
        left=left,
        right=figure_width - total + right,
        top=EDGE + TITLE_LINE * len(title) + 0.06 + HEADER,
        bottom=EDGE + of_legend + (HEADER if text.x else 0) + ticks_x,
        legend=of_legend,
    )
    figure = style.StudyFigure(figsize=(figure_width, inches.top + inches.down(grid.down) + inches.bottom))
    figure.numbers = numbers
    _write_around(figure, text, "\n".join(title), grid, inches)
    if legend:
        corner = EDGE / figure.get_figwidth(), EDGE / 2 / figure.get_figheight()
        spaces = {"borderaxespad": 0, "borderpad": 0, "labelspacing": 0.35, "columnspacing": 1.2, "handlelength": 1.8}
        figure.legend(handles=legend, loc="lower left", bbox_to_anchor=corner, ncols=entries, **spaces)
    return Panels(figure, _axes(figure, grid, inches), x_groups, y_groups)


def _wrapped(text: str, inches: float) -> list[str]:
    return textwrap.wrap(text.replace(" × ", "\u00a0×\u00a0"), int(inches * CHARACTERS))


def _entries(legend: Sequence[Artist], inches: float) -> int:
    """How many entries of the legend fit a line."""
    entry = width([str(artist.get_label()) for artist in legend]) + 0.45
    return max(1, min(len(legend), int((inches - 2 * EDGE) / entry)))


def _write_around(figure: Figure, text: Text, title: str, grid: _Grid, inches: _Inches) -> None:
    across, down = figure.get_size_inches()
    figure.suptitle(title, x=EDGE / across, y=1 - EDGE / down, ha="left", va="top", linespacing=1.15)
    if text.x:
        middle = inches.left + inches.across(grid.across) / 2
        x, y = middle / across, (EDGE + inches.legend) / down
        figure.supxlabel(text.x, x=x, y=y, va="bottom", fontsize=style.TEXT)
    if text.y:
        middle = inches.bottom + inches.down(grid.down) / 2
        figure.supylabel(text.y, x=EDGE / across, y=middle / down, ha="left", fontsize=style.TEXT)


def _axes(figure: Figure, grid: _Grid, inches: _Inches) -> dict[tuple[str, str], Axes]:
    """An axis for each panel, with the label of its row or column where it is the last or the first of it."""
    across, down = figure.get_size_inches()
    axes = {}
    for place, (row, column) in enumerate(grid.keys):
        x = inches.left + place % grid.across * (inches.width + inches.gap_x)
        y = down - inches.top - inches.down(place // grid.across + 1)
        axis = figure.add_axes((x / across, y / down, inches.width / across, inches.height / down))
        # Marks only where there are labels; the lines of the grid are everywhere.
        bottom, left = grid.has_x_labels(place), grid.has_y_labels(place)
        axis.tick_params(labelbottom=bottom, bottom=bottom, labelleft=left, left=left)
        if grid.wrapped:
            axis.set_title(grid.columns[column] if len(grid.rows) == 1 else grid.rows[row], loc="left")
        else:
            if place < grid.across:
                axis.set_title(_fitting(grid.columns[column], inches.width + inches.gap_x))
            if (place + 1) % grid.across == 0:
                where = 1 + 0.03 / inches.width, 0.5
                label = _fitting(grid.rows[row], inches.height + inches.gap_y)
                axis.text(*where, label, transform=axis.transAxes, rotation=270, va="center")
        axes[row, column] = axis
    return axes


def width(texts: Iterable[str], size: float = style.TEXT) -> float:
    """Inches of the longest line of the texts, and a little, as letters are drawn at whole pixels."""
    font = FontProperties(family=style.SETTINGS["font.family"], size=size)
    lines = [line for text in texts for line in text.split("\n")]
    return max((text_to_path.get_text_width_height_descent(line, font, False)[0] for line in lines), default=0) / 69


def _stacked(label: str, room: float) -> str:
    """The label, in lines if it is longer than that: cut short, rows of data sets could look the same."""
    if width([label]) <= room:
        return label
    whole = label.replace(" = ", "\N{NO-BREAK SPACE}=\N{NO-BREAK SPACE}")
    return "\n".join(textwrap.wrap(whole, int(room * CHARACTERS), break_long_words=False, break_on_hyphens=False))


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
