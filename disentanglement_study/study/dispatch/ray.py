"""Jobs as Ray tasks, on this machine or a cluster."""

import importlib
import json
import os
import signal
import time
import uuid
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from disentanglement_study.config import ResourceConfig
from disentanglement_study.errors import stop_if_full
from disentanglement_study.runtime import cores
from disentanglement_study.study.dispatch import cluster
from disentanglement_study.study.dispatch.kinds import Ended, Waits, Work
from disentanglement_study.types import Job

SAY_SECONDS = 60.0  # between two words on what is awaited


class Attempt(NamedTuple):
    """A job that Ray has, for the nth time (from 0). `ticket` is a key under which its worker leaves who it is."""

    job: Job
    number: int
    ticket: str


def ray(
    jobs: list[Job], work: Work, resources: ResourceConfig, address: str | None, waits: Waits = lambda text: None
) -> Iterator[Ended]:
    """Jobs as Ray tasks, as many at once as the resources allow; `address` of a cluster, or None for this machine.

    A task that raises, whose worker or node dies, or that takes more than `resources.job_hours`, is tried again
    `resources.retries` times. Raises ValueError if no node can run a job and none will come that could.
    """
    with cluster.connected(address) as ray:
        wanted = cluster.needs(resources, ray)
        if text := cluster.lacking(wanted, ray.nodes()):
            if cluster.is_fixed(address):
                raise ValueError(text)
            waits(text)
        on_cpu = not ("GPU" in wanted or "TPU" in wanted)
        task = ray.remote(_task).options(
            num_cpus=resources.num_cpus,
            num_gpus=wanted.get("GPU", 0.0),
            resources={"TPU": resources.tpu} if resources.tpu else None,
            max_retries=0,  # retried below, where every kind of failure counts alike
            runtime_env={"env_vars": _environment(on_cpu, resources.num_cpus)},
        )
        session, running = uuid.uuid4().hex, {}

        def start(job: Job, number: int) -> None:
            attempt = Attempt(job, number, f"disentanglement_study/{session}/{job.job_id}/{number}")
            running[task.remote(job, work, resources.num_cpus if on_cpu else 0, wanted, attempt.ticket)] = attempt

        for job in jobs:
            start(job, 0)
        said, since = time.monotonic(), {}  # since when, by ticket: the attempts that have begun
        while running:
            finished, _ = ray.wait(list(running), num_returns=1, timeout=1.0)
            now = time.monotonic()
            begun = _tickets(f"disentanglement_study/{session}/")
            since = {ticket: since.get(ticket, now) for ticket in begun}
            ended = {reference: _error(ray, reference) for reference in finished}
            for reference, error in {**_late(ray, running, since, now, resources.job_hours), **ended}.items():
                stop_if_full(error)
                job, number, ticket = running.pop(reference)
                _internal_kv()._internal_kv_del(ticket.encode())
                if error is not None and number < resources.retries:
                    start(job, number + 1)
                else:
                    yield job, error
            if ended:
                said = now
                waits("")
            elif now - said >= SAY_SECONDS:
                said = now
                text = cluster.lacking(wanted, ray.nodes())
                if text and address is None:
                    raise ValueError(text)
                waits(text or ("" if begun else cluster.busy(wanted, ray)))


def _late(
    ray: Any, running: dict[Any, Attempt], since: Mapping[str, float], now: float, hours: float | None
) -> dict[Any, BaseException]:
    """The attempts that have run for too long, with the error that this is; their processes are ended.

    Nothing here waits for them: a stopped process does not answer, a lost node neither.
    """
    late = {}
    for reference, attempt in running.items():
        if hours is not None and now - since.get(attempt.ticket, now) > 3600 * hours:
            ray.cancel(reference, force=True)
            # A process that is stopped does not hear of that, and would keep its place.
            if there := _internal_kv()._internal_kv_get(attempt.ticket.encode()):
                pid, node = json.loads(there)
                where = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(node, soft=False)
                ray.remote(_kill).options(num_cpus=0, max_retries=0, scheduling_strategy=where).remote(pid)
            late[reference] = TimeoutError(f"the job had not ended after {hours:g} hours (resources.job_hours)")
    return late


def _error(ray: Any, reference: Any) -> BaseException | None:
    try:
        ray.get(reference)
    except Exception as error:
        return error
    return None


def _environment(on_cpu: bool, num_cpus: int) -> dict[str, str]:
    # Ray leaves CUDA_VISIBLE_DEVICES unset for a task without GPUs, which would then see all of them.
    threads = {name: str(num_cpus) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")}
    return {**threads, "JAX_PLATFORMS": "cpu"} if on_cpu else threads


def _task(job: Job, work: Work, pinned: int, wanted: Mapping[str, float], ticket: str) -> None:
    """In a worker."""
    node = importlib.import_module("ray").get_runtime_context().get_node_id()
    _internal_kv()._internal_kv_put(ticket.encode(), json.dumps([os.getpid(), node]).encode())
    try:
        cluster.check_device(wanted)
        if pinned:
            cores.claim(pinned)
        work(job)
    finally:
        _internal_kv()._internal_kv_del(ticket.encode())


def _kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def _internal_kv() -> Any:
    """Ray's table of keys and values, which all nodes share."""
    return importlib.import_module("ray.experimental.internal_kv")


def _tickets(prefix: str) -> set[str]:
    return {key.decode() for key in _internal_kv()._internal_kv_list(prefix.encode())}
