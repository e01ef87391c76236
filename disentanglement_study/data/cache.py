"""Arrays that are made once and kept in a folder of the user: checked when read, never half written.

An array is the file NAME.bin, its bytes and nothing else. What is said about it, its SHA-256 among that, is in
NAME.json; of a set whose digest is known beforehand there is no such file.
"""

import contextlib
import errno
import fcntl
import hashlib
import json
import os
import shlex
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from disentanglement_study.runtime import files
from disentanglement_study.runtime.terminal import ERR, is_animated

VARIABLE = "DISENTANGLEMENT_STUDY_DATA"
SETTLED = 2.0  # seconds: file systems keep times that are a little coarse
AGAIN = "delete it: it is then made again (a data set of your own by `data add`)"


def folder(root: Path | None = None) -> Path:
    """`root`, else $DISENTANGLEMENT_STUDY_DATA, else disentanglement_study in $XDG_CACHE_HOME or ~/.cache."""
    if root is not None:
        return Path(root)
    if os.environ.get(VARIABLE):
        return Path(os.environ[VARIABLE]).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "disentanglement_study"


def command(words: str, root: Path | None = None) -> str:
    """A command of `data` for the folder `root`, that can be pasted."""
    where = "" if root is None else f" --data-dir {shlex.quote(str(root))}"
    return f"`disentanglement-study data {words}{where}`"


def check_folder(root: Path | None = None) -> None:
    """ValueError if the cache folder cannot be one: it is a file, or below one."""
    path = folder(root)
    if (there := files.first_there(path)).is_file():
        what = path if there == path else f"{path}: {there}"
        raise ValueError(f"{what} is a file, not a folder: name the folder of data sets (--data-dir, or ${VARIABLE})")


def load(
    name: str,
    shape: tuple[int, ...],
    make: Callable[[], Iterable[np.ndarray]],
    root: Path | None = None,
    *,
    dtype: type = np.uint8,
    sha256: str | None = None,
) -> np.ndarray:
    """The array of the file `name`.bin in the cache folder, memory-mapped; the file is made if there is none.

    make: gives the array as consecutive blocks of its first axis: it need not fit in memory.
    sha256: of the bytes of the array, if they are the same on every platform.

    Errors are those of `write` and `read`.
    """
    if not has(name, root):
        write(name, shape, make, root, dtype=dtype, sha256=sha256)
    return read(name, shape, root, dtype=dtype, sha256=sha256)


def file(name: str, kind: str, root: Path | None = None) -> Path:
    """The file of a set, "bin" or "json"; ValueError for what is no name of one."""
    if not files.is_name(name):
        raise ValueError(f"{name!r} cannot name a data set: expected no slashes, and no dot at the beginning")
    return folder(root) / f"{name}.{kind}"


def has(name: str, root: Path | None = None) -> bool:
    return files.is_name(name) and file(name, "bin", root).exists()


def about(name: str, root: Path | None = None) -> dict:
    """What is said about the array; ValueError if that cannot be read."""
    path = file(name, "json", root)
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(content, dict) or not isinstance(content.get("sha256"), str):
            raise ValueError("it has no digest")
        return content
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{path} cannot be read ({error}): delete {name}.bin, and make it again") from error


def described(root: Path | None = None) -> dict[str, dict]:
    """What is said about each array that is there and has a description, by name."""
    found = {}
    for path in sorted(folder(root).glob("*.json")):
        with contextlib.suppress(ValueError):  # another program's file, or a damaged one, which `about` names
            if has(path.stem, root):
                found[path.stem] = about(path.stem, root)
    return found


def write(
    name: str,
    shape: tuple[int, ...],
    make: Callable[[], Iterable[np.ndarray]],
    root: Path | None = None,
    *,
    dtype: type = np.uint8,
    sha256: str | None = None,
    also: dict[str, Any] | None = None,
) -> None:
    """Makes `name`.bin, and without `sha256` `name`.json, in which is `also` too. Does nothing if they are there.

    Processes that ask at the same time wait for the one that makes it. A folder that cannot hold the file is an
    OSError, a file in its place a ValueError; blocks of another shape or digest than was said are a RuntimeError.
    """
    path, num_bytes = file(name, "bin", root), int(np.prod(shape)) * np.dtype(dtype).itemsize
    try:
        with locked(name, root):
            if path.exists():
                return
            if shutil.disk_usage(path.parent).free < num_bytes:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            with _renamed_at_the_end(path) as temporary:
                digest = _fill(temporary, name, shape, make, dtype)
                if sha256 is None:
                    # First: an array without its description would be taken for whole.
                    with _renamed_at_the_end(path.with_suffix(".json")) as described:
                        described.write_text(json.dumps({**(also or {}), "sha256": digest}), encoding="utf-8")
                elif digest != sha256:
                    raise RuntimeError(f"{name} was made with SHA-256 {digest}, expected {sha256}")
    except OSError as error:
        message = f"cannot keep data set {name!r} ({error.strerror or error}): {room(num_bytes)}"
        raise OSError(error.errno or errno.EIO, message, str(path)) from error


def room(num_bytes: int, more: str = "") -> str:
    """What to do where a set of this size, and `more`, cannot be kept."""
    return f"name a folder with room for {num_bytes:,} bytes{more} (--data-dir, or ${VARIABLE})"


def read(
    name: str, shape: tuple[int, ...], root: Path | None = None, *, dtype: type = np.uint8, sha256: str | None = None
) -> np.ndarray:
    """The array, mapped into memory. A file with other bytes is a ValueError: it is neither used nor overwritten."""
    path = file(name, "bin", root)
    sha256 = sha256 or about(name, root)["sha256"]
    found, expected = path.stat().st_size, int(np.prod(shape)) * np.dtype(dtype).itemsize
    if found != expected:
        raise ValueError(f"{path} has {found:,} bytes, not {expected:,}: {AGAIN}")
    array = np.memmap(path, dtype, "r", shape=shape).view(np.ndarray)
    if not _is_known(path, sha256) and not _has_digest(array, path, sha256):
        raise ValueError(f"{path} is corrupt (its SHA-256 is not {sha256}): {AGAIN}")
    return array


def _has_digest(array: np.ndarray, path: Path, sha256: str) -> bool:
    """Whether the bytes have this digest; that they have is remembered on this machine."""
    before = _seen(path)
    if hashlib.sha256(array.data).hexdigest() != sha256:
        return False
    # What has changed a moment ago may change again without another time of change.
    if (memory := _memory(path)) and _seen(path) == before and time.time() - path.stat().st_ctime > SETTLED:
        with contextlib.suppress(OSError), files.replacing(memory) as temporary:
            temporary.write_text(f"{before} {sha256}")
    return True


def _is_known(path: Path, sha256: str) -> bool:
    """Whether this machine has found this digest, and the file has not been touched since: 12 GB take half a minute."""
    memory = _memory(path)
    try:
        return memory is not None and memory.read_text() == f"{_seen(path)} {sha256}"
    except (OSError, ValueError):
        return False


def _seen(path: Path) -> str:
    about = path.stat()
    return f"{about.st_dev} {about.st_ino} {about.st_size} {about.st_mtime_ns} {about.st_ctime_ns}"


def _memory(path: Path) -> Path | None:
    """Where this machine remembers the digest of a file."""
    private = files.private()
    return private and private / f"verified.{hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]}"


@contextlib.contextmanager
def locked(name: str, root: Path | None = None) -> Iterator[None]:
    """Holds the lock of a name. It is the kernel's, not the existence of a file: it ends with its process."""
    check_folder(root)
    path = folder(root)
    if not path.exists():  # it may be a slip of the pen
        files.make(path)
        ERR.print(f"making {path} for data sets", soft_wrap=True)
    with open(path / f".{name}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextlib.contextmanager
def _renamed_at_the_end(path: Path) -> Iterator[Path]:
    """A file to write, which gets its name when it is whole, and is gone if it never was."""
    # Always the same name, under the lock: what a killed process left is overwritten.
    temporary = path.with_name(f".{path.name}.part")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def _fill(path: Path, name: str, shape: tuple[int, ...], make: Callable, dtype: type) -> str:
    """Writes the blocks and returns the SHA-256 of all."""
    digest, rows = hashlib.sha256(), 0
    columns = TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn()
    with (
        open(path, "wb") as file,
        Progress(*columns, console=ERR, transient=True, disable=not is_animated(ERR)) as progress,
    ):
        task = progress.add_task(f"preparing {name}", total=shape[0])
        for block in make():
            if block.shape[1:] != tuple(shape[1:]) or block.dtype != dtype:
                expected = f"expected {np.dtype(dtype)} {list(shape[1:])}"
                raise RuntimeError(f"{name} was made with rows of {block.dtype} {list(block.shape[1:])}, {expected}")
            block = np.ascontiguousarray(block)
            file.write(block.data)
            digest.update(block.data)
            rows += len(block)
            progress.advance(task, len(block))
        file.flush()
        os.fsync(file.fileno())
    if rows != shape[0]:
        raise RuntimeError(f"{name} was made with {rows:,} rows, expected {shape[0]:,}")
    return digest.hexdigest()
