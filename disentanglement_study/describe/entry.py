"""What the program says of one of its parts: the same to `list`, `explain` and the reference pages."""

import dataclasses
import inspect
import re
import textwrap
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from disentanglement_study.config.declared import words

NO_PAPER = "none: it is from no paper"
# "Chen et al. 2018", "Kim & Mnih 2018, appendix", "Hyvärinen and Morioka 2016": what a docstring cites.
CITED = re.compile(
    r"(?:van |de )?[A-Z][\w'-]+(?:(?:, [A-Z][\w'-]+)* (?:and|&) [A-Z][\w'-]+| et al\.)? \(?(?:19|20)\d\d\b"
)


@dataclasses.dataclass(frozen=True)
class Option:
    """What a sweep may set of a part. default: as a sweep writes it; "" if a value is needed."""

    name: str
    may_be: str
    default: str
    about: str = ""


@dataclasses.dataclass(frozen=True)
class Entry:
    """A part of the program. facts: what else there is to know, {label: text}. code: its file in the package.
    noun: what it is called, where it is no usual part of its kind.

    in_sweep: lines of a gin file that use it. commands: lines of a shell. in_python: lines of Python. text: the whole
    text, of a file that is shown.
    """

    kind: str
    name: str
    title: str
    about: str
    source: str
    facts: Mapping[str, str] = dataclasses.field(default_factory=dict)
    options: tuple[Option, ...] = ()
    docstring: str = ""
    code: str = ""
    in_sweep: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    in_python: tuple[str, ...] = ()
    text: str = ""
    noun: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The entry as JSON has it."""
        fields = {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}
        return {**fields, "facts": dict(self.facts), "options": [dataclasses.asdict(one) for one in self.options]}


def first_sentence(text: str | None) -> str:
    """The first sentence of a docstring, with its full stop; "" of none."""
    paragraph = " ".join((text or "").strip().partition("\n\n")[0].split())
    sentence = re.split(r"(?<!\bal)(?<!\beq)\.(?=\s+[A-Z`\"|]|$)", paragraph, maxsplit=1)[0].rstrip(":")
    return f"{sentence}." if sentence else ""


def cited(text: str | None, otherwise: str = NO_PAPER) -> str:
    """The first paper that a text cites."""
    found = CITED.search(" ".join((text or "").split()))
    return found[0].replace("(", "") if found else otherwise


def docstring(of: Any) -> str:
    """The docstring without its indentation."""
    return inspect.cleandoc(getattr(of, "func", of).__doc__ or "")


def file_of(module: str) -> str:
    """The file of a module, from the folder that the package is in."""
    return f"{module.replace('.', '/')}.py"


def options(parameters: Mapping[str, inspect.Parameter], texts: Mapping[str, str] = MappingProxyType({})) -> tuple:
    """The options that parameters declare, each with its range in words."""
    return tuple(
        Option(name, words(one.annotation), written(one.default), sentence(texts.get(name, "")))
        for name, one in parameters.items()
    )


def written(value: Any) -> str:
    """A value as a sweep writes it; "" of no value."""
    if value is inspect.Parameter.empty or value is dataclasses.MISSING:
        return ""
    return repr(list(value) if isinstance(value, tuple) else value)


def texts_of(of: type) -> dict[str, str]:
    """What the docstrings of a dataclass, and of those that it extends, say of each field.

    They have the form "steps: updates of a model. seed: of all that is drawn."; several fields may share a text.
    """
    found: dict[str, str] = {}
    names = [field.name for field in dataclasses.fields(of)]
    for one in reversed(of.__mro__[:-1]):
        found |= _texts(names, one.__doc__ or "")
    return found


def _texts(names: Iterable[str], text: str) -> dict[str, str]:
    known = "|".join(map(re.escape, names))
    text = " ".join(text.split())
    starts = [*re.finditer(rf"(?:^|(?<=[.)] ))((?:{known})(?:, (?:{known}))*): ", text)]
    ends = [*(match.start() for match in starts), len(text)][1:]
    found = {}
    for match, end in zip(starts, ends, strict=True):
        for name in match[1].split(", "):
            found[name] = text[match.end() : end].strip()
    return found


def sentence(text: str) -> str:
    """A text that begins with a capital letter and ends with a full stop; "" of none."""
    return f"{text[:1].upper()}{text[1:].rstrip('.')}." if text else ""


def bullets(names: Iterable[str]) -> str:
    """Names, one after the other, each as code."""
    return ", ".join(f"`{name}`" for name in names)


def paragraphs(text: str) -> str:
    """A docstring whose indentation is that of its first line."""
    return textwrap.dedent(text).strip()
