"""Bad input: one line that names the value, what was allowed and the nearest spelling. And what failed in part."""

import difflib
from collections.abc import Iterable

LISTED = 30  # Names. More are counted, not listed.


def unknown(kind: str, name: object, allowed: Iterable[str]) -> ValueError:
    """The error for a name that is not in a registry, with the nearest one that is."""
    allowed = list(allowed)
    near = difflib.get_close_matches(str(name).lower(), allowed, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    there = f": {', '.join(sorted(allowed))}" if len(allowed) <= LISTED else f" {len(allowed):,}"
    return ValueError(f"unknown {kind} {name!r}: {hint}(there are{there})")


class Failed(Exception):
    """Some of what was asked could not be done, and the rest was: exit code 3. The message says what."""
