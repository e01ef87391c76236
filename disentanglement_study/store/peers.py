"""Models that differ by seed alone, which the unsupervised ranking (UDR) compares: its scores depend on all of them."""

from collections import defaultdict

import pyarrow.compute as pc

from disentanglement_study.store.runs import finished_jobs
from disentanglement_study.store.store import Store
from disentanglement_study.types import Job, Run

UDR = "udr"


def setting(run: Run) -> tuple:
    """What models have in common that differ by seed alone."""
    return run.data_set, run.method, str(run.settings), *run.hyper.items()


def outdated(store: Store) -> list[Job]:
    """The finished jobs whose models are to be compared again, in a study that has UDR; with all peers of their models.

    A model is to be compared again if one of its peers, or the model itself, is not yet compared, or if one with which
    it was compared is not there any more: its job was damaged, and failed when it was done again.
    """
    rows, compared = store.rows("scores", pc.field("metric") == UDR), _compared(store)
    if rows.empty and not compared:
        return []
    there, diverged = set(rows["run_id"]), set(rows.loc[rows["error"].notna(), "run_id"])
    jobs = [job for job in finished_jobs(store) if store.has_posterior(job)]
    peers: dict[tuple, list[Run]] = defaultdict(list)
    for run in (run for job in jobs for run in job.runs):
        if run.run_id not in diverged:
            peers[setting(run)].append(run)
    concerned = {key for key, runs in peers.items() if len(runs) > 1 and any(run.run_id not in there for run in runs)}
    for job in jobs:
        of_job = {setting(run) for run in job.runs}
        if (number := compared.get(job.job_id)) is not None and number > sum(len(peers[key]) for key in of_job):
            concerned |= of_job
    found, number = [], -1
    while number < len(concerned):  # the settings of the jobs of these settings, and so on
        number = len(concerned)
        found = [job for job in jobs if any(setting(run) in concerned for run in job.runs)]
        concerned = {setting(run) for job in found for run in job.runs}
    return found


def _compared(store: Store) -> dict[str, int | None]:
    """By the jobs whose models were compared: how many models of their settings there were; None if nobody noted it."""
    entries = {m["job_id"]: one for m in store.manifests() for one in m.get("scored", ()) if UDR in one["metrics"]}
    numbers = {job_id: entry.get("models") for job_id, entry in entries.items()}
    return {job_id: number if isinstance(number, int) else None for job_id, number in numbers.items()}
