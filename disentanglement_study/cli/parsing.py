"""How the program reads its arguments: help that fits the terminal, and unknown names answered with the nearest."""

import argparse
import textwrap
from collections.abc import Iterator, Sequence

from disentanglement_study.errors import unknown

ALIKE = 0.65  # of two options at the least: the dashes that all begin with count too


class Formatter(argparse.HelpFormatter):
    """Fills paragraphs to the width of the terminal. Lines that begin with a space stay as they are."""

    def _fill_text(self, text: str, width: int, indent: str) -> str:
        return "\n".join(_filled(text, width))


class Parser(argparse.ArgumentParser):
    """Names the nearest command, option or choice when it is given one that it does not have."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, **{"formatter_class": Formatter, **options})

    def _check_value(self, action: argparse.Action, value: object) -> None:
        if action.choices is not None and value not in action.choices:
            raise argparse.ArgumentError(None, str(unknown(_kind(action), value, action.choices)))

    def refuse(self, others: Sequence[str]) -> None:
        """Ends the program with the error for arguments that no part of this command takes."""
        options = [text for action in self._actions for text in action.option_strings]
        for text in others:
            if text.startswith("-") and text != "--":
                self.error(str(unknown("option", text.partition("=")[0], options, ALIKE)))
        self.error(f"too many arguments: {' '.join(others)}")


def _kind(action: argparse.Action) -> str:
    """What the value of an argument is called in an error: "command", "--format"."""
    if action.option_strings:
        return f"value of {action.option_strings[-1]}"
    return str(action.metavar or action.dest).lower()


def _filled(text: str, width: int) -> Iterator[str]:
    """The lines of a text, each paragraph filled to this width."""
    paragraph: list[str] = []
    for line in [*textwrap.dedent(text).strip("\n").splitlines(), ""]:
        if line and not line[0].isspace():
            paragraph.append(line)
            continue
        yield from textwrap.wrap(" ".join(paragraph), width, break_long_words=False, break_on_hyphens=False)
        paragraph = []
        yield line.rstrip()
