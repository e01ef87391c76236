"""The loop in which a command runs jobs and follows them."""

from collections.abc import Callable

from rich.console import Console

from disentanglement_study.config import ResourceConfig
from disentanglement_study.store import Store
from disentanglement_study.study import dispatch
from disentanglement_study.study.dispatch.kinds import Work
from disentanglement_study.study.watch import Watch
from disentanglement_study.types import Job

Seconds = dict[str, float]


def run_jobs(
    jobs: list[Job],
    work: Work,
    ended: Callable[[Job, BaseException | None], Seconds],
    store: Store,
    resources: ResourceConfig,
    executor: str,
    address: str | None,
    console: Console,
) -> Watch:
    """Runs `work` on each job and shows how far they are; returns what was seen of them, when all have ended.

    ended: called with each job when it has ended, and its error if it failed in every attempt; it returns how long the
    job took by stage. Raises ValueError where the executor does.
    """
    watch = Watch(console, store, jobs)
    if jobs:
        with watch.watching():
            for job, error in dispatch.EXECUTORS[executor](jobs, work, resources, address, watch.waits):
                watch.job_ended(job, error, ended(job, error))
    return watch
