"""The losses of a job that runs, in a small file: a few lines over a few steps, however many models the job has.

A line is of one model, or of several: their median, and the 10th and the 90th percentile. As JSON, with null where
there is no value:

    {"steps": [500, 1000], "lines": [{"hyper": {"beta": 4.0}, "seed": null, "models": 50, "diverged": 1}],
     "terms": {"loss": {"middle": [[512.3, 480.1]], "low": [[...]], "high": [[...]]}}}
"""

import json
import math
from pathlib import Path
from typing import NamedTuple

from disentanglement_study.runtime.files import reading

LARGEST = 4_000_000  # bytes of a file that is read: those that are written have a tenth of it
MOST = 1000  # lines, steps, terms

Number = float | None  # None: there is none


class Line(NamedTuple):
    """hyper: what its models have in common. seed: of the model; None if there are several."""

    hyper: dict[str, float]
    seed: int | None
    models: int
    diverged: int


class Term(NamedTuple):
    """Values [line][step]; `low` and `high` are `middle` where a line is of one model."""

    middle: list[list[Number]]
    low: list[list[Number]]
    high: list[list[Number]]


class Losses(NamedTuple):
    steps: list[int]  # updates done
    lines: list[Line]
    terms: dict[str, Term]


def text(losses: Losses) -> str:
    lines = [line._asdict() for line in losses.lines]
    terms = {name: term._asdict() for name, term in losses.terms.items()}
    content = {"steps": losses.steps, "lines": lines, "terms": terms}
    return json.dumps(content, separators=(",", ":"))


def read(path: Path) -> Losses:
    """What a file holds; `files.Damaged` if it is no such file."""
    with reading(path):
        with path.open("rb") as file:
            found = file.read(LARGEST + 1)
        if len(found) > LARGEST:
            raise ValueError(f"it has more than {LARGEST:,} bytes")
        content = json.loads(found)
        steps, lines = content["steps"], [Line(**line) for line in content["lines"]]
        terms = {name: Term(**term) for name, term in content["terms"].items()}
        if max(len(steps), len(lines), len(terms)) > MOST or not all(_is_whole(step) for step in steps):
            raise ValueError("its steps are not numbers of updates")
        if not all(map(_is_line, lines)):
            raise ValueError("its lines do not describe models")
        if not all(_is_table(values, len(lines), len(steps)) for term in terms.values() for values in term):
            raise ValueError("its values are not numbers, or do not match its lines and steps")
        return Losses(steps, lines, terms)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 1 << 53


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_line(line: Line) -> bool:
    hyper = isinstance(line.hyper, dict) and all(map(_is_number, line.hyper.values()))
    return hyper and (line.seed is None or _is_whole(line.seed)) and _is_whole(line.models) and _is_whole(line.diverged)


def _is_table(values: object, lines: int, steps: int) -> bool:
    if not isinstance(values, list) or len(values) != lines:
        return False
    return all(
        isinstance(row, list) and len(row) == steps and all(value is None or _is_number(value) for value in row)
        for row in values
    )
