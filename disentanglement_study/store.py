"""A study's directory: the plan, the finished jobs, the tables. The directory is the truth.

    study.gin              the settings, without includes
    plan.parquet           a row per run, a column per binding
    jobs/<job_id>/         manifest.json  config.gin  scores.parquet  curves.parquet  params.npz  codes.npz
    checkpoints/<job_id>/  of jobs that are being trained
    tmp/                   jobs that are being written, and their progress

A job is written under `tmp/` and renamed into place as its last act: a folder in `jobs/` is a whole job.
"""

import contextlib
import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.dataset

from disentanglement_study.types import Job

COLUMNS = {
    "scores": {
        "run_id": "string",
        "representation": "string",
        "metric": "string",
        "score": "string",
        "value": "float64",
        "n": "Int64",
        "protocol": "string",
        "metric_version": "string",
        "versions": "string",
        "seconds": "float64",
        "error": "string",
    },
    "curves": {"run_id": "string", "step": "int64", "term": "string", "value": "float64"},
}
# DuckDB without the disk and the network, for good.
ONLY_THE_STUDY = {
    "enable_external_access": "false",
    "python_enable_replacements": "false",  # nor the variables of this program
    "temp_directory": "",
    "lock_configuration": "true",
}
# Of a run, beside each of its scores.
BINDINGS = ["data_set", "objective", "strength_name", "strength", "seed", "dlib_model_num", "run_id"]


class Store:
    """Reads and writes one study's directory."""

    def __init__(self, root: Path):
        self.root = Path(root)
        self.jobs, self.tmp, self.checkpoints = (self.root / name for name in ("jobs", "tmp", "checkpoints"))

    @property
    def plan(self) -> pd.DataFrame:
        return pd.read_parquet(self.root / "plan.parquet")

    @property
    def text(self) -> str:
        return (self.root / "study.gin").read_text()

    def create(self, plan: pd.DataFrame, text: str, evaluation: str) -> None:
        """Makes the directory, or extends the one that is there by runs that it has not.

        Raises ValueError, and changes nothing, if the directory is not empty and no study, if neither its plan nor this
        one contains the other, or if it was scored with other settings (`evaluation`, any text that identifies them).
        """
        if self.root.exists() and not (self.root / "plan.parquet").exists():
            if not self.root.is_dir() or any(p.name != "tmp" for p in self.root.iterdir()):
                raise ValueError(f"{self.root} is not empty and holds no study: name another folder")
        elif self.root.exists():
            there, here = set(self.plan["run_id"]), set(plan["run_id"])
            if not (there <= here or here <= there):
                raise ValueError(
                    f"{self.root} holds another sweep: {len(there - here)} of its {len(there)} runs are not in this; "
                    "name another folder"
                )
            if (self.root / "evaluation.json").read_text() != evaluation:
                raise ValueError(
                    f"{self.root} was scored with other settings (its study.gin, section evaluate): name another folder"
                )
            if here < there:
                return
        self.jobs.mkdir(parents=True, exist_ok=True)
        self.tmp.mkdir(exist_ok=True)
        _write(self.root / "evaluation.json", evaluation)
        _write(self.root / "study.gin", text)
        temporary = self.tmp / f"plan.{os.getpid()}.parquet"
        plan.to_parquet(temporary, index=False)
        os.replace(temporary, self.root / "plan.parquet")

    @contextlib.contextmanager
    def lock(self) -> Iterator[None]:
        """Held while a process runs the study's jobs; the kernel drops it when the process dies."""
        self.tmp.mkdir(parents=True, exist_ok=True)
        with (self.tmp / "lock").open("w") as handle:
            try:
                _hold(handle)
            except OSError:
                raise ValueError(f"another process is running {self.root}: wait for it, or stop it first") from None
            yield

    def is_running(self) -> bool:
        """Whether a process holds the lock; one of another machine too, if the file system passes locks on."""
        try:
            with (self.tmp / "lock").open("rb") as handle:
                fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except FileNotFoundError:
            return False
        except OSError:
            return True
        return False

    def write_job(
        self,
        job: Job,
        scores: list[dict],
        curves: list[dict],
        arrays: dict[str, dict[str, np.ndarray]],
        manifest: dict,
    ) -> None:
        """Writes a finished or failed job. `arrays` are npz files by name; a job of that name is replaced."""
        folder = self.tmp / f"{job.job_id}.{os.getpid()}"
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        _typed(scores, COLUMNS["scores"]).to_parquet(folder / "scores.parquet", index=False)
        _typed(curves, COLUMNS["curves"]).to_parquet(folder / "curves.parquet", index=False)
        for name, content in arrays.items():
            np.savez(folder / f"{name}.npz", **content)
        (folder / "config.gin").write_text(self.text)
        manifest = {"job_id": job.job_id, "run_ids": [run.run_id for run in job.runs], **manifest}
        (folder / "manifest.json").write_text(json.dumps(manifest, indent=1))
        final = self.jobs / job.job_id
        if final.exists():
            shutil.rmtree(final)
        os.rename(folder, final)
        if manifest["status"] == "done":  # one that failed may be retried from where it was
            shutil.rmtree(self.checkpoints / job.job_id, ignore_errors=True)
        self.progress_file(job).unlink(missing_ok=True)

    def add_scores(self, job: Job, scores: list[dict]) -> None:
        """Adds rows to a finished job's scores, in place of those of the same run, representation and metric."""
        path, key = self.jobs / job.job_id / "scores.parquet", ["run_id", "representation", "metric"]
        there, new = pd.read_parquet(path).astype(COLUMNS["scores"]), _typed(scores, COLUMNS["scores"])
        replaced = pd.MultiIndex.from_frame(there[key]).isin(pd.MultiIndex.from_frame(new[key]))
        temporary = self.tmp / f"{job.job_id}.scores.{os.getpid()}.parquet"
        pd.concat([there[~replaced], new], ignore_index=True).to_parquet(temporary, index=False)
        os.replace(temporary, path)

    def arrays(self, job: Job, name: str) -> dict[str, np.ndarray]:
        """The arrays "params" or "codes" of a finished job."""
        with np.load(self.jobs / job.job_id / f"{name}.npz") as file:
            return dict(file)

    def params(self, job: Job, members: Sequence[int]) -> dict[str, np.ndarray]:
        """The parameters of some runs of a finished job, by their places in it: leaves [len(members), ...]."""
        with np.load(self.jobs / job.job_id / "params.npz") as file:
            return {name: file[name][list(members)] for name in file}

    def keep_checkpoints(self, jobs: Iterable[Job]) -> None:
        """Removes the checkpoints of all jobs but these; call it under the lock."""
        keep = {job.job_id for job in jobs}
        for path in self.checkpoints.glob("*"):
            if path.name not in keep:
                shutil.rmtree(path, ignore_errors=True)

    def manifests(self) -> list[dict]:
        """The manifests of the jobs that are there, finished and failed."""
        return [json.loads(path.read_text()) for path in sorted(self.jobs.glob("*/manifest.json"))]

    def manifest(self, job: Job) -> dict:
        """The manifest of one job that has ended."""
        return json.loads((self.jobs / job.job_id / "manifest.json").read_text())

    def forget_failed(self) -> None:
        """Removes the failed jobs, so that their runs are missing again; call it under the lock."""
        for manifest in self.manifests():
            if manifest["status"] == "failed":
                shutil.rmtree(self.jobs / manifest["job_id"])

    def run_ids(self, status: str) -> set[str]:
        """The runs whose job is "done" or "failed"."""
        return {run for manifest in self.manifests() if manifest["status"] == status for run in manifest["run_ids"]}

    def progress_file(self, job: Job) -> Path:
        return self.tmp / f"{job.job_id}.progress.json"

    def write_progress(self, job: Job, stage: str, fraction: float) -> None:
        """Where a running job is: a fraction of its whole work, for the driver and for `status`."""
        entry = {"run_ids": [run.run_id for run in job.runs], "stage": stage, "fraction": fraction}
        _write(self.progress_file(job), json.dumps(entry))

    def progress(self) -> list[dict]:
        found = []
        for path in sorted(self.tmp.glob("*.progress.json")):
            with contextlib.suppress(OSError, ValueError):
                found.append(json.loads(path.read_text()))
        return found

    def clear_progress(self) -> None:
        """Removes what killed jobs left behind; call it under the lock."""
        for path in self.tmp.iterdir():
            if path.name != "lock":
                shutil.rmtree(path) if path.is_dir() else path.unlink()

    def rows(self, table: str, keep: pyarrow.dataset.Expression | None = None) -> pd.DataFrame:
        """The rows of all jobs, or of these those that `keep` is true of: table "scores" or "curves"."""
        if not (files := self._files(table)):
            return _typed([], COLUMNS[table])
        return pyarrow.dataset.dataset(files).to_table(filter=keep).to_pandas().astype(COLUMNS[table])

    def results(self, keep: pyarrow.dataset.Expression | None = None) -> pd.DataFrame:
        """All scores (or those that `keep` is true of), tidy: a row per score, with the bindings of its run."""
        joined = self.plan[BINDINGS].merge(self.rows("scores", keep), on="run_id")
        return joined.sort_values([*BINDINGS, "representation", "metric", "score"], ignore_index=True)

    def query(self, sql: str) -> pd.DataFrame:
        """SQL (DuckDB) over the views `runs`, `scores`, `curves`, and `results` (as the method).

        A query reads the study and nothing else: it can neither read, write nor attach files, nor load extensions or
        change DuckDB's settings. Lists, structs and maps come as Python lists and dicts.

        Raises ValueError, in one line, for SQL that is empty or that DuckDB refuses.
        """
        import duckdb  # here, because training and scoring must do without it

        connection = duckdb.connect(config=ONLY_THE_STUDY)
        # Arrow reads the files: DuckDB itself may not.
        connection.register("runs", self.plan)
        for table in COLUMNS:
            files = self._files(table)
            connection.register(table, pyarrow.dataset.dataset(files) if files else _typed([], COLUMNS[table]))
        bindings = ", ".join(f"runs.{name}" for name in BINDINGS if name != "run_id")
        connection.execute(f"CREATE VIEW results AS SELECT {bindings}, scores.* FROM scores JOIN runs USING (run_id)")
        try:
            if (answer := connection.execute(sql)) is None:
                raise ValueError("query: the SQL is empty")
            frame = answer.df()
        except duckdb.PermissionException as error:
            raise ValueError("query: a query reads the study only: no other files, no extensions") from error
        except duckdb.Error as error:
            message = str(error).splitlines()
            hint = next((line for line in message[1:] if line.startswith("Did you mean")), "")
            raise ValueError(" ".join([f"query: {message[0]}", hint]).strip()) from error
        finally:
            connection.close()
        return frame.apply(lambda column: column.map(_plain) if column.dtype == object else column)

    def _files(self, table: str) -> list[str]:
        return [str(path) for path in sorted(self.jobs.glob(f"*/{table}.parquet"))]


def open(root: str | Path) -> Store:
    """The store in a directory; ValueError if there is none."""
    store = Store(Path(root))
    if not (store.root / "plan.parquet").is_file():
        raise ValueError(f"{root} holds no study (no plan.parquet); `disentanglement-study run SWEEP {root}` makes one")
    return store


def _hold(handle) -> None:
    """Takes the lock; OSError if another process has it. One that only looked (`is_running`) has let go at once."""
    for _ in range(20):
        with contextlib.suppress(BlockingIOError):
            return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        time.sleep(0.01)
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _typed(rows: list[dict], columns: dict[str, str]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=list(columns)).astype(columns)


def _plain(value: Any) -> Any:
    """DuckDB's lists, which are arrays, as Python's, also in structs and maps."""
    value = value.tolist() if isinstance(value, np.ndarray) else value  # a NULL in it is masked, and becomes None
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value


def _write(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(text)
    os.replace(temporary, path)
