"""The runs of a study and the jobs that they were trained in, as its folder has them."""

import json

from disentanglement_study.errors import reason, unknown
from disentanglement_study.store.store import Store
from disentanglement_study.types import Job, Run


def check_models(store: Store, purpose: str) -> None:
    """ValueError if the models of a study were trained elsewhere; purpose: what needs them, such as "encode"."""
    if source := store.source:
        raise ValueError(
            f"{store.root} holds results of {source.get('kind')}: its models were trained elsewhere and are not here, "
            f"so there is nothing to {purpose}"
        )


def planned(store: Store) -> dict[str, Run]:
    """The runs of the plan, by their ids, in its order."""
    return {
        row.run_id: Run(
            row.run_id,
            row.data_set,
            row.method,
            json.loads(row.hyper),
            row.seed,
            row.protocol,
            json.loads(row.settings),
        )
        for row in store.plan.itertuples()
    }


def finished_jobs(store: Store) -> list[Job]:
    """The finished jobs, with their runs as the plan has them."""
    runs = planned(store)
    done = [manifest for manifest in store.manifests() if manifest["status"] == "done"]
    for manifest in done:
        if others := set(manifest["run_ids"]) - runs.keys():
            path = store.jobs / manifest["job_id"] / "manifest.json"
            raise ValueError(f"{path}: its run {min(others)} is not in plan.parquet")
    return [Job(manifest["job_id"], tuple(runs[run_id] for run_id in manifest["run_ids"])) for manifest in done]


def find(store: Store, beginning: str) -> str:
    """The finished run whose id is or begins like this; ValueError if there is none, or several."""
    ids = store.plan["run_id"].tolist()
    found = [run_id for run_id in ids if run_id.startswith(beginning)]
    if not found:
        raise unknown("run", beginning, ids)
    if len(found) > 1 and beginning not in found:
        raise ValueError(f"run {beginning!r}: {len(found)} runs begin with it ({', '.join(found[:3])}, ...)")
    run_id = beginning if beginning in found else found[0]
    for manifest in store.manifests():
        if run_id in manifest["run_ids"]:
            if manifest["status"] == "done":
                return run_id
            why = reason(manifest["error"])
            raise ValueError(f"run {run_id} has failed: {why} (`retry {store.root}` does it again)")
    raise ValueError(f"run {run_id} is not done yet: wait for the command that runs {store.root}, or run it again")
