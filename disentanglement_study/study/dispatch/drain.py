"""Jobs on this machine: a worker says that it has one, and who empties the machine tells them to go."""

import contextlib
import json
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from disentanglement_study.errors import one_line
from disentanglement_study.runtime import files
from disentanglement_study.study.dispatch import cluster

# `ray drain-node` says neither of which cluster nor of which node it is: a process of its own asks that first.
PROGRAM = """
import json, sys
import ray
from ray._private import services
from ray.scripts import scripts
address = services.canonicalize_bootstrap_address_or_die(None)
ray.init(address=address, log_to_driver=False, logging_level="ERROR")
node = ray.get_runtime_context().get_node_id()
(name,) = (one["NodeName"] for one in ray.nodes() if one["NodeID"] == node)
print(json.dumps([address, name]), flush=True)
scripts.cli(["drain-node", "--address", address, "--node-id", node, *sys.argv[1:]])
"""
LOCAL = ("localhost", "127.0.0.1")


class Closed(NamedTuple):
    """What came of the wish that a node gets no more jobs. why: it could not be fulfilled, in a line, "" if it was.

    cluster, node: the address and the name, "" where Ray did not say them.
    """

    why: str = ""
    cluster: str = ""
    node: str = ""


@contextlib.contextmanager
def here() -> Iterator[None]:
    """Says, within the block, that this process does a job. What is left of a killed process says nothing."""
    if (folder := files.private()) is None:
        yield
        return
    path = folder / f"job{os.getpid()}"
    try:
        with files.locked(path):
            with contextlib.suppress(OSError):
                path.write_text(_cluster(), encoding="utf-8")
            yield
    finally:
        path.unlink(missing_ok=True)


def jobs(address: str | None = None) -> list[int]:
    """The processes of this user on this machine that do a job; with an address those of this cluster alone."""
    found = []
    for path in _marks():
        if not files.is_locked(path):
            with contextlib.suppress(OSError):
                path.unlink()  # its process was killed
        elif not address or _is_same(address, _read(path)):
            found.append(int(path.name.removeprefix("job")))
    return found


def close_node(seconds: float, address: str | None = None) -> Closed:
    """Keeps Ray from giving this machine more jobs. address: of which cluster, where it is part of several."""
    reason = ["--reason", "DRAIN_NODE_REASON_PREEMPTION", "--reason-message", "disentanglement-study drain"]
    deadline = ["--deadline-remaining-seconds", str(math.ceil(seconds))]
    try:
        cluster.check(address)
        asked = subprocess.run(
            [sys.executable, "-c", PROGRAM, *reason, *deadline],
            env=os.environ | ({"RAY_ADDRESS": address} if address else {}),
            capture_output=True, text=True, timeout=seconds,
        )  # fmt: skip
    except ValueError as error:  # nothing listens there
        return Closed(str(error))
    except subprocess.TimeoutExpired as error:
        return Closed("Ray did not answer", *_said(error.stdout or b""))
    where = _said(asked.stdout)
    if asked.returncode == 0:
        return Closed("", *where)
    lines = asked.stderr.strip().splitlines()
    is_none = "Could not find any running Ray" in asked.stderr
    return Closed("no Ray runs here" if is_none else one_line(lines[-1] if lines else ""), *where)


def end_jobs(seconds: float, address: str | None = None) -> list[int]:
    """Tells jobs on this machine to make a checkpoint and go; returns those that are left after so many seconds."""
    for pid in jobs(address):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + seconds
    while (left := jobs(address)) and time.monotonic() < until:
        time.sleep(0.1)
    return left


def _said(out: str | bytes) -> list[str]:
    """The cluster and the node that the process printed, if it came so far."""
    text = out.decode() if isinstance(out, bytes) else out
    lines = [line for line in text.splitlines() if line.startswith("[")]
    return json.loads(lines[0]) if lines else []


def _is_same(address: str, other: str) -> bool:
    """Whether two addresses are of one cluster: the machine's own may be called localhost."""
    (host, _, port), (_, _, other_port) = address.rpartition(":"), other.rpartition(":")
    return address == other or (host in LOCAL and port == other_port)


def _cluster() -> str:
    """The address of the cluster that this process works for; "" if it is none's."""
    ray = sys.modules.get("ray")
    return ray.get_runtime_context().gcs_address if ray and ray.is_initialized() else ""


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""  # it has just ended


def _marks() -> list[Path]:
    folder = files.private()
    names = folder.glob("job[0-9]*") if folder else ()
    return sorted(path for path in names if path.name.removeprefix("job").isdigit())
