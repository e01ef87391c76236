"""The console commands `list` and `explain`: what there is, and what one of it is."""

import argparse
import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.table import Table

from disentanglement_study.cli import as_json, options
from disentanglement_study.runtime.terminal import OUT, printable
from disentanglement_study.runtime.words import counted

WIDEST = 100  # Columns of running text.
LIST_EXAMPLES = """\
examples:
  disentanglement-study list                      the kinds, and how many there are of each
  disentanglement-study list metrics              a line for each metric
  disentanglement-study list metrics --json       the same for a program
"""
EXPLAIN_EXAMPLES = """\
examples:
  disentanglement-study explain mig               what a metric asks, its range, options and cost
  disentanglement-study explain train.steps       a setting; mig.num_bins is an option
  disentanglement-study explain transfer --kind tables      the table, and not the figure of this name
"""


def list_(arguments: argparse.Namespace) -> None:
    """List methods, metrics, data sets, sweeps, ...: one line each."""
    from disentanglement_study import describe

    if arguments.kind is None:
        kinds = [(kind, len(describe.names(kind)), about.about) for kind, about in describe.KINDS.items()]
        if arguments.json:
            as_json.write([{"kind": kind, "number": number, "about": about} for kind, number, about in kinds])
            return
        _lines([(kind, f"{number:>3}  {about}") for kind, number, about in kinds])
        OUT.print("\nNext: disentanglement-study list KIND, and disentanglement-study explain NAME.", soft_wrap=True)
        return
    rows = [(name, describe.line(arguments.kind, name)) for name in describe.names(arguments.kind)]
    if arguments.json:
        as_json.write([{"name": name, "about": about} for name, about in rows])
    else:
        _lines(rows)


def explain(arguments: argparse.Namespace) -> None:
    """Explain a method, metric, data set, sweep, setting or figure."""
    from disentanglement_study import describe

    found = describe.find(arguments.name, arguments.kind)
    if arguments.json:
        as_json.write([entry.as_dict() | ({"option": option} if option else {}) for entry, option in found])
        return
    for number, (entry, option) in enumerate(found):
        if number:
            OUT.print()
        for shown in _option(entry, option) if option else _whole(entry):
            OUT.print(shown, soft_wrap=isinstance(shown, str))


def _whole(entry: Any) -> Iterator[Any]:
    """All that is known of a part."""
    from disentanglement_study.describe import KINDS

    title = "" if entry.title == entry.name else f": {entry.title}"
    yield f"{entry.name} ({entry.noun or KINDS[entry.kind].noun}){title}"
    yield from _wrapped(entry.about)
    yield ""
    source = {} if entry.kind in ("settings", "columns") else {"source": entry.source}
    yield from _facts({**source, **entry.facts, "code": entry.code})
    if text := _more(entry):
        yield ""
        yield from _prose(text)
    if entry.options:
        yield ""
        yield _table(entry)
    for where, lines in (("sweep", entry.in_sweep), ("shell", entry.commands), ("Python", entry.in_python)):
        if lines:
            yield f"\nIn a {where}:" if where != "Python" else "\nIn Python:"
            yield from (f"  {line}" for line in lines)
    if entry.text:
        yield f"\nThe file has {counted(entry.text.count(chr(10)), 'line')}:"
        yield entry.text.rstrip()


def _more(entry: Any) -> str:
    """The docstring without what the line says already."""
    first, _, rest = entry.docstring.partition("\n\n")
    return rest if " ".join(first.split()) == entry.about else entry.docstring


def _option(entry: Any, name: str) -> Iterator[Any]:
    """One option of a part."""
    from disentanglement_study.describe import KINDS

    option = next(one for one in entry.options if one.name == name)
    whole = f"{entry.name}.{name}"
    yield f"{whole} (option of the {KINDS[entry.kind].noun} {entry.name})"
    if option.about:
        yield from _wrapped(option.about)
    yield ""
    yield from _facts({"may be": option.may_be, "default": option.default or "none: a sweep must say it"})
    yield "\nIn a sweep:"
    yield f"  {whole} = {option.default or '...'}"
    yield f"\nMore: disentanglement-study explain {entry.name}"


def _facts(facts: dict[str, str]) -> Iterator[str]:
    width = max(map(len, facts)) + 2
    for label, text in facts.items():
        yield from textwrap.wrap(
            text.replace("`", ""), _width(), initial_indent=label.ljust(width), subsequent_indent=" " * width
        )


def _prose(text: str) -> Iterator[str]:
    from disentanglement_study.describe import prose

    for number, part in enumerate(prose.parts(text)):
        if number:
            yield ""
        if part.kind == "lines":
            yield from (f"    {line}" for line in part.lines)
        elif part.kind == "items":
            for item in part.lines:
                yield from textwrap.wrap(item, _width(), initial_indent="- ", subsequent_indent="  ")
        else:
            yield from _wrapped(part.lines[0])


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, _width()) or [""]


def _table(entry: Any) -> Table:
    has_texts = any(option.about for option in entry.options)
    table = Table(header_style="bold", box=None, pad_edge=False)
    for column in ("option", "may be", "default", *(["what it is"] if has_texts else [])):
        table.add_column(column, overflow="fold")
    for option in entry.options:
        row = (option.name, option.may_be, option.default or "-", *([option.about] if has_texts else []))
        table.add_row(*map(printable, row))
    return table


def _lines(rows: Sequence[tuple[str, str]]) -> None:
    """A line each, the second column aligned; on a terminal cut to its width."""
    width = max(cell_len(name) for name, _ in rows)
    for name, text in rows:
        OUT.print(_cut(f"{name.ljust(width)}  {text}", OUT), soft_wrap=True)


def _cut(line: str, console: Console) -> str:
    if not console.is_terminal or cell_len(line) <= console.width:
        return line
    return set_cell_size(line, console.width - 1).rstrip() + "…"


def _width() -> int:
    return min(OUT.width, WIDEST)


def add_to(commands: options.Commands) -> None:
    """Add the commands."""
    kinds = "methods, metrics, data, samplings, nets, sweeps, figures, tables, settings or columns"
    listed = options.add_command(commands, list_, LIST_EXAMPLES)
    listed.add_argument("kind", metavar="KIND", nargs="?", help=f"{kinds} (default: how many there are of each)")
    explained = options.add_command(commands, explain, EXPLAIN_EXAMPLES)
    explained.add_argument("name", metavar="NAME", help="of anything that `list` lists; an option is mig.num_bins")
    explained.add_argument("--kind", metavar="KIND", help=f"only of this kind: {kinds}")
    for command in (listed, explained):
        options.json_option(command)
