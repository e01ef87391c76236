"""What the commands show: the plan's summary, a study's status, progress with an estimate of the time left."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pandas as pd
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from disentanglement_study.runtime.terminal import printable


def table(frame: pd.DataFrame) -> Table:
    """A DataFrame as a terminal table: numbers to the right, thousands separated."""
    shown = Table(header_style="bold", box=None, pad_edge=False)
    for name in frame.columns:
        numeric = pd.api.types.is_numeric_dtype(frame[name])
        shown.add_column(_text(str(name)), justify="right" if numeric else "left", no_wrap=numeric, overflow="fold")
    for row in frame.itertuples(index=False):
        shown.add_row(*(_text(_cell(value)) for value in row))
    return shown


def _text(text: str) -> Text:
    """Text that is no markup, on whatever console it is printed."""
    return Text(printable(text))


def number(value: float) -> str:
    return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"


def _cell(value) -> str:
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return "-"
    if isinstance(value, float):
        return number(value)
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


@contextmanager
def steps(console: Console, total: int) -> Iterator[Callable[[str], None]]:
    """A bar on a terminal; what it yields is called with the name of each of `total` steps before it begins."""
    columns = TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=total, completed=-1)
        yield lambda name: bar.update(task, advance=1, description=name)


@contextmanager
def counted(console: Console) -> Iterator[Callable[[str, int], None]]:
    """A bar on a terminal, with an estimate of the time left; what it yields is called with the name of what is done
    and the number of its steps before each of them."""
    columns = (
        TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        TextColumn("left:"), TimeRemainingColumn(),
    )  # fmt: skip
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        tasks = {}

        def step(name: str, total: int) -> None:
            if name not in tasks:
                tasks[name] = bar.add_task(name, total=total, completed=-1)
            bar.advance(tasks[name])

        yield step


def headlines(scores: pd.DataFrame) -> pd.DataFrame:
    """Of each metric the score that carries its name; of one without, all but those of single codes and factors."""
    has_headline = scores["metric"].isin(scores.loc[scores["score"] == scores["metric"], "metric"])
    is_whole = ~scores["score"].str.contains(r"\d$")
    return scores[(scores["score"] == scores["metric"]) | (~has_headline & is_whole)]
