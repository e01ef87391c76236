"""A study's directory: the plan, the finished jobs, the tables. The directory is the truth.

    study.gin              the settings, without includes
    plan.parquet           a row per run, a column per binding
    jobs/<job_id>/         manifest.json  scores.parquet  curves.parquet  params.npz  codes.npz
                           config.gin: study.gin as it was then;  operative.gin: what the job used, defaults included
    checkpoints/<job_id>/  of jobs that are being trained
    evaluation.json        the settings of scoring, which all jobs share
    tmp/                   jobs that are being written, their progress and their losses so far
    logs/<job_id>.log      what the attempts at a job did and said
    damaged/<job_id>/      jobs whose files could not be read, and that are done again

A job is written under `tmp/` and renamed into place as its last act: a folder in `jobs/` is a whole job. A study may be
a stranger's: what is read is checked (`records`), no link in it is followed for writing, copying or deleting, and what
is deleted is what this program made.
"""

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.dataset

from disentanglement_study import config
from disentanglement_study.config import Study
from disentanglement_study.errors import FULL
from disentanglement_study.runtime import files
from disentanglement_study.runtime.files import Damaged, reading, replacing
from disentanglement_study.store import losses_so_far, making, records, results, tables
from disentanglement_study.store import sql as sql_queries
from disentanglement_study.store.jobs_table import jobs_table, rescored_table, with_jobs
from disentanglement_study.store.losses_so_far import Losses
from disentanglement_study.store.records import ID
from disentanglement_study.types import Job


class Store:
    """Reads and writes one study's directory."""

    def __init__(self, root: Path):
        self.root = Path(root)
        self.jobs, self.tmp, self.checkpoints = (self.root / name for name in ("jobs", "tmp", "checkpoints"))

    @property
    def plan(self) -> pd.DataFrame:
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

    def check(self, plan: pd.DataFrame, evaluation: str) -> list[str]:
        """Changes nothing. ValueError if the folder cannot be made this study, or extended by runs that it has not.

        Returns what `create` will mend, a line each; see `making.check`.
        """
        return making.check(self, plan, evaluation)

    def create(self, plan: pd.DataFrame, text: str, evaluation: str) -> list[str]:
        """Makes the directory, or extends the one that is there by runs that it has not; what it mends, a line each.

        Call it under the lock. Raises ValueError, and changes nothing, where `check` does.
        """
        mended = self.check(plan, evaluation)
        for folder in (self.jobs, self.tmp):
            files.folder(folder)
        path = self.root / "plan.parquet"
        there = len(self.plan) if path.exists() else 0
        if there < len(plan):
            with replacing(path, self.tmp / f"plan.{os.getpid()}") as temporary:
                plan.to_parquet(temporary, index=False)
        self._write(self.root / "evaluation.json", "evaluation", evaluation)
        if there <= len(plan):
            self._write(self.root / "study.gin", "study", text)
        return mended

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Held while a process runs the study's jobs; the kernel drops it when the process dies."""
        for folder in (self.tmp, self.jobs, self.checkpoints):
            if folder.is_symlink():
                files.folder(folder)
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
        job: Job,
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
            final = self.jobs / job.job_id
            self._remove_job(final)
            os.rename(folder, final)
            files.sync(self.jobs)
        finally:
            with contextlib.suppress(OSError):
                files.remove(folder)  # what does not fit a full disk must not fill it
        if manifest["status"] == "done":  # one that failed may be retried from where it was
            with contextlib.suppress(OSError):
                files.remove(self.checkpoints / job.job_id)
        self.progress_file(job).unlink(missing_ok=True)
        self.losses_file(job.job_id).unlink(missing_ok=True)

    def _remove_job(self, folder: Path) -> None:
        """Out of the readers' sight first: they find a job whole or not at all."""
        if folder.is_symlink() or folder.exists():
            aside = self.tmp / f"{folder.name}.{os.getpid()}0"
            files.remove(aside)
            os.rename(folder, aside)
            files.remove(aside)

    def add_scores(self, job: Job, scores: list[dict]) -> None:
        """Adds rows to a finished job's scores, in place of those of the same run, representation and metric."""
        path, key = self.jobs / job.job_id / "scores.parquet", ["run_id", "representation", "metric"]
        there = tables.frame(tables.table(path, "scores", [run.run_id for run in job.runs]), "scores")
        new = tables.frame(scores, "scores")
        replaced = pd.MultiIndex.from_frame(there[key]).isin(pd.MultiIndex.from_frame(new[key]))
        with replacing(path, self.tmp / f"{job.job_id}.scores.{os.getpid()}") as temporary:
            pd.concat([there[~replaced], new], ignore_index=True).to_parquet(temporary, index=False)

    def write_operative(self, job: Job, text: str) -> None:
        """The gin text of what a finished job used, in place of that from before."""
        self._write(self.jobs / job.job_id / "operative.gin", f"{job.job_id}.operative", text)

    def write_scored(self, job: Job, metrics: Iterable[str], provenance: dict) -> None:
        """Adds to a finished job's manifest where its scores of these metrics now come from, in place of what it said
        of them: {"metrics": [...], "commit": ..., ...} in the list "scored"."""
        manifest, new = self.manifest(job), list(metrics)
        kept = [
            {**one, "metrics": [name for name in one["metrics"] if name not in new]}
            for one in manifest.get("scored", [])
        ]
        scored = [*(one for one in kept if one["metrics"]), {"metrics": new, **provenance}]
        text = json.dumps({**manifest, "scored": scored}, indent=1)
        self._write(self.jobs / job.job_id / "manifest.json", f"{job.job_id}.manifest", text)

    def check_arrays(self, jobs: Iterable[Job], name: str) -> None:
        """Raises ValueError, in one line, if the "params" or "codes" of a finished job are seen to be damaged."""
        check = {"params": records.check_params, "codes": records.check_codes}[name]
        for job in jobs:
            check(self.jobs / job.job_id / f"{name}.npz", len(job.runs))

    def arrays(self, job: Job, name: str) -> dict[str, np.ndarray]:
        """The arrays "params" or "codes" of a finished job."""
        self.check_arrays([job], name)
        return records.arrays(self.jobs / job.job_id / f"{name}.npz")

    def has_posterior(self, job: Job) -> bool:
        """Whether the method of a finished job gives a posterior with its codes."""
        self.check_arrays([job], "codes")
        return "logvar" in records.shapes(self.jobs / job.job_id / "codes.npz")

    def params(self, job: Job, members: Sequence[int]) -> dict[str, np.ndarray]:
        """The parameters of some runs of a finished job, by their places in it: leaves [len(members), ...]."""
        return {name: leaf[list(members)] for name, leaf in self.arrays(job, "params").items()}

    def manifests(self) -> list[dict]:
        """The manifests of the jobs that are there, finished and failed. ValueError if two jobs have the same run."""
        found, job_of = [], {}
        for folder in self.job_folders():
            try:
                manifest = records.manifest(folder)
            except Damaged:
                if folder.is_symlink() or folder.exists():
                    raise
                continue  # it was replaced while it was read
            for run_id in manifest["run_ids"]:
                if run_id in job_of:
                    twice = f"run {run_id} is in job {job_of[run_id]} too"
                    raise Damaged(folder, f"{twice}; the command that ran the study mends it")
            job_of |= dict.fromkeys(manifest["run_ids"], folder.name)
            found.append(manifest)
        return found

    def manifest(self, job: Job) -> dict:
        """The manifest of one job that has ended."""
        return records.manifest(self.jobs / job.job_id)

    def metrics(self, manifest: dict) -> set[str]:
        """The metrics of which a job has rows."""
        return set(pc.unique(self._table(manifest, "scores")["metric"]).to_pylist())

    def remove_job(self, job_id: str) -> None:
        """Makes the runs of a job missing again; call it under the lock."""
        self._remove_job(self.jobs / job_id)

    def run_ids(self, status: str) -> set[str]:
        """The runs whose job is "done" or "failed"."""
        return {run for manifest in self.manifests() if manifest["status"] == status for run in manifest["run_ids"]}

    def log_file(self, job_id: str) -> Path:
        return self.root / "logs" / f"{job_id}.log"

    def progress_file(self, job: Job) -> Path:
        return self.tmp / f"{job.job_id}.progress.json"

    def write_progress(
        self, job: Job, stage: str, fraction: float, parts: Mapping[str, tuple[float, float]] | None = None
    ) -> None:
        """Where a running job is, for the driver and for `status`: half of the fraction is training, half scoring.

        parts: what this attempt has done of "training" and "scoring": which share of it, and in how many seconds.
        """
        entry = {"run_ids": [run.run_id for run in job.runs], "stage": stage, "fraction": fraction, **(parts or {})}
        try:
            self._write(self.progress_file(job), f"{job.job_id}.progress", json.dumps(entry), lasting=False)
        except OSError as error:  # who only looks on does not stop the work
            if error.errno in FULL:
                raise

    def progress(self) -> list[dict]:
        found = []
        for path in sorted(self.tmp.glob("*.progress.json")):
            with contextlib.suppress(OSError, ValueError):  # gone meanwhile, or damaged: it says nothing then
                found.append(records.progress(path) | {"job_id": path.name.partition(".")[0]})
        return found

    def losses_file(self, job_id: str) -> Path:
        return self.tmp / f"{job_id}.losses.json"

    def write_losses(self, job: Job, losses: Losses) -> None:
        """What a running job's models have lost so far, for who looks on."""
        try:
            self._write(self.losses_file(job.job_id), f"{job.job_id}.losses", losses_so_far.text(losses), lasting=False)
        except OSError as error:  # as of progress
            if error.errno in FULL:
                raise

    def losses(self, job_id: str) -> Losses | None:
        """Those of a running job; None if nothing tells them."""
        with contextlib.suppress(OSError, ValueError):
            return losses_so_far.read(self.losses_file(job_id))
        return None

    @contextlib.contextmanager
    def commanded(self, run_ids: Iterable[str]) -> Iterator[None]:
        """Within the block, tells who looks on what the command that runs here does, and since when."""
        path = self.tmp / "run.json"
        about = {"started": time.time(), "run_ids": list(run_ids)}
        with contextlib.suppress(OSError):
            self._write(path, "run", json.dumps(about), lasting=False)
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)

    def command(self) -> dict | None:
        """What the command does that runs: "started" (seconds since 1970) and "run_ids"; None if nothing tells it."""
        with contextlib.suppress(OSError, ValueError):
            return records.command(self.tmp / "run.json")
        return None

    def clear_progress(self) -> None:
        """Removes what killed jobs left behind, and nothing that this program has not made; call it under the lock."""
        for path in files.folder(self.tmp).iterdir():
            if path.name != "lock" and making.MADE.fullmatch(path.name):
                files.remove(path)

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
        return results.joined(self.plan, _together(self._of_jobs(tables.failed), "scores"))

    def outcomes(self) -> pd.DataFrame:
        """Of each score its run_id, its metric and its error, as categories."""
        return results.categories(_together(self._of_jobs(tables.outcomes), "scores", tables.OUTCOME))

    def _of_jobs(self, read: Callable[[Path, list[str]], pa.Table]) -> list[pa.Table]:
        """What this reads of the scores of each job, given their file and the job's runs."""
        found = self.manifests()
        return [read(self.jobs / manifest["job_id"] / "scores.parquet", manifest["run_ids"]) for manifest in found]

    def query(self, sql: str) -> pd.DataFrame:
        """SQL (DuckDB) over the views of `columns.TABLES`: `runs`, `scores`, `curves`, `results` (as the method), ...

        A query reads the study and nothing else: it can neither read, write nor attach files, nor load extensions or
        change DuckDB's settings. Lists, structs and maps come as Python lists and dicts.

        Raises ValueError, in one line, for SQL that is empty, that DuckDB refuses, or that is not one question.
        """
        plan, manifests = self.plan, self.manifests()
        plan = plan.assign(objective=plan["method"])  # by the name that this column had
        bindings = results.bindings(plan).assign(objective=plan["method"])
        columns = [f'bindings."{name}"' for name in bindings if name != "run_id"]
        views = {
            "runs": with_jobs(plan, manifests),
            "jobs": jobs_table(manifests, plan),
            "rescored": rescored_table(manifests),
            "bindings": bindings,
            "scores": self._tables("scores"),
            "curves": self._curves(),
        }
        joined = f"SELECT {', '.join(columns)}, scores.* FROM scores JOIN bindings USING (run_id)"
        try:
            return sql_queries.answer(sql, views, {"results": joined})
        except ValueError:
            if "curves" in sql.lower():
                self._tables("curves")  # names a file that is damaged beyond its head
            raise

    def _curves(self) -> pyarrow.dataset.Dataset:
        """The curves of all jobs, most of a study's rows, which are read as far as a query asks for them."""
        found = [
            str(tables.check(self.jobs / manifest["job_id"] / "curves.parquet", "curves"))
            for manifest in self.manifests()
        ]
        return pyarrow.dataset.dataset(found, schema=tables.schema("curves"), format="parquet")

    def _tables(self, table: str, keep: pc.Expression | None = None) -> pa.Table:
        """The rows of all jobs."""
        return _together([self._table(manifest, table, keep) for manifest in self.manifests()], table)

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

    def _write(self, path: Path, name: str, text: str, lasting: bool = True) -> None:
        if path.is_dir() and not path.is_symlink():  # in the way of a file; it may be somebody's
            self.set_aside(path)
        with replacing(path, self.tmp / f"{name}.{os.getpid()}", lasting) as temporary:
            temporary.write_text(text, encoding="utf-8")


def open(root: str | Path) -> Store:
    """The store in a directory; ValueError if there is none."""
    store = Store(Path(root))
    if not (store.root / "plan.parquet").exists():
        raise ValueError(f"{root} holds no study (no plan.parquet); `disentanglement-study run SWEEP {root}` makes one")
    return store


def _together(found: list[pa.Table], table: str, columns: list[str] | None = None) -> pa.Table:
    """The rows of all jobs; where there is none, those of none."""
    if not found:
        found = [tables.schema(table).empty_table().select(columns or list(tables.COLUMNS[table]))]
    return pa.concat_tables(found)
