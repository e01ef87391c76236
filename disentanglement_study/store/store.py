"""A study's directory: the plan, the finished jobs, the tables. The directory is the truth.

    study.gin              the settings, without includes
    plan.parquet           a row per run, a column per binding
    jobs/<job_id>/         manifest.json  scores.parquet  curves.parquet  params.npz  codes.npz
                           config.gin: study.gin as it was then;  operative.gin: what the job used, defaults included
    checkpoints/<job_id>/  of jobs that are being trained
    evaluation.json        the settings of scoring, which all jobs share
    retry.json             failed runs that are being done again, and why they failed
    tmp/                   jobs that are being written, their progress and their losses so far
    logs/<job_id>.log      what the attempts at a job did and said
    damaged/               jobs whose files could not be read, or such a file

A job is written under `tmp/` and renamed into place as its last act: a folder in `jobs/` is a whole job. A study may be
a stranger's: what is read is checked (`records`), no link in it is followed for writing, copying or deleting, and what
is deleted is what this program made.
"""

import contextlib
import json
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from disentanglement_study import config
from disentanglement_study.config import Study
from disentanglement_study.runtime import files
from disentanglement_study.runtime.files import Damaged, reading, replacing
from disentanglement_study.store import making, queries, records, results, tables
from disentanglement_study.store.records import ID

if TYPE_CHECKING:
    from disentanglement_study.types import Job


class Store:
    """A study's directory. Open one with `store.open`; what writes to it is for the program itself."""

    def __init__(self, root: Path):
        self.root = files.led_to(Path(root))
        self.jobs, self.tmp, self.checkpoints = (self.root / name for name in ("jobs", "tmp", "checkpoints"))

    @property
    def plan(self) -> pd.DataFrame:
        """The runs of the study: a row each, done or not."""
        return records.plan(self.root / "plan.parquet")

    @property
    def text(self) -> str:
        path = self.root / "study.gin"
        with reading(path):
            if path.is_symlink():  # the text is copied, into jobs and reports
                raise ValueError("it is a symbolic link")
            return path.read_text(encoding="utf-8")

    @property
    def settings(self) -> Study:
        """What study.gin says."""
        text = self.text
        with reading(self.root / "study.gin"):
            return config.load_text(text, "study.gin")

    @property
    def evaluation(self) -> dict:
        """The settings that the study was scored with."""
        return records.evaluation(self.root / "evaluation.json")

    @property
    def source(self) -> dict | None:
        """Where the results come from, if the models were trained elsewhere and are not here; else None."""
        for folder in self.job_folders():
            with contextlib.suppress(Damaged):
                return records.manifest(folder).get("source")
        return None

    def check(self, plan: pd.DataFrame, text: str, evaluation: str) -> list[str]:
        """Changes nothing. ValueError if the folder cannot be made this study, or extended by runs that it has not.

        Returns what `create` will mend, a line each; see `making.check`.
        """
        return making.check(self, plan, text, evaluation)

    def create(self, plan: pd.DataFrame, text: str, evaluation: str) -> list[str]:
        """Makes the directory, or extends the one that is there by runs that it has not; what it mends, a line each.

        Call it under the lock. Raises ValueError, and changes nothing, where `check` does.
        """
        mended = self.check(plan, text, evaluation)
        for folder in (self.jobs, self.tmp):
            files.folder(folder)
        path, there = self.root / "plan.parquet", 0
        try:
            there = len(self.plan) if files.is_there(path) else 0
        except Damaged:
            mended.append(f"the old plan is kept in {self.set_aside(path)}")
        if there < len(plan):
            with replacing(path, self.tmp / f"plan.{os.getpid()}") as temporary:
                plan.to_parquet(temporary, index=False)
        self.write_text(self.root / "evaluation.json", "evaluation", evaluation)
        if there <= len(plan):
            self.write_text(self.root / "study.gin", "study", text)
        return mended

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Held while a process runs the study's jobs; the kernel drops it when the process dies."""
        for folder in (self.tmp, self.jobs, self.checkpoints):
            if folder.is_symlink():
                files.folder(folder)
        files.named(self.root)
        files.folder(self.tmp)
        with files.locked(self.tmp / "lock") as is_mine:
            if not is_mine:
                raise ValueError(f"another process is running {self.root}: wait for it, or stop it first")
            yield

    def is_running(self) -> bool:
        """Whether a process holds the lock; one of another machine too, if the file system passes locks on."""
        return files.is_locked(self.tmp / "lock")

    def write_job(
        self,
        job: "Job",
        scores: list[dict] | pd.DataFrame,
        curves: list[dict],
        arrays: dict[str, dict[str, np.ndarray]],
        manifest: dict,
        operative: str | None = None,
    ) -> None:
        """Writes a finished or failed job. `arrays` are npz files by name; a job of that name is replaced.

        operative: the gin text of what the job used, if it is known.
        OSError that names the file if the disk is full: nothing is left of the job then.
        """
        folder = self.tmp / f"{job.job_id}.{os.getpid()}"
        files.remove(folder)
        try:
            manifest = {"job_id": job.job_id, "run_ids": [run.run_id for run in job.runs], **manifest}
            manifest["parameters"] = sorted(arrays.get("params", {}))
            texts = {"config": self.text} | ({} if operative is None else {"operative": operative})
            records.write_job(folder, scores, curves, arrays, texts, manifest)
            for path in (*folder.iterdir(), folder):
                files.sync(path)
            self.remove_job(job.job_id)
            os.rename(folder, self.jobs / job.job_id)
            files.sync(self.jobs)
        finally:
            with contextlib.suppress(OSError):
                files.remove(folder)  # what does not fit a full disk must not fill it
        if manifest["status"] == "done":  # one that failed may be retried from where it was
            with contextlib.suppress(OSError):
                files.remove(self.checkpoints / job.job_id)
        self.progress_file(job).unlink(missing_ok=True)
        self.losses_file(job.job_id).unlink(missing_ok=True)

    def remove_job(self, job_id: str) -> None:
        """Makes the runs of a job missing again; call it under the lock. Readers find the job whole or not at all."""
        folder, aside = self.jobs / job_id, self.tmp / f"{job_id}.{os.getpid()}0"
        if folder.is_symlink() or folder.exists():
            files.remove(aside)
            os.rename(folder, aside)
            files.remove(aside)

    def add_scores(self, job: "Job", scores: list[dict], instead_of: str | None = None) -> None:
        """Adds rows to a finished job's scores, in place of those of the same run, representation and metric, and of
        all of the metric `instead_of`."""
        path, key = self.jobs / job.job_id / "scores.parquet", ["run_id", "representation", "metric"]
        there = tables.frame(tables.table(path, "scores", [run.run_id for run in job.runs]), "scores")
        new = tables.frame(scores, "scores")
        replaced = pd.MultiIndex.from_frame(there[key]).isin(pd.MultiIndex.from_frame(new[key]))
        replaced |= there["metric"].isin([instead_of]).to_numpy(bool)
        with replacing(path, self.tmp / f"{job.job_id}.scores.{os.getpid()}") as temporary:
            pd.concat([there[~replaced], new], ignore_index=True).to_parquet(temporary, index=False)

    def write_operative(self, job: "Job", text: str) -> None:
        """The gin text of what a finished job used, in place of that from before."""
        self.write_text(self.jobs / job.job_id / "operative.gin", f"{job.job_id}.operative", text)

    def write_scored(self, job: "Job", metrics: Iterable[str], provenance: dict) -> None:
        """Adds to a finished job's manifest where its scores of these metrics now come from, in place of what it said
        of them: {"metrics": [...], "commit": ..., ...} in the list "scored"."""
        manifest, new = self.manifest(job), list(metrics)
        kept = [
            {**one, "metrics": [name for name in one["metrics"] if name not in new]}
            for one in manifest.get("scored", [])
        ]
        scored = [*(one for one in kept if one["metrics"]), {"metrics": new, **provenance}]
        text = json.dumps({**manifest, "scored": scored}, indent=1)
        self.write_text(self.jobs / job.job_id / "manifest.json", f"{job.job_id}.manifest", text)

    def check_arrays(self, jobs: "Iterable[Job]", name: str) -> None:
        """Raises ValueError, in one line, if the "params" or "codes" of a finished job are seen to be damaged."""
        check = {"params": records.check_params, "codes": records.check_codes}[name]
        for job in jobs:
            check(self.jobs / job.job_id / f"{name}.npz", len(job.runs))

    def arrays(self, job: "Job", name: str) -> dict[str, np.ndarray]:
        """The arrays "params" or "codes" of a finished job."""
        self.check_arrays([job], name)
        return records.arrays(self.jobs / job.job_id / f"{name}.npz")

    def has_posterior(self, job: "Job") -> bool:
        """Whether the method of a finished job gives a posterior with its codes."""
        self.check_arrays([job], "codes")
        return "logvar" in records.shapes(self.jobs / job.job_id / "codes.npz")

    def params(self, job: "Job", members: Sequence[int]) -> dict[str, np.ndarray]:
        """The parameters of some runs of a finished job, by their places in it: leaves [len(members), ...]."""
        return {name: leaf[list(members)] for name, leaf in self.arrays(job, "params").items()}

    def manifests(self) -> list[dict]:
        """The manifests of the jobs that are there, finished and failed. ValueError if two jobs have the same run."""
        return records.manifests(self.job_folders())

    def manifest(self, job: "Job") -> dict:
        """The manifest of one job that has ended."""
        return records.manifest(self.jobs / job.job_id)

    def metrics(self, manifest: dict, of: Callable[[Iterable[bool]], bool] = any) -> set[str]:
        """The metrics of which any run of a job has rows, or `all` of them have."""
        outcomes = tables.outcomes(self.jobs / manifest["job_id"] / "scores.parquet", manifest["run_ids"])
        pairs = set(zip(*(outcomes[name].to_pylist() for name in ("run_id", "metric")), strict=True))
        names = {name for _, name in pairs}
        return {name for name in names if of((run_id, name) in pairs for run_id in manifest["run_ids"])}

    def run_ids(self, status: str) -> set[str]:
        """The runs whose job is "done" or "failed"."""
        return {run for manifest in self.manifests() if manifest["status"] == status for run in manifest["run_ids"]}

    def log_file(self, job_id: str) -> Path:
        return self.root / "logs" / f"{job_id}.log"

    def progress_file(self, job: "Job") -> Path:
        return self.tmp / f"{job.job_id}.progress.json"

    def losses_file(self, job_id: str) -> Path:
        return self.tmp / f"{job_id}.losses.json"

    def rows(self, table: str, keep: pc.Expression | None = None) -> pd.DataFrame:
        """The rows of all jobs, or of these those that `keep` is true of: table "scores" or "curves"."""
        return tables.frame(self._tables(table, keep), table)

    def rows_of(self, manifest: dict, table: str) -> pd.DataFrame:
        """The rows of one job."""
        return tables.frame(self._table(manifest, table), table)

    def results(self, keep: pc.Expression | None = None) -> pd.DataFrame:
        """All scores (or those that `keep` is true of), tidy: a row per score, with the bindings of its run.

        A column for each axis of the sweep, such as "nets.num_latents". Texts are categories.
        """
        return results.joined(self.plan, self._tables("scores", keep))

    def failures(self) -> pd.DataFrame:
        """The rows of `results` that have an error, without reading the others."""
        return results.joined(self.plan, tables.together(self._of_jobs(tables.failed), "scores"))

    def outcomes(self) -> pd.DataFrame:
        """What scores have of run_id, metric and error, each such triple once, as categories."""
        return results.categories(tables.together(self._of_jobs(tables.outcomes), "scores", tables.OUTCOME))

    def _of_jobs(self, read: Callable[[Path, list[str]], pa.Table]) -> list[pa.Table]:
        """What this reads of the scores of each job, given their file and the job's runs."""
        return [read(self.jobs / one["job_id"] / "scores.parquet", one["run_ids"]) for one in self.manifests()]

    def query(self, sql: str) -> pd.DataFrame:
        """SQL (DuckDB) over the views of `columns.TABLES`: `runs`, `scores`, `curves`, `results` (as the method), ...

        A query reads the study and nothing else: it can neither read, write nor attach files, nor load extensions or
        change DuckDB's settings. Lists, structs and maps come as lists and dicts. `queries` says what is checked.

        Raises ValueError, in one line, for SQL that is empty, that DuckDB refuses, or that is not one question.
        """
        return queries.ask(self, sql).frame

    def _tables(self, table: str, keep: pc.Expression | None = None) -> pa.Table:
        """The rows of all jobs."""
        return tables.together([self._table(manifest, table, keep) for manifest in self.manifests()], table)

    def _table(self, manifest: dict, table: str, keep: pc.Expression | None = None) -> pa.Table:
        path = self.jobs / manifest["job_id"] / f"{table}.parquet"
        return tables.table(path, table, manifest["run_ids"], keep)

    def set_aside(self, path: Path) -> Path:
        """Moves what is damaged to where nothing reads it, in place of what was there; returns where that is."""
        aside = files.folder(self.root / "damaged") / path.name
        files.remove(aside)
        os.rename(path, aside)
        return aside

    def job_folders(self) -> list[Path]:
        """The folders of jobs, whole or not; what has another name is somebody else's."""
        return [path for path in sorted(self.jobs.glob("*")) if ID.fullmatch(path.name)]

    def write_text(self, path: Path, name: str, text: str, lasting: bool = True) -> None:
        """Writes a file of the study by way of tmp/, where it has this name until it is whole."""
        if path.is_dir() and not path.is_symlink():  # in the way of a file; it may be somebody's
            self.set_aside(path)
        with replacing(path, self.tmp / f"{name}.{os.getpid()}", lasting) as temporary:
            temporary.write_text(text, encoding="utf-8")


def open(root: str | Path) -> Store:
    """The store in a directory; ValueError if there is none."""
    store = Store(Path(root))
    if not (store.root / "plan.parquet").exists():
        if making.has_lost_plan(store):
            raise ValueError(f"{root} has lost its plan.parquet; {records.plan_again(store.root)}")
        raise making.no_study(store)
    return store
