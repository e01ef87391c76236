"""A finished or failed job, or some of its runs, as a job of a study: files are copied, arrays and tables are cut."""

import contextlib
import json
import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq

from disentanglement_study.runtime import files, job_log
from disentanglement_study.runtime.files import writing
from disentanglement_study.runtime.words import counted
from disentanglement_study.store import Store, records
from disentanglement_study.study import operative, plan
from disentanglement_study.types import Job, Run

OF_ALL = "index"  # the array of codes.npz that has no row for each run


def job_of(manifest: dict, runs: Sequence[Run]) -> Job:
    """The job with this manifest if these are all of its runs; else one of its own, of these."""
    if {run.run_id for run in runs} == set(manifest["run_ids"]):
        return Job(manifest["job_id"], tuple(runs))
    return plan.job_of(runs)


def write(
    folder: Path,
    store: Store,
    runs: Sequence[Run],
    scores: pd.DataFrame | None = None,
    scored: Sequence[dict] | None = None,
) -> Job:
    """Writes these runs of the job in `folder`, and its log, to a store, in the job's order; call it under the store's
    lock.

    scores: what they have instead of the rows there; scored: what the manifest says then of where those come from that
    were computed after the job had ended. A job that is there under this name is replaced. Links in the folder, and
    what is no file, are left out. OSError, which names the file, if the disk is full: nothing is left then.
    """
    manifest = records.manifest(folder)
    by_id = {run.run_id: run for run in runs}
    places = [place for place, run_id in enumerate(manifest["run_ids"]) if run_id in by_id]
    kept = [manifest["run_ids"][place] for place in places]
    job = job_of(manifest, [by_id[run_id] for run_id in kept])
    temporary, cut = store.tmp / f"{job.job_id}.{os.getpid()}", len(kept) < len(manifest["run_ids"])
    files.remove(temporary)
    try:
        with writing(temporary):
            temporary.mkdir(parents=True)
        for path in sorted(folder.iterdir()):
            if path.is_file() and not path.is_symlink():
                with writing(temporary / path.name):
                    if cut:
                        _cut(path, temporary / path.name, places, kept)
                    else:
                        shutil.copyfile(path, temporary / path.name)
        changed: dict[str, Any] = {}
        if cut:
            share = len(kept) / len(manifest["run_ids"])
            seconds = {stage: share * value for stage, value in manifest.get("seconds", {}).items()}
            changed |= {"job_id": job.job_id, "run_ids": kept, "seconds": seconds}
        if scored is not None:
            changed |= {"scored": list(scored)}
        if changed:
            with writing(path := temporary / "manifest.json"):
                path.write_text(json.dumps(manifest | changed, indent=1), encoding="utf-8")
        if scores is not None:
            with writing(path := temporary / "scores.parquet"):
                scores.to_parquet(path, index=False)
        final = store.jobs / job.job_id
        if final.exists() or final.is_symlink():
            store.remove_job(job.job_id)
        log = store.log_file(job.job_id)
        if job_log.carry(Store(folder.parent.parent).log_file(manifest["job_id"]), log) and cut:
            number = counted(len(manifest["run_ids"]), "run")
            job_log.line(
                log, f"all lines above are of job {manifest['job_id']}, of whose {number} this job has {len(kept)}"
            )
        os.rename(temporary, final)
    finally:
        with contextlib.suppress(OSError):
            files.remove(temporary)
    return job


def _cut(path: Path, to: Path, places: list[int], kept: list[str]) -> None:
    """A file of a job, of some of its runs."""
    if path.suffix == ".parquet":
        pq.write_table(pq.read_table(path, filters=pc.field("run_id").isin(kept)), to)
    elif path.suffix == ".npz":
        arrays: dict[str, Any] = dict(records.arrays(path))
        np.savez(to, **{name: array if name == OF_ALL else array[places] for name, array in arrays.items()})
    elif path.name == "operative.gin" and operative.SOME not in (text := path.read_text(encoding="utf-8")):
        to.write_text(operative.SOME + text, encoding="utf-8")
    else:
        shutil.copyfile(path, to)
