"""Metrics that a finished study has not: its models are encoded again, not trained again."""

import dataclasses
import functools
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from disentanglement_study.config import ResourceConfig, Study
from disentanglement_study.errors import Failed
from disentanglement_study.metrics import METRICS
from disentanglement_study.runtime import compilation, job_log
from disentanglement_study.runtime.terminal import ERR
from disentanglement_study.runtime.words import counted
from disentanglement_study.scoring import represent
from disentanglement_study.scoring.evaluate import names_of
from disentanglement_study.scoring.members import score_members
from disentanglement_study.store import Store, in_flight
from disentanglement_study.store.peers import UDR
from disentanglement_study.store.runs import check_models, finished_jobs
from disentanglement_study.study import dispatch, loading, operative, provenance
from disentanglement_study.study.dispatch.pile import Pile
from disentanglement_study.study.loop import run_jobs
from disentanglement_study.study.udr import score_udr
from disentanglement_study.study.watch import Watch
from disentanglement_study.types import Job


def rescore(
    root: Path,
    site: dispatch.Site,
    metrics: str | None = None,
    console: Console | None = None,
) -> tuple[str, ...]:
    """Scores the models of the study at `root` on the metrics that they lack or whose version has changed.

    `metrics` are names separated by commas, "all", or None: those of the study's own settings. Raises ValueError for
    one that does not exist, and at the end `Failed` if jobs failed. Returns the names of the metrics.
    """
    console = console or ERR
    dispatch.check(site.executor, site.address)
    store = Store(root)
    check_models(store, "score")
    study = store.settings
    names = names_of(study.evaluate.metrics if metrics is None else metrics, (*METRICS, UDR))
    with store.lock():
        jobs = finished_jobs(store)
        of_models = [name for name in names if name != UDR]  # the others are of one model each
        missing = _missing(of_models, store, study, jobs)
        if UDR in names:
            store.check_arrays(jobs, "codes")
        in_flight.clear(store)
        failed: list[Job] = []
        if of_models:
            what = "the scores other than udr" if UDR in names else "these scores"
            have = f"{len(jobs) - len(missing):,} have {what}, {len(missing):,} to score"
            line = f"{counted(len(jobs), 'finished job')}: {have}"
            failed = score_jobs(jobs, missing, store, study, site, console, line)
        if UDR in names:
            models = counted(sum(len(job.runs) for job in jobs), "model")
            console.print(f"udr: comparing {models} of {counted(len(jobs), 'finished job')}", soft_wrap=True)
            score_udr(jobs, store, console)
    if failed:
        raise not_scored(failed, missing)
    return names


def score_jobs(
    jobs: list[Job],
    missing: dict[str, tuple[str, ...]],
    store: Store,
    study: Study,
    site: dispatch.Site,
    console: Console,
    line: str,
) -> list[Job]:
    """Scores finished jobs on metrics, {job_id: names}; returns those that failed. Call it under the store's lock.

    line: what is printed when all that can be wrong has been checked.
    """
    data_dir = site.data_dir and site.data_dir.absolute()
    todo = [job for job in jobs if job.job_id in missing]
    identities = _identities(todo, study, store, data_dir)
    store.check_arrays(todo, "params")
    console.print(line)
    work = functools.partial(
        rescore_job,
        missing=missing,
        study=study,
        root=store.root.absolute(),
        data_dir=data_dir,
        identities=identities,
    )
    failed: list[Job] = []

    def ended(job: Job, error: BaseException | None) -> dict[str, float]:
        store.progress_file(job).unlink(missing_ok=True)
        if error is not None:
            failed.append(job)
        return {}  # the manifest's seconds are of the training

    pile = Pile(todo)
    watch = Watch(console, store, pile.num_runs)
    run_jobs(pile, work, ended, watch, study.resources, site)
    return failed


def added(jobs: list[Job], store: Store, study: Study) -> dict[str, tuple[str, ...]]:
    """{job_id: metrics}: those of the study of which runs of finished jobs have no row.

    They were added to the sweep since, or rows are lost. One that failed, or whose version has changed, is left to
    `evaluate`. Of UDR a run may have none beside others that do.
    """
    manifests = [store.manifest(job) for job in jobs]
    there = {one["job_id"]: store.metrics(one, all) | ({UDR} & store.metrics(one)) for one in manifests}
    lacking = {key: tuple(name for name in study.evaluate.metrics if name not in has) for key, has in there.items()}
    return {job_id: names for job_id, names in lacking.items() if names}


def not_scored(failed: list[Job], missing: dict[str, tuple[str, ...]]) -> Failed:
    """The error for jobs that could not be scored."""
    return Failed(
        f"{len(failed)} of {counted(len(missing), 'job')} could not be scored; run the same command to try them again"
    )


def rescore_job(
    job: Job,
    resources: ResourceConfig,
    missing: dict[str, tuple[str, ...]],
    study: Study,
    root: Path,
    data_dir: Path | None,
    identities: dict[str, dict] | None = None,
) -> None:
    """Scores one finished job on the metrics that it lacks and adds the rows to its own; the job's log says so.

    resources: of where it runs. identities: as for a job.
    """
    what = f"{', '.join(missing[job.job_id])} of {counted(len(job.runs), 'run')} of {job.method} on {job.data_set}"
    with job_log.kept(Store(root).log_file(job.job_id), what) as say:
        _rescore_job(job, resources, missing[job.job_id], study, root, data_dir, identities, say)


def _rescore_job(
    job: Job,
    resources: ResourceConfig,
    metrics: tuple[str, ...],
    study: Study,
    root: Path,
    data_dir: Path | None,
    identities: dict[str, dict] | None,
    say: Callable[[str], None],
) -> None:
    compilation.use_cache()
    begun = provenance.begun()
    study = dataclasses.replace(study.of(job.settings), resources=resources)
    store = Store(root)
    settings = dataclasses.replace(study.evaluate, metrics=metrics)
    data_set = loading.load_data(job.data_set, study, store, data_dir, identities)
    index = represent.table_index(data_set, settings)
    say("encoding")
    in_flight.write_progress(store, job, "encoding", 0.0)
    learner, batches = loading.learner(job, study, data_set), loading.batches(job, study, data_set)
    params, population = loading.parameters(store, job, learner), store.manifest(job).get("population")
    codes = represent.encode(job, learner, params, batches, index, study, population)
    say("scoring")
    rows = score_members(
        job,
        codes,
        represent.truths(data_set, index, job.method, codes, settings),
        settings,
        study.resources.num_cpus,
        represent.is_population(data_set, index),
        report=lambda done: in_flight.write_progress(store, job, "scoring", done),
    )
    store.add_scores(job, rows)
    store.write_scored(job, settings.metrics, provenance.ended(begun))
    there = set(store.rows_of(store.manifest(job), "scores")["metric"])
    settings = dataclasses.replace(settings, metrics=tuple(name for name in METRICS if name in there))
    study = dataclasses.replace(study, evaluate=settings)
    store.write_operative(job, operative.text(job, study, data_set.has_sources))


def _identities(jobs: list[Job], study: Study, store: Store, data_dir: Path | None) -> dict[str, dict]:
    """The identity of each data set, by `loading.place`."""
    found = {}
    for job in jobs:
        own = study.of(job.settings)
        if (place := loading.place(job.data_set, own)) not in found:
            found[place] = loading.load_data(job.data_set, own, store, data_dir).identity
    return found


def _missing(names: list[str], store: Store, study: Study, jobs: list[Job]) -> dict[str, tuple[str, ...]]:
    """{job_id: metrics}: of which some run has no score of this version, on some representation."""
    scores = store.rows("scores")
    scores = scores[scores["error"].isna()]
    there = set(scores[["run_id", "representation", "metric", "metric_version"]].itertuples(index=False, name=None))

    def has(job: Job, name: str) -> bool:
        version = METRICS[name].version
        shown = represent.available(study.evaluate.representations, job.method, store.has_posterior(job))
        return all((run.run_id, one, name, version) in there for run in job.runs for one in shown)

    lacking = {job.job_id: tuple(name for name in names if not has(job, name)) for job in jobs}
    return {job_id: lacks for job_id, lacks in lacking.items() if lacks}
