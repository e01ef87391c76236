"""The terminal: what a study, a file or a user says is text there, never a command to it."""

import os
import re
from typing import Any, Literal

from rich.console import Console
from rich.text import Text

# All control characters but tab and new line: C0, DEL, C1.
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")


def printable(text: str) -> str:
    """The text with control characters (such as ESC, which begins a terminal's commands) written out as \\x1b."""
    return CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text)


def is_animated(console: Console) -> bool:
    """Whether bars can be drawn there: a terminal that can move its cursor, and a user who has not set NO_COLOR."""
    return console.is_terminal and not console.is_dumb_terminal and not os.environ.get("NO_COLOR")


class Terminal(Console):
    """A rich console on which square brackets, colons and control characters of a text are shown as they are.

    Where NO_COLOR is set it writes no escape codes at all: of bold text neither.
    """

    def __init__(self, stderr: bool = False):
        colors: Literal["auto"] | None = None if os.environ.get("NO_COLOR") else "auto"
        super().__init__(stderr=stderr, markup=False, emoji=False, highlight=False, color_system=colors)

    def render_str(self, text: str, **options: Any) -> Text:
        """Every string comes through here, of a table's cells too."""
        return super().render_str(printable(text), **options)


OUT, ERR = Terminal(), Terminal(stderr=True)
