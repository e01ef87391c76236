"""Whether a folder is one and the same for all: a token is written here, read there and answered."""

import contextlib
import fcntl
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple, TextIO

from disentanglement_study.runtime import files

APPEAR_SECONDS = 3.0  # network file systems show a new file a little later elsewhere


class Token(NamedTuple):
    """A folder of ours with a file `token` in it, whose text is `text`, and a file `lock`.

    locks: "held" if this process holds that, else why there are none. error: why none of this could be written, or "".
    """

    folder: str
    text: str
    locks: str
    error: str = ""


@contextlib.contextmanager
def token(root: Path) -> Iterator[Token]:
    """A token in the study's folder, in its tmp/ if there is one, or in the nearest above it; removed at the end."""
    above = next(path for path in (root / "tmp", root, *root.absolute().parents) if path.is_dir())
    text = secrets.token_hex(16)
    folder = above / f".doctor.{text}"
    with contextlib.ExitStack() as stack:
        try:
            folder.mkdir()
            stack.callback(_remove, folder)
            (folder / "token").write_text(text)
            lock = stack.enter_context(open(folder / "lock", "w"))
        except OSError as error:
            asked = Token(str(folder), text, "not tried", f"{above}: {error.strerror}")
        else:
            asked = Token(str(folder), text, _held(lock))
        yield asked


def answer(asked: Token, name: str) -> dict[str, Any]:
    """On a node, which is called `name`: reads the token, writes an answer and tries the lock.

    Returns {"folder": "same" or what is wrong, "locks": "seen" or what is wrong, "free": bytes}.
    """
    if asked.error:
        return {"folder": "not tried", "locks": "not tried", "free": None}
    folder, deadline = Path(asked.folder), time.monotonic() + APPEAR_SECONDS
    while not (folder / "token").exists():
        if time.monotonic() > deadline:
            there = "exists, but lacks what was written to it here" if folder.parent.is_dir() else "does not exist"
            return {"folder": f"{folder.parent} {there}", "locks": "not tried", "free": None}
        time.sleep(0.1)
    try:
        if (folder / "token").read_text() != asked.text:
            return {"folder": f"{folder.parent} is not the same folder as here", "locks": "not tried", "free": None}
        (folder / f"answer.{name}").write_text(asked.text + name)
    except OSError as error:
        return {"folder": f"{folder.parent}: {error.strerror}", "locks": "not tried", "free": None}
    return {"folder": "same", "locks": _seen(folder / "lock", asked.locks), "free": free(folder)}


def came_back(asked: Token, name: str) -> bool:
    """Whether what a node wrote can be read here."""
    with contextlib.suppress(OSError):
        return (Path(asked.folder) / f"answer.{name}").read_text() == asked.text + name
    return False


def free(folder: Path) -> int:
    """Bytes that this user may still write."""
    about = os.statvfs(folder)
    return about.f_bavail * about.f_frsize


def _held(lock: TextIO) -> str:
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.strerror or str(error)
    return "held"


def _remove(folder: Path) -> None:
    with contextlib.suppress(OSError):  # a node that answers late may write just now
        files.remove(folder)


def _seen(path: Path, held: str) -> str:
    if held != "held":
        return held
    return "seen" if files.is_locked(path) else "not seen"
