"""Paths of the machine that a study ran on, which tracebacks are full of, are not for the readers of its page."""

import re

# Two names or more after a slash that begins a word: neither a part of an address, nor "n/a", nor "</b>".
ABSOLUTE = re.compile(r"(?<![\w.:/<~-])(?:/[^\s/\"'<>:,;()]+)+/([^\s/\"'<>:,;()]+)")


def shortened(text: str) -> str:
    """The text with "…/name" in place of absolute paths."""
    return ABSOLUTE.sub(r"…/\1", text)
