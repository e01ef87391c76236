"""Bad input: one line that names the value, what was allowed and the nearest spelling."""

import difflib
import errno
import os
from collections.abc import Iterable

# No room on the device, no more for this user, no more for one file.
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
LISTED = 30  # Names. More are counted, not listed.


def unknown(kind: str, name: object, allowed: Iterable[str]) -> ValueError:
    """The error for a name that is not in a registry, with the nearest one that is."""
    allowed = list(allowed)
    near = difflib.get_close_matches(str(name).lower(), allowed, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    there = f": {', '.join(sorted(allowed))}" if len(allowed) <= LISTED else f" {len(allowed):,}"
    return ValueError(f"unknown {kind} {name!r}: {hint}(there are{there})")


def stop_if_full(error: BaseException | None) -> None:
    """Raises an OSError that names the file if this error is of a full disk, or comes from one that is.

    A model is not to blame for that: it has not failed, and the same command goes on when there is room.
    """
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, OSError) and error.errno in FULL:
            advice = "nothing finished is lost: make room, and the same command goes on"
            raise OSError(error.errno, f"{os.strerror(error.errno)} ({advice})", error.filename) from error
        # Ray hands on the error of a worker as the `cause` of its own.
        error = getattr(error, "cause", None) or error.__cause__ or error.__context__
