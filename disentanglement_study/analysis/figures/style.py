"""The look that every figure shares: sizes, fonts, one colour and marker per method, files.

A figure is as wide as a page's text or narrower, and its text is that of a caption: nothing has to be scaled to be
read. Figures are `matplotlib.figure.Figure` objects without pyplot, so nothing opens a window or stays registered; the
settings hold only inside `look`, so the caller's rcParams do not change.
"""

import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from disentanglement_study.analysis import names
from disentanglement_study.runtime import files

WIDTH = 7.0  # Inches: the text of a page.
TEXT, TITLE = 6.5, 8.0  # Points.
SETTINGS: dict[Any, Any] = {  # matplotlib names each key in the type of its own
    "font.family": "DejaVu Sans",  # Ships with matplotlib: the same figure on every machine.
    "font.size": TEXT,
    "axes.titlesize": TEXT,
    "axes.labelsize": TEXT,
    "xtick.labelsize": TEXT,
    "ytick.labelsize": TEXT,
    "legend.fontsize": TEXT,
    "figure.titlesize": TITLE,
    "axes.titlepad": 3.0,
    "axes.labelpad": 2.0,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.5,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E3E3E3",
    "grid.linewidth": 0.5,
    "lines.linewidth": 1.0,
    "lines.markersize": 3.0,
    **{f"{axis}tick.major.{key}": value for axis in "xy" for key, value in (("width", 0.5), ("size", 2), ("pad", 2))},
    "legend.frameon": False,
    "pdf.fonttype": 42,  # Text stays text: editable, and accepted by the conferences' checks.
    "savefig.dpi": 200,
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


class StudyFigure(Figure):
    """A figure that holds the table that it shows."""

    numbers: pd.DataFrame


class Mark(NamedTuple):
    """How a method is drawn."""

    colour: str
    marker: str


@contextmanager
def look() -> Iterator[None]:
    """The settings, for a `with` block or as a decorator: `@look()`."""
    with matplotlib.rc_context(SETTINGS):
        yield


def marks(methods: Iterable[str]) -> dict[str, Mark]:
    """A colour and a marker for each method, in the papers' order; those not in the papers get the next ones."""
    order = names.in_order(methods, names.METHODS)
    palette = [*COLOURS, *(method for method in order if method not in COLOURS)]
    colours = [*COLOURS.values(), *NEXT_COLOURS]
    return {
        method: Mark(colours[place % len(colours)], MARKERS[place % len(MARKERS)])
        for place, method in enumerate(palette)
        if method in order
    }


def legend(marks: dict[str, Mark], runs: pd.DataFrame | None = None) -> list[Line2D]:
    """An entry for each method; with `runs` also the strengths, if any, that it was swept over, in their order."""
    entries = []
    for method, (colour, marker) in marks.items():
        label = names.label(method, names.METHODS)
        if runs is not None:
            label = ": ".join(filter(None, [label, ", ".join(strengths(runs[runs["method"] == method]))]))
        entries.append(Line2D([], [], color=colour, marker=marker, label=label))
    return entries


def strengths(table: pd.DataFrame) -> list[str]:
    """ "β = 1", "2", "4": the strengths of a method, named once; "" for one that has none."""
    swept = ", ".join(names.strength(name) for name in sorted(table["strength_name"].astype(str).unique()))
    if not swept:
        return [""]
    first, *others = (f"{strength:g}" for strength in sorted(table["strength"].unique()))
    return [f"{swept} = {first}", *others]


def places(table: pd.DataFrame) -> pd.Series:
    """Of each row the place, from 1, of its strength in the sweep of its method.

    The methods' strengths share no scale.
    """
    return table.groupby("method")["strength"].rank("dense", na_option="bottom").astype(int)


def count(table: pd.DataFrame, unit: str = "models") -> str:
    """ "n = 34–36 models, 0–2 failed": the models behind the cells of a table, and those that are not there."""
    return ", ".join([names.count(table["n"], unit), *lacking(table, "" if "models" in unit else "models ")])


def lacking(table: pd.DataFrame, unit: str = "") -> list[str]:
    """ "0–2 failed", "1 missing": of the columns with these names, those that are there and not 0."""
    there = [column for column in ("failed", "missing") if column in table and table[column].any()]
    return [f"{names.span(table[column])} {unit}{column}" for column in there]


def log_ticks(axis: Axes, values: pd.Series) -> None:
    """A logarithmic y axis for positive values whose ticks read 0.5, 1, 2 rather than powers of ten."""
    axis.set_yscale("log")
    span = values.max() / values.min()
    axis.yaxis.set_major_locator(
        LogLocator(subs=(1, 2, 5) if span < 30 else (1, 3) if span < 300 else (1,), numticks=6)
    )
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.yaxis.set_minor_locator(NullLocator())


def readable_on(colour: Sequence[float]) -> str:
    """Black on light colours, white on dark ones."""
    red, green, blue = colour[:3]
    return "white" if 0.299 * red + 0.587 * green + 0.114 * blue < 0.5 else "black"


@look()
def save(figure: StudyFigure, stem: Path) -> list[Path]:
    """Write `stem`.pdf, `stem`.png (200 dpi) and `stem`.csv, the numbers behind; the same figure, the same bytes."""
    stem.parent.mkdir(parents=True, exist_ok=True)
    pdf, png, csv = _files(stem)
    # A third of the time of the default compression, hardly larger.
    written: dict[Path, dict[str, Any]] = {
        pdf: {"metadata": {"CreationDate": None}},
        png: {"pil_kwargs": {"compress_level": 3}},
    }
    for path, options in written.items():
        drawn = io.BytesIO()  # matplotlib hides the error of a full disk behind one of its own
        figure.savefig(drawn, format=path.suffix[1:], **options)
        with files.replacing(path) as temporary:
            temporary.write_bytes(drawn.getvalue())
    with files.replacing(csv) as temporary:
        figure.numbers.to_csv(temporary, index=False, lineterminator="\n")
    return [pdf, png, csv]


def remove(stem: Path) -> None:
    """Remove what `save` wrote, if it is there."""
    for path in _files(stem):
        path.unlink(missing_ok=True)


def _files(stem: Path) -> list[Path]:
    return [stem.with_name(f"{stem.name}.{kind}") for kind in ("pdf", "png", "csv")]
