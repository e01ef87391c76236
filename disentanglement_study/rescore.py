"""Metrics that a finished study has not: its models are encoded again, not trained again."""

import dataclasses
import functools
from collections import defaultdict
from pathlib import Path

import numpy as np
from rich.console import Console

from disentanglement_study import compilation, config, data, dispatch, plan, represent
from disentanglement_study.config import Study
from disentanglement_study.display import Watch
from disentanglement_study.errors import Failed
from disentanglement_study.evaluate import VERSIONS, names_of
from disentanglement_study.job import score_members
from disentanglement_study.metrics import METRICS, udr
from disentanglement_study.store import Store
from disentanglement_study.terminal import ERR
from disentanglement_study.types import Job

UDR = "udr"  # compares models, so it is no metric of one model's codes
UDR_VERSION = "1"


def rescore(
    root: Path,
    metrics: str | None = None,
    executor: str = "ray",
    address: str | None = None,
    data_dir: Path | None = None,
    console: Console | None = None,
) -> tuple[str, ...]:
    """Scores the models of the study at `root` on the metrics that they lack or whose version has changed.

    `metrics` are names separated by commas, "all", or None: those of the study's own settings. Raises ValueError for
    one that does not exist, and at the end `Failed` if jobs failed. Returns the names of the metrics.
    """
    console = console or ERR
    dispatch.check(executor, address)
    store = Store(root)
    study = config.load_text(store.text, str(store.root / "study.gin"))
    names = names_of(study.evaluate.metrics if metrics is None else metrics, (*METRICS, UDR))
    with store.lock():
        store.clear_progress()
        jobs = finished_jobs(store, study, data_dir)
        missing = _missing([name for name in names if name != UDR], store, study, jobs)
        todo = [job for job in jobs if job.job_id in missing]
        console.print(f"{len(jobs)} finished jobs: {len(jobs) - len(todo)} have these scores, {len(todo)} to score")
        failed = _run(todo, missing, study, store, executor, address, data_dir, console)
        if UDR in names:
            _score_udr(jobs, store, console)
    if failed:
        raise Failed(f"{failed} of {len(todo)} jobs could not be scored; the same command tries them again")
    return names


def finished_jobs(store: Store, study: Study, data_dir: Path | None = None) -> list[Job]:
    """The jobs of the store that are done, with their runs as the study's settings give them."""
    runs = {run.run_id: run for run in plan.expand(study, data_dir)}
    done = [manifest for manifest in store.manifests() if manifest["status"] == "done"]
    for manifest in done:
        if unknown_runs := set(manifest["run_ids"]) - runs.keys():
            raise ValueError(f"job {manifest['job_id']}: its run {min(unknown_runs)} is not in {store.root}/study.gin")
    return [Job(manifest["job_id"], tuple(runs[run_id] for run_id in manifest["run_ids"])) for manifest in done]


def rescore_job(job: Job, missing: dict[str, tuple[str, ...]], study: Study, root: Path, data_dir: Path | None) -> None:
    """Scores one finished job on the metrics that it lacks and adds the rows to its own."""
    compilation.use_cache()
    store = Store(root)
    settings = dataclasses.replace(study.evaluate, metrics=missing[job.job_id])
    data_set = data.load(job.data_set, data_dir)
    index = represent.table_index(data_set, settings)
    store.write_progress(job, "encoding", 0.0)
    params, population = nested(store.arrays(job, "params")), store.manifest(job).get("population")
    batch = study.resources.encode_batch
    codes = represent.encode(params, data_set, index, study.nets, batch, population, settings.seed)
    rows = score_members(
        job,
        codes,
        data_set.factors(index),
        settings,
        study.resources.num_cpus,
        represent.is_population(data_set, index),
        report=lambda done: store.write_progress(job, "scoring", done),
    )
    store.add_scores(job, rows)


def nested(arrays: dict[str, np.ndarray]) -> dict:
    """{"encoder/Dense_0/kernel": [M, ...]} as the nested parameters that it was made of."""
    tree: dict = {}
    for path, leaf in arrays.items():
        *parents, name = path.split("/")
        functools.reduce(lambda branch, part: branch.setdefault(part, {}), parents, tree)[name] = leaf
    return tree


def _missing(names: list[str], store: Store, study: Study, jobs: list[Job]) -> dict[str, tuple[str, ...]]:
    """{job_id: metrics}: of which some run has no score of this version, on some representation."""
    scores = store.rows("scores")
    scores = scores[scores["error"].isna()]
    there = set(scores[["run_id", "representation", "metric", "metric_version"]].itertuples(index=False, name=None))

    def has(job: Job, name: str) -> bool:
        version = METRICS[name].version
        return all(
            (run.run_id, representation, name, version) in there
            for run in job.runs
            for representation in study.evaluate.representations
        )

    lacking = {job.job_id: tuple(name for name in names if not has(job, name)) for job in jobs}
    return {job_id: lacks for job_id, lacks in lacking.items() if lacks}


def _run(jobs, missing, study, store, executor, address, data_dir, console) -> int:
    """Dispatches the jobs; returns how many failed."""
    if not jobs:
        return 0
    root, data_dir = store.root.absolute(), data_dir and data_dir.absolute()
    work = functools.partial(rescore_job, missing=missing, study=study, root=root, data_dir=data_dir)
    watch, failed = Watch(console, store, jobs), 0
    with watch.watching():
        for job, error in dispatch.EXECUTORS[executor](jobs, work, study.resources, address, watch.waits):
            store.progress_file(job).unlink(missing_ok=True)
            watch.job_ended(job, error, seconds={})  # the manifest's are of the training
            failed += error is not None
    return failed


def _score_udr(jobs: list[Job], store: Store, console: Console) -> None:
    """Compares the models that differ by seed alone, on the codes that the study kept."""
    models = defaultdict(list)
    for job in jobs:
        kept = store.arrays(job, "codes")
        for member, run in enumerate(job.runs):
            mean, logvar = kept["mean"][member].astype(np.float64), kept["logvar"][member].astype(np.float64)
            if np.isfinite(mean).all() and np.isfinite(logvar).all():  # else it has diverged
                kl = 0.5 * np.mean(mean**2 + np.exp(logvar) - logvar - 1.0, axis=0)
                models[run.data_set, run.objective, *run.hyper.items()].append((job.job_id, run, mean, kl))
    alone, rows = 0, defaultdict(list)
    for group in models.values():
        if len(group) < 2:
            alone += 1
            continue
        _, _, codes, kl = zip(*group, strict=True)
        for score, correlation in (("udr", "spearman"), ("udr_lasso", "lasso")):
            values = udr(codes, kl, correlation=correlation).scores
            for (job_id, run, mean, _), value in zip(group, values, strict=True):
                rows[job_id].append(
                    {"run_id": run.run_id, "representation": "mean", "metric": UDR, "score": score, "value": value,
                     "n": len(mean), "protocol": run.protocol, "metric_version": UDR_VERSION, "versions": VERSIONS}
                )  # fmt: skip
    for job in jobs:
        store.add_scores(job, rows[job.job_id])
    compared = sum(map(len, models.values())) - alone
    console.print(f"udr: {compared} models compared with those of other seeds, {alone} have none to compare with")
