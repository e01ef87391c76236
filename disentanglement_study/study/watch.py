"""Follows the jobs of a study while they run: progress with an estimate of the time left."""

import math
import threading
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeElapsedColumn
from rich.text import Text

from disentanglement_study.errors import reason
from disentanglement_study.runtime import job_log
from disentanglement_study.runtime.terminal import is_animated, printable
from disentanglement_study.runtime.words import counted
from disentanglement_study.store import Store, in_flight
from disentanglement_study.study.estimate import Kind, Seen
from disentanglement_study.study.progress import Look, ended, look
from disentanglement_study.types import Job

FEW_SECONDS = 10.0
WAITING = Job("0" * 12, ())  # of no run: its stage is what all jobs wait for


class Watch:
    """Follows the jobs of a study: a bar with an estimate on a terminal, a line per finished job elsewhere.

    kinds: of the runs that are to be trained; without them the estimate is by how many jobs have ended. before: jobs
    that ended earlier.
    """

    def __init__(
        self,
        console: Console,
        store: Store,
        total: int,
        kinds: Mapping[str, Kind] | None = None,
        before: Sequence[Seen] = (),
    ):
        self.console, self.store, self.total = console, store, total
        self.left, self.before = dict(kinds or {}), before
        self.seen: list[Seen] = []
        self.slots: deque[int] = deque(maxlen=20)  # how many jobs ran at the last looks
        self.ended, self.failed, self.start = 0, 0, time.monotonic()
        self.seconds: Counter[str] = Counter()  # by stage, of all jobs
        self.bar = Progress(
            TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(),
            TextColumn("{task.fields[runs]}"), TimeElapsedColumn(),
            TextColumn("{task.fields[left]}"),
            console=console, disable=not is_animated(console),
        )  # fmt: skip
        self.waited = ""
        self.task = self.bar.add_task("models", total=self.total, runs=f"0/{self.total}", left="")

    @contextmanager
    def watching(self) -> Iterator[None]:
        stop = threading.Event()
        thread = threading.Thread(target=self._poll, args=(stop,), daemon=True)
        commanded = in_flight.commanded(self.store, self.left, set(self.left.values())) if self.left else nullcontext()
        with commanded, self.bar:
            thread.start()
            try:
                yield
            finally:
                stop.set()
                thread.join()
                self.waits("")

    def _poll(self, stop: threading.Event) -> None:
        """Workers leave their progress in the store, so this works across processes and machines."""
        while not stop.wait(0.5):
            entries = [entry for entry in in_flight.progress(self.store) if entry["run_ids"]]
            seen = self._look(entries)
            stages = printable(", ".join(sorted({entry["stage"] for entry in entries}))) or "starting"
            left = "" if math.isnan(seen.left) else f"left: {remaining(seen.left)}"
            self.bar.update(self.task, completed=seen.models, description=stages, left=left)

    def _look(self, entries: list[dict]) -> Look:
        if self.left or self.seen:
            seen = look(entries, self.seen, self.left, max(self.slots, default=0), self.before)
            self.slots.append(len(seen.running))
            return seen
        models = self.ended + sum(entry["fraction"] * len(entry["run_ids"]) for entry in entries)
        elapsed = time.monotonic() - self.start
        return Look([], models, models, elapsed / models * (self.total - models) if models else math.nan, {})

    def waits(self, text: str) -> None:
        """Says what the jobs wait for, here and to `status`; "" when they wait no more."""
        if text:
            minutes = (time.monotonic() - self.start) / 60
            self.console.print(f"waiting, {minutes:.0f} min: {text}", markup=False, soft_wrap=True)
            in_flight.write_progress(self.store, WAITING, text, 0.0)
        elif self.waited:
            self.store.progress_file(WAITING).unlink(missing_ok=True)
        self.waited = text

    def notes(self, job: Job, text: str) -> None:
        """Why an attempt at a job ended that does not end the job, here and in the job's log: its worker may be gone
        without a word."""
        job_log.line(self.store.log_file(job.job_id), f"seen by the command that runs it: {text}")
        what = f"{job.method} on {job.data_set}, {counted(len(job.runs), 'run')}: {text}"
        self.console.print(Text(printable(what)), soft_wrap=True)

    def job_ended(self, job: Job, error: BaseException | None, seconds: Mapping[str, float]) -> None:
        """Counts a job that took so many seconds, by stage."""
        self.ended += len(job.runs)
        self.failed += len(job.runs) if error else 0
        self.seconds.update(seconds)
        if self.left:
            runs = {run.run_id for run in job.runs}
            self.seen = [*self.seen, ended(self.left[job.runs[0].run_id], len(runs), seconds)]
            self.left = {run_id: kind for run_id, kind in self.left.items() if run_id not in runs}
        self.bar.update(self.task, completed=self.ended, runs=f"{self.ended}/{self.total}")
        if error:
            why = reason(str(error)) if str(error).strip() else type(error).__name__
            text = f"failed: {job.method} on {job.data_set}, {counted(len(job.runs), 'run')}: {why}"
            self.console.print(Text(printable(text)), style="red", soft_wrap=True)
            job_log.line(self.store.log_file(job.job_id), f"seen by the command that runs it: failed: {why}")
        if not is_animated(self.console):
            elapsed = time.monotonic() - self.start
            left = self._look(in_flight.progress(self.store)).left
            if math.isnan(left):
                left = elapsed / self.ended * (self.total - self.ended)
            self.console.print(
                f"{self.ended}/{self.total} models  {job.method} on {job.data_set}  {stages(seconds)}"
                f"elapsed {elapsed:.0f} s, about {left:.0f} s left",
                soft_wrap=True,
            )


def remaining(seconds: float) -> str:
    """The time that is left, in words. Its last seconds are counted by nobody: jobs say how far they are too seldom."""
    return "a few seconds" if seconds < FEW_SECONDS else duration(seconds)


def duration(seconds: float) -> str:
    """A time in words, as exact as an estimate of it can be."""
    minutes = round(seconds / 60)
    if minutes < 2:
        return f"{seconds:.0f} s"
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min" if minutes < 2880 else f"{minutes / 1440:.1f} days"


def clock(when: float, now: float) -> str:
    """The time of day here, and the day if it is another."""
    try:
        there, here = time.localtime(when), time.localtime(now)
    except (OverflowError, ValueError, OSError):
        return "an unknown time"
    return time.strftime("%H:%M" if there[:3] == here[:3] else "%a %d %b %H:%M", there)


def stages(seconds: Mapping[str, float]) -> str:
    """How long a job, or several, took by stage."""
    return "".join(f"{stage} {value:.0f} s  " for stage, value in seconds.items())


def done_twice(counts: Mapping[str, int]) -> str:
    """How much of the training of jobs ("updates") was lost with their workers and done again ("repeated")."""
    updates, repeated = counts.get("updates", 0), counts.get("repeated", 0)
    if not repeated:
        return ""
    share = f"{repeated / updates:.1%}" if repeated >= 0.001 * updates else "less than 0.1%"
    return f"done twice: {repeated:,} of {counted(updates, 'update')} ({share})"
