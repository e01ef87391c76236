"""Asks every node of a cluster, or this machine, what `look` says there."""

import contextlib
import importlib
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from disentanglement_study.errors import reason

ANSWER_SECONDS = 120.0  # more than the longest looks at devices and data sets take together
GPU_SHARE = 0.01  # of a GPU: enough for Ray to show it to the task

Look = Callable[[str, bool], dict[str, Any]]  # id of the node, whether to look at its devices -> `look.look`


class Node(NamedTuple):
    """A living node. resources: by Ray's names. busy: "GPU" or "TPU" if all are taken and none was looked at, or "".

    answer: as `look.look` has it, None if there is none, and `error` says why. ahead: seconds by which its clock is
    ahead of ours, to about the time that an answer takes.
    """

    node_id: str
    name: str
    address: str
    resources: Mapping[str, float]
    busy: str = ""
    answer: Mapping[str, Any] | None = None
    error: str = ""
    ahead: float = 0.0


def nodes(ray: Any, look: Look, seconds: float = ANSWER_SECONDS) -> list[Node]:
    """The living nodes, asked all at once; one that says nothing for so long is left alone."""
    free = importlib.import_module("ray._private.state").available_resources_per_node()
    running, found = {}, []
    for one in ray.nodes():
        if not one["Alive"]:
            continue
        of = one["NodeID"]
        options, busy = _reserved(one["Resources"], free.get(of, {}))
        node = Node(of, one["NodeManagerHostname"], one["NodeManagerAddress"], one["Resources"], busy)
        where = ray.util.scheduling_strategies.NodeAffinitySchedulingStrategy(of, soft=False)
        task = ray.remote(_task).options(num_cpus=0, max_retries=0, scheduling_strategy=where, **options)
        running[task.remote(look, of, not busy)] = node
    deadline = time.monotonic() + seconds
    while running and (left := deadline - time.monotonic()) > 0:
        finished, _ = ray.wait(list(running), num_returns=1, timeout=left)
        now = time.time()
        for reference in finished:
            node = running.pop(reference)
            try:
                answer = ray.get(reference)
                found.append(node._replace(answer=answer, ahead=answer["time"] - now))
            except Exception as error:  # whatever went wrong there
                found.append(node._replace(error=reason(str(error))))
    for reference, node in running.items():
        with contextlib.suppress(Exception):
            ray.cancel(reference, force=True)
        found.append(node._replace(error=f"no answer within {seconds:g} s"))
    return sorted(found, key=lambda node: (node.name, node.address, node.node_id))


def _reserved(there: Mapping[str, float], free: Mapping[str, float]) -> tuple[dict[str, Any], str]:
    """The options with which a task sees the node's accelerators, or {} and the name of those that are all taken.

    A task without a GPU may not look at one, and a TPU is opened whole, by one process.
    """
    if there.get("TPU"):
        whole = free.get("TPU", 0) >= there["TPU"]
        return ({"resources": {"TPU": there["TPU"]}}, "") if whole else ({}, "TPU")
    if there.get("GPU"):
        return ({"num_gpus": GPU_SHARE}, "") if free.get("GPU", 0) >= GPU_SHARE else ({}, "GPU")
    return {}, ""


def _task(look: Look, node: str, with_devices: bool) -> dict[str, Any]:
    """In a worker."""
    return look(node, with_devices)
