"""Where the rows of a job come from: the code, what is installed, the machine and the time. Kept in its manifest.

    commit   of git, 40 hexadecimal digits; none where the code is no checkout, or git is not there
    dirty    whether package, settings, sweeps or lock differ from that commit (other files do not count)
    package  the version of this package
    lock     "sha256:...", of requirements/dev.txt, if the code is a checkout and all that is installed of what the
             package needs (`NEEDED`) has the version that is pinned there; else "installed:...", the SHA-256 of the
             sorted lines name==version of what is installed of that
    python   the version of Python
    device   what JAX computes on
    driver   of a GPU or TPU: what JAX says of its platform and, of NVIDIA's, the version in the kernel
    host     the name of the machine
    cores    how many of its cores the process may use: on a CPU XLA has a thread for each, and adds in their order
    started, ended   UTC, such as 2026-11-29T13:21:07Z

A worker says this of itself. What cannot be known is None.
"""

import contextlib
import functools
import hashlib
import importlib.metadata
import os
import platform
import re
import socket
import subprocess
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import disentanglement_study
from disentanglement_study.runtime import cores

Record = dict[str, Any]
ROOT = Path(__file__).parent.parent.parent
CODE = ("disentanglement_study", "gin_configs", "sweeps", "requirements", "pyproject.toml")
# Beside what the package declares: what JAX computes with.
NEEDED = ("jaxlib", "jax-cuda12-plugin", "jax-cuda13-plugin", "libtpu")
SECONDS = 20  # that git may take, on a slow network's disk
NVIDIA = Path("/proc/driver/nvidia/version")


def begun() -> Record:
    """What this process is, and that something begins now. Starts JAX's device."""
    return {**_process(), **_device(), "cores": cores.usable(), "started": now()}


def on_cpu() -> Record:
    """The same for what NumPy computes: JAX's device is left alone, which another process may need."""
    return {**_process(), "device": "cpu", "driver": None, "cores": cores.usable(), "started": now()}


def ended(begun: Record) -> Record:
    """The whole record of what began like this and ends now."""
    return {**begun, "ended": now()}


@contextlib.contextmanager
def carried() -> Iterator[None]:
    """An exception that leaves the block, or the function that this decorates, carries the record of this process."""
    record = {**_process(), "device": None, "driver": None, "cores": cores.usable(), "started": now()}
    try:
        record |= _device()
        yield
    except Exception as error:
        with contextlib.suppress(AttributeError, TypeError):  # a class of errors may take no attribute
            carrier: Any = error
            carrier.provenance = ended(record)
        raise


def of_failure(error: BaseException) -> Record:
    """The record that an exception carries, or what it comes from.

    If none does, the worker was lost: the record has this process's code, but no machine, device or time of beginning.
    """
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        if isinstance(found := getattr(one, "provenance", None), dict):
            return found
        # Ray hands on the error of a worker as the `cause` of its own.
        one = getattr(one, "cause", None) or one.__cause__ or one.__context__
    lost = dict.fromkeys(("host", "device", "driver", "cores", "started"))
    return {**_process(), **lost, "ended": now()}


def now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


@functools.cache
def _process() -> Record:
    commit, dirty = git(ROOT)
    return {
        "commit": commit,
        "dirty": dirty,
        "package": disentanglement_study.__version__,
        "lock": lock(ROOT),
        "python": platform.python_version(),
        "host": socket.gethostname(),
    }


@functools.cache
def _device() -> Record:
    import jax

    backend, device = jax.default_backend(), jax.devices()[0]
    kind, driver = device.device_kind, None
    if backend != "cpu":
        said = str(getattr(getattr(device, "client", None), "platform_version", ""))
        driver = ", ".join(part for part in (" ".join(said.split()), _nvidia_driver()) if part) or None
    return {"device": kind if kind == backend else f"{backend}: {kind}", "driver": driver}


def _nvidia_driver() -> str | None:
    with contextlib.suppress(OSError):
        if found := re.search(r"\b\d+\.\d+(\.\d+)?\b", NVIDIA.read_text(errors="replace")):
            return f"NVIDIA driver {found[0]}"
    return None


def git(root: Path) -> tuple[str | None, bool | None]:
    """The commit of the checkout at `root`, and whether its code differs; (None, None) if that cannot be known."""
    if not (root / ".git").exists():  # one above it is a checkout of something else
        return None, None
    # The code of this folder is being run: that it belongs to another user makes asking git no worse.
    command = ["git", "--no-optional-locks", "-c", f"safe.directory={root.resolve()}", "-C", str(root)]
    there = [name for name in CODE if (root / name).exists()]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
    try:
        said = subprocess.run(
            [*command, "status", "--porcelain=v2", "--branch", "--", *there],
            capture_output=True, text=True, errors="replace", check=True, timeout=SECONDS, env=environment,
        ).stdout.splitlines()  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return None, None
    commits = [line.split()[-1] for line in said if line.startswith("# branch.oid ")]
    if not commits or not re.fullmatch("[0-9a-f]{40,64}", commits[0]):  # "(initial)": nothing is committed
        return None, None
    return commits[0], any(not line.startswith("#") for line in said)


def lock(root: Path) -> str | None:
    """The digest of what is installed, as the head of this file says."""
    try:
        installed = _installed(root)
        file = root / "requirements" / "dev.txt"
        if (root / ".git").exists() and file.exists():
            text = file.read_bytes()
            pinned = set(re.findall(r"^([\w.-]+)==([^\s;\\]+)", text.decode(), flags=re.MULTILINE))
            if installed.items() <= {(_normal(name), version) for name, version in pinned}:
                return f"sha256:{hashlib.sha256(text).hexdigest()}"
        lines = "".join(f"{name}=={version}\n" for name, version in sorted(installed.items()))
        return f"installed:{hashlib.sha256(lines.encode()).hexdigest()}"
    except (OSError, ValueError, importlib.metadata.PackageNotFoundError):
        return None


def _installed(root: Path) -> dict[str, str]:
    """{name: version} of what the package needs and what is there of it."""
    if (file := root / "pyproject.toml").exists():  # a checkout need not be installed
        declared = tomllib.loads(file.read_text(encoding="utf-8"))["project"]["dependencies"]
    else:
        declared = [
            line for line in importlib.metadata.requires("disentanglement-study") or () if "extra ==" not in line
        ]
    names = {_normal(re.split(r"[^\w.-]", line, maxsplit=1)[0]) for line in declared} | set(NEEDED)
    found = {}
    for name in names:
        with contextlib.suppress(importlib.metadata.PackageNotFoundError):
            found[name] = importlib.metadata.version(name)
    return found


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
