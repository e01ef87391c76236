"""Bad input: one line that names the value, what was allowed and the nearest spelling. And what failed in part."""

import difflib
from collections.abc import Iterable

LISTED = 30  # Names. More are counted, not listed.
CLIPPED = 120  # Characters of a value that an error shows.


def unknown(kind: str, name: object, allowed: Iterable[str]) -> ValueError:
    """The error for a name that is not in a registry, with the nearest one that is."""
    allowed = list(allowed)
    near = difflib.get_close_matches(str(name).lower()[:CLIPPED], allowed, n=1, cutoff=0.5)
    hint = f"did you mean {near[0]!r}? " if near else ""
    there = f": {', '.join(sorted(allowed))}" if len(allowed) <= LISTED else f" {len(allowed):,}"
    return ValueError(f"unknown {kind} {clipped(name)}: {hint}(there are{there})")


def clipped(value: object) -> str:
    """A value as an error shows it: its repr, which has one line, cut where it is long."""
    try:
        text = repr(value)
    except ValueError:  # Python prints no number of more than 4,300 digits
        return "a number of more than 4300 digits"
    return text if len(text) <= CLIPPED else f"{text[:CLIPPED]}..."


def one_line(message: object) -> str:
    """A message of others in one line."""
    return " ".join(str(message).split())


class Failed(Exception):
    """Some of what was asked could not be done, and the rest was: exit code 3. The message says what."""
