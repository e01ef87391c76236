"""Where the jobs of a study are: how a worker tells it, and how who looks on reads it."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import pandas as pd

from disentanglement_study.store import Store, in_flight
from disentanglement_study.study.estimate import Cost, Kind, Part, Seen, costs, done, estimate, worked
from disentanglement_study.study.lines import lines
from disentanglement_study.training.learnt import GOES_ON, Losses
from disentanglement_study.types import Job

NOTHING = Part(0.0, 0.0)


class Look(NamedTuple):
    """What is seen of a command's work at one moment."""

    running: list[Seen]
    models: float  # done, those that run in part
    worked: float  # models' worth of work since the command began
    left: float  # seconds; NaN: nothing can be said yet
    known: dict[Kind | None, Cost]


class Progress:
    """Tells where a job is, in the store for who looks on, and with `say` when another stage begins."""

    def __init__(self, store: Store, job: Job, say: Callable[[str], None]):
        self.store, self.job, self.say, self.stage = store, job, say, ""
        self.fraction = 0.0
        self._begun: dict[str, tuple[float, float]] = {}  # of each half: when, and how far it was already
        self._parts: dict[str, Part] = {}

    def begins(self, stage: str) -> None:
        if stage != self.stage:
            self.say(stage)
            self.stage = stage
        in_flight.write_progress(self.store, self.job, stage, self.fraction, self._parts)

    def trains(self, stage: str, fraction: float) -> None:
        """How much of the training is done; at `GOES_ON`, with what was done before this attempt."""
        if stage == GOES_ON:
            since, first = self._begun.get("training", (time.monotonic(), 0.0))
            self._begun["training"] = since, first + fraction - 2 * self.fraction
            self.fraction = 0.5 * fraction
            return
        self._tell("training", stage, fraction, 0.5 * fraction)

    def learns(self, losses: Losses) -> None:
        """The losses of its models so far."""
        in_flight.write_losses(self.store, self.job, lines(self.job.runs, losses))

    def scores(self, stage: str, fraction: float) -> None:
        self._tell("scoring", stage, fraction, 0.5 + 0.5 * fraction)

    def _tell(self, half: str, stage: str, fraction: float, whole: float) -> None:
        now = time.monotonic()
        if half == "scoring" and "training" in self._begun and half not in self._begun:
            self._measure("training", now, 1.0)
        self._begun.setdefault(half, (now, fraction))
        self._measure(half, now, fraction)
        self.fraction = whole
        self.begins(stage)

    def _measure(self, half: str, now: float, fraction: float) -> None:
        start, first = self._begun[half]
        self._parts[half] = Part(max(fraction - first, 0.0), now - start)


def running(entries: Iterable[dict], kinds: Mapping[str, Kind]) -> tuple[list[Seen], set[str]]:
    """The jobs of these entries of `Store.progress`, and their runs; `kinds` of the runs that a command does."""
    found, runs = [], set()
    for entry in entries:
        own = [run_id for run_id in entry["run_ids"] if run_id in kinds]
        if own:
            parts = [Part(*entry[half]) if half in entry else NOTHING for half in ("training", "scoring")]
            found.append(Seen(kinds[own[0]], len(own), min(max(entry["fraction"], 0.0), 0.999), *parts))
            runs.update(own)
    return found, runs


def ended(kind: Kind, models: int, seconds: Mapping[str, float]) -> Seen:
    """A job that has ended, and took so many seconds by stage; none if it failed."""
    training, scoring = (
        Part(1.0, sum(seconds.get(stage, 0.0) for stage in stages)) if seconds else NOTHING
        for stages in (("compile", "train"), ("represent", "evaluate"))
    )
    return Seen(kind, models, 1.0, training, scoring)


def kinds_of(plan: pd.DataFrame, weighed: Iterable[Kind] = ()) -> dict[str, Kind]:
    """The kind of each run of a plan, with its weight if it is one of those that were weighed."""
    known = {kind[:3]: kind for kind in weighed}
    columns = plan["data_set"], plan["method"], plan["settings"]
    return {
        run_id: known.setdefault(key, Kind(*key))
        for run_id, key in zip(plan["run_id"], zip(*columns, strict=True), strict=True)
    }


def ended_jobs(manifests: Iterable[dict], kinds: Mapping[str, Kind]) -> list[Seen]:
    """The jobs of these manifests, of whose runs the kind is known."""
    return [
        ended(kinds[one["run_ids"][0]], len(one["run_ids"]), one.get("seconds", {}))
        for one in manifests
        if one["run_ids"] and one["run_ids"][0] in kinds
    ]


def look(
    entries: Iterable[dict],
    ended: Sequence[Seen],
    left: Mapping[str, Kind],
    slots: int = 0,
    before: Sequence[Seen] = (),
) -> Look:
    """How far a command is, from the entries of `Store.progress`, the jobs that it has ended and the runs left.

    slots and before are those of `estimate`.
    """
    active, runs = running(entries, left)
    seen = [*ended, *active]
    known = costs(seen, before)
    models = sum(one.models for one in ended) + sum(one.models * done(one, known) for one in active)
    waiting = Counter(kind for run_id, kind in left.items() if run_id not in runs)
    return Look(active, models, worked(seen, known), estimate(seen, waiting, slots, before), known)
