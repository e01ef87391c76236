"""Where a study stands, from its folder: what is done, failed, running, missing, awaited."""

from collections.abc import Set

import pandas as pd

from disentanglement_study.store import Store


def status(store: Store) -> pd.DataFrame:
    """Runs per data set and method: planned, done, failed, running, missing."""
    plan, of = store.plan, {"done": set(), "failed": set()}
    for manifest in store.manifests():
        of[manifest["status"]].update(manifest["run_ids"])
    done, failed = of["done"], of["failed"]
    # What a dead driver leaves says where its jobs were, not that they are running.
    entries = store.progress() if store.is_running() else []
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
    return [entry["stage"] for entry in store.progress() if not entry["run_ids"]] if store.is_running() else []


def failures(results: pd.DataFrame, plan: pd.DataFrame, failed: Set[str]) -> str:
    """What failed of the runs of a plan, in a line; empty if nothing did. `failed` are the runs whose job failed.

    results: all scores, or `Store.outcomes`. A metric has failed if it has no score of any model. A model that diverged
    is a result: it counts as done, and what cannot be computed of it is no failure of a metric.
    """
    runs = plan["run_id"]
    parts = [f"{runs.isin(failed).sum()} of {len(runs)} runs"] if runs.isin(failed).any() else []
    training = results["metric"] == "training"
    diverged = results.loc[training & results["error"].str.startswith("diverged", na=False), "run_id"]
    scores = results[~training & results["run_id"].isin(runs) & ~results["run_id"].isin(diverged)]
    everywhere = scores["error"].notna().groupby(scores["metric"]).all()
    if names := list(everywhere.index[everywhere]):
        parts.append(f"{'metrics' if len(names) > 1 else 'metric'} {', '.join(names)} for every model")
    return f"failed: {'; '.join(parts)}" if parts else ""
