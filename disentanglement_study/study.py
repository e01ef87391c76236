"""Runs a study: expand, compare with the store, dispatch what is missing."""

import dataclasses
import functools
import json
from pathlib import Path

from rich.console import Console

from disentanglement_study import condition, data, dispatch, job, plan, represent
from disentanglement_study.config import Study
from disentanglement_study.data import sampling
from disentanglement_study.display import Watch, stages
from disentanglement_study.store import Store
from disentanglement_study.terminal import ERR
from disentanglement_study.types import DataSet, Run


def select(runs: list[Run], study: Study, where: str | None) -> list[Run]:
    """The runs for which `where` holds, an expression over the plan's columns such as "seed < 5 and strength > 1"."""
    if where is None:
        return runs
    chosen = set(condition.rows(plan.frame(runs, study), where)["run_id"])
    if not chosen:
        raise ValueError(f"--where {where!r} leaves no run of {len(runs)}")
    return [run for run in runs if run.run_id in chosen]


def run(
    study: Study,
    runs: list[Run],
    root: Path,
    executor: str = "ray",
    address: str | None = None,
    data_dir: Path | None = None,
    retry_failed: bool = False,
    console: Console | None = None,
) -> None:
    """Trains and scores the runs that the store at `root` has not, and returns when all have ended.

    Raises ValueError before anything is written for a folder of another sweep or a data set that cannot be had.
    """
    console = console or ERR
    dispatch.check(executor, address)
    table = plan.frame(runs, study)
    store = Store(root)
    for name in table["data_set"].unique():
        _check_data(data.load(name, data_dir), study, store)
    # Not the names of the metrics: a finished study may be asked for more of them.
    settings = {name: value for name, value in dataclasses.asdict(study.evaluate).items() if name != "metrics"}
    store.create(table, study.text, json.dumps(settings, sort_keys=True))
    with store.lock():
        store.clear_progress()
        if retry_failed:
            store.forget_failed()
        ended = store.run_ids("done") | store.run_ids("failed")
        missing = [one for one in runs if one.run_id not in ended]
        jobs = plan.group(missing, study.resources.job_size)
        console.print(
            f"{len(runs)} runs: {len(runs) - len(missing)} there already, {len(missing)} to do in {len(jobs)} jobs"
        )
        store.keep_checkpoints(jobs)
        if not jobs:
            return
        data_dir = data_dir and data_dir.absolute()
        work = functools.partial(job.run_job, study=study, root=root.absolute(), data_dir=data_dir)
        watch = Watch(console, store, jobs)
        with watch.watching():
            for ended_job, error in dispatch.EXECUTORS[executor](jobs, work, study.resources, address, watch.waits):
                if error is not None:
                    job.record_failure(ended_job, root, error, study.resources.retries + 1)
                watch.job_ended(ended_job, error)
        console.print(f"all jobs together: {stages(watch.seconds)}".rstrip())


def _check_data(loaded: DataSet, study: Study, store: Store) -> None:
    """ValueError if images cannot be drawn from this set as the study says, or the store has models of another one."""
    sampling.sampler(
        study.train.sampling, study.train.sampling_options, loaded.factor_names, loaded.factor_sizes, loaded.points
    )
    represent.table_index(loaded, study.evaluate)
    for manifest in store.manifests():
        there = manifest.get("data", {})
        if there.get("name") == loaded.name and there != loaded.identity:
            raise ValueError(
                f"{store.root} holds models of another data set {loaded.name!r}: its contents have changed"
            )
