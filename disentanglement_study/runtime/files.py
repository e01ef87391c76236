"""Files that are read and written: an error names the file, what is written is whole, and no link is followed."""

import contextlib
import errno
import fcntl
import os
import re
import shutil
import stat
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from disentanglement_study.errors import one_line, stop_if_full

# What the system says of a file that is not there or is of another kind, and no errno at all, which is a library's
# error: the file is damaged. Anything else (no permission, a disk that fails) says nothing about what is in it.
OF_THE_CONTENT = {None, errno.ENOENT, errno.EISDIR, errno.ENOTDIR, errno.EINVAL}


AWAY_SECONDS = 900.0  # that a folder may be gone
# What file systems say that cannot do it, of folders above all.
NO_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.EBADF)


class Damaged(ValueError):
    """A file that does not hold what it should."""

    def __init__(self, path: Path, reason: str):
        reason = reason.rstrip(".")  # a library's sentence; ours go on
        self.what = f"{path}: cannot be read: {reason}"
        super().__init__(self.what)
        self.path, self.reason = path, reason

    def __reduce__(self) -> tuple:  # as it goes from a worker to the command
        return type(self), (self.path, self.reason)


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Whatever goes wrong is `Damaged`, in one line that names the file; OSError if the file cannot be had."""
    try:
        yield
    except Damaged:
        raise
    except OSError as error:
        if error.errno in OF_THE_CONTENT:
            raise Damaged(path, error.strerror or one_line(error)) from error
        raise OSError(error.errno, error.strerror or one_line(error), str(path)) from error
    except MemoryError as error:
        raise Damaged(path, "there is not enough memory for it") from error
    except Exception as error:  # a library raises many kinds for a damaged file
        kind = "" if isinstance(error, ValueError) else f"{type(error).__name__}: "
        raise Damaged(path, kind + one_line(error)) from error


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """An OSError of writing that names no file gets the name of this one."""
    try:
        yield
    except OSError as error:
        if error.filename is not None:
            raise
        raise OSError(error.errno or errno.EIO, error.strerror or one_line(error), str(path)) from error


@contextlib.contextmanager
def replacing(path: Path, temporary: Path | None = None, lasting: bool = True) -> Iterator[Path]:
    """A file to write, which takes the place of `path` when it is whole; a link there is replaced, not followed.

    lasting: whether it must be there after a power cut; for what is only of interest now, that would be slow.
    """
    temporary = temporary or path.with_name(f".{path.stem}.{os.getpid()}{path.suffix}")
    try:
        temporary.unlink(missing_ok=True)
        yield temporary
        if lasting:
            sync(temporary)
        os.replace(temporary, path)
        if lasting:
            sync(path.parent.resolve())  # a folder that the user names may be a link
    except OSError as error:
        if error.filename not in (None, str(temporary), temporary):
            raise
        raise OSError(error.errno or errno.EIO, error.strerror or one_line(error), str(path)) from error
    finally:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Returns when what is in a file, or which files are in a folder, is on the disk and not in memory alone."""
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        os.fsync(handle)
    except OSError as error:
        if error.errno not in NO_SYNC:
            raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        os.close(handle)


def await_return(path: Path, seconds: float = AWAY_SECONDS) -> None:
    """Waits while a folder that was there is not, such as one of a file server that starts again; at most so long."""
    until = time.monotonic() + seconds
    while not path.exists() and time.monotonic() < until:
        time.sleep(1.0)


@contextlib.contextmanager
def locked(path: Path) -> Iterator[bool]:
    """Whether this process holds the lock, which is the kernel's and ends with the process.

    The file is neither emptied nor, if it is a link, followed.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666)
    try:
        try:
            _hold(handle)
        except BlockingIOError:
            yield False
        except OSError as error:  # a file system without locks
            raise OSError(error.errno, error.strerror, str(path)) from error
        else:
            yield True
    finally:
        os.close(handle)


def is_locked(path: Path) -> bool:
    """Whether a process holds this lock; the lock is not taken from it, nor from one that takes it just now."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(handle)
    return False


def _hold(handle: int) -> None:
    """Takes the lock; BlockingIOError if another process has it. One that only looked has let go at once."""
    for _ in range(20):
        with contextlib.suppress(BlockingIOError):
            return fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        time.sleep(0.01)
    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def is_there(path: Path) -> bool:
    """Whether there is something of this name, a link that leads nowhere too."""
    return path.exists() or path.is_symlink()


def remove(path: Path) -> None:
    """Deletes a file, a folder with all that is in it, or a link, but never what a link leads to."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def folder(path: Path) -> Path:
    """The folder, which is made if it is not there. ValueError if it is a link: it would lead outside."""
    if path.is_symlink():
        raise ValueError(f"{path} is a symbolic link: nothing is written through it; remove it or name its target")
    make(path)
    return path


def make(path: Path, of: Path | None = None) -> None:
    """Makes a folder that is not there; ValueError that names it, or `of`, if that cannot be (full disk: OSError)."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        stop_if_full(error)
        there = first_there(path)
        what = "it" if there == path else there
        why = f"{what} is a file" if there.is_file() else (error.strerror or one_line(error)).lower()
        raise ValueError(f"cannot write to the folder {of or path}: {why}") from error


def first_there(path: Path) -> Path:
    """The path, or the nearest above it that can be seen to be there."""
    return next((one for one in (path, *path.absolute().parents) if os.path.exists(one)), path)


def led_to(path: Path) -> Path:
    """The folder that a user names, or the one that it leads to if it is a link. ValueError if that is not there."""
    if not path.is_symlink():
        return path
    if not path.exists():
        raise ValueError(f"{path} is a symbolic link to {os.readlink(path)}, which does not exist")
    return path.resolve()


def named(path: Path) -> Path:
    """The folder that a user names to write to, which is made if it is not there. ValueError if it cannot be one."""
    path = led_to(path)
    make(path)
    return path


def is_name(name: str) -> bool:
    """Whether this can be the name of a file in a folder, and of none outside it."""
    return isinstance(name, str) and re.fullmatch(r"[^./\\\x00-\x1f\x7f][^/\\\x00-\x1f\x7f]{0,199}", name) is not None


def private() -> Path | None:
    """A folder of this user on this machine, for what the processes of a machine tell each other; None if there cannot
    be one that only this user can write to."""
    folder = Path(tempfile.gettempdir()) / f"disentanglement_study.{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        about = os.lstat(folder)
        if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.getuid():
            return None
        if stat.S_IMODE(about.st_mode) != 0o700:
            os.chmod(folder, 0o700)
    except OSError:
        return None
    return folder
