"""Tables as text: what a person reads in a terminal or in `tables.md`; the CSV files hold the exact numbers."""

import re
import textwrap

import pandas as pd

from disentanglement_study.analysis.layouts import Section, sections

GAP = "  "
# A longer cell, such as the reason of a failure, goes on in the next line.
CELL = 36
WORD = re.compile(r"[^\W\d_]{2}")


def render(table: pd.DataFrame, width: int = 100) -> str:
    """A table of `analysis.tables` as plain text of at most `width` columns, × 100 as in the paper."""
    return "\n".join(_plain(section, width) for section in sections(table))


def markdown(table: pd.DataFrame, heading: str) -> str:
    """A table of `analysis.tables` as Markdown under a heading."""
    parts = [f"## {heading}\n"]
    for section in sections(table):
        parts.append(f"**{section.title}**\n")
        if len(section.cells):
            rows = [section.cells.columns, *section.cells.itertuples(index=False)]
            lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
            rule = "|" + "".join(" --- |" if _is_left(section, place) else " ---: |" for place in range(len(rows[0])))
            parts.append("\n".join([lines[0], rule, *lines[1:]]) + "\n")
        if section.note:
            parts.append(f"{section.note}\n")
    return "\n".join(parts)


def _plain(section: Section, width: int) -> str:
    """A section in aligned columns; those that do not fit side by side follow below, with their row names."""
    columns = [
        _column(section.cells.columns[place], section.cells.iloc[:, place], _is_left(section, place))
        for place in range(section.cells.shape[1])
    ]
    labels, rest = columns[: section.labels], columns[section.labels :]
    blocks = [labels] if columns else []
    for column in rest:
        used = sum(len(cells[0][0]) + len(GAP) for cells in [*blocks[-1], column]) - len(GAP)
        if used > width and len(blocks[-1]) > len(labels):
            blocks.append([*labels, column])
        else:
            blocks[-1] = [*blocks[-1], column]
    lines = [*textwrap.wrap(section.title, width), ""]
    for block in blocks:
        for row in zip(*block, strict=True):
            height = max(len(cell) for cell in row)
            padded = [cell + [" " * len(cell[0])] * (height - len(cell)) for cell in row]
            lines += [GAP.join(parts).rstrip() for parts in zip(*padded, strict=True)]
        lines.append("")
    if section.note:
        lines += [*textwrap.wrap(section.note, width), ""]
    return "\n".join(lines)


def _is_left(section: Section, place: int) -> bool:
    """Whether a column names the rows, or holds words rather than numbers."""
    cells = [cell for cell in section.cells.iloc[:, place] if cell]
    return place < section.labels or sum(bool(WORD.search(cell)) for cell in cells) > len(cells) / 2


def _column(name: str, cells: pd.Series, left: bool) -> list[list[str]]:
    """The name and the cells of a column, each as lines of one width; a name is broken at its spaces."""
    longest = max([len(word) for word in name.split()] + [min(len(cell), CELL) for cell in cells], default=0)
    wrapped = [textwrap.wrap(text, max(longest, 1)) or [""] for text in [name, *cells]]
    return [[line.ljust(longest) if left else line.rjust(longest) for line in lines] for lines in wrapped]
