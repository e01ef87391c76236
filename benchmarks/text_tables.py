"""Tables of text, in the terminal and in Markdown."""

from collections.abc import Iterable
from typing import NamedTuple

from rich.console import Console
from rich.table import Table


class Section(NamedTuple):
    """Cells of text under a title; the first `labels` columns name the row, a note is below."""

    title: str
    columns: tuple[str, ...]
    labels: int
    cells: list[tuple[str, ...]]
    note: str = ""


def show(sections: Iterable[Section], console: Console) -> None:
    for title, columns, labels, rows, note in sections:
        table = Table(box=None, header_style="bold", pad_edge=False)
        for i, name in enumerate(columns):
            table.add_column(name, justify="left" if i < labels else "right")
        for row in rows:
            table.add_row(*row)
        console.print("", title, "", table, *(["", note] if note else []), sep="\n")


def markdown(above: Iterable[str], sections: Iterable[Section]) -> str:
    """Paragraphs, then a table for each section."""
    parts = list(above)
    for title, columns, labels, rows, note in sections:
        rule = ["---"] * labels + ["---:"] * (len(columns) - labels)
        parts += [f"{title}:", "\n".join(f"| {' | '.join(line)} |" for line in (columns, rule, *rows))]
        parts += [note] if note else []
    return "\n\n".join(parts)
