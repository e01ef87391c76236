"""What `run` does to a study's directory before it goes on: damaged jobs are moved away, what is left over is deleted.

All but `damage` change the directory: call them under the store's lock.
"""

import contextlib
import json
import re
from collections.abc import Iterable, Set
from pathlib import Path

from disentanglement_study.runtime import files, job_log
from disentanglement_study.runtime.files import Damaged
from disentanglement_study.store import Store, in_flight, records
from disentanglement_study.types import Job

# What is beside the checkpoints of a job: its runs, the size of its population, how far each part has been trained.
CHECKPOINT = re.compile(r"\d+")
BESIDE = re.compile(r"runs\.json|population|\d+-\d+\.reached")


def damage(store: Store) -> tuple[dict[Path, Damaged], list[dict]]:
    """The folders of jobs of which a file is damaged, or that have a run of another job, and the others' manifests.

    Of params.npz and codes.npz the heads are read, not the numbers.
    """
    damaged: dict[Path, Damaged] = {}
    manifests: list[dict] = []
    job_of: dict[str, str] = {}
    for folder in store.job_folders():
        try:
            manifest = records.check_job(folder)
            if twice := [run_id for run_id in manifest["run_ids"] if run_id in job_of]:
                raise Damaged(folder, f"its run {twice[0]} is in job {job_of[twice[0]]} too")
        except Damaged as error:
            damaged[folder] = error
        else:
            job_of |= dict.fromkeys(manifest["run_ids"], folder.name)
            manifests.append(manifest)
    return damaged, manifests


def set_aside(store: Store, damaged: dict[Path, Damaged]) -> list[str]:
    """Moves these jobs out of the way, which makes their runs missing again. What was done, a line for each."""
    lines = []
    for folder, error in damaged.items():
        aside = store.set_aside(folder)
        if (log := store.log_file(folder.name)).exists():
            job_log.line(log, f"set aside because it is damaged: {error.what}")
        lines.append(f"{error.what}; its runs are done again, and the old files are kept in {aside}")
    return lines


def keep_checkpoints(store: Store, keep: Set[str]) -> None:
    """Removes the checkpoints of all jobs but those of these ids, and of these what is no checkpoint."""
    for path in store.checkpoints.glob("*"):
        if path.name not in keep or path.is_symlink() or not path.is_dir():
            files.remove(path)
            continue
        for inner in path.iterdir():
            if inner.is_symlink() or inner.is_dir() == bool(BESIDE.fullmatch(inner.name)):
                files.remove(inner)


def note_begun(store: Store, job: Job) -> None:
    """Writes down of which runs a job is whose training begins: its checkpoints are of these, however jobs are cut."""
    folder = files.folder(files.folder(store.checkpoints) / job.job_id)
    with files.replacing(folder / "runs.json") as temporary:
        temporary.write_text(json.dumps([run.run_id for run in job.runs]), encoding="utf-8")


def begun(store: Store) -> dict[str, list[str]]:
    """The runs of each job that has begun and may have checkpoints, by the job's id."""
    found = {}
    for path in sorted(store.checkpoints.glob("*/runs.json")):
        with contextlib.suppress(OSError, ValueError):  # damaged: the job is cut anew
            if isinstance(runs := json.loads(path.read_text(encoding="utf-8")), list):
                found[path.parent.name] = runs
    return found


def half_trained(store: Store, jobs: Iterable[str]) -> int:
    """How many of these jobs have a checkpoint to go on from. A folder that Orbax writes to has another name first."""
    return sum(any(CHECKPOINT.fullmatch(one.name) for one in _parts(store, job_id)) for job_id in jobs)


def _parts(store: Store, job_id: str) -> Iterable[Path]:
    """What is in the folders of the parts of a job."""
    return (store.checkpoints / job_id).glob("*-*/*")


def discard(store: Store) -> None:
    """Removes a study that was made just now, unless a job of it has begun to leave something."""
    if any(any(store.root.glob(f"{name}/*")) for name in ("jobs", "checkpoints", "logs")):
        return
    in_flight.clear(store)
    for path in (*(store.root / name for name in ("plan.parquet", "study.gin", "evaluation.json")), store.tmp / "lock"):
        files.remove(path)
    for folder in (store.jobs, store.checkpoints, store.tmp, store.root):
        with contextlib.suppress(OSError):  # it is not there, or there is something else in it
            folder.rmdir()
