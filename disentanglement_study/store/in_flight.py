"""What is in flight in a study, for who looks on: where its jobs are, and what the command does that runs them.

Each is a small file in tmp/, which says something only while a process holds the study's lock.
"""

import contextlib
import json
import time
from collections.abc import Iterable, Iterator, Mapping

from disentanglement_study.errors import FULL
from disentanglement_study.runtime import files
from disentanglement_study.store import Store, losses_so_far, making, records
from disentanglement_study.store.losses_so_far import Losses
from disentanglement_study.types import Job


def write_progress(
    store: Store, job: Job, stage: str, fraction: float, parts: Mapping[str, tuple[float, float]] | None = None
) -> None:
    """Where a running job is, for the driver and for `status`: half of the fraction is training, half scoring.

    parts: what this attempt has done of "training" and "scoring": which share of it, and in how many seconds.
    """
    entry = {"run_ids": [run.run_id for run in job.runs], "stage": stage, "fraction": fraction, **(parts or {})}
    try:
        store.write_text(store.progress_file(job), f"{job.job_id}.progress", json.dumps(entry), lasting=False)
    except OSError as error:  # who only looks on does not stop the work
        if error.errno in FULL:
            raise


def progress(store: Store) -> list[dict]:
    """Where each running job is: "job_id", "run_ids", "stage", "fraction", and the parts that it tells."""
    found = []
    for path in sorted(store.tmp.glob("*.progress.json")):
        with contextlib.suppress(OSError, ValueError):  # gone meanwhile, or damaged: it says nothing then
            found.append(records.progress(path) | {"job_id": path.name.partition(".")[0]})
    return found


def write_losses(store: Store, job: Job, losses: Losses) -> None:
    """What a running job's models have lost so far."""
    try:
        store.write_text(
            store.losses_file(job.job_id), f"{job.job_id}.losses", losses_so_far.text(losses), lasting=False
        )
    except OSError as error:  # as of progress
        if error.errno in FULL:
            raise


def losses(store: Store, job_id: str) -> Losses | None:
    """Those of a running job; None if nothing tells them."""
    with contextlib.suppress(OSError, ValueError):
        return losses_so_far.read(store.losses_file(job_id))
    return None


@contextlib.contextmanager
def commanded(
    store: Store, run_ids: Iterable[str], kinds: Iterable[tuple[str, str, str, float]] = ()
) -> Iterator[None]:
    """Within the block, tells who looks on what the command that runs here does, and since when.

    kinds: the data set, method and settings of runs that cost alike, and what the training of one costs in some unit.
    """
    path = store.tmp / "run.json"
    about = {"started": time.time(), "run_ids": list(run_ids), "kinds": list(kinds)}
    with contextlib.suppress(OSError):
        store.write_text(path, "run", json.dumps(about), lasting=False)
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            path.unlink(missing_ok=True)


def command(store: Store) -> dict | None:
    """What the command does that runs: "started" (seconds since 1970), "run_ids", "kinds"; None if nothing tells it."""
    with contextlib.suppress(OSError, ValueError):
        return records.command(store.tmp / "run.json")
    return None


def clear(store: Store) -> None:
    """Removes what killed jobs left behind, and nothing that this program has not made; call it under the lock."""
    for path in files.folder(store.tmp).iterdir():
        if path.name != "lock" and making.MADE.fullmatch(path.name):
            files.remove(path)
