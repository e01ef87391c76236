"""Questions in SQL (DuckDB), which can look at the tables that they are given and at nothing else."""

import atexit
import os
import signal
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from disentanglement_study.store import refusal

if TYPE_CHECKING:
    from pyarrow.dataset import Dataset

    Tables = Mapping[str, pd.DataFrame | Dataset]

# DuckDB without the disk and the network, for good.
ONLY_THE_TABLES: dict[str, Any] = {
    "enable_external_access": "false",
    "python_enable_replacements": "false",  # nor the variables of this program
    "temp_directory": "",
    "lock_configuration": "true",
}

# DuckDB takes a data set of Arrow, whose size it cannot tell, for the smaller side of a join: it would hold all of it.
FOR_LARGE_TABLES = {"disabled_optimizers": "build_side_probe_side"}
EXACT = 2**53  # whole numbers up to this a float has exactly
READING = {"SELECT", "EXPLAIN", "MULTI"}  # the last is PIVOT, which DuckDB takes for several statements


class Unread(ValueError):
    """A table could not be read to its end."""


def answer(sql: str, tables: "Tables", views: Mapping[str, str]) -> pd.DataFrame:
    """What the SQL gives; `views` are queries over the tables, by name. Lists, structs and maps are Python's.

    Raises ValueError, in one line, for SQL that is empty, that DuckDB refuses, or that is not one question; `Unread` if
    it may be for a table.
    """
    import duckdb  # here, because training and scoring must do without it

    connection = duckdb.connect(config=ONLY_THE_TABLES | FOR_LARGE_TABLES)
    found: Future[pd.DataFrame] = Future()

    def ask() -> None:
        try:
            with connection:
                frame = _answer(connection, sql, tables, views)
        except BaseException as error:
            found.set_exception(error)
        else:
            found.set_result(frame)

    # DuckDB ends a query that is interrupted only where a part of it ends, which may take days: a thread waits for it.
    threading.Thread(target=ask, daemon=True).start()
    try:
        frame = found.result()
    except duckdb.PermissionException as error:
        raise ValueError("query: a query can only read the study: no other files, no extensions") from error
    except duckdb.Error as error:
        kind = Unread if isinstance(error, duckdb.InvalidInputException | duckdb.OperationalError) else ValueError
        raise kind(f"query: {refusal.explained(str(error), sql, _columns(tables))}") from error
    except KeyboardInterrupt:
        connection.interrupt()
        atexit.register(_leave, found)
        raise
    return frame.apply(lambda column: column.map(_plain) if column.dtype == object else column)


def _leave(found: Future) -> None:
    """Ends the process without Python's clearing up, which aborts where DuckDB is still at work."""
    if not found.done():
        sys.stdout.flush()
        os._exit(128 + signal.SIGINT)


def _columns(tables: "Tables") -> list[str]:
    every = (table.columns if isinstance(table, pd.DataFrame) else table.schema.names for table in tables.values())
    return list(dict.fromkeys(name for names in every for name in names))


def _answer(connection: Any, sql: str, tables: "Tables", views: Mapping[str, str]) -> pd.DataFrame:
    for name, table in tables.items():
        connection.register(name, table)
    for name, query in views.items():
        connection.execute(f"CREATE VIEW {name} AS {query}")
    statements = connection.extract_statements(sql)
    if any(statement.type.name not in READING for statement in statements):
        raise ValueError("query: a query can only read the study: SELECT, PIVOT, DESCRIBE, SHOW, SUMMARIZE or EXPLAIN")
    if not statements:
        raise ValueError("query: the SQL is empty")
    if len(statements) > 1:
        raise ValueError(f"query: give one statement, got {len(statements)}")
    found = connection.execute(sql)
    kinds, frame = [str(column[1]) for column in found.description], found.df()
    for place, kind in enumerate(kinds):
        values = frame.iloc[:, place]
        if kind == "HUGEINT" and not (values.abs() > EXACT).any():  # a sum of whole numbers, which came as floats
            frame.isetitem(place, values.astype("Int64"))
    return frame


def _plain(value: Any) -> Any:
    """DuckDB's lists, which are arrays, as Python's, also in structs and maps."""
    value = value.tolist() if isinstance(value, np.ndarray) else value  # a NULL in it is masked, and becomes None
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value
