"""The jobs of a study as tables: what their manifests say of time, device and provenance."""

import re
from collections.abc import Iterable
from typing import Any

import pandas as pd

from disentanglement_study.store.columns import PROVENANCE, TABLES

KINDS = {"string": "string", "integer": "Int64", "number": "float64", "boolean": "boolean", "datetime": "string"}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def jobs_table(manifests: Iterable[dict], plan: pd.DataFrame) -> pd.DataFrame:
    """A row for each manifest, with the columns of `columns.TABLES["jobs"]`. What a manifest does not say is null."""
    ids, *kinds = (plan[name].tolist() for name in ("run_id", "data_set", "method"))
    of_run = dict(zip(ids, zip(*kinds, strict=True), strict=True))
    rows = []
    for manifest in manifests:
        data_set, method = next((of_run[run_id] for run_id in manifest["run_ids"] if run_id in of_run), (None, None))
        said = ("job_id", "status", "attempts", "population", "versions", "error", "device")
        seconds = {f"seconds_{stage}": seconds for stage, seconds in manifest.get("seconds", {}).items()}
        own = {"data_set": data_set, "method": method, "runs": len(manifest["run_ids"]), **seconds}
        record = _provenance(manifest.get("provenance", {}))
        rows.append(record | own | {name: manifest[name] for name in said if name in manifest})
    return _typed(rows, "jobs")


def rescored_table(manifests: Iterable[dict]) -> pd.DataFrame:
    """A row for each job and metric that was scored after the job had ended."""
    rows = [
        {"job_id": manifest["job_id"], "metric": str(metric), **_provenance(entry)}
        for manifest in manifests
        for entry in manifest.get("scored", [])
        for metric in entry["metrics"]
    ]
    return _typed(rows, "rescored")


def with_jobs(plan: pd.DataFrame, manifests: Iterable[dict]) -> pd.DataFrame:
    """The plan with a column job_id: of the job that a run was trained in, null if none has ended."""
    job_of = {run_id: manifest["job_id"] for manifest in manifests for run_id in manifest["run_ids"]}
    return plan.assign(job_id=pd.array([job_of.get(run_id) for run_id in plan["run_id"].tolist()], dtype="string"))


def _provenance(record: dict) -> dict[str, Any]:
    """The known entries of a record; one of another type is null, for a study may be a stranger's."""
    return {column.name: _plain(record.get(column.name), column.type) for column in PROVENANCE}


def _plain(value: object, kind: str) -> Any:
    if kind == "boolean":
        return value if isinstance(value, bool) else None
    if kind == "integer":
        return value if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63 else None
    if not isinstance(value, str) or (kind == "datetime" and not TIME.fullmatch(value)):
        return None
    return value


def _typed(rows: list[dict], table: str) -> pd.DataFrame:
    columns = {column.name: KINDS[column.type] for column in TABLES[table]}
    return pd.DataFrame(rows, columns=list(columns)).astype(columns)
