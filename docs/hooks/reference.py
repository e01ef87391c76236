"""The reference pages, made of what the program says of its own parts: `pages()`.

Text of docstrings is escaped, so that Markdown changes nothing in it: [N, D] is no link, and a*b*c is not emphasis.
"""

import argparse
import os
import re
from collections.abc import Iterable, Iterator

from disentanglement_study import cli, describe
from disentanglement_study.config.sections import SECTIONS
from disentanglement_study.describe import Entry, costs, prose
from disentanglement_study.describe.metrics import ALL as METRICS
from disentanglement_study.describe.settings import of_section
from disentanglement_study.store import columns

MADE = "This page is generated from the registries and docstrings of the program."
USAGE_WIDTH = 100


def pages() -> dict[str, str]:
    """{path under docs: Markdown}."""
    made = {
        "metrics": _metrics(),
        "methods": _methods(),
        "data": _data(),
        "nets": _page("Nets", NETS, ["nets"]),
        "settings": _settings(),
        "cli": _cli(),
        "store": _store(),
        "sweeps": _page("Sweeps", SWEEPS, ["sweeps"]),
        "figures": _page("Figures and tables", FIGURES, ["figures", "tables"]),
    }
    return {f"reference/{name}.md": text for name, text in made.items()}


METRICS_INTRO = """\
A metric is a function of codes and factors. `evaluate.metrics` in a sweep names the metrics of a study, and
`disentanglement-study evaluate` scores a finished study, or codes of your own. The headline score has the metric's own
name. The last column is the CPU time for one representation of one model, in seconds."""
METHODS_INTRO = """\
A method is what gives codes. `sweep.methods` names the methods of a study. Set a method's hyperparameters and options
under its name: `beta_vae.beta = [1, 4]`. A list gives several models."""
DATA_INTRO = """\
`sweep.data_sets` names the data sets of a study, `train.sampling` and `evaluate.sampling` how inputs are drawn from
them. `disentanglement-study data list` says which data sets are on your machine."""
NETS = """\
`nets.encoder` and `nets.decoder` name the nets of a method. Set their options under their whole names:
`mlp_encoder.widths = [64, 64]`."""
SWEEPS = """\
These sweeps come with the program. Run one by its name: `disentanglement-study run quick studies/quick`."""
FIGURES = """\
`disentanglement-study figures DIR` draws every figure that the rows of a study allow, and
`disentanglement-study tables DIR` writes every table. The others are skipped, with the reason."""
SETTINGS = """\
A sweep sets `section.name = value`. `--gin "train.steps = 1000"` sets one on the command line. Components, such as
`mig.num_bins`, are on the pages of [metrics](metrics.md), [methods](methods.md), [data sets](data.md) and
[nets](nets.md)."""
CLI = """\
Every command can be repeated: what is there is not done again. `disentanglement-study COMMAND --help` shows the same
text."""
STORE = """\
`disentanglement-study query DIR "SELECT ..."` reads these tables with SQL. A study also has its settings as columns of
`runs` and `results`, such as `"nets.num_latents"`."""


def _metrics() -> str:
    rows = []
    for entry in _entries("metrics"):
        given, seconds = METRICS[entry.name].sampling, costs.seconds_of_metric(entry.name)
        cost = "" if seconds is None else f"{seconds:.2g}"
        rows.append((_link(entry), entry.about, entry.source, given, entry.facts["range"], cost))
    head = ("metric", "what it asks", "source", "given", "headline score", "CPU s")
    return _page("Metrics", METRICS_INTRO, ["metrics"], _table(head, rows))


def _methods() -> str:
    rows = [(_link(entry), entry.about, entry.source) for entry in _entries("methods")]
    return _page("Methods", METHODS_INTRO, ["methods"], _table(("method", "what it is", "source"), rows))


def _data() -> str:
    head = ("data set", "what it is", "factors", "inputs", "size")
    rows = [
        (_link(one), one.about, one.facts["truth"], one.facts["inputs"], one.facts["cost"]) for one in _entries("data")
    ]
    drawn = [(_link(one), one.about, one.source) for one in _entries("samplings")]
    tables = [_table(head, rows), _table(("sampling", "what it draws", "source"), drawn)]
    return _page("Data sets and samplings", DATA_INTRO, ["data", "samplings"], *tables)


def _settings() -> str:
    parts = ["# Settings", MADE, SETTINGS]
    for section in SECTIONS:
        rows = [
            (f"`{section}.{one.name}`", _code(one.may_be), _code(one.default), one.about) for one in of_section(section)
        ]
        parts += [f"## {section}", escaped(describe.line("settings", section))]
        parts.append(_table(("setting", "may be", "default", "what it is"), rows))
    return _joined(parts)


def _store() -> str:
    parts = ["# The tables of a study", MADE, STORE]
    parts.append(
        _table(("table", "what it holds"), [(f"[{name}](#{name})", about) for name, about in columns.ABOUT.items()])
    )
    for name, about in columns.ABOUT.items():
        key = ", ".join(f"`{column}`" for column in columns.KEYS[name])
        rows = [(f"`{column}`", kind, text) for column, kind, text in columns.described(name)]
        parts += [f"## {name}", f"{escaped(about[0].upper() + about[1:])}. Key: {key}."]
        parts.append(_table(("column", "type", "what it holds"), rows))
    return _joined(parts)


def _cli() -> str:
    parts = ["# Commands", MADE, CLI]
    commands = [*_commands(cli.parser())]
    parts.append(
        _table(("command", "what it does"), [(f"[{name}](#{_slug(name)})", said) for name, said, _ in commands])
    )
    for name, said, parser in commands:
        parts += [f"## {name}", escaped(said), _fenced("text", _usage(parser))]
        arguments = [_argument(parser, action) for action in parser._actions if action.help is not argparse.SUPPRESS]
        parts.append(_table(("argument", "what it is"), arguments))
        if parser.epilog:
            parts.append(_fenced("text", parser.epilog.strip()))
    return _joined(parts)


def _commands(parser: argparse.ArgumentParser, prefix: str = "") -> Iterator[tuple[str, str, argparse.ArgumentParser]]:
    """Each command, "run" or "data list", with what it does."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, inner in action.choices.items():
                yield f"{prefix}{name}", " ".join((inner.description or "").split()), inner
                yield from _commands(inner, f"{prefix}{name} ")


def _usage(parser: argparse.ArgumentParser) -> str:
    formatter = argparse.HelpFormatter(parser.prog, width=USAGE_WIDTH)
    formatter.add_usage(parser.usage, parser._actions, parser._mutually_exclusive_groups)
    return formatter.format_help().strip()


def _argument(parser: argparse.ArgumentParser, action: argparse.Action) -> tuple[str, str]:
    """An argument as one gives it, and its help."""
    formatter = argparse.HelpFormatter(parser.prog)
    name = formatter._format_action_invocation(action)
    return _code(name), formatter._expand_help(action) if action.help else ""


def _page(title: str, intro: str, kinds: Iterable[str], *tables: str) -> str:
    """A page with a section for each part of these kinds, below the tables of them all."""
    kinds = [*kinds]
    listed = tables or [_table((describe.KINDS[kind].noun, "what it is"), _lines(kind)) for kind in kinds]
    sections = [_section(entry) for kind in kinds for entry in _entries(kind)]
    return _joined([f"# {title}", MADE, intro, *listed, *sections])


def _lines(kind: str) -> list[tuple[str, str]]:
    return [(_link(entry), entry.about) for entry in _entries(kind)]


def _entries(kind: str) -> list[Entry]:
    return [describe.entry(kind, name) for name in describe.names(kind)]


def _section(entry: Entry) -> str:
    parts = [f"## {_heading(entry)}", f"**{escaped(entry.title)}.** {escaped(entry.about)}"]
    facts = {"source": entry.source, **entry.facts, "code": f"`{entry.code}`"}
    parts.append("\n".join(f"- {label.capitalize()}: {escaped(text)}" for label, text in facts.items()))
    parts += [_part(part) for part in prose.parts(_more(entry))]
    if entry.options:
        texts = any(option.about for option in entry.options)
        rows = [
            (f"`{one.name}`", _code(one.may_be), _code(one.default), *([one.about] if texts else []))
            for one in entry.options
        ]
        parts.append(_table(("option", "may be", "default", *(["what it is"] if texts else [])), rows))
    if entry.text:
        return _joined([*parts, _fenced("sh", "\n".join(entry.commands)), _fenced("gin", entry.text.rstrip())])
    for language, lines in (("gin", entry.in_sweep), ("sh", entry.commands), ("python", entry.in_python)):
        if lines:
            parts.append(_fenced(language, "\n".join(lines)))
    return _joined(parts)


def _more(entry: Entry) -> str:
    """The docstring without what the line says already."""
    first, _, rest = entry.docstring.partition("\n\n")
    return rest if " ".join(first.split()) == entry.about else entry.docstring


def _part(part: prose.Part) -> str:
    if part.kind == "lines":
        return _fenced("text", "\n".join(part.lines))
    return "\n".join(("- " if part.kind == "items" else "") + escaped(line) for line in part.lines)


def _heading(entry: Entry) -> str:
    """The name, by which other pages link to it; a table says that it is one, for figures have the same names."""
    return f"{entry.name} (table)" if entry.kind == "tables" else entry.name


def _link(entry: Entry) -> str:
    return f"[{entry.name}](#{_slug(_heading(entry))})"


def _slug(heading: str) -> str:
    """The anchor that Markdown gives a heading."""
    return re.sub(r"[\s-]+", "-", re.sub(r"[^\w\s-]", "", heading).strip().lower())


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *([_cell(text) for text in row] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cell(text: str) -> str:
    """A cell; links and code that are made here stay as they are."""
    made = re.fullmatch(r"`[^`]*`|\[[\w ]+\]\(#[\w-]+\)", text)
    pieces = re.split(r"(`[^`]+`)", text if made else escaped(" ".join(text.split())))
    return "".join(piece if at % 2 else piece.replace("|", r"\|") for at, piece in enumerate(pieces))


def _code(text: str) -> str:
    return f"`{text}`" if text else ""


def escaped(text: str) -> str:
    """Text that Markdown shows as it is, but for `code`."""
    pieces = re.split(r"(`[^`]+`)", text)
    shown = "".join(piece if at % 2 else _escaped(piece) for at, piece in enumerate(pieces))
    return re.sub(r"^(\d+)(?=\.\s)|^(?=[#+-]\s)", r"\1\\", shown)


def _escaped(text: str) -> str:
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return re.sub(r"([\\*_\[\]`{}])", r"\\\1", text)


def _fenced(language: str, text: str) -> str:
    return f"```{language}\n{text}\n```"


def _joined(parts: Iterable[str]) -> str:
    return "\n\n".join(part for part in parts if part) + "\n"


if __name__ == "__main__":
    os.environ["COLUMNS"] = str(USAGE_WIDTH)
    for path, text in pages().items():
        print(f"{path}: {len(text):,} characters")
