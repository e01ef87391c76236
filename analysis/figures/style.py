"""The look that every figure shares: sizes, fonts, one colour and marker per objective, titles, files.

Figures are `matplotlib.figure.Figure` objects without pyplot, so nothing opens a window or stays registered; the
settings hold only inside `look`, so the caller's rcParams do not change.
"""

import textwrap
from collections.abc import Iterable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple

import matplotlib
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from analysis import names

SETTINGS = {
    "font.family": "DejaVu Sans",  # Ships with matplotlib: the same figure on every machine.
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.labelsize": 9,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "legend.fontsize": 8,
    "figure.titlesize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E3E3E3",
    "grid.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "legend.frameon": False,
    "pdf.fonttype": 42,  # Text stays text: editable, and accepted by the conferences' checks.
    "savefig.dpi": 150,
}
# Okabe and Ito's palette, which readers with colour vision deficiencies can tell apart; markers say it again.
COLOURS = {
    "beta_vae": "#0072B2",
    "annealed_vae": "#E69F00",
    "factor_vae": "#009E73",
    "beta_tc_vae": "#D55E00",
    "dip_vae_i": "#CC79A7",
    "dip_vae_ii": "#56B4E9",
}
NEXT_COLOURS = ("#000000", "#B8A800", "#7F7F7F")
MARKERS = "osD^vPX*"  # Fewer than colours, so that not both return together.
MISSING = "#F2F2F2"
NARROWEST = 4.5  # Inches. A narrower figure has no room for its title.
CHARACTERS = 12  # An inch of title.


class Mark(NamedTuple):
    """How an objective is drawn."""

    colour: str
    marker: str


def look() -> AbstractContextManager[None]:
    """The settings, for a `with` block or as a decorator: `@look()`."""
    return matplotlib.rc_context(SETTINGS)


def marks(objectives: Iterable[str]) -> dict[str, Mark]:
    """A colour and a marker for each objective, in the papers' order; those not in the papers get the next ones."""
    order = names.in_order(objectives, names.OBJECTIVES)
    palette = [*COLOURS, *(objective for objective in order if objective not in COLOURS)]
    colours = [*COLOURS.values(), *NEXT_COLOURS]
    return {
        objective: Mark(colours[place % len(colours)], MARKERS[place % len(MARKERS)])
        for place, objective in enumerate(palette)
        if objective in order
    }


def panels(rows: int, columns: int, size: tuple[float, float], *, share_x: str, share_y: str) -> tuple:
    """A figure of rows x columns panels of a size (width, height) in inches each, and its axes [rows,columns]."""
    figure = Figure(figsize=(max(columns * size[0] + 1.2, NARROWEST), rows * size[1] + 1.2), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False, sharex=share_x, sharey=share_y)
    return figure, axes


def title(figure: Figure, what: str, data_set: str, *details: str) -> None:
    """What the figure shows, and below it the data set, the representation and n."""
    where = ", ".join([names.label(data_set, names.DATA_SETS), *details])
    room = int(CHARACTERS * figure.get_figwidth())
    figure.suptitle("\n".join(textwrap.wrap(what, room) + textwrap.wrap(where, room)), x=0.01, ha="left")


def log_ticks(axis: Axes, values: pd.Series) -> None:
    """A logarithmic y axis for positive values whose ticks read 0.5, 1, 2 rather than powers of ten."""
    axis.set_yscale("log")
    few = values.max() / values.min() < 300
    axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if few else (1,)))
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.yaxis.set_minor_locator(NullLocator())


def hide(axes: Iterable[Axes]) -> None:
    """Remove the panels of a grid that have nothing to show."""
    for axis in axes:
        axis.set_visible(False)


@look()
def save(figure: Figure, stem: Path) -> list[Path]:
    """Write `stem`.pdf and `stem`.png (150 dpi); the same figure gives the same bytes."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    pdf, png = stem.with_name(f"{stem.name}.pdf"), stem.with_name(f"{stem.name}.png")
    figure.savefig(png)
    figure.set_layout_engine("none")  # It is solved by now, and takes half of the time for a grid of panels.
    figure.savefig(pdf, metadata={"CreationDate": None})
    return [pdf, png]
