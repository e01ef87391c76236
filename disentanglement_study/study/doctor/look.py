"""What one machine says of itself, in a worker there or in this process."""

import os
import platform
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from disentanglement_study.data import cache
from disentanglement_study.study.doctor import shared_folder
from disentanglement_study.study.doctor.data_sets import problems
from disentanglement_study.study.doctor.devices import devices
from disentanglement_study.study.doctor.versions import versions


def look(
    node: str,
    with_devices: bool,
    asked: shared_folder.Token,
    data_dir: Path | None,
    data_sets: Sequence[str],
    sweep: str = "",
    root: str = "",
) -> dict[str, Any]:
    """Plain values only, which any version of this program can read:

    name; cpus: cores; memory: bytes; jax: as `devices` has it, {} if it was not asked; versions; study: as
    `shared_folder.answer` has it; data: {folder, problem (or ""), free, missing: those of the data sets that are not
    there, and of a sweep (gin text), whose study is at `root`, what `data_sets.problems` has}; time: at the end,
    seconds since 1970.
    """
    found: dict[str, Any] = {
        "name": platform.node(),
        "cpus": os.cpu_count(),
        "memory": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "versions": versions(),
        "study": shared_folder.answer(asked, node),
        "data": _data(data_dir, data_sets),
        "jax": devices() if with_devices else {},
    }
    if sweep:
        found["data"] |= problems(sweep, data_dir, root, found["data"]["missing"])
    return found | {"time": time.time()}


def _data(data_dir: Path | None, data_sets: Sequence[str]) -> dict[str, Any]:
    folder = cache.folder(data_dir).absolute()
    missing = [name for name in data_sets if not cache.has(name, data_dir)]
    there = next(path for path in (folder, *folder.parents) if path.exists())
    problem = ""
    if not there.is_dir():
        problem = f"{there} is not a folder"
    elif not os.access(there, os.W_OK | os.X_OK):
        problem = f"{there} cannot be written to"
    return {
        "folder": str(folder),
        "is_there": folder.is_dir(),
        "problem": problem,
        "free": shared_folder.free(there),
        "missing": missing,
    }
