"""Tables as text: what a person reads in a terminal or in `tables.md`; the CSV files hold the exact numbers."""

import textwrap
from collections.abc import Callable, Iterator
from typing import NamedTuple

import pandas as pd

from analysis import names, stats

MISSING = "–"
GAP = "  "
# A longer cell, such as the reason of a failure, goes on in the next line.
CELL = 36


class Section(NamedTuple):
    """Cells of text under a title; the first `labels` columns name the row. A note says what is missing."""

    title: str
    cells: pd.DataFrame
    labels: int
    note: str = ""


def render(table: pd.DataFrame, width: int = 100) -> str:
    """A table of `analysis.tables` as plain text of at most `width` columns, × 100 as in the paper."""
    return "\n".join(_plain(section, width) for section in _sections(table))


def markdown(table: pd.DataFrame, heading: str) -> str:
    """A table of `analysis.tables` as Markdown under a heading."""
    parts = [f"## {heading}\n"]
    for section in _sections(table):
        parts.append(f"**{section.title}**\n")
        if len(section.cells):
            rows = [section.cells.columns, *section.cells.itertuples(index=False)]
            lines = ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in rows]
            rule = "|" + " --- |" * section.labels + " ---: |" * (len(rows[0]) - section.labels)
            parts.append("\n".join([lines[0], rule, *lines[1:]]) + "\n")
        if section.note:
            parts.append(f"{section.note}\n")
    return "\n".join(parts)


def _sections(table: pd.DataFrame) -> Iterator[Section]:
    """The sections of a table, laid out by what it holds."""
    layout = next((layout for column, layout in LAYOUTS.items() if column in table), None)
    if layout is None:
        raise ValueError(f"cannot show a table of {list(table)}: it needs one of the columns {', '.join(LAYOUTS)}")
    yield from layout(table)


def _correlations(table: pd.DataFrame) -> Iterator[Section]:
    """A matrix × 100 per data set and representation."""
    what = "Spearman rank correlation × 100"
    if table.empty:
        yield Section(f"{what}, n = 0 models", pd.DataFrame(), 1, "No model has the scores that it needs.")
    for (data_set, representation), group in table.groupby(["data_set", "representation"], sort=False):
        matrix = group.pivot(index="score_a", columns="score_b", values="rank_correlation")
        matrix = matrix.loc[group["score_a"].unique(), group["score_b"].unique()]
        cells = matrix.map(lambda rho: MISSING if pd.isna(rho) else str(round(100 * rho)))
        cells.columns = [names.label(key, names.SCORES) for key in matrix.columns]
        cells.insert(0, "", [names.label(key, names.SCORES) for key in matrix.index])
        note = f"{MISSING}: under {stats.MIN_MODELS} models have both scores, or one score is the same for all."
        yield Section(
            f"{what}: {_where(data_set, representation)}, {names.count(group['n'])}",
            cells,
            1,
            note if matrix.isna().any(axis=None) else "",
        )


def _quartiles(table: pd.DataFrame) -> Iterator[Section]:
    """A grid per data set and representation: a row per objective (and strength), a column per score."""
    what = "Median [lower, upper quartile] × 100"
    if table.empty:
        yield Section(f"{what}, n = 0 models", pd.DataFrame(), 1, "No model has a headline score.")
    for (data_set, representation), group in table.groupby(["data_set", "representation"], sort=False):
        percent = 100 * group[["median", "lower_quartile", "upper_quartile"]]
        text = group.assign(
            row=[_row_name(row) for row in group.itertuples()],
            score=[names.label(key, names.SCORES) for key in group["score"]],
            cell=[f"{middle:.1f} [{low:.1f}, {high:.1f}]" for middle, low, high in percent.to_numpy()],
        )
        cells = text.pivot(index="row", columns="score", values="cell").fillna(MISSING)
        cells = cells.loc[text["row"].unique(), text["score"].unique()]
        cells.insert(0, "n", text.groupby("row")["n"].agg(names.span))
        cells.insert(0, "", cells.index)
        count = names.count(group["n"], "models a row")
        yield Section(f"{what}: {_where(data_set, representation)}, {count}", cells, 1)


def _failures(table: pd.DataFrame) -> Iterator[Section]:
    """A list per data set, a row per place and reason."""
    what = "Rows without a score"
    if table.empty:
        yield Section(f"{what}, n = 0", pd.DataFrame(), 1, "Every row holds a score.")
    for data_set, group in table.groupby("data_set", sort=False, dropna=False):
        cells = group.drop(columns="data_set").astype(str)
        cells["objective"] = [names.label(key, names.OBJECTIVES) for key in cells["objective"]]
        cells["metric"] = [names.label(key, names.METRICS) for key in cells["metric"]]
        where = names.label(data_set, names.DATA_SETS)
        yield Section(f"{what}: {where}, n = {group['rows'].sum()}", cells, 4)


LAYOUTS: dict[str, Callable[[pd.DataFrame], Iterator[Section]]] = {
    "rank_correlation": _correlations,
    "median": _quartiles,
    "reason": _failures,
}


def _where(data_set: str, representation: str) -> str:
    return f"{names.label(data_set, names.DATA_SETS)}, {representation} representation"


def _row_name(row: NamedTuple) -> str:
    """ "β-VAE", or "β-VAE, β = 4" where the table has strengths."""
    objective = names.label(row.objective, names.OBJECTIVES)
    if not hasattr(row, "strength"):
        return objective
    return f"{objective}, {names.strength(row.strength_name, row.strength)}"


def _plain(section: Section, width: int) -> str:
    """A section in aligned columns; those that do not fit side by side follow below, with their row names."""
    columns = [
        _column(section.cells.columns[place], section.cells.iloc[:, place], left=place < section.labels)
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


def _column(name: str, cells: pd.Series, left: bool) -> list[list[str]]:
    """The name and the cells of a column, each as lines of one width; a name is broken at its spaces."""
    longest = max([len(word) for word in name.split()] + [min(len(cell), CELL) for cell in cells], default=0)
    wrapped = [textwrap.wrap(text, max(longest, 1)) or [""] for text in [name, *cells]]
    return [[line.ljust(longest) if left else line.rjust(longest) for line in lines] for lines in wrapped]
