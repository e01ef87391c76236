"""The result files of disentanglement_lib: a JSON file for each model, representation and metric, or one of them all.

A file of `results/aggregate/` is one object, {"train_config.vae.beta": "4.0", "evaluation_results.discrete_mig": 0.1}.
What `dlib_aggregate_results` writes is a pandas table of these as JSON, {column: {row: value}}, with a column `path`.
"""

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from disentanglement_study.errors import one_line

# In which order a model goes through them; the file of the last has all that the others have.
STAGES = ("train.json", "postprocess.json", "evaluation.json")
# Folders of a model that hold no such file, and many others.
LEFT_OUT = {"tfhub", "tf_checkpoint", "visualizations", "gin", "json", "artifacts"}
# A larger file is read column by column: the objects of all at once would take many times its size.
LARGE = 1 << 20


class Row(NamedTuple):
    """What one result file, or a row of a table, says; place: where it is, for messages and for a model's number.

    error: why it could not be read, instead of values.
    """

    place: str
    values: dict[str, Any]
    error: str = ""


class Files(NamedTuple):
    """The files at a path, named from the folder that it is in; digest: of what `read` has read of them so far."""

    above: str
    paths: list[str]
    digest: Any


def find(path: Path) -> Files:
    """The file, or those in the folder, in an order of their own. Links to folders are not followed.

    OSError if the path cannot be read, ValueError if there is no such file.
    """
    if not (path.exists() or path.is_symlink()):
        raise ValueError(f"{path} does not exist: name a folder of result files, or the JSON file of all results")
    with os.scandir(path) if path.is_dir() else path.open("rb"):
        pass  # whatever is wrong with it
    found = sorted(_in_folder(str(path))) if path.is_dir() else [str(path)]
    if not found:
        raise ValueError(f"{path} holds no result files of disentanglement_lib (results/aggregate/*.json)")
    above = os.path.join(os.path.dirname(str(path)), "")
    return Files(above, [name.removeprefix(above) for name in found], hashlib.sha256())


def _in_folder(top: str) -> Iterator[str]:
    folders = [top]
    while folders:
        folder = folders.pop()
        try:
            with os.scandir(folder) as entries:
                there = list(entries)
        except OSError:
            yield folder  # reading it says why
            continue
        results = [entry.name for entry in there if entry.name.endswith(".json") and not entry.is_dir()]
        if results and set(results) <= set(STAGES):
            results = [max(results, key=STAGES.index)]
        yield from (f"{folder}/{name}" for name in results)
        folders += [entry.path for entry in there if entry.name not in LEFT_OUT and entry.is_dir(follow_symlinks=False)]


def read(files: Files, begins: Callable[[str], None] = lambda path: None) -> Iterator[Row]:
    """The rows of all files. What cannot be read, and what is no result, is a row with an error.

    begins: called with each path before it is read.
    """
    for path in files.paths:
        begins(path)
        try:
            with open(files.above + path, "rb") as file:
                content = file.read()
        except OSError as error:
            yield Row(path, {}, error.strerror or one_line(error))
            continue
        files.digest.update(f"{len(content)}\0".encode())
        files.digest.update(content)
        yield from _rows(path, content)


def _rows(path: str, content: bytes) -> Iterator[Row]:
    columns = _Columns()
    try:
        text = content.decode("utf-8-sig")
        if len(text) <= LARGE:
            document = json.loads(text)
            if not isinstance(document, dict):
                raise ValueError("it is not a JSON object")
            if dict not in {*map(type, document.values())}:
                yield Row(path, document)
                return
        for name, value in _one_by_one(text):
            columns.add(name, value)
    except (ValueError, RecursionError, MemoryError) as error:
        yield Row(path, {}, f"no results of disentanglement_lib: {one_line(error)}")
        return
    yield from columns.rows(path)


def _one_by_one(text: str) -> Iterator[tuple[str, Any]]:
    decoder, place = json.JSONDecoder(), _expect(text, 0, "{")
    while True:
        name, place = decoder.raw_decode(text, place)
        value, place = decoder.raw_decode(text, _expect(text, place, ":"))
        yield name, value
        place = _blank(text, place)
        if text[place : place + 1] == "}":
            return
        place = _expect(text, place, ",")


def _expect(text: str, place: int, sign: str) -> int:
    """The place of what comes after the sign."""
    place = _blank(text, place)
    if text[place : place + 1] != sign:
        raise ValueError(f"{sign!r} expected at character {place}")
    return _blank(text, place + 1)


def _blank(text: str, place: int) -> int:
    while text[place : place + 1] in (" ", "\n", "\r", "\t"):
        place += 1
    return place


class _Columns:
    """The columns of a table, or the values of a single row."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.columns: list[list] = []
        self.row: dict[str, Any] = {}
        self.index: list[str] | None = None
        self.same: dict[Any, Any] = {}  # most texts are in thousands of rows

    def add(self, name: str, value: Any) -> None:
        if not isinstance(value, dict):
            self.row[name] = value
            return
        if self.index is None:
            self.index = list(value)
        elif len(value) != len(self.index) or list(value) != self.index:
            raise ValueError(f"its column {name!r} has other rows than those before")
        same = self.same
        self.names.append(name)
        self.columns.append([same.setdefault(one, one) if type(one) is str else one for one in value.values()])

    def rows(self, path: str) -> Iterator[Row]:
        if self.columns and self.row:
            yield Row(path, {}, f"no results of disentanglement_lib: {min(self.row)!r} is not a column")
            return
        if not self.columns:
            yield Row(path, self.row)
            return
        for index, *values in zip(self.index or [], *self.columns, strict=True):
            row = {name: value for name, value in zip(self.names, values, strict=True) if value is not None}
            place = row.get("path")
            yield Row(place if isinstance(place, str) else f"{path}, row {index}", row)
