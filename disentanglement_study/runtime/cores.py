"""Jobs that share a machine keep to cores of their own.

A job that reserves one CPU still finds every core, and XLA starts a thread for each: two jobs on two cores would run
four threads. A worker therefore claims cores before its first JAX operation: XLA starts a thread for each core that the
process may use.
"""

import fcntl
import io
import os

from disentanglement_study.runtime import files

_claimed: list = []  # open lock files: a core is free again when the process that claimed it is gone


def usable() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def claim(count: int) -> set[int]:
    """Pins this process to `count` free cores of those it may use, once; returns the cores it runs on.

    If fewer are free, or the platform knows no affinity, the process stays where it is: slower, never wrong. So it
    does if the folder of the claims, which all users can make, is not this user's alone.
    """
    if not hasattr(os, "sched_setaffinity"):
        return set()
    available = os.sched_getaffinity(0)
    if _claimed or count >= len(available):
        return available
    if (folder := files.private()) is None:
        return available
    mine: dict[int, io.TextIOWrapper] = {}
    for core in sorted(available):
        try:
            handle = os.fdopen(os.open(folder / f"core{core}", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600), "r+")
        except OSError:  # a link, or somebody else's
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            handle.close()
            continue
        mine[core] = handle
        if len(mine) == count:
            _claimed.extend(mine.values())
            os.sched_setaffinity(0, mine)
            return set(mine)
    for handle in mine.values():
        handle.close()
    return available
