"""Where a study stands, from its folder: what is done, failed, running, missing, awaited."""

from collections.abc import Mapping, Set

import pandas as pd

from disentanglement_study.runtime.files import Damaged
from disentanglement_study.runtime.words import counted
from disentanglement_study.store import Store, in_flight, tables, upkeep
from disentanglement_study.store.job_files import DamagedJob
from disentanglement_study.store.peers import UDR
from disentanglement_study.store.records import ID


def damaged(store: Store) -> dict[str, Damaged]:
    """The jobs of whose scores.parquet not even the end can be read, by their ids: the file was cut off, or is gone."""
    found = {}
    for manifest in store.manifests():
        try:
            tables.check_end(store.jobs / manifest["job_id"] / "scores.parquet")
        except Damaged as error:
            found[manifest["job_id"]] = error
    return found


def harm(store: Store) -> list[str]:
    """What else is seen to be lost or damaged of a study, a line each: it can be read, but not gone on with."""
    lines = []
    for read in (lambda: store.settings, lambda: store.evaluation):
        try:
            read()
        except Damaged as error:
            lines.append(f"{error}; `run SWEEP {store.root}`, with the same sweep, writes it again")
    for manifest in store.manifests():
        try:
            tables.check_end(store.jobs / manifest["job_id"] / "curves.parquet")
        except Damaged as error:
            lines.append(str(error))
        if manifest["status"] == "done" and manifest.get("parameters"):
            paths = (store.jobs / manifest["job_id"] / f"{name}.npz" for name in ("params", "codes"))
            lines += [str(DamagedJob(path, "it is not there")) for path in paths if not path.exists()]
    return lines


def status(store: Store, damaged: Mapping[str, Damaged] | Set[str] = frozenset()) -> pd.DataFrame:
    """Runs per data set and method: planned, done, failed, running, missing. Those of damaged jobs are missing."""
    plan = store.plan
    of: dict[str, set[str]] = {"done": set(), "failed": set()}
    for manifest in store.manifests():
        if manifest["job_id"] not in damaged:
            of[manifest["status"]].update(manifest["run_ids"])
    done, failed = of["done"], of["failed"]
    # What a dead driver leaves says where its jobs were, not that they are running.
    entries = in_flight.progress(store) if store.is_running() else []
    running = {run for entry in entries for run in entry["run_ids"]} - done - failed
    state = plan["run_id"].map(
        lambda run: "done" if run in done else "failed" if run in failed else "running" if run in running else "missing"
    )
    counts = pd.crosstab([plan["data_set"], plan["method"]], state)
    counts = counts.reindex(columns=["done", "failed", "running", "missing"], fill_value=0)
    counts.insert(0, "planned", counts.sum(axis=1))
    return counts.reset_index()


def awaited(store: Store) -> list[str]:
    """What the driver of a running study waits for, as `Watch.waits` left it; empty when there is none."""
    entries = in_flight.progress(store) if store.is_running() else []
    return [entry["stage"] for entry in entries if not entry["run_ids"]]


def diverged(results: pd.DataFrame) -> pd.DataFrame:
    """Those of these scores that say of a model that its training diverged."""
    return results[(results["metric"] == "training") & results["error"].str.startswith("diverged", na=False)]


def failures(results: pd.DataFrame, plan: pd.DataFrame, failed: Set[str]) -> str:
    """What failed of the runs of a plan, in a line; empty if nothing did. `failed` are the runs whose job failed.

    results: all scores, or `Store.outcomes`. A metric has failed if it has no score of any model. A model that diverged
    is a result: it counts as done, and what cannot be computed of it is no failure of a metric.
    """
    runs = plan["run_id"]
    parts = [f"{runs.isin(failed).sum():,} of {counted(len(runs), 'run')}"] if runs.isin(failed).any() else []
    training, gone = results["metric"] == "training", results["run_id"].isin(diverged(results)["run_id"])
    scores = results[~training & results["run_id"].isin(runs) & ~gone]
    everywhere = scores["error"].notna().groupby(scores["metric"]).all()
    if names := list(everywhere.index[everywhere]):
        parts.append(f"{'metrics' if len(names) > 1 else 'metric'} {', '.join(names)} for every model")
    return f"failed: {'; '.join(parts)}" if parts else ""


def lacking(outcomes: pd.DataFrame, done: Set[str]) -> list[str]:
    """The metrics that some of the models that are done have not, a line each.

    outcomes: `Store.outcomes`. UDR is left out: a model that has none to compare with, or no posterior, has none of it.
    """
    pairs = outcomes[["run_id", "metric"]].drop_duplicates()
    have = pairs[pairs["run_id"].isin(done)].groupby("metric", observed=True).size()
    of = counted(len(done), "done model")
    return [
        f"{metric}: {number:,} of {of} {'has' if number == 1 else 'have'} it"
        for metric, number in have.items()
        if number < len(done) and metric not in ("training", UDR)
    ]


def jobs(store: Store) -> pd.DataFrame:
    """The jobs that have begun, by their ids: method, data set, runs, state, in the order of the ids.

    state: "done", "failed", "damaged", "running", or "begun" of one that no process does now. A job that has nothing
    but a log was cut anew since, and has 0 runs.
    """
    runs_of: dict[str, list[str]] = {
        path.stem: [] for path in (store.root / "logs").glob("*.log") if ID.fullmatch(path.stem)
    }
    runs_of |= {key: runs for key, runs in upkeep.begun(store).items() if ID.fullmatch(key)}
    state = dict.fromkeys(runs_of, "begun")
    for entry in in_flight.progress(store) if store.is_running() else []:
        if entry["run_ids"]:
            runs_of[entry["job_id"]], state[entry["job_id"]] = entry["run_ids"], "running"
    for manifest in store.manifests():
        runs_of[manifest["job_id"]], state[manifest["job_id"]] = manifest["run_ids"], manifest["status"]
    state |= dict.fromkeys(damaged(store), "damaged")
    plan = store.plan
    about = dict(zip(plan["run_id"], zip(plan["method"], plan["data_set"], strict=True), strict=True))
    rows = []
    for job_id, run_ids in sorted(runs_of.items()):
        there = [about[run_id] for run_id in map(str, run_ids) if run_id in about]
        rows.append((job_id, *(there[0] if there else ("", "")), len(there), state[job_id]))
    return pd.DataFrame(rows, columns=["job", "method", "data_set", "runs", "state"])
