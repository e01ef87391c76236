"""The failed runs of a study: what they are, how they become missing again, and how they are done again."""

import dataclasses
from collections.abc import Sequence, Set
from pathlib import Path

import pandas as pd

from disentanglement_study.config import Study
from disentanglement_study.errors import reason
from disentanglement_study.store import Store
from disentanglement_study.store.runs import planned
from disentanglement_study.study import components, condition, parts
from disentanglement_study.types import Run


def forget(store: Store, run_ids: Set[str]) -> None:
    """Makes those of these runs that failed missing again; call it under the lock.

    A failed job of which not all runs are among them stays as that of the others.
    """
    runs = planned(store)
    for manifest in store.manifests():
        if manifest["status"] == "failed" and run_ids & set(manifest["run_ids"]):
            others = [run_id for run_id in manifest["run_ids"] if run_id not in run_ids]
            if others:
                parts.write(store.jobs / manifest["job_id"], store, [runs[run_id] for run_id in others])
            store.remove_job(manifest["job_id"])


def listed(store: Store, where: str | None = None) -> pd.DataFrame:
    """The failed runs with their bindings, as the plan has them, and in `reason` why, in one line.

    where: only those for which this holds, as for `run`; ValueError if some failed and none is left.
    """
    why = {
        run_id: reason(manifest["error"])
        for manifest in store.manifests()
        if manifest["status"] == "failed"
        for run_id in manifest["run_ids"]
    }
    plan = store.plan
    found = plan[plan["run_id"].isin(why.keys())].reset_index(drop=True)
    found = found.assign(reason=found["run_id"].map(why))
    if where is None or found.empty:
        return found
    asked = condition.rows(found.assign(objective=found["method"]), where).drop(columns="objective")
    if asked.empty:
        raise ValueError(f"--where {where!r} leaves none of {len(found)} failed runs")
    return asked


def to_retry(root: Path, where: str | None = None, bindings: Sequence[str] = ()) -> tuple[Study, list[Run]]:
    """The settings of a study, with these gin bindings over its resources, and its failed runs.

    ValueError for bindings of what is not `resources`: they would be other runs.
    """
    store = Store(root)
    own, study = store.settings, components.load(store.text, bindings)
    if dataclasses.replace(study, resources=own.resources, text=own.text) != own:
        raise ValueError("--gin: a run is done again with the settings that it had: give settings of resources alone")
    ids = set(listed(store, where)["run_id"])
    return study, [run for run_id, run in planned(store).items() if run_id in ids]
