"""Bad input: one line that names the value, what was allowed and the nearest spelling. And what failed in part."""

import difflib
import errno
import os
import re
from collections.abc import Iterable
from pathlib import Path

# No room on the device, no more for this user, no more for one file.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
ALIKE = 0.75  # two names of files, at the least: they share an ending
LISTED = 30  # Names. More are counted, not listed.
CLIPPED = 120  # Characters of a value that an error shows.
LONGEST = 300  # Characters of a library's message.
MOST_NEAR = 5  # names that are equally near
# What others call a format of numbers. By its letters float16 is nearest to bfloat16, which is another format.
SYNONYMS = {
    "fp32": "float32",
    "single": "float32",
    "bf16": "bfloat16",
    **dict.fromkeys(("fp16", "float16", "half"), ""),
}
# The line of a traceback that names the error.
ERROR = re.compile(r"(\w+\.)*\w*(Error|Exception|Interrupt|Exit|Warning)\b")


def unknown(kind: str, name: object, allowed: Iterable[str], least: float = 0.5) -> ValueError:
    """The error for a name that is not in a registry, with the nearest one that is, if they are so much alike."""
    allowed = list(allowed)
    meant = nearest(str(name).lower()[:CLIPPED], allowed, least)
    hint = f": did you mean {meant}?" if meant else ""
    if not allowed:
        return ValueError(f"unknown {kind} {clipped(name)}: there are none to choose from")
    there = f": {', '.join(sorted(allowed))}" if len(allowed) <= LISTED else f" {len(allowed):,}"
    return ValueError(f"unknown {kind} {clipped(name)}{hint} (there are{there})")


def nearest(name: str, allowed: Iterable[str], least: float = 0.5) -> str:
    """The name most like this one, "'mig'", or those that are equally like it, "'a', 'b' or 'c'"; "" if none is.

    least: how alike, from 0 to 1. If none is, those that begin with this name, if it is no single letter or two.
    """
    if name in SYNONYMS:
        return repr(SYNONYMS[name]) if SYNONYMS[name] in allowed else ""
    alike = {one: difflib.SequenceMatcher(None, one, name).ratio() for one in allowed}
    most = max(alike.values(), default=0.0)
    near = [one for one, ratio in alike.items() if ratio == most >= least]
    if not near and len(name) > 2:
        near = [one for one in alike if one.startswith(name)]
    *others, last = [repr(one) for one in near[:MOST_NEAR]] or [""]
    return f"{', '.join(others)} or {last}" if others else last


def no_file(path: Path) -> ValueError:
    """The error for a file that is not there, with the nearest in its folder that has the same ending."""
    try:
        there = [one.name for one in path.parent.iterdir() if one.suffix == path.suffix]
    except OSError:
        return ValueError(f"there is no file {path}: there is no folder {path.parent}")
    meant = nearest(path.name, there, ALIKE)
    return ValueError(f"there is no file {path}{f': did you mean {meant}?' if meant else ''}")


def clipped(value: object) -> str:
    """A value as an error shows it: its repr, which has one line, cut where it is long."""
    try:
        text = repr(value)
    except ValueError:  # Python prints no number of more than 4,300 digits
        return "a number of more than 4300 digits"
    return text if len(text) <= CLIPPED else f"{text[:CLIPPED]}..."


def one_line(message: object) -> str:
    """A message of others, or an exception, in one line and not too long."""
    text = " ".join(str(message).split()) or type(message).__name__
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}..."


def reason(text: str) -> str:
    """What a traceback says at its end, the name of the error and its message, in one line; of other text all."""
    # JAX adds a note of its own, and a message may have several lines.
    lines = [
        line for line in text.strip().split("\n") if not line.startswith(("For simplicity, JAX has removed", "----"))
    ]
    starts = [place for place, line in enumerate(lines) if ERROR.match(line)]
    return one_line(" ".join(lines[starts[-1] :] if starts else lines))


class Failed(Exception):
    """Some of what was asked could not be done, and the rest was: exit code 3. The message says what."""


def stop_if_full(error: BaseException | None) -> None:
    """Raises an OSError that names the file if this error is of a full disk, or comes from one that is.

    A model is not to blame for that: it has not failed, and the same command goes on when there is room.
    """
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, OSError) and error.errno in FULL:
            advice = "nothing finished is lost: make room, and run the same command again"
            raise OSError(error.errno, f"{os.strerror(error.errno)} ({advice})", error.filename) from error
        # Ray hands on the error of a worker as the `cause` of its own.
        error = getattr(error, "cause", None) or error.__cause__ or error.__context__
