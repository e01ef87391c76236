"""Settings: the sections of a sweep and their fields."""

import dataclasses

from disentanglement_study.config.declared import words
from disentanglement_study.config.identity import default
from disentanglement_study.config.sections import SECTIONS
from disentanglement_study.describe.entry import Entry, Option, first_sentence, sentence, texts_of, written

FILE = "disentanglement_study/config/sections.py"
NO_PAPER = "none: it is a setting"


def names() -> list[str]:
    """Each section, and its settings: "train", "train.steps"."""
    return [name for section, of in SECTIONS.items() for name in (section, *_fields(section, of))]


def line(name: str) -> str:
    section, _, field = name.partition(".")
    if not field:
        return first_sentence(SECTIONS[section].__doc__)
    return sentence(first_sentence(_text(section, field)))


def entry(name: str) -> Entry:
    section, _, field = name.partition(".")
    options = {option.name: option for option in of_section(section)}
    one = options.get(field)
    facts = {"may be": one.may_be, "default": one.default or "none: a sweep must say it"} if one else {}
    example = f"{name} = {one.default or '...'}" if one else f"{section}.{next(iter(options))} = ..."
    return Entry(
        kind="settings",
        name=name,
        title=name,
        about=line(name),
        source=NO_PAPER,
        facts=facts,
        options=() if one else tuple(options.values()),
        docstring=sentence(_text(section, field)) if one else line(name),
        code=FILE,
        in_sweep=(example,),
        noun="" if one else "section of settings",
        commands=(f'disentanglement-study plan quick --gin "{example}"',) if one and one.default else (),
    )


def of_section(section: str) -> tuple[Option, ...]:
    """The settings of a section."""
    of = SECTIONS[section]
    return tuple(
        Option(one.name, words(one.type), written(default(one)), sentence(_text(section, one.name)))
        for one in dataclasses.fields(of)
    )


def _fields(section: str, of: type) -> list[str]:
    return [f"{section}.{one.name}" for one in dataclasses.fields(of)]


def _text(section: str, field: str) -> str:
    return texts_of(SECTIONS[section])[field]
