"""Runs jobs: on Ray (this machine or a cluster) or inline. Retries, and yields jobs as they end.

What runs next is the plan minus what the store has; Ray's own state is never consulted.
"""

import importlib
import os
import warnings
from collections.abc import Callable, Iterator

from disentanglement_study import cores
from disentanglement_study.config import ResourceConfig
from disentanglement_study.errors import stop_if_full
from disentanglement_study.types import Job

Work = Callable[[Job], None]
Ended = tuple[Job, BaseException | None]  # an error: the job failed in every attempt
Executor = Callable[[list[Job], Work, ResourceConfig, str | None], Iterator[Ended]]


def inline(jobs: list[Job], work: Work, resources: ResourceConfig, address: str | None) -> Iterator[Ended]:
    """One job after the other in this process, on whatever device JAX finds."""
    for job in jobs:
        for attempt in range(resources.retries + 1):
            try:
                work(job)
            except Exception as error:
                stop_if_full(error)
                if attempt == resources.retries:
                    yield job, error
            else:
                yield job, None
                break


def ray(jobs: list[Job], work: Work, resources: ResourceConfig, address: str | None) -> Iterator[Ended]:
    """Jobs as Ray tasks, as many at once as the resources allow; `address` of a cluster, or None for this machine.

    A task that raises, or whose worker or node dies, is tried again `resources.retries` times.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_AUTH_MODE", "disabled")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    ray = importlib.import_module("ray")
    here = {} if address else {"_node_ip_address": "127.0.0.1", "include_dashboard": False}
    try:
        with warnings.catch_warnings():
            # JAX warns of every fork; Ray's children execute another program at once.
            warnings.filterwarnings("ignore", message=r"os\.fork\(\) was called", category=RuntimeWarning)
            ray.init(address=address or "local", log_to_driver=False, logging_level="ERROR", **here)
    except ConnectionError as error:
        raise ValueError(f"no Ray cluster at {address!r}: {error}") from error
    try:
        num_gpus = resources.num_gpus
        if num_gpus is None:
            num_gpus = 1.0 if ray.cluster_resources().get("GPU") else 0.0
        on_cpu = not num_gpus and not resources.tpu
        task = ray.remote(_task).options(
            num_cpus=resources.num_cpus,
            num_gpus=num_gpus,
            resources={"TPU": resources.tpu} if resources.tpu else None,
            max_retries=0,  # retried below, where every kind of failure counts alike
            runtime_env={"env_vars": _environment(on_cpu, resources.num_cpus)},
        )
        pinned = resources.num_cpus if on_cpu else 0
        running = {task.remote(job, work, pinned): (job, 0) for job in jobs}
        while running:
            finished, _ = ray.wait(list(running), num_returns=1, timeout=1.0)
            for reference in finished:
                job, attempt = running.pop(reference)
                try:
                    ray.get(reference)
                except Exception as error:
                    stop_if_full(error)
                    if attempt < resources.retries:
                        running[task.remote(job, work, pinned)] = job, attempt + 1
                    else:
                        yield job, error
                else:
                    yield job, None
    finally:
        ray.shutdown()


def _environment(on_cpu: bool, num_cpus: int) -> dict[str, str]:
    # Ray leaves CUDA_VISIBLE_DEVICES unset for a task without GPUs, which would then see all of them.
    threads = {name: str(num_cpus) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")}
    return {**threads, "JAX_PLATFORMS": "cpu"} if on_cpu else threads


def _task(job: Job, work: Work, pinned: int) -> None:
    if pinned:
        cores.claim(pinned)
    work(job)


EXECUTORS: dict[str, Executor] = {"inline": inline, "ray": ray}
