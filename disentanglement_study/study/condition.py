"""Conditions on the columns of a plan, as `--where` and `sweep.where` have them: "seed < 5 and method == 'pca'"."""

import ast
import re
from collections.abc import Iterable

import pandas as pd

from disentanglement_study.errors import one_line, unknown

# What a condition is made of: comparisons of columns, numbers, texts and lists. No calls, attributes or subscripts.
ALLOWED = (
    ast.Expression, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.Invert, ast.USub, ast.UAdd,
    ast.BinOp, ast.BitAnd, ast.BitOr, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Mod,
    ast.Compare, ast.cmpop, ast.Name, ast.Load, ast.Constant, ast.List, ast.Tuple,
)  # fmt: skip


def rows(table: pd.DataFrame, where: str, name: str = "--where") -> pd.DataFrame:
    """The rows of the table for which `where` holds, an expression in which names are columns.

    A column whose name has a dot is written in backticks: "`train.steps` > 1000". `name` is that of the setting. Raises
    ValueError, in one line, for a column that is not there (with the nearest), and for anything but comparisons and
    arithmetic.
    """
    where = " ".join(where.split())  # a sweep may have it in several lines
    quoted = re.findall(r"`([^`]*)`", where)
    stand_ins = {name: f"column_{i}_" for i, name in enumerate(dict.fromkeys(quoted))}
    plain = re.sub(r"`([^`]*)`", lambda found: stand_ins[found[1]], where).strip()
    known = {stand_in: name for name, stand_in in stand_ins.items()}
    try:
        _check(plain, known, table.columns)
        chosen = table.rename(columns=stand_ins).eval(plain, engine="python")
    except Exception as error:  # pandas passes on whatever its parser and engine raise
        raise ValueError(
            f"{name} {where!r}: {one_line(error)} (columns: {', '.join(table.columns[1:8])}, ...)"
        ) from error
    if not (isinstance(chosen, pd.Series) and pd.api.types.is_bool_dtype(chosen)):
        raise ValueError(f'{name} {where!r}: is no condition, such as "seed < 5 and strength > 1"')
    return table[chosen.fillna(False)]


def _check(expression: str, known: dict[str, str], columns: Iterable[str]) -> None:
    try:
        tree = ast.parse(expression, mode="eval")
    except SyntaxError as error:
        raise ValueError(f"is no expression: {error.msg}") from error
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and (name := ast.unparse(node)) in columns:
            raise ValueError(f"a name with a dot stands in backticks: `{name}`")
        if isinstance(node, ast.Name) and (name := known.get(node.id, node.id)) not in columns:
            raise unknown("column", name, columns)
        if not isinstance(node, ALLOWED):
            shown = ast.unparse(node) if isinstance(node, ast.expr) else type(node).__name__.lower()
            raise ValueError(f'{shown!r} is not allowed: compare columns with values, such as "seed < 5"')
