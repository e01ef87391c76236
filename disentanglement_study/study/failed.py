"""The failed runs of a study: what they are, how they become missing again, and how they are done again.

Runs that are being done again are neither failed nor done. The study's file retry.json names them until they are one of
both, so that a `retry` that was stopped goes on.
"""

import contextlib
import dataclasses
import json
from collections.abc import Sequence, Set
from pathlib import Path

import pandas as pd

from disentanglement_study.config import Study
from disentanglement_study.errors import reason
from disentanglement_study.runtime import files
from disentanglement_study.store import Store, records
from disentanglement_study.store.runs import planned
from disentanglement_study.types import Run


def forget(store: Store, run_ids: Set[str]) -> None:
    """Makes those of these runs that failed missing again; call it under the lock.

    A failed job of which not all runs are among them stays as that of the others. Before, they are written down with
    why they failed, for `again`.
    """
    from disentanglement_study.study import parts  # here: `status` reads what failed, and needs no JAX

    if asked := {run_id: why for run_id, why in _failures(store).items() if run_id in run_ids}:
        _write(store, _readable(store) | asked)
    runs = planned(store)
    for manifest in store.manifests():
        if manifest["status"] == "failed" and run_ids & set(manifest["run_ids"]):
            others = [run_id for run_id in manifest["run_ids"] if run_id not in run_ids]
            if others:
                parts.write(store.jobs / manifest["job_id"], store, [runs[run_id] for run_id in others])
            store.remove_job(manifest["job_id"])


def again(store: Store) -> dict[str, str]:
    """Why they failed, of the runs that are being done again, or were when that was stopped, by their ids."""
    path = store.root / "retry.json"
    if not files.is_there(path):
        return {}
    left = set(store.plan["run_id"]) - store.run_ids("done") - store.run_ids("failed")
    return {run_id: why for run_id, why in records.retried(path).items() if run_id in left}


def settle(store: Store) -> None:
    """Forgets what was being done again and has ended; call it under the lock. A file that says nothing goes."""
    if left := _readable(store):
        _write(store, left)
    else:
        files.remove(store.root / "retry.json")


def _readable(store: Store) -> dict[str, str]:
    """As `again`; of a damaged file nothing, for it is about to be written anew."""
    with contextlib.suppress(files.Damaged):
        return again(store)
    return {}


def _write(store: Store, why: dict[str, str]) -> None:
    store.write_text(store.root / "retry.json", "retry", json.dumps(why, indent=1))


def _failures(store: Store) -> dict[str, str]:
    """Why they failed, in one line, by the ids of the failed runs."""
    return {
        run_id: reason(manifest["error"])
        for manifest in store.manifests()
        if manifest["status"] == "failed"
        for run_id in manifest["run_ids"]
    }


def listed(store: Store, where: str | None = None) -> pd.DataFrame:
    """The failed runs with their bindings, as the plan has them, and in `reason` why, in one line. With them those that
    are done again now, or were when that was stopped.

    where: only those for which this holds, as for `run`; ValueError if some failed and none is left.
    """
    from disentanglement_study.study import condition

    why = {run_id: f"was being done again: {text}" for run_id, text in again(store).items()} | _failures(store)
    plan = store.plan
    found = plan[plan["run_id"].isin(why.keys())].reset_index(drop=True)
    found = found.assign(reason=found["run_id"].map(why))
    if where is None or found.empty:
        return found
    asked = condition.rows(found.assign(objective=found["method"]), where).drop(columns="objective")
    if asked.empty:
        raise ValueError(f"--where {where!r} selects none of the {len(found)} failed runs")
    return asked


def to_retry(root: Path, where: str | None = None, bindings: Sequence[str] = ()) -> tuple[Study, list[Run]]:
    """The settings of a study, with these gin bindings over its resources, and its failed runs.

    ValueError for bindings of what is not `resources`: they would be other runs.
    """
    from disentanglement_study.study import components

    store = Store(root)
    own, study = store.settings, components.of_study(store, bindings)
    if dataclasses.replace(study, resources=own.resources, text=own.text) != own:
        raise ValueError("--gin: a failed run keeps its settings: only settings of resources can be given")
    ids = set(listed(store, where)["run_id"])
    return study, [run for run_id, run in planned(store).items() if run_id in ids]
