"""Attempts at jobs as Ray tasks: how they are started, what a worker does, and how they end.

A worker leaves who it is in Ray's table of keys and values, under the ticket of its attempt, for as long as it works.
"""

import contextlib
import importlib
import json
import os
import signal
import socket
import time
import uuid
from collections import Counter
from collections.abc import Mapping
from typing import Any, NamedTuple

from disentanglement_study.runtime import cores
from disentanglement_study.study.dispatch import drain
from disentanglement_study.study.dispatch.cluster import words
from disentanglement_study.study.dispatch.kinds import Work
from disentanglement_study.study.dispatch.places import CPU, Place
from disentanglement_study.types import Job

# What of the driver's environment reaches workers, unless their node has its own; JAX_PLATFORMS is the node's.
CARRIED = ("DISENTANGLEMENT_STUDY_", "JAX_", "XLA_")
GRACE_SECONDS = 20.0  # for jobs to make a checkpoint when the driver is told to stop
PREEMPTED = 143  # the exit code of a worker that SIGTERM ended, 128 + 15


class Attempt(NamedTuple):
    """A job that Ray has, and the node that it was given to."""

    job: Job
    place: Place
    ticket: str
    node: str


class Tasks:
    """The attempts that a session of Ray has: `running`, by Ray's reference to what each will give."""

    def __init__(self, ray: Any, work: Work):
        self.ray, self.session = ray, f"disentanglement_study/{uuid.uuid4().hex}"
        self.running: dict[Any, Attempt] = {}
        self.failures, self.losses = Counter[str](), Counter[str]()  # of earlier attempts, by the id of their job
        self._asking: dict[str | None, list[Any]] = {}  # by the place that is to grow
        self._since: dict[str, float] = {}  # since when, by ticket: the attempts that have begun
        self._told: set[str] = set()  # tickets of the attempts that were told to go, for their node will
        self._work = ray.put(work)  # once for all jobs, and once for each node
        self._environment = {name: value for name, value in os.environ.items() if _is_carried(name)}

    def start(self, job: Job, place: Place, node: str) -> None:
        """Starts a job on a node. Where others have taken that Ray may find it room elsewhere at the same place."""
        number = f"{self.failures[job.job_id]}-{self.losses[job.job_id]}"
        attempt = Attempt(job, place, f"{self.session}/{job.job_id}/{number}", node)
        wanted, resources = place.wanted, place.resources
        on_cpu = not ("GPU" in wanted or "TPU" in wanted)
        affinity = self.ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy
        task = self.ray.remote(_task).options(
            **reserved(place),
            scheduling_strategy=affinity(node, soft=place.is_told, _spill_on_unavailable=place.is_told),
            max_retries=0,  # retried by who asks, where every kind of failure counts alike
            runtime_env={"env_vars": environment(wanted, resources.num_cpus)},
        )
        pinned = resources.num_cpus if on_cpu else 0
        self.running[task.remote(self._work, job, place, pinned, attempt.ticket, self._environment)] = attempt

    def ask(self, place: Place, number: int) -> None:
        """Asks a cluster that grows for so many slots more at a place.

        What asks is tasks that do nothing, which end where there is room: a job goes to a node that is there, and waits
        for none of a kind that may never come.
        """
        asking = self._asking.get(place.device, [])
        waiting = self.ray.wait(asking, num_returns=len(asking), timeout=0)[1] if asking else []
        for reference in waiting[number:]:
            self.ray.cancel(reference)
        task = self.ray.remote(_nothing).options(**reserved(place), max_retries=0)
        self._asking[place.device] = [*waiting[:number], *(task.remote() for _ in range(number - len(waiting)))]

    def begun(self) -> int:
        """How many attempts have found a place."""
        now = time.monotonic()
        self._since = {ticket: self._since.get(ticket, now) for ticket in _keys(self.session)}
        return len(self._since)

    def leave(self, nodes: set[str]) -> None:
        """Tells the attempts on these nodes to make a checkpoint and go."""
        for reference, attempt in self.running.items() if nodes else ():
            if attempt.ticket in self._since and attempt.ticket not in self._told:
                there = _internal_kv()._internal_kv_get(attempt.ticket.encode())
                if there and json.loads(there)[1] in nodes:
                    self._told.add(attempt.ticket)
                    _internal_kv()._internal_kv_put(f"gone/{attempt.ticket}".encode(), b"")
                    self.ray.cancel(reference, force=False)

    def ended(self, timeout: float) -> list[tuple[Attempt, BaseException | None, bool]]:
        """The attempts that end within so many seconds, the error of each, and whether the node took it away."""
        finished, _ = self.ray.wait(list(self.running), num_returns=1, timeout=timeout)
        late = self._late()
        found = []
        for reference in {**late, **dict.fromkeys(finished)}:
            error = _error(self.ray, reference) if reference in finished else late[reference]
            attempt = self.running.pop(reference)
            told_to_go = _internal_kv()._internal_kv_del(f"gone/{attempt.ticket}".encode()) > 0
            _internal_kv()._internal_kv_del(attempt.ticket.encode())
            gone = self.ray.exceptions.NodeDiedError, self.ray.exceptions.TaskUnschedulableError
            is_lost = isinstance(error, gone) or (error is not None and told_to_go)
            found.append((attempt, error, is_lost))
        return found

    def stop(self) -> None:
        """Tells all jobs to stop, and gives them some time to make a checkpoint."""
        for reference, attempt in self.running.items():
            if attempt.ticket not in self._told:
                self.ray.cancel(reference, force=False)
        if self.running:
            self.ray.wait(list(self.running), num_returns=len(self.running), timeout=GRACE_SECONDS)

    def _late(self) -> dict[Any, BaseException]:
        """The attempts that have run for too long, with the error that this is; their processes are ended.

        Nothing here waits for them: a stopped process does not answer, a lost node neither.
        """
        late: dict[Any, BaseException] = {}
        now = time.monotonic()
        for reference, attempt in self.running.items():
            hours = attempt.place.resources.job_hours
            if hours is not None and now - self._since.get(attempt.ticket, now) > 3600 * hours:
                self.ray.cancel(reference, force=True)
                # A process that is stopped does not hear of that, and would keep its place.
                if there := _internal_kv()._internal_kv_get(attempt.ticket.encode()):
                    pid, node = json.loads(there)
                    where = self.ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(node, soft=False)
                    self.ray.remote(_kill).options(num_cpus=0, max_retries=0, scheduling_strategy=where).remote(pid)
                late[reference] = TimeoutError(f"the job had not ended after {hours:g} hours (resources.job_hours)")
        return late


def why_lost(ray: Any, error: BaseException | None) -> str:
    """Why an attempt ended that its node took away, in words."""
    if isinstance(error, ray.exceptions.NodeDiedError | ray.exceptions.TaskUnschedulableError):
        return "its node is gone"
    return "its process was told to stop, as its node is being drained or sent it SIGTERM"


def reserved(place: Place) -> dict[str, Any]:
    """What a task reserves at a place, as options of Ray."""
    return {
        "num_cpus": place.resources.num_cpus,
        "num_gpus": place.wanted.get("GPU", 0.0),
        "resources": {"TPU": place.resources.tpu} if place.resources.tpu else None,
        "accelerator_type": place.device if place.device not in (None, CPU) else None,
    }


def environment(wanted: Mapping[str, float], num_cpus: int) -> dict[str, str]:
    """The variables of a worker's process from its start."""
    variables = {name: str(num_cpus) for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")}
    if not ("GPU" in wanted or "TPU" in wanted):
        # Ray leaves CUDA_VISIBLE_DEVICES unset for a task without GPUs, which would then see all of them.
        variables["JAX_PLATFORMS"] = "cpu"
    elif 0 < wanted.get("GPU", 0.0) < 1 and not os.environ.get("XLA_PYTHON_CLIENT_MEM_FRACTION"):
        # JAX takes three quarters of a GPU's memory at its start, whoever else is there.
        variables["XLA_PYTHON_CLIENT_MEM_FRACTION"] = f"{0.9 * wanted['GPU']:.3f}"
    return variables


def check_device(wanted: Mapping[str, float]) -> None:
    """In a worker: raises RuntimeError, in one line, if the job reserved a GPU or TPU and JAX finds none."""
    reserved = {name: amount for name, amount in wanted.items() if name in ("GPU", "TPU")}
    if not reserved:
        return
    import jax

    found = sorted({device.platform.lower() for device in jax.devices()})
    if missing := [name for name in reserved if name.lower() not in found]:
        raise RuntimeError(
            f"the job reserved {words(reserved)} on {socket.gethostname()}, but JAX found only {', '.join(found)}: "
            f"install JAX for it there, or reserve no {missing[0]}"
        )


def _is_carried(name: str) -> bool:
    return name.startswith(CARRIED) and name not in ("JAX_PLATFORMS", "XLA_PYTHON_CLIENT_MEM_FRACTION")


def _error(ray: Any, reference: Any) -> BaseException | None:
    try:
        ray.get(reference)
    except ray.exceptions.OutOfMemoryError as error:
        full = RuntimeError(
            "the memory of the job's node was full, and Ray ended the job: let fewer run there at once "
            "(resources.num_cpus), or train fewer models together (resources.population)"
        )
        full.__cause__ = error
        return full
    except ray.exceptions.WorkerCrashedError as error:  # Ray names log files of its own, which nobody finds
        died = RuntimeError("its process ended without an error message: it was killed, or it crashed")
        died.__cause__ = error
        return died
    except Exception as error:
        return error
    return None


def _task(work: Work, job: Job, place: Place, pinned: int, ticket: str, variables: Mapping[str, str]) -> None:
    """In a worker."""

    def go(number: int, frame: object) -> None:
        """The node goes, or this process must: the job is done elsewhere, and that is no fault of its own."""
        _internal_kv()._internal_kv_put(f"gone/{ticket}".encode(), b"")
        os._exit(PREEMPTED)

    for name, value in variables.items():
        os.environ.setdefault(name, value)
    node = importlib.import_module("ray").get_runtime_context().get_node_id()
    _internal_kv()._internal_kv_put(ticket.encode(), json.dumps([os.getpid(), node]).encode())
    before, leaves = signal.signal(signal.SIGTERM, go), False
    try:
        with drain.here():
            check_device(place.wanted)
            if pinned:
                cores.claim(pinned)
            work(job, place.resources)
    except KeyboardInterrupt:
        # A process that stays would be given the next job, on a node that is about to go.
        leaves = _internal_kv()._internal_kv_exists(f"gone/{ticket}".encode())
        if not leaves:
            raise
    finally:
        signal.signal(signal.SIGTERM, before)
        _internal_kv()._internal_kv_del(ticket.encode())
    if leaves:
        os._exit(PREEMPTED)


def _nothing() -> None:
    """In a worker."""


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):  # it has gone, as it should
        os.kill(pid, signal.SIGKILL)


def _internal_kv() -> Any:
    """Ray's table of keys and values, which all nodes share."""
    return importlib.import_module("ray.experimental.internal_kv")


def _keys(prefix: str) -> set[str]:
    return {key.decode() for key in _internal_kv()._internal_kv_list(f"{prefix}/".encode())}
