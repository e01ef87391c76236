"""Runs jobs: on Ray (this machine or a cluster) or inline. Retries, and yields jobs as they end.

What runs next is the plan minus what the store has; Ray's own state is never consulted. To add an executor: write its
file, add its line here.
"""

from pathlib import Path
from typing import NamedTuple

from disentanglement_study.errors import unknown
from disentanglement_study.study.dispatch import cluster
from disentanglement_study.study.dispatch.inline import inline
from disentanglement_study.study.dispatch.kinds import Executor
from disentanglement_study.study.dispatch.ray import ray

EXECUTORS: dict[str, Executor] = {"inline": inline, "ray": ray}


class Site(NamedTuple):
    """Where jobs run, and find their data sets. executor: a name in EXECUTORS. address: of a Ray cluster, or None for
    this machine. data_dir: None for the user's cache, or what is set where a job runs.
    """

    executor: str
    address: str | None = None
    data_dir: Path | None = None


def check(executor: str, address: str | None) -> None:
    """Raises ValueError, in one line, for an executor that does not exist, and for an address that it does not use or
    where nothing listens."""
    if executor not in EXECUTORS:
        raise unknown("executor", executor, EXECUTORS)
    if executor != "ray" and address is not None:
        raise ValueError(
            f"--address {address} names a Ray cluster, which --executor {executor} does not use: leave one out"
        )
    cluster.check(address)
