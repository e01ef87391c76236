"""A study that runs, seen from its folder by another process: how far it is, how fast, when it will end."""

import time
from typing import NamedTuple

from disentanglement_study.store import Store, in_flight
from disentanglement_study.study.estimate import Kind, Seen, done
from disentanglement_study.study.progress import NOTHING, ended_jobs, kinds_of, look
from disentanglement_study.study.status import awaited

STATES = ("done", "failed")


class Overview(NamedTuple):
    done: int  # models
    failed: int
    running: int
    planned: int
    slots: int  # how many jobs of the command run
    started: float | None  # seconds since 1970 of when the command began; None: nothing tells it
    per_hour: float  # models' worth of work; NaN: nothing can be said yet
    left: float  # seconds; NaN: nothing can be said yet
    awaited: list[str]
    jobs: list[dict]  # of those that run: job_id, method, data_set, runs, stage, fraction


def overview(store: Store, slots: int = 0) -> Overview | None:
    """What is seen of a study; None if no process runs it. slots: how many jobs were seen to run at once before."""
    if not store.is_running():
        return None
    # In this order: a job that ends meanwhile is seen as running, not as one that waits.
    entries = [entry for entry in in_flight.progress(store) if entry["run_ids"]]
    command, plan, manifests = in_flight.command(store), store.plan, store.manifests()
    kinds = kinds_of(plan, [Kind(*kind) for kind in command["kinds"]] if command else ())
    of = {status: {run for one in manifests if one["status"] == status for run in one["run_ids"]} for status in STATES}
    there = of["done"] | of["failed"]
    running = {run for entry in entries for run in entry["run_ids"]} - there
    jobs, kind_of = [], {}
    for entry in entries:
        if own := [run for run in entry["run_ids"] if run in running and run in kinds]:
            kind = kind_of[entry["job_id"]] = kinds[own[0]]
            about = {"job": entry["job_id"], "method": kind.method, "data_set": kind.data_set, "runs": len(own)}
            jobs.append(about | {"stage": entry["stage"], "fraction": entry["fraction"]})
    counts = len(of["done"]), len(of["failed"]), len(running), len(plan)
    if command is None:
        return Overview(*counts, len(jobs), None, float("nan"), float("nan"), awaited(store), jobs)
    asked = set(command["run_ids"])
    new = ended_jobs([one for one in manifests if asked.intersection(one["run_ids"])], kinds)
    before = ended_jobs([one for one in manifests if not asked.intersection(one["run_ids"])], kinds)
    left = {run: kind for run, kind in kinds.items() if run in asked - there}
    seen = look([entry for entry in entries if not there.issuperset(entry["run_ids"])], new, left, slots, before)
    for job in jobs:
        job["fraction"] = done(Seen(kind_of[job["job"]], job["runs"], job["fraction"], NOTHING, NOTHING), seen.known)
    hours = (time.time() - command["started"]) / 3600
    per_hour = seen.worked / hours if hours > 0 and seen.worked > 0 else float("nan")
    return Overview(*counts, len(seen.running), command["started"], per_hour, seen.left, awaited(store), jobs)
