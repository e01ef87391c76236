"""The tables of a job, "scores" and "curves", as Arrow has them. Each is checked when it is read (see `records`).

Text is read as dictionaries, each distinct text once: a study has few, in millions of rows.
"""

import functools
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from disentanglement_study.store.job_files import reading_job

if TYPE_CHECKING:
    from pyarrow.dataset import Dataset

COLUMNS = {
    "scores": {
        "run_id": "string",
        "representation": "string",
        "metric": "string",
        "score": "string",
        "value": "float64",
        "n": "Int64",
        "target": "string",
        "protocol": "string",
        "metric_version": "string",
        "versions": "string",
        "seconds": "float64",
        "error": "string",
    },
    "curves": {"run_id": "string", "step": "int64", "term": "string", "value": "float64"},
}
ARROW = {"string": pa.string(), "float64": pa.float64(), "Int64": pa.int64(), "int64": pa.int64()}
TEXT = pa.dictionary(pa.int32(), pa.string())
ADDED = ("target",)  # columns that files of earlier versions have not: they are empty
IS_TEXT = (pa.types.is_string, pa.types.is_large_string)
IS_NUMBER = (pa.types.is_floating, pa.types.is_integer)  # where one is missing, whole numbers may have become floats
SCORE = ["run_id", "representation", "metric", "score"]  # what a score is named by
ONCE = {"scores": SCORE, "curves": ["run_id", "term", "step"]}  # of which no two rows have the same
TWICE = {"scores": "score of a run", "curves": "term of a step of a run"}
OUTCOME = ["run_id", "metric", "error"]
MARKED = 2**24  # numbers up to which each has a mark, rather than that all are sorted


def table(path: Path, name: str, run_ids: Iterable[str], keep: pc.Expression | None = None) -> pa.Table:
    """The rows of "scores" or "curves" of a job, or of these those that `keep` is true of; of its runs alone."""
    with reading_job(path):
        if keep is None:
            rows = _read(path, name, list(COLUMNS[name]))
        else:
            _check_columns(name, pq.read_schema(as_file(path)).remove_metadata())
            rows = _typed(pq.read_table(path, filters=keep), name, list(COLUMNS[name]))
        _check_runs(rows, run_ids)
        _check_once(rows, name)
        return rows


def failed(path: Path, run_ids: Iterable[str]) -> pa.Table:
    """The scores of a job that have an error. Only where there are any is more read than whether there are."""
    with reading_job(path):
        errors = _read(path, "scores", ["error"])["error"]
        if errors.null_count == len(errors):
            return schema("scores").empty_table()
        rows = _read(path, "scores", list(COLUMNS["scores"])).filter(errors.is_valid())
        _check_runs(rows, run_ids)
        return rows


def outcomes(path: Path, run_ids: Iterable[str]) -> pa.Table:
    """What the scores of a job have of run, metric and error (null for none): each such triple once."""
    with reading_job(path):
        rows = _read(path, "scores", OUTCOME)
        _check_runs(rows, run_ids)
        return rows.group_by(OUTCOME).aggregate([])


def check(path: Path, name: str, run_ids: Iterable[str]) -> Path:
    """The path of the "scores" or "curves" of a job, without reading its numbers.

    All columns are there and of their kinds, as far as the head of the file tells; rows are of the job's runs; no score
    of a run, and no term of a step of one, is there twice.
    """
    with reading_job(path):
        head = pq.read_metadata(as_file(path))
        rows = _read(path, name, ONCE[name], head)
        _check_runs(rows, run_ids)
        _check_once(rows, name)
    return path


def check_end(path: Path) -> None:
    """That the end of a table can be read, where it says what is in it: a file that was cut off has none."""
    with reading_job(path):
        pq.read_metadata(as_file(path))


def lazily(paths: Sequence[Path], name: str) -> "Dataset":
    """The "scores" or "curves" of jobs, of which columns and rows are read as far as they are asked for."""
    from pyarrow.dataset import FileSystemDataset, ParquetFileFormat
    from pyarrow.fs import LocalFileSystem

    disk = LocalFileSystem()
    kind = ParquetFileFormat(dictionary_columns=[column for column, of in COLUMNS[name].items() if of == "string"])
    parts = [kind.make_fragment(str(path), disk) for path in paths]  # no file is opened, or needs to be there
    return FileSystemDataset(parts, schema(name), kind, disk)


def together(found: list[pa.Table], name: str, columns: list[str] | None = None) -> pa.Table:
    """The rows of all jobs; where there is none, those of none."""
    if not found:
        found = [schema(name).empty_table().select(columns or list(COLUMNS[name]))]
    return pa.concat_tables(found)


def plain_schema(name: str) -> pa.Schema:
    """The columns of "scores" or "curves" as they are written: text is text."""
    return pa.schema([(column, ARROW[kind]) for column, kind in COLUMNS[name].items()])


def schema(name: str) -> pa.Schema:
    """The columns of "scores" or "curves" as they are read."""
    return pa.schema([(column, TEXT if kind == "string" else ARROW[kind]) for column, kind in COLUMNS[name].items()])


def frame(rows: list[dict] | pd.DataFrame | pa.Table, name: str) -> pd.DataFrame:
    """These rows of "scores" or "curves" in pandas: text is text."""
    columns = COLUMNS[name]
    given = rows.to_pandas() if isinstance(rows, pa.Table) else pd.DataFrame(rows, columns=list(columns))
    return given.astype(columns)


def as_file(path: Path) -> Path:
    """The path; else a library takes a folder for a data set of many files, or names another cause."""
    with path.open("rb"):
        return path


def _read(path: Path, name: str, columns: list[str], head: pq.FileMetaData | None = None) -> pa.Table:
    """These columns of a file that has all, without the threads of a data set of many files: it is one of many."""
    head = head or pq.read_metadata(as_file(path))
    there = head.schema.to_arrow_schema()
    _check_columns(name, there.remove_metadata())
    texts = [column for column in columns if COLUMNS[name][column] == "string" and column in there.names]
    with pq.ParquetFile(path, metadata=head, read_dictionary=texts) as file:
        return _typed(file.read(columns=columns, use_threads=False), name, columns)


def _typed(rows: pa.Table, name: str, columns: list[str]) -> pa.Table:
    """The columns of the kinds that they must have; those that the file has not are empty."""
    for column in set(columns) - set(rows.column_names):
        rows = rows.append_column(column, pa.nulls(len(rows), pa.string()))
    kinds = {column: ARROW[COLUMNS[name][column]] for column in columns}
    return pa.table({column: _as(rows[column], kind) for column, kind in kinds.items()})


def _as(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    """The column as numbers of this kind, or text as a dictionary, which is not decoded if it is one."""
    if kind != pa.string():
        return column.cast(kind)
    return column.cast(TEXT) if pa.types.is_dictionary(column.type) else column.cast(kind).dictionary_encode()


def _check_runs(rows: pa.Table, run_ids: Iterable[str]) -> None:
    known, column = set(run_ids), rows["run_id"]
    if not column.null_count and all(known.issuperset(chunk.dictionary.to_pylist()) for chunk in column.chunks):
        return  # all texts that there are; a dictionary may also have some that no row uses
    if others := set(pc.unique(column).to_pylist()) - known:
        raise ValueError(f"it has rows of a run that is not in its job: {min(others, key=str)!r}")


def _check_once(rows: pa.Table, name: str) -> None:
    """That no row is there twice. What names one becomes a number, which takes less time than to group texts."""
    number, numbers = np.zeros(len(rows), np.int64), 1
    for column in ONCE[name]:
        places, count = _places(rows[column])
        number, numbers = number * count + places, numbers * count
    if numbers <= MARKED:
        marks = np.zeros(numbers, bool)
        marks[number] = True
        twice = marks.sum() < len(rows)
    else:  # of very many texts two numbers may also be the same by chance
        alike = np.any(np.diff(np.sort(number)) == 0)
        twice = alike and rows.group_by(ONCE[name]).aggregate([]).num_rows < len(rows)
    if twice:
        raise ValueError(f"it has a {TWICE[name]} twice")


def _places(column: pa.ChunkedArray) -> tuple[np.ndarray, int]:
    """Each distinct value as a number from 0, or null as one more; how many numbers that may be."""
    column = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    texts = column.unify_dictionaries().combine_chunks()
    return texts.indices.fill_null(len(texts.dictionary)).to_numpy(), len(texts.dictionary) + 1


@functools.cache  # the files of a study are alike
def _check_columns(name: str, there: pa.Schema) -> None:
    """That a file has the columns, of the kinds that they must have; of an empty one any."""
    for column, kind in COLUMNS[name].items():
        if column not in there.names:
            if column in ADDED:
                continue
            raise ValueError(f"it has no column {column!r}")
        found = there.field(column).type
        if not (
            pa.types.is_null(found) or any(is_kind(found) for is_kind in (IS_TEXT if kind == "string" else IS_NUMBER))
        ):
            raise ValueError(f"its column {column!r} is {found}: expected {ARROW[kind]}")
