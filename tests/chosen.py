"""Which cases of a test with many are run each time; the others are run by `make test-slow`."""

import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import pytest


def slow(*values: Any) -> Any:
    """A case, of one value for each argument of the test, that only the slow suite runs."""
    return pytest.param(*values, marks=pytest.mark.slow)


def some_of(cases: Sequence[Any], first: int) -> list[Any]:
    """The first few cases each time."""
    return [*cases[:first], *map(slow, cases[first:])]


def pairs(rows: Iterable[Any], columns: Iterable[Any], every: int) -> list[Any]:
    """All pairs; each time one of `every`, in diagonals, so that each row and each column of many is among them."""
    product = itertools.product(enumerate(rows), enumerate(columns))
    return [(row, column) if (i + j) % every == 0 else slow(row, column) for (i, row), (j, column) in product]
