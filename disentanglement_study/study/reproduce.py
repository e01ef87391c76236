"""Trains and scores one finished run again, from the settings of its study, and compares every score."""

import tempfile
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from rich.console import Console

from disentanglement_study.config import Study
from disentanglement_study.config.identity import scored_with
from disentanglement_study.errors import Failed, reason
from disentanglement_study.metrics import METRICS
from disentanglement_study.runtime import cores
from disentanglement_study.runtime.terminal import ERR
from disentanglement_study.store import Store, scored
from disentanglement_study.store.runs import check_models, find, finished_jobs
from disentanglement_study.study import compared, components, dispatch, loading, plan
from disentanglement_study.study.run import run
from disentanglement_study.types import Run

TRAINING = "training"  # the scores of a run that are of no metric


class Reproduction(NamedTuple):
    """What came of it: `compared.scores`; what else is different; and the metrics that were left out."""

    run_id: str
    scores: pd.DataFrame
    circumstances: list[dict[str, str]]
    left_out: list[str]


def reproduce(
    root: Path,
    run_id: str,
    site: dispatch.Site,
    whole_job: bool = False,
    keep: Path | None = None,
    console: Console | None = None,
) -> Reproduction:
    """Does a run of the study at `root` again, in a study of its own: a temporary one, or that in the folder `keep`.

    run_id: or how it begins. whole_job: all runs of its job are trained again, as many together as then. On a CPU a run
    has the same result in any population, on as many cores as then, which it gets if they are there: inline this
    process keeps to them from now on, and JAX must not have begun. On an accelerator results are the same to rounding.
    Metrics that compare models (UDR), and those that there are no more, are left out.

    Raises ValueError for a run that is not there, failed or is not done, for a data set whose contents have changed,
    and if study.gin is no longer what the run was made with; `Failed` if it could not be trained.
    """
    dispatch.check(site.executor, site.address)
    store = Store(root)
    check_models(store, "train again")
    run_id = find(store, run_id)
    if keep is not None and keep.exists() and any(keep.iterdir() if keep.is_dir() else [keep]):
        raise ValueError(f"{keep} is not empty: name another folder")
    (job,) = (job for job in finished_jobs(store) if any(one.run_id == run_id for one in job.runs))
    manifest = store.manifest(job)
    stored = store.rows_of(manifest, "scores")
    stored = stored[stored["run_id"] == run_id]
    names = [name for name in METRICS if name in set(stored["metric"])]
    left_out = sorted(set(stored["metric"]) - {*names, TRAINING})
    number = _cores(manifest)
    if number and site.executor == "inline":
        cores.claim(number)
    study = _settings(store, names, manifest, whole_job, number if site.executor == "ray" else None)
    runs = list(job.runs) if whole_job else [one for one in job.runs if one.run_id == run_id]
    _check(runs, names, study, store, site.data_dir)
    with tempfile.TemporaryDirectory(prefix="disentanglement_study_") as temporary:
        folder = keep or Path(temporary) / "study"
        run(study, runs, folder, site, console=console or ERR)
        again = Store(folder)
        (new_manifest,) = (one for one in again.manifests() if run_id in one["run_ids"])
        if new_manifest["status"] == "failed":
            raise Failed(f"run {run_id} could not be done again: {reason(new_manifest['error'])}")
        new = again.rows_of(new_manifest, "scores")
    new = new[new["run_id"] == run_id]
    stored = stored[~stored["metric"].isin(left_out)]
    different = compared.circumstances(manifest, new_manifest) + compared.of_metrics(stored, new)
    return Reproduction(run_id, compared.scores(stored, new), different, left_out)


def _cores(manifest: dict) -> int | None:
    """On how many cores a job was trained, if it was on a CPU and says so."""
    number = manifest.get("provenance", {}).get("cores")
    return number if manifest.get("device") == "cpu" and isinstance(number, int) and number > 0 else None


def _settings(store: Store, names: list[str], manifest: dict, whole_job: bool, num_cpus: int | None) -> Study:
    bindings = [f"evaluate.metrics = {names}"] if names else []
    bindings += [f"resources.num_cpus = {num_cpus}"] if num_cpus else []
    if whole_job:
        bindings += [f"resources.job_size = {len(manifest['run_ids'])}"]
        bindings += [f"resources.population = {manifest['population']}"] if "population" in manifest else []
    return components.of_study(store, bindings)


def _check(runs: list[Run], metrics: list[str], study: Study, store: Store, data_dir: Path | None) -> None:
    """ValueError if the study's settings make other runs or scores of these, or if the data set is not theirs."""
    path = store.root / "study.gin"
    for one, run_id in zip(runs, plan.run_ids(runs, study), strict=True):
        if one.run_id != run_id:
            raise ValueError(
                f"{path} does not hold the settings of run {one.run_id}: with those in it, its id would be {run_id}"
            )
    if differs := scored.difference(store.evaluation, scored_with(study), metrics):
        raise ValueError(f"{path} does not hold the settings that the study was scored with: {differs}")
    loading.load_data(runs[0].data_set, study.of(runs[0].settings), store, data_dir)
