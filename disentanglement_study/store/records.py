"""What the files of a study must hold. Each is checked when it is read: it may be damaged, or a stranger's.

Of the tables of a job it is `tables` that says so. All raise `files.Damaged`, in one line that names the file.
"""

import json
import math
import re
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from disentanglement_study.config.identity import FIRST
from disentanglement_study.runtime import files, npz
from disentanglement_study.runtime.files import reading, writing
from disentanglement_study.runtime.words import counted
from disentanglement_study.store import tables
from disentanglement_study.store.job_files import reading_job
from disentanglement_study.store.tables import as_file

ID = re.compile(r"[0-9a-f]{12}")  # of a run and of a job: they become names of files
PLAN_TEXTS = ("run_id", "data_set", "method", "strength_name", "protocol", "hyper", "settings")
PLAN_NUMBERS = ("strength", "seed", "dlib_model_num")
MANIFEST = {
    "seconds": dict, "error": str, "data": dict, "population": int, "updates": int, "repeated": int, "device": str,
    "versions": str, "attempts": int, "parameters": list, "provenance": dict, "scored": list,
    "source": dict,
}  # fmt: skip
CODES = ("index", "mean")  # and logvar, of a posterior


def plan(path: Path) -> pd.DataFrame:
    """The plan: a row for each run, with ids and names that can be names of files."""
    try:
        return _plan(path)
    except files.Damaged as error:
        raise files.Damaged(path, f"{error.reason}; {plan_again(path.parent)}") from error


def plan_again(root: Path) -> str:
    """How a plan that is lost or damaged is made again, in words."""
    return f"`disentanglement-study run SWEEP {root}`, with the same sweep, makes it again and keeps all jobs"


def _plan(path: Path) -> pd.DataFrame:
    with reading(path):
        with pq.ParquetFile(as_file(path)) as file:
            table = as_now(file.read().to_pandas())
        for name in (*PLAN_TEXTS, *PLAN_NUMBERS):
            if name not in table:
                raise ValueError(f"it has no column {name!r}")
        for name in PLAN_TEXTS:
            _check_all(f"column {name!r}", table[name].unique(), lambda value: isinstance(value, str))
        for name in PLAN_NUMBERS:
            if not pd.api.types.is_numeric_dtype(table[name]):
                raise ValueError(f"its column {name!r} holds no numbers")
        _check_ids(table["run_id"].tolist())
        _check_all("data set", table["data_set"].unique(), files.is_name)
        _check_all("hyper", table["hyper"].unique(), _is_hyper)
        _check_all("settings", table["settings"].unique(), lambda text: _is_settings(text, table.columns))
        return table


def as_now(plan: pd.DataFrame) -> pd.DataFrame:
    """A plan as it is now: before, a method was called an objective, and all runs had the study's settings."""
    plan = plan if "method" in plan else plan.rename(columns={"objective": "method"})
    return plan if "settings" in plan else plan.assign(settings="{}")


def axes(plan: pd.DataFrame) -> pd.DataFrame:
    """The axes of the sweep, a column each: the values by which runs differ; none for runs of which it is no axis."""
    of_text = {text: json.loads(text).keys() for text in plan["settings"].unique()}
    columns = {}
    for axis in sorted(set().union(*of_text.values())):
        has = plan["settings"].map({text: axis in names for text, names in of_text.items()})
        columns[axis] = plan[axis] if has.all() else plan[axis].where(has)
    return pd.DataFrame(columns, index=plan.index)


def manifest(folder: Path) -> dict:
    """The manifest of the job in a folder, which has the job's name. The error of a failed job is some text."""
    path = folder / "manifest.json"
    with reading_job(path):
        if folder.is_symlink():
            raise ValueError("its folder is a symbolic link")
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise ValueError("it is not a JSON object")
        for name in ("job_id", "run_ids", "status"):
            if name not in content:
                raise ValueError(f"it has no {name!r}")
        if content["job_id"] != folder.name:
            raise ValueError(f"it belongs to job {content['job_id']!r}")
        if not isinstance(content["run_ids"], list) or not content["run_ids"]:
            raise ValueError("its 'run_ids' is not a list of runs")
        _check_ids(content["run_ids"])
        if content["status"] not in ("done", "failed"):
            raise ValueError(f"its status is {content['status']!r}: expected 'done' or 'failed'")
        for name, kind in MANIFEST.items():
            if content.get(name) is not None and not isinstance(content[name], kind):
                raise ValueError(f"its {name!r} is {content[name]!r}: expected {kind.__name__}")
        if isinstance(population := content.get("population"), bool) or (population is not None and population < 1):
            raise ValueError(f"its population is {population!r}")
        for entry in content.get("scored") or ():
            if not isinstance(entry, dict) or not isinstance(entry.get("metrics"), list):
                raise ValueError(f"its 'scored' has {entry!r}: expected an object with 'metrics'")
        _check_all("time", (content.get("seconds") or {}).values(), _is_number)
        if content["status"] == "failed":
            content["error"] = content.get("error") or ""
            if not content["error"].strip():
                content["error"] = "no error was recorded"
        return {name: value for name, value in content.items() if value is not None}


def manifests(folders: Iterable[Path]) -> list[dict]:
    """The manifests of the jobs in these folders, without those that are gone since. No two jobs have the same run."""
    found: list[dict] = []
    job_of: dict[str, str] = {}
    for folder in folders:
        try:
            content = manifest(folder)
        except files.Damaged:
            if folder.is_symlink() or folder.exists():
                raise
            continue  # it was replaced while it was read
        for run_id in content["run_ids"]:
            if run_id in job_of:
                twice = f"run {run_id} is in job {job_of[run_id]} too"
                raise files.Damaged(folder, f"{twice}; run the study again to mend it")
        job_of |= dict.fromkeys(content["run_ids"], folder.name)
        found.append(content)
    return found


def arrays(path: Path, names: Iterable[str] | None = None) -> dict[str, np.ndarray]:
    """The arrays of an npz file, or those of these names."""
    with reading_job(path), np.load(as_file(path), allow_pickle=False) as file:
        return {name: file[name] for name in (file.files if names is None else names)}


def check_job(folder: Path) -> dict:
    """The manifest of a job whose files have all that they should, as far as their heads tell."""
    content = manifest(folder)
    tables.table(folder / "scores.parquet", "scores", content["run_ids"])
    tables.check(folder / "curves.parquet", "curves", content["run_ids"])
    if content["status"] == "done" and "source" not in content:  # models of elsewhere are not here
        check_params(folder / "params.npz", len(content["run_ids"]))
        check_codes(folder / "codes.npz", len(content["run_ids"]))
    return content


def check_params(path: Path, number: int) -> None:
    """That the file holds the parameters of so many models that its job had, as far as the heads of its arrays tell."""
    names = manifest(path.parent).get("parameters") or ()  # a job of an earlier version does not say
    with reading_job(path):
        found = shapes(path)
        for name in names:
            if name not in found:
                raise ValueError(f"it has no array {name!r}")
        for name, shape in found.items():
            if shape[:1] != (number,):
                raise ValueError(f"its {name} has shape {list(shape)}: expected those of {counted(number, 'model')}")


def check_codes(path: Path, number: int) -> None:
    """That the file holds codes of so many models, as far as the heads of its arrays tell."""
    with reading_job(path):
        found = shapes(path)
        for name in CODES:
            if name not in found:
                raise ValueError(f"it has no array {name!r}")
        mean, index = found["mean"], found["index"]
        if len(mean) != 3 or mean != found.get("logvar", mean) or mean[:2] != (number, *index):
            raise ValueError(f"its codes have shape {list(mean)}: expected those of {counted(number, 'model')}")


def write_job(
    folder: Path,
    scores: list[dict] | pd.DataFrame,
    curves: list[dict],
    arrays: dict[str, dict[str, np.ndarray]],
    texts: dict[str, str],
    manifest: dict,
) -> None:
    """Writes the files of a job into a new folder; OSError names the one that could not be written."""
    with writing(folder):
        folder.mkdir(parents=True)
    for name, rows in (("scores", scores), ("curves", curves)):
        with writing(path := folder / f"{name}.parquet"):
            tables.frame(rows, name).to_parquet(path, index=False)
    for name, content in arrays.items():
        with writing(path := folder / f"{name}.npz"):
            np.savez(path, **dict[str, Any](content))
    for name, text in texts.items():
        with writing(path := folder / f"{name}.gin"):
            path.write_text(text, encoding="utf-8")
    with writing(path := folder / "manifest.json"):
        path.write_text(json.dumps(manifest, indent=1), encoding="utf-8")


def evaluation(path: Path) -> dict:
    """The settings that a study was scored with."""
    with reading(path):
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict):
            raise ValueError("it is not a JSON object")
        if missing := sorted(FIRST["evaluate"] - {"metrics"} - content.keys()):
            raise ValueError(f"it has no {missing[0]!r}")
        return content


def progress(path: Path) -> dict:
    """Where a running job is."""
    with reading(path):
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict) or not isinstance(content.get("stage"), str):
            raise ValueError("it does not describe a job")
        if not _is_number(content.get("fraction")) or not isinstance(content.get("run_ids"), list):
            raise ValueError("it does not describe a job")
        _check_ids(content["run_ids"])
        for half in {"training", "scoring"} & content.keys():
            part = content[half]
            if not isinstance(part, list) or len(part) != 2 or not all(_is_number(one) and one >= 0 for one in part):
                raise ValueError(f"its {half} is not a share and a number of seconds")
        return content


def command(path: Path) -> dict:
    """What the command does that runs a study."""
    with reading(path):
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict) or not _is_number(content.get("started")):
            raise ValueError("it does not describe a command")
        if not isinstance(content.get("run_ids"), list):
            raise ValueError("it does not describe a command")
        _check_ids(content["run_ids"])
        for kind in content.setdefault("kinds", []):
            data_set, method, settings, weight = kind
            if not all(isinstance(name, str) for name in (data_set, method, settings)) or not _is_number(weight):
                raise ValueError("it does not describe a command")
        return content


def retried(path: Path) -> dict[str, str]:
    """The runs that are done again, and why they failed before."""
    with reading(path):
        if path.is_symlink():
            raise ValueError("it is a symbolic link")
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict) or not all(isinstance(why, str) for why in content.values()):
            raise ValueError("it is not an object of runs, each with the reason of its failure")
        _check_ids(content)
        return content


def shapes(path: Path) -> dict[str, tuple[int, ...]]:
    """The shapes of the arrays of an npz file: their heads are read, not their numbers."""
    found = {}
    with zipfile.ZipFile(as_file(path)) as file:
        for name in file.namelist():
            with file.open(name) as member:
                shape, dtype = npz.header(member)
            if dtype.kind not in "fiu":
                raise ValueError(f"its array {name!r} is {dtype}: expected numbers")
            found[name.removesuffix(".npy")] = shape
    return found


def _check_ids(ids: Iterable) -> None:
    ids = list(ids)
    _check_all("run", ids, lambda value: isinstance(value, str) and ID.fullmatch(value))
    if len(set(ids)) < len(ids):
        raise ValueError("it names a run twice")


def _check_all(what: str, values: Iterable, is_right: Callable[[Any], Any]) -> None:
    for value in values:
        if not is_right(value):
            raise ValueError(f"its {what} is {value!r}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_settings(text: str, columns: Iterable[str]) -> bool:
    """Settings of runs are columns of the plan too."""
    settings = json.loads(text)
    return isinstance(settings, dict) and all("." in name and name in columns for name in settings)


def _is_hyper(text: str) -> bool:
    hyper = json.loads(text)
    return isinstance(hyper, dict) and all(isinstance(v, int | float) for v in hyper.values())
