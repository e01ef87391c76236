"""Runs a study: expand, compare with the store, dispatch what is missing."""

import functools
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Set
from pathlib import Path

from rich.console import Console

from disentanglement_study.config import Study, resources_on
from disentanglement_study.config.identity import scored_with
from disentanglement_study.runtime import files
from disentanglement_study.runtime.files import Damaged
from disentanglement_study.runtime.terminal import ERR
from disentanglement_study.runtime.words import counted
from disentanglement_study.store import Store, in_flight, making, upkeep
from disentanglement_study.store.runs import check_models, finished_jobs
from disentanglement_study.study import cost, data_checks, dispatch, failed, loading, plan, progress, rescore
from disentanglement_study.study.dispatch.pile import Pile
from disentanglement_study.study.estimate import Kind
from disentanglement_study.study.job import run_job
from disentanglement_study.study.loop import run_jobs
from disentanglement_study.study.training_rows import record_failure
from disentanglement_study.study.udr import update_udr
from disentanglement_study.study.watch import Watch, done_twice, stages
from disentanglement_study.types import Job, Run


def run(
    study: Study,
    runs: list[Run],
    root: Path,
    site: dispatch.Site,
    retry_failed: bool = False,
    console: Console | None = None,
    sweep: list[Run] | None = None,
) -> None:
    """Trains and scores the runs that the store at `root` has not, and returns when all have ended.

    Finished runs among them are scored on metrics that were added to the study since; scores that compare models (UDR)
    are made anew where there are other models to compare with. sweep: the runs of which `runs` are a part, if they are
    one; what the store has of the others stays in its plan.

    Raises ValueError before anything is written for a folder of another sweep or a data set that cannot be had: a
    command that is refused changes nothing. A full disk is an OSError that names the file; the same command goes on.
    """
    console = console or ERR
    dispatch.check(site.executor, site.address)
    store, is_new = Store(root), not root.exists()
    check_models(store, "go on with")
    table = plan.frame(_planned(runs, sweep, store), study)
    identities = data_checks.identities(runs, study, site.data_dir)
    evaluation = json.dumps(scored_with(study), sort_keys=True)
    store.check(table, study.text, evaluation)
    with store.lock():
        damaged, manifests = upkeep.damage(store)
        for identity in identities.values():
            loading.check_data(identity, root, manifests)
        for line in store.create(table, study.text, evaluation) + upkeep.set_aside(store, damaged):
            console.print(line, soft_wrap=True)
        in_flight.clear(store)
        if retry_failed:
            failed.forget(store, {one.run_id for one in runs})
        there = store.run_ids("done") | store.run_ids("failed")
        missing = [one for one in runs if one.run_id not in there]
        begun, jobs = _jobs(missing, store, study)
        console.print(
            f"{counted(len(runs), 'run')}: {len(runs) - len(missing):,} there already, {len(missing):,} to do "
            f"in {counted(len(jobs), 'job')}{_going_on(store, jobs)}",
            soft_wrap=True,
        )
        others = _of_others(store, missing, there)
        upkeep.keep_checkpoints(store, {job.job_id for job in jobs} | others.keys())
        for line in _begun_anew(store, others, missing):
            console.print(line, soft_wrap=True)
        if not jobs:
            failed.settle(store)
            return _score_again(runs, store, study, site, console)
        data_dir = site.data_dir and site.data_dir.absolute()
        work = functools.partial(run_job, study=study, root=root.absolute(), data_dir=data_dir, identities=identities)

        counts: Counter[str] = Counter()

        def ended(job: Job, error: BaseException | None) -> dict[str, float]:
            if error is not None:
                record_failure(job, root, error, study.resources.retries + 1)
            files.await_return(store.jobs)
            manifest = store.manifest(job)
            counts.update({name: manifest.get(name, 0) for name in ("updates", "repeated")})
            return manifest.get("seconds", {})

        try:
            first = {plan.kind_of(job.runs[0]): job for job in jobs}
            weights = {kind: cost.weight(job, study, data_dir) for kind, job in first.items()}
            pile = Pile(jobs, plan.cut, begun, lambda job: weights[plan.kind_of(job.runs[0])])
            kinds = progress.kinds_of(store.plan, [Kind(*kind, weight) for kind, weight in weights.items()])
            left = {one.run_id: kinds[one.run_id] for one in missing}
            watch = Watch(console, store, len(missing), left, progress.ended_jobs(manifests, kinds))
            run_jobs(pile, work, ended, watch, study.resources, site)
        except ValueError:  # refused, by the cluster for example: jobs do not raise here
            if is_new:
                upkeep.discard(store)
            raise
        failed.settle(store)
        if text := stages(watch.seconds).rstrip():
            console.print(f"all jobs together: {text}")
        if text := done_twice(counts):
            console.print(text)
        _score_again(runs, store, study, site, console)


def _jobs(missing: list[Run], store: Store, study: Study) -> tuple[set[str], list[Job]]:
    """The jobs of the runs that are missing, and the ids of those that have begun: they are cut as they were, for their
    checkpoints."""
    left, there = {run.run_id: run for run in missing}, []
    for job_id, run_ids in upkeep.begun(store).items():
        job = plan.job_of(left[run_id] for run_id in run_ids if run_id in left)
        if job.job_id == job_id:
            there.append(job)
            for run in job.runs:
                del left[run.run_id]
    resources = study.resources
    largest = max(resources_on(resources, kind).job_size for kind in ("", *resources.by_device))
    return {job.job_id for job in there}, [*there, *plan.group(left.values(), largest)]


def _of_others(store: Store, missing: list[Run], ended: Set[str]) -> dict[str, list[str]]:
    """The jobs that have begun, with their runs, of which none has ended and this command leaves out some or all."""
    left, asked = set(store.plan["run_id"]) - ended, {run.run_id for run in missing}
    begun = upkeep.begun(store).items()
    return {job_id: runs for job_id, runs in begun if left.issuperset(runs) and not asked.issuperset(runs)}


def _begun_anew(store: Store, begun: Mapping[str, list[str]], missing: list[Run]) -> Iterator[str]:
    """A line for each half-trained job of which this command does some runs and leaves out others."""
    asked = {run.run_id for run in missing}
    for job_id, run_ids in begun.items():
        number = len(asked.intersection(run_ids))
        if 0 < number < len(run_ids) and upkeep.half_trained(store, [job_id]):
            yield (
                f"job {job_id} is half trained, and this command does {number} of its {counted(len(run_ids), 'run')}: "
                "these begin at update 0 (to go on from its checkpoint, stop, and name all of them)"
            )


def _going_on(store: Store, jobs: list[Job]) -> str:
    """How many of these jobs are half trained, in words; "" if none is."""
    number = upkeep.half_trained(store, [job.job_id for job in jobs])
    text = "1 of them goes on from its checkpoint" if number == 1 else f"{number} of them go on from their checkpoints"
    return f", {text}" if number else ""


def _planned(runs: list[Run], sweep: list[Run] | None, store: Store) -> list[Run]:
    """The runs, and those of the rest of their sweep that the store has: of a lost or damaged plan, its jobs have."""
    if sweep is None:
        return runs
    try:
        there = set(store.plan["run_id"])
    except Damaged:
        there = making.of_jobs(store)
    wanted = {run.run_id for run in runs} | there
    return [run for run in sweep if run.run_id in wanted]


def _score_again(runs: list[Run], store: Store, study: Study, site: dispatch.Site, console: Console) -> None:
    """Scores finished jobs with some of these runs on the metrics of the study that they lack.

    Before that, all models whose UDR is of fewer models than there are now are compared again.
    """
    update_udr(store, console)
    asked = {run.run_id for run in runs}
    jobs = [job for job in finished_jobs(store) if any(run.run_id in asked for run in job.runs)]
    missing = rescore.added(jobs, store, study)
    if not missing:
        return
    names = ", ".join(sorted(set().union(*missing.values())))
    line = f"metrics still to compute ({names}): {counted(len(missing), 'finished job')} to score"
    if not_done := rescore.score_jobs(jobs, missing, store, study, site, console, line):
        raise rescore.not_scored(not_done, missing)
