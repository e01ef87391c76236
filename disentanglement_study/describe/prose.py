"""Docstrings cut into paragraphs, lists and lines that stay as they are, such as equations."""

import re
import textwrap
from collections.abc import Iterator
from typing import Literal, NamedTuple


class Part(NamedTuple):
    """text: one line of words. items: of a list, a line each. lines: as they are, without their indentation."""

    kind: Literal["text", "items", "lines"]
    lines: tuple[str, ...]


def parts(text: str) -> list[Part]:
    """The parts of a docstring, from the top."""
    return [part for block in re.split(r"\n[ \t]*\n", text.strip("\n")) for part in _parts(block.split("\n"))]


def _parts(lines: list[str]) -> Iterator[Part]:
    """Those of lines without an empty one between them."""
    while lines:
        kind, taken = _first(lines)
        yield _made(kind, lines[:taken])
        lines = lines[taken:]


def _first(lines: list[str]) -> tuple[str, int]:
    """The kind of the first lines, and how many are alike."""
    kind = _kind(lines[0])
    for number, line in enumerate(lines[1:], 1):
        goes_on = _kind(line) == kind or (kind == "items" and line.startswith("  "))
        if not goes_on:
            return kind, number
    return kind, len(lines)


def _kind(line: str) -> str:
    return "items" if line.startswith("- ") else "lines" if line.startswith("    ") else "text"


def _made(kind: str, lines: list[str]) -> Part:
    if kind == "lines":
        return Part("lines", tuple(textwrap.dedent("\n".join(lines)).split("\n")))
    if kind == "items":
        items = re.split(r"^- ", "\n".join(lines), flags=re.MULTILINE)[1:]
        return Part("items", tuple(" ".join(item.split()) for item in items))
    return Part("text", (" ".join(" ".join(lines).split()),))
