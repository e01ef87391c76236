"""What was measured of costs: `costs.json`, which `benchmarks/costs.py` makes of the results of the benchmarks."""

import functools
import json
from pathlib import Path
from typing import Any

FILE = Path(__file__).with_suffix(".json")
NOT_MEASURED = "not measured"


def of_metric(name: str) -> str:
    """The CPU time of one representation of one model."""
    table, seconds = _table()["metrics"], seconds_of_metric(name)
    if seconds is None:
        return NOT_MEASURED
    return f"{seconds:.2g} CPU seconds a model ({table['of']}; {_where(table)})"


def seconds_of_metric(name: str) -> float | None:
    """The CPU seconds of one representation of one model; None if they were not measured."""
    return _table()["metrics"]["seconds"].get(name)


def of_method(name: str) -> str:
    """The time of an update of one model."""
    for table in _table()["methods"]:
        if name in table["seconds"]:
            return f"{1000 * table['seconds'][name]:.3g} ms an update ({table['of']}; {_where(table)})"
    return NOT_MEASURED


def size_of_method(name: str) -> str:
    """The parameters of a model, and the operations of an update; "" of a method that was not counted."""
    found = _table()["sizes"].get(name)
    if not found or not found["parameters"]:
        return ""
    update = f", {found['gflop']:g} GFLOP an update of {found['of']}" if found["gflop"] else ""
    return f"{found['parameters']:,} parameters{update}"


def megabytes(data_set: str) -> float | None:
    """What a set of images takes on disk, and in the memory of a device; None where that is not measured."""
    size = _table()["data"]["bytes"].get(data_set)
    return None if size is None else size / 1e6


def images(data_set: str) -> int | None:
    """How many images a set has, which may be other than there are combinations of factors."""
    return _table()["data"]["images"].get(data_set)


def _where(table: dict[str, Any]) -> str:
    return f"{table['device'].replace('(R)', '')}, {table['date']}"


@functools.cache
def _table() -> dict[str, Any]:
    return json.loads(FILE.read_text(encoding="utf-8"))
