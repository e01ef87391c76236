"""Learning by updates: a job's runs in parts that fit the device, with checkpoints, through running out of memory."""

import contextlib
import json
import logging
import math
import time
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from disentanglement_study.config import ResourceConfig, TrainConfig
from disentanglement_study.methods.kinds import Steps
from disentanglement_study.runtime import files, population, signals
from disentanglement_study.runtime.checkpoint import Checkpoints
from disentanglement_study.training.inputs import Batches
from disentanglement_study.training.learnt import GOES_ON, Learnt, Report, Tell
from disentanglement_study.training.programs import Trainer
from disentanglement_study.training.so_far import SoFar
from disentanglement_study.types import Job, Run

LOG = logging.getLogger(__name__)
# What a call of the training program aims at: long enough to hide its start, short enough to follow and to interrupt.
CALL_SECONDS = 2.0
# The fewest updates in a call, of all members together: the first touch of a program's memory costs as much as one.
FEWEST_UPDATES = 8
# Updates of a population in the short measurement of its speed.
MEASURED_UPDATES = 16
# A training that took longer is kept while its models are scored, even if it was too short for a checkpoint.
WORTH_KEEPING_SECONDS = 60.0


def fit(
    job: Job,
    learn: Steps,
    batches: Batches,
    train: TrainConfig,
    resources: ResourceConfig,
    training_batches: int,
    folder: Path | None = None,
    report: Report = lambda stage, fraction: None,
    tell: Tell = lambda losses: None,
) -> Learnt:
    """Trains the runs of a job, as many together as `resources.population` says or as the device does best.

    A part that runs out of memory is done again with half the models. With a `folder`, a job that was killed goes on
    from its last checkpoint there, with the result of one that was not; one that is told to stop (SIGINT, SIGTERM)
    makes a checkpoint first. `report` is told the stage and the fraction done, `tell` the losses so far now and then.
    Raises what the device raises, such as running out of memory with a single model.
    """
    fitting = _Fitting(job, learn, batches, train, resources, max(training_batches, 1), report, tell)
    num_runs, parts, start = len(job.runs), [], 0
    size = fitting.population(folder)
    while start < num_runs:
        _remember(folder, size)
        try:
            parts.append(fitting.part(start, size, folder and folder / f"{start}-{size}"))
            start += size
        except Exception as error:
            if not population.out_of_memory(error) or size == 1:
                raise
            size = population.smaller(num_runs, size)
    params, terms, means, diverged = jax.tree.map(lambda *leaves: np.concatenate(leaves), *parts)
    updates = num_runs * fitting.total
    return Learnt(
        params, terms, fitting.curves(means), diverged, size, fitting.compile_seconds, updates, fitting.repeated
    )


class _Part(NamedTuple):
    """Trained runs, leading axes [m]; `means` are of the terms between points of the curves, [m, points]."""

    params: dict[str, Any]
    terms: dict[str, np.ndarray]
    means: dict[str, np.ndarray]
    diverged: np.ndarray


class _Fitting:
    """What the parts of a job share: the programs, compiled once for each population size, and the data."""

    def __init__(self, job, learn, batches, train, resources, training_batches, report, tell):
        self.trainer = Trainer(learn, batches, train)
        self.runs, self.resources, self.report = job.runs, resources, report
        self.training_batches = training_batches
        self.total = learn.updates
        ends = range(max(resources.log_every, 1), self.total, max(resources.log_every, 1))
        self.points = np.array([*ends, self.total])  # updates done at the points of the curves
        self.so_far = SoFar(tell, len(self.runs), self.points)
        self.programs: dict[tuple[str, int], Any] = {}
        self.compile_seconds = 0.0
        self.fraction = 0.0  # of the job's training that is done
        self.repeated = 0  # updates, of all models together, that attempts before had done and that were lost

    def program(self, name: str, size: int) -> Any:
        """A compiled program for `size` models: "init", "advance" or "losses"."""
        if (name, size) not in self.programs:
            self.report("compiling", self.fraction)
            start = time.perf_counter()
            seeds = jax.ShapeDtypeStruct((size,), jnp.int32)
            if name == "init":
                lowered = self.trainer.init.lower(seeds)
            else:
                members = jax.eval_shape(self.trainer.init, seeds)
                hyper = {key: jax.ShapeDtypeStruct((size,), jnp.float32) for key in self.runs[0].hyper}
                given = (members, hyper, self.trainer.source)
                if name == "advance":
                    lowered = self.trainer.advance.lower(*given, num_steps=np.int32(0))
                else:
                    lowered = self.trainer.losses.lower(*given, num_batches=self.training_batches)
            self.programs[name, size] = lowered.compile()
            self.compile_seconds += time.perf_counter() - start
        return self.programs[name, size]

    def started(self, runs: tuple[Run, ...]) -> tuple[Any, dict]:
        """Members before their first update, and their hyperparameters."""
        members = self.program("init", len(runs))(jnp.array([run.seed for run in runs], jnp.int32))
        return members, {name: jnp.array([run.hyper[name] for run in runs], jnp.float32) for name in self.runs[0].hyper}

    def population(self, folder: Path | None) -> int:
        """How many models to train together: as the settings say, as before the job was killed, or as is best."""
        if self.resources.population is not None:
            return population.even(len(self.runs), self.resources.population)
        if remembered := _remembered(folder, len(self.runs)):
            return remembered
        return population.choose(len(self.runs), self._bytes, self._seconds)

    def _bytes(self, size: int) -> float:
        memory = self.program("advance", size).memory_analysis()
        held = memory.argument_size_in_bytes + memory.output_size_in_bytes - memory.alias_size_in_bytes
        return held + memory.temp_size_in_bytes

    def _seconds(self, size: int) -> float:
        """A measured update of `size` models, in seconds."""
        members, hyper = self.started(self.runs[:size])
        advance = self.program("advance", size)
        members, _ = advance(members, hyper, self.trainer.source, num_steps=np.int32(1))  # touches the memory
        jax.block_until_ready(members)
        start = time.perf_counter()
        jax.block_until_ready(advance(members, hyper, self.trainer.source, num_steps=np.int32(MEASURED_UPDATES)))
        return (time.perf_counter() - start) / MEASURED_UPDATES

    def part(self, start: int, size: int, folder: Path | None) -> _Part:
        """Trains the runs [start, start + size), from the newest checkpoint in `folder` if there is one."""
        runs = self.runs[start : start + size]
        # The last part is filled up, so that one program serves all parts.
        members, hyper = self.started((*runs, *[runs[-1]] * (size - len(runs))))
        advance = self.program("advance", size)
        terms = jax.eval_shape(self.trainer.advance, members, hyper, self.trainer.source, num_steps=np.int32(0))[1]
        sums = {term: np.zeros((len(self.points), size)) for term in terms}
        done, num_steps = 0, math.ceil(FEWEST_UPDATES / size)
        which = "" if size == len(self.runs) else f", of {len(runs)} runs"
        interval = 60 * self.resources.checkpoint_minutes
        with (
            signals.deferred() as stop,  # obeyed when the checkpoint is there
            Checkpoints(folder) if folder and interval else contextlib.nullcontext() as checkpoints,
        ):
            if checkpoints and (found := checkpoints.latest({"members": members, "sums": sums})):
                done, state = found
                members, sums = state["members"], state["sums"]
                LOG.info("goes on from its checkpoint, after update %d of %d%s", done, self.total, which)
                self.report(GOES_ON, (start + len(runs) * done / self.total) / len(self.runs))
            reached = _Reached(folder, done)
            self.so_far.at(start, len(runs), done, sums, now=True)
            saved = started = time.monotonic()
            while done < self.total:
                self.fraction = (start + len(runs) * done / self.total) / len(self.runs)
                self.report("training", self.fraction)
                point = int(np.searchsorted(self.points, done, side="right"))
                steps = min(num_steps, int(self.points[point]) - done)
                began = time.perf_counter()
                members, added = advance(members, hyper, self.trainer.source, num_steps=np.int32(steps))
                for term, value in added.items():
                    sums[term][point] += np.asarray(value)
                done += steps
                per_step = (time.perf_counter() - began) / steps
                num_steps = max(math.ceil(FEWEST_UPDATES / size), min(8 * steps, int(CALL_SECONDS / per_step)))
                reached.write(done)
                self.so_far.at(start, len(runs), done, sums, now=done == self.total)
                if checkpoints and (stop or time.monotonic() - saved >= interval):
                    checkpoints.save(done, {"members": members, "sums": sums})
                    LOG.info("makes a checkpoint, after update %d of %d%s", done, self.total, which)
                    saved = time.monotonic()
                if stop:
                    break
            long = saved > started or time.monotonic() - started >= WORTH_KEEPING_SECONDS
            if checkpoints and long and not stop:  # scoring may be interrupted too
                checkpoints.save(done, {"members": members, "sums": sums})
        self.repeated += len(runs) * reached.repeated
        finished = self.program("losses", size)(members, hyper, self.trainer.source)
        lengths = np.diff(self.points, prepend=0)[:, None]
        means = {term: (value / lengths).T for term, value in sums.items()}
        trained = _Part(self.trainer.learn.params(members.state), finished, means, members.diverged)
        return jax.tree.map(lambda leaf: np.asarray(leaf)[: len(runs)], trained)

    def curves(self, means: dict[str, np.ndarray]) -> list[dict]:
        return [
            {"step": int(step), "term": term, "values": values[:, point]}
            for point, step in enumerate(self.points)
            for term, values in means.items()
        ]


class _Reached:
    """How far a part has been trained, in a file beside its checkpoints: after a kill it tells what was lost.

    `repeated` is how many updates were done before and are done again, in all attempts together.
    """

    def __init__(self, folder: Path | None, done: int):
        self.path = folder and folder.with_name(f"{folder.name}.reached")
        self.repeated = 0
        if self.path:
            with contextlib.suppress(OSError, ValueError, KeyError, TypeError):  # there is none, or it is damaged
                before = json.loads(self.path.read_text(encoding="utf-8"))
                self.repeated = max(int(before["repeated"]), 0) + max(int(before["reached"]) - done, 0)
            self.write(done)

    def write(self, done: int) -> None:
        if self.path:
            with contextlib.suppress(OSError), files.replacing(self.path, lasting=False) as temporary:
                temporary.write_text(json.dumps({"reached": done, "repeated": self.repeated}), encoding="utf-8")


def _remembered(folder: Path | None, num_runs: int) -> int | None:
    """The population size with which a killed job was trained: its checkpoints are of that size."""
    with contextlib.suppress(OSError, ValueError):
        if folder and 1 <= (size := int((folder / "population").read_text())) <= num_runs:
            return size
    return None


def _remember(folder: Path | None, size: int) -> None:
    if folder:
        files.folder(folder)
        with files.replacing(folder / "population") as temporary:
            temporary.write_text(str(size))
