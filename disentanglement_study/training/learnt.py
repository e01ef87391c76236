"""What training gives, however a method learns."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

Report = Callable[[str, float], None]  # is told the stage and the fraction done
GOES_ON = "goes on"  # the stage of a report whose fraction leaps, to where a checkpoint is


class Losses(NamedTuple):
    """The losses of a job's models so far: rows of `Learnt.curves`, fewer of them the more there are.

    steps [P]: updates done. terms [M, P] by name, NaN of what a model has not reached. diverged [M]: whose losses are
    not finite.
    """

    steps: np.ndarray
    terms: dict[str, np.ndarray]
    diverged: np.ndarray


Tell = Callable[[Losses], None]


class Learnt(NamedTuple):
    """The models of a job; leading axes [M] are its runs.

    terms: of the finished models, means over fresh batches. curves: rows {step, term, values [M]}, means over the
    updates since the row before. diverged: the first update [M] whose loss was not finite, counted from 0, or -1.
    population: how many models were trained, and are encoded, together (None: all). compile_seconds: of all programs.
    updates: of all models together; `repeated` of them had been done before, were lost with a process, and done again.
    """

    params: dict[str, Any]
    terms: dict[str, np.ndarray]
    curves: list[dict]
    diverged: np.ndarray
    population: int | None
    compile_seconds: float
    updates: int = 0
    repeated: int = 0
