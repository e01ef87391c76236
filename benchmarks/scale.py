"""How long do planning, dispatch, storing and asking take, and how much memory, as a study grows?

    python benchmarks/scale.py                              12,600 and 100,800 runs
    python benchmarks/scale.py --runs 12600,100800,999936   and the most that a sweep may name
    python benchmarks/scale.py --runs 12600 --keep FOLDER   leaves the study there, to ask it more
    python benchmarks/scale.py --only plan,status

The study is that of 2019 with more or fewer seeds: 42 data sets and methods, 100 runs a job, 156 scores a run. Nothing
is trained: `Store.write_job` writes made-up scores and a short loss curve, in all columns that real ones have. A row is
a process of its own, from its start: processor seconds (user and system), seconds of the clock, and peak memory.
Planning and asking, which change nothing, are tried --repeat times, and the quickest counts: others may use the machine
too. The row "made" is the whole of planning and storing, so that of a size its time over the jobs is that of one.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))  # where the package is not installed

import datetime
import json
import os
import subprocess
import tempfile
import time
from typing import Any, NamedTuple

import numpy as np
from common import HERE, OUT, Parser, command, commit, cpu_name, known, new_file, save

KINDS = 252  # data sets x methods x strengths of the study
SCORES = [
    *((metric, metric) for metric in ("beta_vae_score", "factor_vae_score", "mig", "dci", "modularity", "sap_score")),
    ("explicitness", "explicitness"),
    *(("dci", f"{part}.factor_{factor}") for part in ("completeness", "informativeness") for factor in range(6)),
    *(("unsupervised", f"statistic_{number}") for number in range(9)),
    *(
        (metric, f"{of}.n_{size}")
        for metric in ("downstream_logistic_regression", "downstream_boosted_trees")
        for size in (10, 100, 1000, 10_000)
        for of in ("mean_test_accuracy", *(f"test_accuracy.factor_{factor}" for factor in range(5)))
    ),
]
TRAINING = ("loss", "reconstruction_loss", "kl_loss", "elbo")
GROUPED = (
    "SELECT data_set, method, strength, avg(value) AS mig FROM results "
    "WHERE score = 'mig' AND representation = 'mean' GROUP BY ALL ORDER BY ALL"
)
ALL_GROUPED = "SELECT method, metric, score, count(*) AS n, median(value) AS m FROM results GROUP BY ALL ORDER BY ALL"
REPEATED = {"plan", "status", "query mig", "query all", "conclude", "results"}  # they leave all as it was
ASKED = {"status", "query mig", "query all", "conclude", "results"}  # of a study that is made


class Row(NamedTuple):
    """What one process took."""

    runs: int
    what: str
    cpu: float
    wall: float
    peak: float  # MB


def rows_of(run: Any, rng: np.random.Generator) -> list[dict]:
    """The scores of a run: those of the training, and of two representations."""
    versions = "jax=0.10.2 flax=0.12.0 optax=0.2.6 numpy=2.3.5"
    names = [("model", "training", score) for score in TRAINING]
    names += [(representation, *name) for representation in ("mean", "sampled") for name in SCORES]
    values, seconds = rng.random((2, len(names))).tolist()
    return [
        {"run_id": run.run_id, "representation": representation, "metric": metric, "score": score, "value": value,
         "n": 10_000, "target": "identity", "protocol": run.protocol, "metric_version": "1", "versions": versions,
         "seconds": taken, "error": None}
        for (representation, metric, score), value, taken in zip(names, values, seconds, strict=True)
    ]  # fmt: skip


def make(folder: Path, seeds: int) -> None:
    """The finished study of so many seeds."""
    from disentanglement_study.config.identity import scored_with
    from disentanglement_study.store import Store
    from disentanglement_study.study import components, plan

    settings = components.load("locatello2019", [f"sweep.seeds = {seeds}"])
    runs, store, rng = plan.expand(settings), Store(folder), np.random.default_rng(0)
    folder.mkdir(parents=True)
    with store.lock():
        store.create(plan.frame(runs, settings), settings.text, json.dumps(scored_with(settings), sort_keys=True))
        for job in plan.group(runs, settings.resources.job_size):
            scores = [row for run in job.runs for row in rows_of(run, rng)]
            curves = [
                {"run_id": run.run_id, "step": 30_000 * step, "term": term, "value": 1 / step}
                for run in job.runs for term in TRAINING[:3] for step in range(1, 11)
            ]  # fmt: skip
            about = {"seconds": {"train": 60.0}, "device": "made up", "versions": "jax=0.10.2", "attempts": 1}
            store.write_job(job, scores, curves, {}, {"status": "done", **about})


def dispatch(executor: str, seeds: int) -> None:
    """All jobs of such a study, which do nothing and are said to have taken a minute."""
    from disentanglement_study.config import ResourceConfig
    from disentanglement_study.study import components, plan
    from disentanglement_study.study.dispatch import EXECUTORS
    from disentanglement_study.study.dispatch.pile import Pile

    settings = components.load("locatello2019", [f"sweep.seeds = {seeds}"])
    jobs = plan.group(plan.expand(settings), settings.resources.job_size)
    pile, resources, start = Pile(jobs, plan.cut), ResourceConfig(num_gpus=0.0), time.perf_counter()
    seconds, runs = [], 0
    for job, error in EXECUTORS[executor](pile, nothing, resources, None):
        if error is not None:
            raise error
        seconds.append(time.perf_counter() - start)
        runs += len(job.runs)
        pile.ended(job, 60.0)
    if runs != sum(len(job.runs) for job in jobs):
        raise RuntimeError(f"{runs} runs ended")
    each = 1000 * (seconds[-1] - seconds[0]) / (len(seconds) - 1)
    OUT.print(
        f"{len(seconds):,} jobs, {executor}: the first has ended after {seconds[0]:.1f} s, each takes {each:.2f} ms"
    )


def nothing(job: Any, resources: Any) -> None:
    """The work of a job that does nothing."""


def results(folder: Path) -> None:
    from disentanglement_study import store

    store.open(folder).results()


def conclude(folder: Path) -> None:
    from disentanglement_study.cli import study

    study.conclude(folder)


def measured(arguments: list[str]) -> tuple[float, float, float]:
    """Processor seconds, seconds and peak MB of a process; RuntimeError with what it said if it fails."""
    package = ":".join(filter(None, [str(HERE.parent), os.environ.get("PYTHONPATH")]))
    with tempfile.TemporaryFile() as said:
        start = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, *arguments],
            stdout=subprocess.DEVNULL,
            stderr=said,
            env={**os.environ, "PYTHONPATH": package},
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise RuntimeError(said.read().decode(errors="replace").strip().splitlines()[-1])
    return usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024


def commands(folder: Path, seeds: int) -> dict[str, list[str]]:
    """What is measured of a size, by name, in the order in which it needs the others."""
    cli = ["-m", "disentanglement_study"]
    own = [str(Path(__file__)), "--child"]
    return {
        "plan": [*cli, "plan", "locatello2019", "--gin", f"sweep.seeds = {seeds}"],
        "dispatch inline": [*own, "inline", str(seeds)],
        "dispatch ray": [*own, "ray", str(seeds)],
        "made": [*own, "make", str(seeds), str(folder)],
        "status": [*cli, "status", str(folder)],
        "query mig": [*cli, "query", str(folder), GROUPED],
        "query all": [*cli, "query", str(folder), ALL_GROUPED],
        "conclude": [*own, "conclude", str(seeds), str(folder)],
        "results": [*own, "results", str(seeds), str(folder)],
    }


def child(arguments: list[str]) -> None:
    """What a process of ours does that is no command of the package."""
    what, number, *folders = arguments
    match what:
        case "make":
            make(Path(*folders), int(number))
        case "results":
            results(Path(*folders))
        case "conclude":
            conclude(Path(*folders))
        case executor:
            dispatch(executor, int(number))


@command
def main(argv: list[str] | None = None) -> None:
    argv = sys.argv[1:] if argv is None else argv
    if argv[:1] == ["--child"]:
        return child(argv[1:])
    names = list(commands(Path(), 1))
    parser = Parser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", default="12600,100800", help=f"sizes, separated by commas: multiples of {KINDS}")
    parser.add_argument("--only", help=f"what to measure, separated by commas, of {', '.join(names)}")
    parser.add_argument("--keep", type=Path, help="where the studies are made, and kept; one that is there is asked")
    parser.add_argument("--repeat", type=int, default=5, help="how often to plan and to ask: the quickest counts (5)")
    options = parser.parse_args(argv)
    if options.repeat < 1:
        raise ValueError(f"--repeat {options.repeat}: expected 1 or more")
    only = known("measurement", options.only.split(","), names) if options.only else names
    with tempfile.TemporaryDirectory() as folder:
        measure(sizes(options.runs), only, options.keep or Path(folder), options.repeat)


def sizes(text: str) -> list[int]:
    """The sizes in seeds of each kind of run."""
    found = []
    for part in text.split(","):
        if not part.isdecimal() or int(part) == 0 or int(part) % KINDS:
            raise ValueError(f"--runs {part}: expected multiples of {KINDS}, such as {50 * KINDS}")
        found.append(int(part) // KINDS)
    return found


def measure(seeds_of: list[int], only: list[str], home: Path, repeat: int) -> None:
    now = datetime.datetime.now(datetime.UTC)
    about = {"benchmark": "scale", "date": now.isoformat(timespec="seconds"), "commit": commit(), "cpu": cpu_name()}
    about |= {"cores": os.cpu_count(), "load": os.getloadavg()[0], "repeat": repeat}
    path, rows = new_file(HERE / "results", "scale", "cpu", cpu_name(), now), []
    OUT.print(f"{about['cpu']} ({about['cores']} cores), load {about['load']:.1f}")
    for seeds in seeds_of:
        folder = home / str(KINDS * seeds)
        for what, arguments in commands(folder, seeds).items():
            needed = what == "made" and {*only} & ASKED
            if (what not in only and not needed) or (what == "made" and folder.exists()):
                continue
            tries = [measured(arguments) for _ in range(repeat if what in REPEATED else 1)]
            rows.append(Row(KINDS * seeds, what, *min(tries, key=lambda one: one[1])))
            OUT.print(f"{rows[-1].runs:>9,}  {what:16} {rows[-1].cpu:8.2f} CPU s {rows[-1].wall:8.2f} s "
                      f"{rows[-1].peak:8,.0f} MB")  # fmt: skip
            save({**about, "rows": [row._asdict() for row in rows]}, path)
    OUT.print(f"written: {path}", soft_wrap=True)


if __name__ == "__main__":
    sys.exit(main())
