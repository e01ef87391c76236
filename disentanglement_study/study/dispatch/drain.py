"""Jobs on this machine: a worker says that it has one, and who empties the machine tells them to go."""

import contextlib
import math
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from disentanglement_study.errors import one_line
from disentanglement_study.runtime import files


@contextlib.contextmanager
def here() -> Iterator[None]:
    """Says, within the block, that this process does a job. What is left of a killed process says nothing."""
    if (folder := files.private()) is None:
        yield
        return
    path = folder / f"job{os.getpid()}"
    try:
        with files.locked(path):
            yield
    finally:
        path.unlink(missing_ok=True)


def jobs() -> list[int]:
    """The processes of this user on this machine that do a job."""
    found = []
    for path in _marks():
        if files.is_locked(path):
            found.append(int(path.name.removeprefix("job")))
        else:
            with contextlib.suppress(OSError):
                path.unlink()  # its process was killed
    return found


def close_node(seconds: float) -> str:
    """Keeps Ray from giving this machine more jobs; why it could not, in a line, "" if it could."""
    reason = ["--reason", "DRAIN_NODE_REASON_PREEMPTION", "--reason-message", "disentanglement-study drain"]
    command = [sys.executable, "-m", "ray.scripts.scripts", "drain-node", *reason]
    deadline = ["--deadline-remaining-seconds", str(math.ceil(seconds))]
    try:
        told = subprocess.run([*command, *deadline], capture_output=True, text=True, timeout=seconds)
    except subprocess.TimeoutExpired:
        return "Ray did not answer"
    if told.returncode == 0:
        return ""
    said = told.stderr.strip().splitlines()
    return "no Ray runs here" if "Could not find any running Ray" in told.stderr else one_line(said[-1] if said else "")


def end_jobs(seconds: float) -> list[int]:
    """Tells all jobs on this machine to make a checkpoint and go; returns those that are left after so many seconds."""
    for pid in jobs():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    until = time.monotonic() + seconds
    while (left := jobs()) and time.monotonic() < until:
        time.sleep(0.1)
    return left


def _marks() -> list[Path]:
    folder = files.private()
    names = folder.glob("job[0-9]*") if folder else ()
    return sorted(path for path in names if path.name.removeprefix("job").isdigit())
