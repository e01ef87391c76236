"""Arrays that are made once and kept in a folder of the user: checked when read, never half written."""

import errno
import fcntl
import hashlib
import os
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from rich.console import Console
from rich.progress import Progress

VARIABLE = "DISENTANGLEMENT_STUDY_DATA"


def folder(root: Path | None = None) -> Path:
    """`root`, else $DISENTANGLEMENT_STUDY_DATA, else disentanglement_study in $XDG_CACHE_HOME or ~/.cache."""
    if root is not None:
        return Path(root)
    if os.environ.get(VARIABLE):
        return Path(os.environ[VARIABLE]).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "disentanglement_study"


def load(
    name: str,
    shape: tuple[int, int],
    sha256: str,
    make: Callable[[], Iterable[np.ndarray]],
    root: Path | None = None,
) -> UInt8[np.ndarray, "rows columns"]:
    """The array of the file `name`.bin in the cache folder, memory-mapped; the file is made if there is none.

    make: gives the array as consecutive blocks of rows, uint8 [_, columns]: it need not fit in memory.
    sha256: of the bytes of the array, which are the bytes of the file.

    Processes that ask at the same time wait for the one that makes it. A file with other bytes is a
    ValueError: it is neither used nor overwritten. A folder that cannot hold the file is an OSError.
    """
    path = folder(root) / f"{name}.bin"
    try:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            # The lock is the kernel's, not the file's existence: it ends with its process, however that ends.
            with open(path.with_name(f".{name}.lock"), "w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                if not path.exists():
                    _write(path, shape, sha256, make)
    except OSError as error:
        advice = f"set {VARIABLE} to a folder with room for {int(np.prod(shape)):,} bytes"
        message = f"cannot keep data set {name!r} ({error.strerror or error}): {advice}"
        raise OSError(error.errno or errno.EIO, message, str(path)) from error
    return _read(path, shape, sha256)


def _write(path, shape, sha256, make):
    """Write the array under a temporary name, and give it its own only when it is whole and as expected."""
    # Always the same name, under the lock: what a killed process left is overwritten.
    temporary = path.with_name(f".{path.name}.part")
    console = Console(stderr=True)
    digest = hashlib.sha256()
    try:
        with (
            open(temporary, "wb") as file,
            Progress(console=console, transient=True, disable=not sys.stderr.isatty()) as progress,
        ):
            task = progress.add_task(f"preparing {path.stem}", total=shape[0])
            for block in make():
                file.write(block)
                digest.update(block)
                progress.advance(task, len(block))
            file.flush()
            os.fsync(file.fileno())
        if digest.hexdigest() != sha256:
            raise RuntimeError(f"{path.stem} was made with SHA-256 {digest.hexdigest()}, expected {sha256}")
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _read(path, shape, sha256):
    """Map the file into memory, if its bytes are the expected ones."""
    found, expected = path.stat().st_size, int(np.prod(shape))
    if found != expected:
        raise ValueError(f"{path} has {found:,} bytes, not {expected:,}: delete it, and it is made again")
    array = np.memmap(path, np.uint8, "r", shape=shape).view(np.ndarray)
    if hashlib.sha256(array).hexdigest() != sha256:
        raise ValueError(f"{path} is corrupt (its SHA-256 is not {sha256}): delete it, and it is made again")
    return array
