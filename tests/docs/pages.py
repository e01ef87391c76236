"""The pages that people read, and the blocks on them: `sh`, `python`, `gin`, and `text` for what a command prints."""

import re
import shlex
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PROGRAM = "disentanglement-study"


class Block(NamedTuple):
    language: str
    text: str


def pages() -> list[str]:
    """The paths of the pages, from the root."""
    found = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
    return [path.relative_to(ROOT).as_posix() for path in found if path.exists()]


def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(text: str) -> list[Block]:
    """The fenced blocks of a page, in order; those in a list are indented."""
    found = re.findall(r"^( *)```(\w*)[^\n]*\n(.*?)^\1```", text, flags=re.DOTALL | re.MULTILINE)
    return [Block(language, re.sub(f"^{indent}", "", body, flags=re.MULTILINE)) for indent, language, body in found]


def prose(text: str) -> str:
    """A page without its fenced blocks."""
    return re.sub(r"^( *)```.*?^\1```", "", text, flags=re.DOTALL | re.MULTILINE)


def commands(block: Block) -> list[list[str]]:
    """The arguments of each command of ours in a block of shell; a line may go on after a backslash, or in quotes."""
    text = block.text.replace("\\\n", " ")
    _, *after = re.split(rf"^{PROGRAM} ", text, flags=re.MULTILINE)
    return [_words(part.splitlines(keepends=True)) for part in after]


def _words(lines: list[str]) -> list[str]:
    """Those of the first of the lines, and of as many more as close its quotes."""
    for number in range(1, len(lines) + 1):
        try:
            return shlex.split("".join(lines[:number]), comments=True)
        except ValueError:
            continue
    raise ValueError(f"a quote is not closed: {''.join(lines)}")


def links(text: str) -> list[str]:
    """The targets of links and pictures outside fenced blocks, without those on the net."""
    found = re.findall(r"\]\(([^)\s]+)\)|src=\"([^\"]+)\"", prose(text))
    return [one for pair in found for one in pair if one and not re.match(r"[a-z]+:", one)]


def anchors(text: str) -> set[str]:
    """What a heading of a page can be linked by."""
    headings = re.findall(r"^#+ (.*)$", prose(text), flags=re.MULTILINE)
    return {
        re.sub(r"[\s]+", "-", re.sub(r"[^\w\s-]", "", heading.replace("`", "").strip().lower())) for heading in headings
    }
