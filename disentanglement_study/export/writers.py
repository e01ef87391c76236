"""Formats of tables as files. Each writes a table in parts, so that a large one is never in memory as a whole."""

import json
import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

Write = Callable[[pa.Table], None]


class Format(NamedTuple):
    """How a table is written: `writer(path, schema)` opens the file and gives what writes a part of it."""

    writer: Callable[[Path, pa.Schema], AbstractContextManager[Write]]
    mediatype: str
    about: str


@contextmanager
def parquet(path: Path, schema: pa.Schema) -> Iterator[Write]:
    with pq.ParquetWriter(path, schema, compression="zstd") as file:
        yield file.write_table


@contextmanager
def csv(path: Path, schema: pa.Schema) -> Iterator[Write]:
    """UTF-8 with a header. Text stands in quotes, so that an empty one differs from null, which is nothing."""
    with pyarrow.csv.CSVWriter(path, schema) as file:
        yield file.write_table


@contextmanager
def jsonl(path: Path, schema: pa.Schema) -> Iterator[Write]:
    """An object a line. JSON knows no infinity: it is written as 1e999, which is read as one."""
    names = [json.dumps(name) for name in schema.names]
    with path.open("w", encoding="utf-8") as file:

        def write(table: pa.Table) -> None:
            columns = [map(_json, column.to_pylist()) for column in table.columns]
            for row in zip(*columns, strict=True):
                cells = (f"{name}: {value}" for name, value in zip(names, row, strict=True))
                file.write("{" + ", ".join(cells) + "}\n")

        yield write


def _json(value: Any) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return "null" if math.isnan(value) else "1e999" if value > 0 else "-1e999"
    return json.dumps(value, ensure_ascii=False)


FORMATS = {
    "parquet": Format(parquet, "application/vnd.apache.parquet", "Parquet"),
    "csv": Format(csv, "text/csv", "CSV, UTF-8; nothing between two commas is null"),
    "jsonl": Format(jsonl, "application/jsonl", "JSON lines; 1e999 is infinity"),
}
