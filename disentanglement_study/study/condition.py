"""Conditions on the columns of a plan, as `--where` and `sweep.where` have them: "seed < 5 and method == 'pca'"."""

import ast
import re
from collections.abc import Callable, Iterable, Iterator

import numpy as np
import pandas as pd

from disentanglement_study import data
from disentanglement_study.errors import clipped, nearest, one_line, unknown
from disentanglement_study.methods import METHODS
from disentanglement_study.study.components import kind_of

# What a condition is made of: comparisons of columns, numbers, texts and lists. No calls, attributes or subscripts.
ALLOWED = (
    ast.Expression, ast.BoolOp, ast.And, ast.Or, ast.UnaryOp, ast.Not, ast.Invert, ast.USub, ast.UAdd,
    ast.BinOp, ast.BitAnd, ast.BitOr, ast.Add, ast.Sub, ast.Mult, ast.Div, ast.Mod,
    ast.Compare, ast.cmpop, ast.Name, ast.Load, ast.Constant, ast.List, ast.Tuple,
)  # fmt: skip
AXES = {"data set": "data_set", "method": "method"}  # the columns that name components of these kinds
EQUALITIES = (ast.Eq, ast.NotEq, ast.In, ast.NotIn)
# What such a column could hold, whatever the sweep holds of it.
REGISTERED: dict[str, Callable[[], Iterable[str]]] = {
    "method": METHODS.keys,
    "objective": METHODS.keys,
    "data_set": data.names,
}
NEAR = 0.6  # two texts, from 0 to 1, as difflib compares them: "tlc" and "tcl" are .67


def rows(table: pd.DataFrame, where: str, name: str = "--where") -> pd.DataFrame:
    """The rows of the table for which `where` holds, an expression in which names are columns.

    A column whose name has a dot is written in backticks: "`train.steps` > 1000". An option of a data set or method
    that the table has not is a column without values: of comparisons with it only != holds. `name` is of the setting.
    Raises ValueError, in one line, for a column that is not there (with the nearest), for a text that no row has and
    that is nearly one that a row could have, and for anything but comparisons and arithmetic.
    """
    where = " ".join(where.split())  # a sweep may have it in several lines
    if not where:
        raise ValueError(f'{name} is empty: expected a condition, such as "seed < 5 and strength > 1"')
    quoted = re.findall(r"`([^`]*)`", where)
    stand_ins = {name: f"column_{i}_" for i, name in enumerate(dict.fromkeys(quoted))}
    plain = re.sub(r"`([^`]*)`", lambda found: stand_ins[found[1]], where).strip()
    known = {stand_in: name for name, stand_in in stand_ins.items()}
    table_of = table.assign(**{column: np.nan for column in quoted if _is_elsewhere(column, table)})
    try:
        tree = _check(plain, known, table_of)
        _check_texts(tree, known, table_of)
        chosen = table_of.rename(columns=stand_ins).eval(plain, engine="python")
    except Exception as error:  # pandas passes on whatever its parser and engine raise
        there = "" if "there are" in str(error) else f" (columns: {', '.join(table.columns[1:8])}, ...)"
        raise ValueError(f"{name} {where!r}: {one_line(error)}{there}") from error
    if not (isinstance(chosen, pd.Series) and pd.api.types.is_bool_dtype(chosen)):
        raise ValueError(f'{name} {where!r}: is not a condition, such as "seed < 5 and strength > 1"')
    return table[chosen.fillna(False)]


def _is_elsewhere(column: str, table: pd.DataFrame) -> bool:
    """Whether this is an option of a data set or method that there is, and of which the table has no row."""
    of, _, option = column.partition(".")
    kind = kind_of(of)
    return (
        column not in table.columns
        and kind is not None
        and kind.word in AXES
        and AXES[kind.word] in table.columns
        and of not in set(table[AXES[kind.word]])
        and option in kind.parameters(of)
    )


def _check(expression: str, known: dict[str, str], table: pd.DataFrame) -> ast.Expression:
    columns = table.columns
    try:
        tree = ast.parse(expression, mode="eval")
    except SyntaxError as error:
        raise ValueError(f"is not an expression: {_slip(expression) or error.msg}") from error
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and (name := ast.unparse(node)) in columns:
            raise ValueError(f"put a name with a dot in backticks: `{name}`")
        if isinstance(node, ast.Name) and (name := known.get(node.id, node.id)) not in columns:
            if of := _whose(name, table):
                raise ValueError(f"{name} is not a column, but a value of {of}: put a text in quotes, {name!r}")
            raise unknown("column", name, columns)
        if not isinstance(node, ALLOWED):
            shown = ast.unparse(node) if isinstance(node, ast.expr) else type(node).__name__.lower()
            raise ValueError(f'{shown!r} is not allowed: compare columns with values, such as "seed < 5"')
    return tree


def _slip(expression: str) -> str:
    """What of an expression is known to be wrong; "" if nothing is."""
    if quote := re.search("[‘’‚‛“”„‟`´]", expression):
        return f"{quote[0]} is not a quotation mark here: use ' or \""
    unquoted = re.sub(r"'[^']*'|\"[^\"]*\"", "''", expression)
    if re.search(r"(?<![=!<>:])=(?![=<>])", unquoted):
        return "= sets a value: use == to compare"
    return ""


def _whose(text: str, table: pd.DataFrame) -> str:
    """The column that this text is a value of, or could be; "" if there is none."""
    texts = (column for column in table.columns if not pd.api.types.is_numeric_dtype(table[column]))
    held = ((one, [*table[one], *REGISTERED.get(one, list)()]) for one in texts)
    return next((one for one, values in held if any(isinstance(value, str) and value == text for value in values)), "")


def _check_texts(tree: ast.Expression, known: dict[str, str], table: pd.DataFrame) -> None:
    """ValueError for a slip of the pen: a text that a column is compared with, and that is only nearly a value of it.

    Others are let pass: a sweep may leave out, here, what its condition names.
    """
    for column, text, is_equality in _compared(tree, known):
        if column == "run_id":
            continue
        if pd.api.types.is_numeric_dtype(table[column]) and table[column].notna().any():
            raise ValueError(f"{column} is a number: compare it with numbers, not with the text {clipped(text)}")
        if not is_equality:
            continue
        values = {value for value in table[column].unique() if isinstance(value, str)}
        if column in REGISTERED:
            values |= {*REGISTERED[column]()}
        if text not in values and (meant := nearest(text.lower(), sorted(values), NEAR)):
            raise ValueError(f"{column} is never {clipped(text)}: did you mean {meant}?")


def _compared(tree: ast.Expression, known: dict[str, str]) -> Iterator[tuple[str, str, bool]]:
    """The columns and the texts that they are compared with, and whether for equality."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Compare):
            continue
        sides = [node.left, *node.comparators]
        for left, operator, right in zip(sides, node.ops, sides[1:], strict=False):
            columns = [known.get(side.id, side.id) for side in (left, right) if isinstance(side, ast.Name)]
            values = [value for side in (left, right) for value in getattr(side, "elts", [side])]
            texts = [one.value for one in values if isinstance(one, ast.Constant) and isinstance(one.value, str)]
            yield from ((column, text, isinstance(operator, EQUALITIES)) for column in columns for text in texts)
