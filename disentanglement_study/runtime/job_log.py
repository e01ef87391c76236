"""The log of a job: what its attempts did and said, in a text file that is there as soon as it is said.

Who keeps a log does not stop for it: what cannot be written is lost. No symbolic link is followed.
"""

import contextlib
import logging
import os
import re
import socket
import stat
import time
import traceback
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TextIO

from disentanglement_study.runtime import files, signals

MOST = 1_000_000  # Bytes of a log. Of one that would be longer the last half is kept.
OURS = "disentanglement_study"
SIGNALS = {"SIGTERM": "it was told to stop", "SIGINT": "by Ctrl-C, or by the command that started it"}
BEGINNING = re.compile(r"^\S+ \S+ attempt (\d+) begins", re.MULTILINE)


@contextlib.contextmanager
def kept(path: Path, what: str) -> Iterator[Callable[[str], None]]:
    """Within the block, what Python's logging and warnings say in this process goes to the log too, and of this program
    what `logging.INFO` is; at its end why it failed or was stopped. Yields what writes a line there. what: the job, in
    words."""

    def say(text: str) -> None:
        line(path, text)

    before, handler = warnings.showwarning, _Handler(say)

    def warn(
        message: Warning | str,
        category: type[Warning],
        filename: str,
        lineno: int,
        file: TextIO | None = None,
        line: str | None = None,
    ) -> None:
        say(warnings.formatwarning(message, category, filename, lineno, line).rstrip())
        before(message, category, filename, lineno, file, line)

    attempts = BEGINNING.findall(tail(path))
    number = int(attempts[-1]) + 1 if attempts else 1
    say(f"attempt {number} begins on {socket.gethostname()}, process {os.getpid()}: {what}")
    told: list[str] = []

    def tell(name: str) -> None:  # at once: what obeys the signal may end the process
        if not told:
            say(f"attempt {number} was stopped: {SIGNALS[name]} ({name})")
        told.append(name)

    ours = logging.getLogger(OURS)
    level, propagate, own = ours.level, ours.propagate, _Ours(handler, ours.getEffectiveLevel())
    ours.setLevel(logging.INFO)
    ours.propagate = False
    ours.addHandler(own)
    warnings.showwarning = warn
    logging.getLogger().addHandler(handler)
    try:
        with signals.announced(tell):
            yield say
    except Exception as error:
        say(f"attempt {number} failed\n{''.join(traceback.format_exception(error)).rstrip()}")
        raise
    except BaseException as error:
        if not told:
            say(f"attempt {number} was stopped: {type(error).__name__}")
        raise
    else:
        say("done")
    finally:
        logging.getLogger().removeHandler(handler)
        ours.removeHandler(own)
        ours.setLevel(level)
        ours.propagate = propagate
        if warnings.showwarning is warn:
            warnings.showwarning = before


def append(path: Path, text: str) -> None:
    """Writes text at the end of a log, in a folder that is made if it is not there."""
    with contextlib.suppress(OSError), _opened(path, os.O_RDWR | os.O_CREAT | os.O_APPEND) as handle:
        new, size = text.encode("utf-8", "backslashreplace")[-MOST // 2 :], os.fstat(handle).st_size
        if size + len(new) > MOST:
            there = os.pread(handle, MOST // 2, max(size - MOST // 2, 0))
            os.ftruncate(handle, 0)
            new = there.partition(b"\n")[2] + new
        os.write(handle, new)


def line(path: Path, text: str) -> None:
    """Writes a line with the time at the end of a log."""
    append(path, f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}\n")


def carry(path: Path, to: Path) -> bool:
    """Writes what is in one log to another, in place of what is there; nothing if there is none. Whether it did."""
    if path != to and (text := tail(path)):
        with contextlib.suppress(OSError, ValueError), files.replacing(files.folder(to.parent) / to.name) as temporary:
            temporary.write_text(text, encoding="utf-8")
            return True
    return False


def tail(path: Path, most: int = MOST) -> str:
    """The last of a log, at most so many bytes; "" if there is none."""
    with contextlib.suppress(OSError), _opened(path, os.O_RDONLY) as handle:
        return os.pread(handle, most, max(os.fstat(handle).st_size - most, 0)).decode("utf-8", "replace")
    return ""


@contextlib.contextmanager
def _opened(path: Path, how: int) -> Iterator[int]:
    """A file of this name in a folder that is no link; OSError if it is anything else."""
    if path.parent.is_symlink():
        raise OSError(f"{path.parent} is a symbolic link")
    if how & os.O_CREAT:
        path.parent.mkdir(exist_ok=True)  # without those above: they may be away, and come back
    handle = os.open(path, how | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise OSError(f"{path} is not a file")
        yield handle
    finally:
        os.close(handle)


class _Formatter(logging.Formatter):
    """What this program tells of its work is the plain text."""

    def format(self, record: logging.LogRecord) -> str:
        is_ours = record.name.partition(".")[0] == OURS and record.levelno == logging.INFO
        return record.getMessage() if is_ours else super().format(record)


class _Handler(logging.Handler):
    """Writes what is logged to a log, and takes it from nobody else."""

    def __init__(self, say: Callable[[str], None]):
        super().__init__()
        self.say = say
        self.setFormatter(_Formatter("%(levelname)s %(name)s: %(message)s"))

    def write(self, record: logging.LogRecord) -> None:
        try:
            self.say(self.format(record))
        except Exception:
            self.handleError(record)

    def emit(self, record: logging.LogRecord) -> None:
        self.write(record)
        # Where nobody listens, Python prints warnings to stderr; with this handler somebody does.
        if not self._others(record) and logging.lastResort and record.levelno >= logging.lastResort.level:
            logging.lastResort.handle(record)

    def _others(self, record: logging.LogRecord) -> bool:
        logger: logging.Logger | None = logging.getLogger(record.name)
        while logger:
            if any(handler is not self and not isinstance(handler, _Ours) for handler in logger.handlers):
                return True
            logger = logger.parent if logger.propagate or logger.name == OURS else None
        return False


class _Ours(logging.Handler):
    """What this program tells of its work goes to the log alone: a library may have set the root logger to print all.
    What would be heard without a log is passed on."""

    def __init__(self, log: _Handler, heard: int):
        super().__init__()
        self.log, self.heard = log, heard

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno < self.heard:
            self.log.write(record)
        else:
            logging.getLogger().callHandlers(record)
