"""The rank correlations that the page draws as heat maps."""

from collections.abc import Callable
from typing import Any

import pandas as pd

from disentanglement_study.analysis import names, once, tables
from disentanglement_study.analysis.report.encoding import rounded
from disentanglement_study.analysis.rows import NothingToDraw

# By what the page calls them: the table, and the columns that name its rows and its columns.
TABLES: dict[str, tuple[Callable[..., pd.DataFrame], str, str]] = {
    "Metrics with each other": (tables.rank_correlation, "score_a", "score_b"),
    "Scores without labels and metrics": (tables.unsupervised_rank_correlation, "score_a", "score_b"),
    "Downstream accuracy and metrics": (tables.downstream_rank_correlation, "score_a", "score_b"),
    "Unfairness and other scores": (tables.fairness_rank_correlation, "score_a", "score_b"),
    "Data sets with each other": (tables.data_set_rank_correlation, "data_set_a", "data_set_b"),
}
NUMBERS = ("rank_correlation", "low", "high")
COUNTS = ("n", "failed", "missing")


def correlations(results: pd.DataFrame) -> list[dict]:
    """Each table that the rows allow: its matrices, one for each data set (or score) and representation.

    A matrix has its `where`, the keys of its rows and columns, and its cells row by row, None where there is none.
    """
    found: list[dict[str, Any]] = []
    for title, (table, row, column) in TABLES.items():
        try:
            long = once.call(table, results, representation=None)
        except NothingToDraw as reason:
            found.append({"title": title, "matrices": [], "why": str(reason)})
            continue
        of_score = row == "data_set_a"
        where = ["score" if of_score else "data_set", "representation"]
        matrices = [
            _matrix(part, row, column) | {"where": dict(zip(where, map(str, keys), strict=True))}
            for keys, part in long.groupby(where, sort=False)
        ]
        between = "data_set" if of_score else "score"
        found.append({"title": title, "of": where[0], "between": between, "matrices": matrices})
    return found


def _matrix(part: pd.DataFrame, row: str, column: str) -> dict:
    known = names.DATA_SETS if row == "data_set_a" else names.SCORES
    rows, columns = (names.in_order(part[key].unique(), known) for key in (row, column))
    grid = part.set_index([row, column]).reindex(pd.MultiIndex.from_product([rows, columns]))
    cells = {name: rounded(grid[name], 6) for name in NUMBERS}
    cells |= {name: grid[name].fillna(0).astype(int).tolist() for name in COUNTS}
    return {"rows": rows, "columns": columns, "cells": cells}
