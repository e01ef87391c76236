"""Time series of the user's own: what is observed, and if it is known, what is behind it."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from disentanglement_study.data.own.names import check_name, taken
from disentanglement_study.data.series import kept

ARRAYS = ("x", "sources", "u", "segment", "source_names")
# Of a column's standard deviation: what may be lost in float32, and what a column must have of its own.
LARGEST_LOSS, LEAST_OWN = 1e-3, 1e-6


def add(
    name: str,
    x: np.ndarray,
    sources: np.ndarray | None = None,
    u: np.ndarray | None = None,
    segment: np.ndarray | None = None,
    source_names: Sequence[str] | np.ndarray | None = None,
    root: Path | None = None,
    source: str = "added from arrays",
) -> None:
    """Keeps a time series under `name` in the cache folder (`root`): from then on a sweep can name it.

    x: real numbers [T, D], rows in the order of time. sources: the truth behind them, real numbers [T, S]; without,
    metrics that compare codes with the truth cannot be computed. u: numbers [T, U] that are known of each row beside x.
    segment: [T], whole numbers from 0 without gaps, each 2 times or more. All is kept in float32.

    Adding the same series again is no error; adding another one under the same name is one. Raises ValueError for what
    is not as above, for a column that is constant, is the same as another, or loses its digits in float32, for one of x
    that is a sum of multiples of others, and for a segment of one row; OSError for a folder that cannot hold it.
    """
    check_name(name)
    observed = _columns("x", np.asarray(x))
    number, size = observed.shape
    if number <= size:
        raise ValueError(
            f"x has {number} rows and {size} columns: expected more rows than columns, as each row is a time"
        )
    _check_varying("x", observed)
    _check_independent(observed)
    arrays = {"x": observed}
    if sources is not None:
        arrays["sources"] = _columns("sources", np.asarray(sources), number)
        _check_varying("sources", arrays["sources"])
        _check_different("sources", arrays["sources"])
        if number < 2 * kept.NUM_BINS:
            raise ValueError(
                f"sources have {number} rows: expected {2 * kept.NUM_BINS} or more, 2 for each of their bins"
            )
    if u is not None:
        arrays["u"] = _columns("u", np.asarray(u), number)
        _check_varying("u", arrays["u"])
        _check_different("u", arrays["u"])
    if segment is not None:
        arrays["segment"] = _segment(np.asarray(segment), number)
    names = _names(source_names, arrays["sources"].shape[1] if "sources" in arrays else 0)
    kept.write(name, arrays, names, source, root)
    if not kept.holds(name, arrays, names, root):
        raise taken(name, root)


def _columns(what: str, given: np.ndarray, number: int | None = None) -> np.ndarray:
    """The array as float32 [T, columns]."""
    if given.dtype.kind not in "iuf":
        raise ValueError(f"{what} is {given.dtype}: expected real numbers")
    if given.ndim != 2 or 0 in given.shape:
        raise ValueError(
            f"{what} has shape {list(given.shape)}: expected [{number or 'T'}, columns], a row for each time"
        )
    if number is not None and len(given) != number:
        raise ValueError(f"{what} has {len(given)} rows, and x has {number}: expected as many")
    with np.errstate(over="ignore"):
        values = given.astype(np.float32)
    if not np.isfinite(values).all():
        row, column = np.argwhere(~np.isfinite(values))[0]
        what_is_wrong = "expected a finite number" if not np.isfinite(given[row, column]) else "too large for float32"
        raise ValueError(f"column {column} of {what} is {given[row, column]} in row {row}: {what_is_wrong}")
    loss = np.abs(values - given).max(axis=0)
    lossy = (loss > LARGEST_LOSS * given.std(axis=0, dtype=np.float64)) & (np.ptp(given, axis=0) > 0)
    if lossy.any():
        column = np.argmax(lossy)
        least, most = given[:, column].min(), given[:, column].max()
        raise ValueError(
            f"column {column} of {what} goes from {least:.10g} to {most:.10g}, which float32 rounds by up to "
            f"{loss[column]:.2g}: subtract its mean, or scale it"
        )
    return values


def _check_varying(what: str, values: np.ndarray) -> None:
    constant = np.flatnonzero(np.ptp(values, axis=0) == 0)
    if constant.size:
        raise ValueError(f"column {constant[0]} of {what} is {values[0, constant[0]]:g} in all rows: leave it out")


def _check_different(what: str, values: np.ndarray) -> None:
    """ValueError for the first column that is the same as one before it."""
    for column in range(1, values.shape[1]):
        same = np.flatnonzero((values[:, :column] == values[:, [column]]).all(axis=0))
        if same.size:
            raise ValueError(f"column {column} of {what} is the same as column {same[0]}: leave one of them out")


def _check_independent(x: np.ndarray) -> None:
    """ValueError for the first column that those before it give, as a sum of multiples of them and a constant."""
    standard = x - x.mean(axis=0, dtype=np.float64)
    standard /= np.sqrt(np.mean(standard**2, axis=0))
    # On the diagonal is what a column has that no sum of those before it has.
    triangle = np.linalg.qr(standard, mode="r") / np.sqrt(len(x))
    given = np.flatnonzero(np.abs(np.diagonal(triangle)) < LEAST_OWN)
    if not given.size:
        return
    column = given[0]
    multiples = np.linalg.solve(triangle[:column, :column], triangle[:column, column])
    others = np.flatnonzero(np.abs(multiples) > LEAST_OWN)
    if len(others) > 1:
        names = f"{', '.join(map(str, others[:-1]))} and {others[-1]}"
        raise ValueError(f"column {column} of x is a sum of multiples of columns {names}: leave one of them out")
    same = np.array_equal(x[:, column], x[:, others[0]])
    how = "the same as" if same else "a multiple, up to a constant, of"
    raise ValueError(f"column {column} of x is {how} column {others[0]}: leave one of them out")


def _segment(given: np.ndarray, number: int) -> np.ndarray:
    """[T] as int32."""
    if given.shape != (number,):
        raise ValueError(f"segment has shape {list(given.shape)}: expected [{number}], a number for each row of x")
    if given.dtype.kind not in "iu":
        raise ValueError(f"segment is {given.dtype}: expected whole numbers, the index of the segment of each row")
    if given.min() < 0:
        row = np.flatnonzero(given < 0)[0]
        raise ValueError(f"segment is {given[row]} in row {row}: expected whole numbers from 0")
    there = np.unique(given)
    if there[-1] != len(there) - 1:
        absent = np.flatnonzero(there != np.arange(len(there)))[0]
        raise ValueError(f"segment {absent} has no row, though {there[-1]} has: expected numbers from 0 without gaps")
    if (single := np.flatnonzero(np.bincount(given) < 2)).size:
        raise ValueError(f"segment {single[0]} has 1 row: expected 2 or more, to learn a distribution from")
    return given.astype(np.int32)


def _names(given: Sequence[str] | np.ndarray | None, number: int) -> tuple[str, ...]:
    if given is None:
        return tuple(f"source_{i}" for i in range(number))
    if not number:
        raise ValueError("source_names are given without sources: give both or neither")
    names = tuple(map(str, np.atleast_1d(np.asarray(given)).tolist()))
    if len(names) != number or len(set(names)) != number:
        raise ValueError(
            f"source_names {list(names)}: expected {number} different names, one for each column of sources"
        )
    return names
