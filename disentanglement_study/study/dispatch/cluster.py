"""Ray: how it is started or joined, and whether it has what a job needs.

A Ray of our own is for this machine and this user alone: it listens on the loopback interface, and asks for a token
that lives as long as it does. A cluster that one joins is taken as it is.
"""

import contextlib
import functools
import importlib
import json
import os
import re
import secrets
import signal
import socket
import threading
import traceback
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from disentanglement_study.runtime.terminal import ERR
from disentanglement_study.study.dispatch.places import Node, Place

CONNECT_SECONDS = 60
SETTINGS = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    # Else `ray.shutdown` takes back our handler of SIGTERM too, and the next one kills the command that is ending.
    "RAY_DISABLE_FAILURE_SIGNAL_HANDLER": "1",
}
# Ray tries 20 times to join, 40 s each; only the first can succeed where something listens.
JOINING = {"RAY_gcs_server_port_wait_time_s": "1"}
# Ray replaces a loopback address by the machine's own, unless it is told that there are no clusters here, as on macOS.
# Its processes read this when they start, and this one when it imports Ray: `_alone` tells it so for a while.
ALONE = "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"

ALARMS = (
    "A worker died or was killed while executing a task by an unexpected system error",
    "There are tasks with infeasible resource requests that cannot be scheduled",
)
NO_LEAVING = (
    "warning: this version of Ray does not say which nodes are being drained: `ray drain-node` moves no job away "
    "(run `disentanglement-study drain` on the node)"
)


@contextlib.contextmanager
def connected(address: str | None) -> Iterator[Any]:
    """The module ray, connected to the cluster at `address` or to a Ray of this machine, until the block ends.

    Raises ValueError, in one line, if there is no such cluster, it refuses the token, or Ray does not start.
    """
    with _environment(SETTINGS):  # without ALONE: what is imported may join a cluster later
        ray = importlib.import_module("ray")
    with _environment(SETTINGS | (JOINING if address else _private())):
        _read_token_again()
        before = signal.getsignal(signal.SIGTERM)
        try:
            with warnings.catch_warnings(), contextlib.nullcontext() if address else _alone():
                # JAX warns of every fork; Ray's children execute another program at once.
                warnings.filterwarnings("ignore", message=r"os\.fork\(\) was called", category=RuntimeWarning)
                here = {} if address else {"include_dashboard": False}
                ray.init(address=address or "local", log_to_driver=False, logging_level="ERROR", **here)
        except SystemExit as stop:  # what Ray makes of SIGTERM while it starts
            ray.shutdown()
            raise KeyboardInterrupt from stop
        except (ConnectionError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
            raise ValueError(_refusal(address, error)) from error
        finally:
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGTERM, before or signal.SIG_DFL)  # Ray's own prints a dump of its stack
        try:
            with _without_alarms():
                yield ray
        finally:
            ray.shutdown()
    _read_token_again()


@contextlib.contextmanager
def _without_alarms() -> Iterator[None]:
    """Of each worker that ends before its task Ray prints that memory or a fault may be to blame, of one that was told
    to go too; and while a cluster grows, that its tasks cannot be scheduled. Who runs jobs says itself, of each
    attempt, why it ended (`kinds.Notes`), and what is awaited (`kinds.Waits`)."""
    worker: Any = importlib.import_module("ray._private.worker")
    if (shown := getattr(worker, "print_to_stdstream", None)) is None:  # another Ray: its words are shown
        yield
        return

    def show(data: Mapping[str, Any], *arguments: Any, **options: Any) -> None:
        if not any(str(line).startswith(ALARMS) for line in data.get("lines", ())):
            shown(data, *arguments, **options)

    worker.print_to_stdstream = show
    try:
        yield
    finally:
        worker.print_to_stdstream = shown


def check_given(address: str | None) -> None:
    """Raises ValueError, in one line, for an address that is empty, as a variable in a script is that is not set."""
    if address is not None and not address.strip():
        raise ValueError("--address is empty: give HOST:PORT or auto, or leave it out to start Ray on this machine")


def check(address: str | None) -> None:
    """Raises ValueError, in one line, if nothing listens at HOST:PORT (Ray would try for a quarter of an hour), and for
    an empty address."""
    check_given(address)
    if address and "://" not in address and (parts := re.fullmatch(r"(.+):(\d+)", address)):
        try:
            socket.create_connection((parts[1].strip("[]"), int(parts[2])), timeout=CONNECT_SECONDS).close()
        except (OSError, OverflowError) as error:
            raise ValueError(f"no Ray cluster at {address!r}: {getattr(error, 'strerror', None) or error}") from error


def leaving() -> set[str]:
    """The ids of the nodes that are about to go: they get no more tasks, and what runs there may end in peace.

    So it is after `ray drain-node`, after a SIGTERM to `ray start --block`, and while an autoscaler ends a node. Ray
    has no public word for it: one in which this is called otherwise is said to empty no nodes, once.
    """
    try:
        return set(importlib.import_module("ray._private.state").state.get_draining_nodes())
    except (ImportError, AttributeError):
        _warn_once(NO_LEAVING)
        return set()


@functools.cache
def _warn_once(text: str) -> None:
    ERR.print(text, soft_wrap=True)


def none_for(where: Sequence[Place], nodes: Sequence[Node]) -> str | None:
    """Why no living node could ever run a job, in words; None if one could."""
    if any(place.slots(nodes) for place in where):
        return None
    if len(where) == 1:
        return lacking(where[0].wanted, nodes)
    return f"no node has room for a job, which needs {_needs(where)}"


def coming() -> str:
    """What the cluster's autoscaler says that it starts, in words; "" if it says nothing, as Ray's newer one (v2)."""
    starts = Counter[str]()
    with contextlib.suppress(TypeError, ValueError, KeyError, AttributeError):
        report = _report()
        starts.update(report["pending_launches"])
        starts.update(kind for _, kind, *_ in report["pending_nodes"])
    return f"Ray is starting {', '.join(f'{number} {kind}' for kind, number in starts.items())}" if starts else ""


def lacking(wanted: Mapping[str, float], nodes: Sequence[Node]) -> str | None:
    """Why no living node (of `ray.nodes()`) could ever run such a job, in words; None if one could."""
    there = [node["Resources"] for node in nodes if node["Alive"]]
    if any(all(node.get(name, 0) >= amount for name, amount in wanted.items()) for node in there):
        return None
    largest = {name: max((node.get(name, 0) for node in there), default=0) for name in wanted}
    short = {name: amount for name, amount in wanted.items() if largest[name] < amount}
    if short:
        return f"a job needs {words(short)}, the largest node has {words({name: largest[name] for name in short})}"
    return f"a job needs {words(wanted)}, and no node has both"


def busy(where: Sequence[Place], ray: Any) -> str:
    """What a job waits for that has found no place yet, in words."""
    free, all_there = ray.available_resources(), ray.cluster_resources()
    wanted = dict.fromkeys(name for place in where for name in place.wanted)
    parts = [f"{free.get(name, 0):g} of {all_there.get(name, 0):g} {name}s" for name in wanted]
    return f"no job has begun: each needs {_needs(where)}; free: {', '.join(parts)}"


def is_fixed(address: str | None) -> bool:
    """Whether it is known that nothing will add nodes: a Ray of our own, or a cluster without an autoscaler.

    A cluster's monitor reports the types of its nodes. Without an autoscaler it has none, and calls each "node_ID".
    """
    if address is None:
        return True
    with contextlib.suppress(TypeError, ValueError, KeyError, AttributeError):
        kinds = _report()["active_nodes"]
        return bool(kinds) and all(re.fullmatch("node_[0-9a-f]{40,}", kind) for kind in kinds)
    return False


def _report() -> dict[str, Any]:
    """What the cluster's monitor said last; TypeError or the like if it has said nothing."""
    said = importlib.import_module("ray.experimental.internal_kv")._internal_kv_get(b"__autoscaling_status")
    return json.loads(said)["autoscaler_report"]


def _needs(where: Sequence[Place]) -> str:
    """What a job reserves, in words, at each place if there are several."""
    if len(where) == 1:
        return words(where[0].wanted)
    return ", ".join(f"{words(place.wanted)} on {place.device or 'others'}" for place in where)


def words(amounts: Mapping[str, float]) -> str:
    """Amounts of resources: 2 CPUs and 1 GPU."""
    return " and ".join(f"{amount:g} {name}{'' if amount == 1 else 's'}" for name, amount in amounts.items())


def _private() -> dict[str, str]:
    token = {"RAY_AUTH_MODE": "token", "RAY_AUTH_TOKEN": secrets.token_hex(32)}
    return {ALONE: "0"} | ({} if "RAY_AUTH_MODE" in os.environ else token)


@contextlib.contextmanager
def _environment(settings: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in settings}
    os.environ.update(settings)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _alone() -> Iterator[None]:
    constants: Any = importlib.import_module("ray._private.ray_constants")
    before = constants.ENABLE_RAY_CLUSTER
    constants.ENABLE_RAY_CLUSTER = False
    try:
        yield
    finally:
        constants.ENABLE_RAY_CLUSTER = before


def _read_token_again() -> None:
    """Ray reads the mode and the token once in a process; this one may start or join several."""
    with contextlib.suppress(ImportError, AttributeError):  # an older Ray has no tokens
        core = importlib.import_module("ray._raylet")
        core.Config.initialize("")
        core.AuthenticationTokenLoader.instance().reset_cache()


def _refusal(address: str | None, error: BaseException) -> str:
    text = "".join(traceback.format_exception(error))
    first = (str(error).strip() or type(error).__name__).splitlines()[0]
    if address is None:
        return f"Ray does not start here: {first} (--executor inline needs no Ray)"
    if any(word in text for word in ("Unauthenticated", "InvalidAuthToken", "AuthenticationError")):
        return (
            f"the Ray cluster at {address} refused the token: set RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN to its token "
            "or RAY_AUTH_TOKEN_PATH to the file with its token"
        )
    if "No node info found" in text:
        return f"this machine is not a node of the Ray cluster at {address}: start Ray here, or use one of its nodes"
    return f"no Ray cluster at {address!r}: {first}"
