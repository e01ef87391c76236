"""Runs a study: expand, compare with the store, dispatch what is missing."""

import functools
import json
from pathlib import Path

from rich.console import Console

from disentanglement_study import data
from disentanglement_study.config import Study
from disentanglement_study.config.identity import scored_with
from disentanglement_study.data.draws import sampling
from disentanglement_study.runtime.terminal import ERR
from disentanglement_study.scoring import represent
from disentanglement_study.store import Store, upkeep
from disentanglement_study.store.runs import check_models
from disentanglement_study.study import condition, dispatch, loading, plan
from disentanglement_study.study.job import run_job
from disentanglement_study.study.loop import run_jobs
from disentanglement_study.study.training_rows import record_failure
from disentanglement_study.study.watch import stages
from disentanglement_study.types import Job, Run


def select(runs: list[Run], study: Study, where: str | None) -> list[Run]:
    """The runs for which `where` holds, an expression over the plan's columns such as "seed < 5 and strength > 1".

    The method has its name of before too, `objective`.
    """
    if where is None:
        return runs
    chosen = set(
        condition.rows(plan.frame(runs, study).assign(objective=lambda table: table["method"]), where)["run_id"]
    )
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

    Raises ValueError before anything is written for a folder of another sweep or a data set that cannot be had: a
    command that is refused changes nothing. A full disk is an OSError that names the file; the same command goes on.
    """
    console = console or ERR
    dispatch.check(executor, address)
    table, store, is_new = plan.frame(runs, study), Store(root), not root.exists()
    check_models(store, "go on with")
    identities = _identities(runs, study, data_dir)
    evaluation = json.dumps(scored_with(study), sort_keys=True)
    store.check(table, evaluation)
    with store.lock():
        damaged, manifests = upkeep.damage(store)
        for identity in identities.values():
            loading.check_data(identity, root, manifests)
        for line in store.create(table, study.text, evaluation) + upkeep.set_aside(store, damaged):
            console.print(line, soft_wrap=True)
        store.clear_progress()
        if retry_failed:
            store.forget_failed()
        there = store.run_ids("done") | store.run_ids("failed")
        missing = [one for one in runs if one.run_id not in there]
        jobs = plan.group(missing, study.resources.job_size)
        console.print(
            f"{len(runs)} runs: {len(runs) - len(missing)} there already, {len(missing)} to do in {len(jobs)} jobs"
        )
        upkeep.keep_checkpoints(store, jobs)
        if not jobs:
            return
        data_dir = data_dir and data_dir.absolute()
        settings = {"study": study, "root": root.absolute(), "data_dir": data_dir, "identities": identities}
        work = functools.partial(run_job, **settings)

        def ended(job: Job, error: BaseException | None) -> dict[str, float]:
            if error is not None:
                record_failure(job, root, error, study.resources.retries + 1)
            return store.manifest(job).get("seconds", {})

        try:
            watch = run_jobs(jobs, work, ended, store, study.resources, executor, address, console)
        except ValueError:  # refused, by the cluster for example: jobs do not raise here
            if is_new:
                upkeep.discard(store)
            raise
        console.print(f"all jobs together: {stages(watch.seconds)}".rstrip())


def _identities(runs: list[Run], study: Study, data_dir: Path | None) -> dict[str, dict]:
    """The identity of each data set, by `loading.place`; ValueError if images cannot be drawn from it as runs say."""
    found, drawn = {}, set()
    firsts = {(run.data_set, str(run.settings)): run for run in runs}
    for first in firsts.values():
        data_set, own = first.data_set, study.of(first.settings)
        train, where = own.train, loading.place(data_set, own)
        group = where, train.sampling, str(train.sampling_options)
        if group in drawn:
            continue
        drawn.add(group)
        loaded = data.load(data_set, data_dir, own.options.get(data_set))
        grid = loaded.factor_names, loaded.factor_sizes, loaded.points
        sampling.sampler(train.sampling, train.sampling_options, *grid)
        represent.table_index(loaded, study.evaluate)
        found[where] = loaded.identity
    return found
