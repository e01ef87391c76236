"""What the commands show: the plan's summary, a study's status, progress with an estimate of the time left."""

import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Union

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from disentanglement_study.runtime.terminal import ERR, OUT, Terminal, is_animated, printable

if TYPE_CHECKING:  # half a second that `data list` does without
    import pandas as pd

# A table: a DataFrame, or its columns by their names.
Frame = Union["pd.DataFrame", Mapping[str, Sequence]]
SEPARATOR = "  "  # between the columns of a table
MISSING = ("NAType", "NaTType")  # of pandas, which need not be there


@dataclass(frozen=True)
class Fitted:
    """A table on a terminal: as a table or, where that is wider than the terminal, row by row.

    Only prose is folded, at its spaces. What is no terminal, a file or a pipe, has room for every table.
    """

    frame: Frame

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        room = options.max_width if console.is_terminal else sys.maxsize
        columns = _texts(self.frame)
        names, *cells = zip(*columns, strict=True)
        widths = _widths(columns, room)
        if widths is None:
            yield from (Text(line, no_wrap=True, overflow="ignore") for line in _row_by_row(names, cells))
            return
        shown = Table(header_style="bold", box=None, pad_edge=False)
        for name, (_, values), width in zip(names, self.frame.items(), widths, strict=True):
            shown.add_column(Text(name), justify="right" if _is_numeric(values) else "left", width=width)
        for row in cells:
            shown.add_row(*map(Text, row))
        yield from console.render(shown, options.update(width=_total(widths), no_wrap=False, overflow="fold"))


def fits(frame: Frame, console: Console) -> bool:
    """Whether a table is shown as one there, and not row by row."""
    return not console.is_terminal or _widths(_texts(frame), console.width) is not None


def _texts(frame: Frame) -> list[list[str]]:
    """Each column of a table as it is shown, its name first."""
    return [[printable(text) for text in (str(name), *map(_cell, values))] for name, values in frame.items()]


def _is_numeric(values: Sequence) -> bool:
    """Whether a column holds numbers: by its dtype, if it has one."""
    if (dtype := getattr(values, "dtype", None)) is not None:
        return dtype.kind in "biufc"
    return all(isinstance(value, int | float) for value in values)


def show(frame: Frame, console: Console = OUT) -> None:
    """Print a table: numbers to the right, thousands separated; nothing is cut off."""
    console.print(Fitted(frame), soft_wrap=True)


def _widths(columns: Sequence[Sequence[str]], room: int) -> list[int] | None:
    """The widths of columns of these texts, prose folded as far as it must be; None if there is no room for them."""
    widths = [max(_width(text, "\n") for text in column) for column in columns]
    least = [max(_width(text, None if _is_prose(text) else "\n") for text in column) for column in columns]
    if _total(least) > room:
        return None
    while (too_much := _total(widths) - room) > 0:
        spare = [width - low for width, low in zip(widths, least, strict=True)]
        largest, next_ = sorted([*spare, 0])[:-3:-1]
        widths[spare.index(largest)] -= min(too_much, max(largest - next_, 1))
    return widths


def _width(text: str, separator: str | None) -> int:
    """Of the widest part of a text; without a separator of its widest word."""
    return max(map(cell_len, text.split(separator)), default=0)


def _is_prose(text: str) -> bool:
    """Whether a text has three words or more, as no id, name, number, path or time has: it may have several lines."""
    return sum(len(word) > 1 and word[:2].isalpha() for word in text.split()) > 2


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + len(SEPARATOR) * (len(widths) - 1)


def _row_by_row(names: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """A line for each column of each row; the further lines of a text stand below its first."""
    indent = max(map(cell_len, names)) + len(SEPARATOR)
    for number_, row in enumerate(rows, 1):
        yield f"-- row {number_:,} --"
        for name, text in zip(names, row, strict=True):
            lines = text.split("\n")
            yield (name + " " * (indent - cell_len(name)) + ("\n" + " " * indent).join(lines)).rstrip()


def number(value: float) -> str:
    return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"


def _cell(value: Any) -> str:
    if value is None or type(value).__name__ in MISSING or (isinstance(value, float) and math.isnan(value)):
        return "-"
    if isinstance(value, float):
        return number(value)
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


@contextmanager
def steps(console: Console, total: int) -> Iterator[Callable[[str], None]]:
    """A bar on a terminal; what it yields is called with the name of each of `total` steps before it begins."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    columns = TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True, disable=not is_animated(console)) as bar:
        task = bar.add_task("", total=total, completed=-1)
        yield lambda name: bar.update(task, advance=1, description=name)


@contextmanager
def counted(console: Console) -> Iterator[Callable[[str, int], None]]:
    """A bar on a terminal, with an estimate of the time left; what it yields is called with the name of what is done
    and the number of its steps before each of them."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TaskID,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        TextColumn("left:"), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True, disable=not is_animated(console)) as bar:
        tasks: dict[str, TaskID] = {}
        left: dict[str, int] = {}

        def step(name: str, total: int) -> None:
            if not left.get(name):  # the first of these steps, or the first after all of them: they begin again
                if name in tasks:
                    bar.reset(tasks[name], total=total, completed=-1)
                else:
                    tasks[name] = bar.add_task(name, total=total, completed=-1)
                left[name] = total
            bar.advance(tasks[name])
            left[name] -= 1

        yield step


@contextmanager
def working(text: str, console: Terminal = ERR) -> Iterator[Callable[[str], None]]:
    """Says on a terminal what takes seconds before a command has anything else to say; what it yields is called with
    what comes next."""
    if is_animated(console):
        with console.status(Text(printable(text))) as status:  # of a string rich would read the brackets
            yield lambda text: status.update(Text(printable(text)))
        return

    def say(text: str) -> None:
        if console.is_terminal:
            console.print(text, soft_wrap=True)

    say(text)
    yield say


def lines(found: Callable[[Callable[[str, int], None]], Iterable[str]]) -> None:
    """Print lines as they are found; `found` is given what `counted` yields. On a terminal they follow the bar."""
    waiting: list[str] = []
    try:
        with counted(ERR) as begins:
            for line in found(begins):
                if is_animated(ERR) and OUT.is_terminal:
                    waiting.append(line)
                else:
                    OUT.print(line, soft_wrap=True)
    finally:
        for line in waiting:
            OUT.print(line, soft_wrap=True)


def headlines(scores: "pd.DataFrame") -> "pd.DataFrame":
    """Of each metric the score that carries its name; of one without, all but those of single codes and factors."""
    has_headline = scores["metric"].isin(scores.loc[scores["score"] == scores["metric"], "metric"])
    is_whole = ~scores["score"].str.contains(r"\d$")
    return scores[(scores["score"] == scores["metric"]) | (~has_headline & is_whole)]
