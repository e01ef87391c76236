"""The loop in which a command runs jobs and follows them."""

import contextlib
from collections.abc import Callable

from disentanglement_study.config import ResourceConfig
from disentanglement_study.study import dispatch
from disentanglement_study.study.dispatch.kinds import Work
from disentanglement_study.study.dispatch.pile import Pile
from disentanglement_study.study.watch import Watch
from disentanglement_study.types import Job

Seconds = dict[str, float]


def run_jobs(
    pile: Pile,
    work: Work,
    ended: Callable[[Job, BaseException | None], Seconds],
    watch: Watch,
    resources: ResourceConfig,
    site: dispatch.Site,
) -> None:
    """Runs `work` on the jobs of a pile, and returns when all have ended. What is seen of them is told to `watch`.

    ended: called with each job when it has ended, and its error if it failed in every attempt; it returns how long the
    job took by stage. Raises ValueError where the executor does.
    """
    if pile:
        if site.address:
            watch.console.print(f"joining the Ray cluster at {site.address}", markup=False, soft_wrap=True)
        jobs = dispatch.EXECUTORS[site.executor](pile, work, resources, site.address, watch.waits, watch.notes)
        with watch.watching(), contextlib.closing(jobs):  # what still runs if this ends early is told to stop
            for job, error in jobs:
                seconds = ended(job, error)
                if seconds and error is None:
                    compiling = seconds.get("compile", 0.0)
                    pile.ended(job, sum(seconds.values()), compiling)
                watch.job_ended(job, error, seconds)
