"""The terminal: what a study, a file or a user says is text there, never a command to it."""

import re
from typing import Any

from rich.console import Console
from rich.text import Text

# All control characters but tab and new line: C0, DEL, C1.
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def printable(text: str) -> str:
    """The text with control characters (such as ESC, which begins a terminal's commands) written out as \\x1b."""
    return CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


class Terminal(Console):
    """A rich console on which square brackets, colons and control characters of a text are shown as they are."""

    def __init__(self, stderr: bool = False):
        super().__init__(stderr=stderr, markup=False, emoji=False, highlight=False)

    def render_str(self, text: str, **options: Any) -> Text:
        """Every string comes through here, of a table's cells too."""
        return super().render_str(printable(text), **options)


OUT, ERR = Terminal(), Terminal(stderr=True)
