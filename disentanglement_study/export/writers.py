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
    names = [json.dumps(name, ensure_ascii=False).replace("%", "%%") for name in schema.names]
    line = "{" + ", ".join(f"{name}: %s" for name in names) + "}\n"
    with path.open("w", encoding="utf-8", newline="\n") as file:

        def write(table: pa.Table) -> None:
            columns = [_json(column) for column in table.columns]
            file.writelines(line % row for row in zip(*columns, strict=True))

        yield write


def _json(column: pa.ChunkedArray) -> list[str]:
    """The values as JSON; each that occurs often is written once."""
    coded = column.combine_chunks().dictionary_encode()
    texts = [_value(value) for value in coded.dictionary.to_pylist()]
    return ["null" if place is None else texts[place] for place in coded.indices.to_pylist()]


def _value(value: Any) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        return "null" if math.isnan(value) else "1e999" if value > 0 else "-1e999"
    return json.dumps(value, ensure_ascii=False)


FORMATS = {
    "parquet": Format(parquet, "application/vnd.apache.parquet", "Parquet"),
    "csv": Format(csv, "text/csv", "CSV, UTF-8; nothing between two commas is null"),
    "jsonl": Format(jsonl, "application/jsonl", "JSON lines; 1e999 is infinity"),
}
