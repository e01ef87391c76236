"""What the commands show: the plan's summary, a study's status, progress with an estimate of the time left."""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Set
from contextlib import contextmanager

import pandas as pd
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table
from rich.text import Text

from disentanglement_study.config import Study
from disentanglement_study.store import Store
from disentanglement_study.terminal import printable
from disentanglement_study.types import Job


def table(frame: pd.DataFrame) -> Table:
    """A DataFrame as a terminal table: numbers to the right, thousands separated."""
    shown = Table(header_style="bold", box=None, pad_edge=False)
    for name in frame.columns:
        numeric = pd.api.types.is_numeric_dtype(frame[name])
        shown.add_column(_text(str(name)), justify="right" if numeric else "left", no_wrap=numeric, overflow="fold")
    for row in frame.itertuples(index=False):
        shown.add_row(*(_text(_cell(value)) for value in row))
    return shown


def _text(text: str) -> Text:
    """Text that is no markup, on whatever console it is printed."""
    return Text(printable(text))


def _cell(value) -> str:
    if pd.api.types.is_scalar(value) and pd.isna(value):
        return "-"
    if isinstance(value, float):
        return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def status(store: Store) -> pd.DataFrame:
    """Runs per data set and objective: planned, done, failed, running, missing."""
    plan = store.plan
    done, failed = store.run_ids("done"), store.run_ids("failed")
    # What a dead driver leaves says where its jobs were, not that they are running.
    entries = store.progress() if store.is_running() else []
    running = {run for entry in entries for run in entry["run_ids"]} - done - failed
    state = plan["run_id"].map(
        lambda run: "done" if run in done else "failed" if run in failed else "running" if run in running else "missing"
    )
    counts = pd.crosstab([plan["data_set"], plan["objective"]], state)
    counts = counts.reindex(columns=["done", "failed", "running", "missing"], fill_value=0)
    counts.insert(0, "planned", counts.sum(axis=1))
    return counts.reset_index()


def awaited(store: Store) -> list[str]:
    """What the driver of a running study waits for, as `Watch.waits` left it; empty when there is none."""
    return [entry["stage"] for entry in store.progress() if not entry["run_ids"]] if store.is_running() else []


def failures(results: pd.DataFrame, plan: pd.DataFrame, failed: Set[str]) -> str:
    """What failed of the runs of a plan, in a line; empty if nothing did. `failed` are the runs whose job failed.

    results: all scores. A metric has failed if it has no score of any model. A model that diverged is a result: it
    counts as done, and what cannot be computed of it is no failure of a metric.
    """
    runs = plan["run_id"]
    parts = [f"{runs.isin(failed).sum()} of {len(runs)} runs"] if runs.isin(failed).any() else []
    training = results["metric"] == "training"
    diverged = results.loc[training & results["error"].str.startswith("diverged", na=False), "run_id"]
    scores = results[~training & results["run_id"].isin(runs) & ~results["run_id"].isin(diverged)]
    everywhere = scores["error"].notna().groupby(scores["metric"]).all()
    if names := list(everywhere.index[everywhere]):
        parts.append(f"{'metrics' if len(names) > 1 else 'metric'} {', '.join(names)} for every model")
    return f"failed: {'; '.join(parts)}" if parts else ""


WAITING = Job("0" * 12, ())  # of no run: its stage is what all jobs wait for


class Watch:
    """Follows the jobs of a study: a bar with an estimate on a terminal, a line per finished job elsewhere."""

    def __init__(self, console: Console, store: Store, jobs: list[Job]):
        self.console, self.store = console, store
        self.total = sum(len(job.runs) for job in jobs)
        self.ended, self.failed, self.start = 0, 0, time.monotonic()
        self.seconds: Counter[str] = Counter()  # by stage, of all jobs
        self.bar = Progress(
            TextColumn("{task.description}", markup=False), BarColumn(), TaskProgressColumn(),
            TextColumn("{task.fields[runs]}"), TimeElapsedColumn(),
            TextColumn("left:"), TimeRemainingColumn(elapsed_when_finished=False),
            console=console, disable=not console.is_terminal,
        )  # fmt: skip
        self.waited = ""
        self.task = self.bar.add_task("models", total=self.total, runs=f"0/{self.total}")

    @contextmanager
    def watching(self) -> Iterator[None]:
        stop = threading.Event()
        thread = threading.Thread(target=self._poll, args=(stop,), daemon=True)
        with self.bar:
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
            entries = [entry for entry in self.store.progress() if entry["run_ids"]]
            partial = sum(entry["fraction"] * len(entry["run_ids"]) for entry in entries)
            stages = printable(", ".join(sorted({entry["stage"] for entry in entries}))) or "starting"
            self.bar.update(self.task, completed=self.ended + partial, description=stages)

    def waits(self, text: str) -> None:
        """Says what the jobs wait for, here and to `status`; "" when they wait no more."""
        if text:
            minutes = (time.monotonic() - self.start) / 60
            self.console.print(f"waiting, {minutes:.0f} min: {text}", markup=False, soft_wrap=True)
            self.store.write_progress(WAITING, text, 0.0)
        elif self.waited:
            self.store.progress_file(WAITING).unlink(missing_ok=True)
        self.waited = text

    def job_ended(self, job: Job, error: BaseException | None, seconds: Mapping[str, float] | None = None) -> None:
        """Counts a job; `seconds` by stage, by default those of its manifest."""
        self.ended += len(job.runs)
        self.failed += len(job.runs) if error else 0
        seconds = self.store.manifest(job).get("seconds", {}) if seconds is None else seconds
        self.seconds.update(seconds)
        self.bar.update(self.task, completed=self.ended, runs=f"{self.ended}/{self.total}")
        if error:
            reason = str(error).strip().splitlines()[-1] if str(error).strip() else type(error).__name__
            text = f"failed: {job.objective} on {job.data_set}, {len(job.runs)} runs: {reason}"
            self.console.print(_text(text), style="red", soft_wrap=True)
        if not self.console.is_terminal:
            elapsed = time.monotonic() - self.start
            left = elapsed / self.ended * (self.total - self.ended)
            self.console.print(
                f"{self.ended}/{self.total} models  {job.objective} on {job.data_set}  {stages(seconds)}"
                f"elapsed {elapsed:.0f} s, about {left:.0f} s left",
                soft_wrap=True,
            )


@contextmanager
def steps(console: Console, total: int) -> Iterator[Callable[[str], None]]:
    """A bar on a terminal; what it yields is called with the name of each of `total` steps before it begins."""
    columns = TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("", total=total, completed=-1)
        yield lambda name: bar.update(task, advance=1, description=name)


def headlines(scores: pd.DataFrame) -> pd.DataFrame:
    """Of each metric the score that carries its name; of one without, all but those of single codes and factors."""
    has_headline = scores["metric"].isin(scores.loc[scores["score"] == scores["metric"], "metric"])
    is_whole = ~scores["score"].str.contains(r"\d$")
    return scores[(scores["score"] == scores["metric"]) | (~has_headline & is_whole)]


def stages(seconds: Mapping[str, float]) -> str:
    """How long a job, or several, took by stage."""
    return "".join(f"{stage} {value:.0f} s  " for stage, value in seconds.items())


def axes(plan: pd.DataFrame, estimates: pd.DataFrame) -> list[Table]:
    """The sweep axis by axis: a table of data sets and a table of objectives, with runs and training cost."""
    by_data_set = estimates.groupby("data_set", sort=False)[["runs", "pflop"]].sum().reset_index()
    rows = []
    for objective, group in plan.groupby("objective", sort=False):
        cost = estimates[estimates["objective"] == objective]
        rows.append(
            {
                "objective": objective,
                "hyperparameters": _hyperparameters(group),
                "runs": len(group),
                "updates": cost["updates"].iloc[0],
                "weights": cost["parameters"].max(),
                "GFLOP/step": cost["gflop_per_step"].max(),
            }
        )
    return [table(by_data_set), table(pd.DataFrame(rows))]


def headline(plan: pd.DataFrame) -> str:
    """The plan in a line."""
    return f"{len(plan):,} runs, seeds {_seeds(plan)}, protocol {plan['protocol'].iloc[0]!r}"


def _hyperparameters(group: pd.DataFrame) -> str:
    """A line for each hyperparameter with all its values, the strength first."""
    hyper = pd.DataFrame([json.loads(text) for text in group["hyper"].unique()])
    return "\n".join(f"{name} = {' '.join(f'{v:g}' for v in sorted(hyper[name].unique()))}" for name in hyper)


def _seeds(plan: pd.DataFrame) -> str:
    seeds = sorted(int(seed) for seed in plan["seed"].unique())
    if len(seeds) > 2 and seeds == list(range(seeds[0], seeds[-1] + 1)):
        return f"{seeds[0]}..{seeds[-1]}"
    return ", ".join(map(str, seeds))


# Sustained on the study's nets, GFLOP/s: orders of magnitude for a plan, not promises.
SUSTAINED = {"one CPU core": 50, "one data-centre GPU": 10_000}


def cost(plan: pd.DataFrame, estimates: pd.DataFrame, num_jobs: int, study: Study) -> str:
    """The plan in words: jobs, operations, and what they would take at a stated rate."""
    pflop = estimates["pflop"].sum()
    rates = "; ".join(
        f"{_duration(pflop * 1e6 / rate)} on {name} at {rate:,} GFLOP/s" for name, rate in SUSTAINED.items()
    )
    metrics = len(study.evaluate.metrics) * len(study.evaluate.representations)
    return (
        f"{len(plan):,} models in {num_jobs:,} jobs of up to {study.resources.job_size}; "
        f"{pflop:,.4g} PFLOP of training.\n"
        f"Training would take {rates} (assumed rates).\n"
        f"Scoring: {metrics} metrics and representations a model, {len(plan) * metrics:,} in all; not in the estimate."
    )


def _duration(seconds: float) -> str:
    for size, name in ((86400 * 365.25, "years"), (86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= size:
            return f"{seconds / size:,.1f} {name}"
    return f"{seconds:,.0f} seconds"
