"""What the program can say of its own parts, from their registries and docstrings: kinds, names, entries.

A kind is a module here with `names()`, `line(name)`, which is said at once, and `entry(name)`, which may import more.
"""

import importlib
from collections.abc import Iterator
from types import ModuleType
from typing import NamedTuple

from disentanglement_study.describe.entry import Entry, Option
from disentanglement_study.errors import unknown

__all__ = ["KINDS", "Entry", "Option", "entry", "find", "line", "module", "names"]


class Kind(NamedTuple):
    """noun: of one such part. about: what such parts are, in a sentence."""

    noun: str
    about: str


KINDS = {
    "methods": Kind("method", "What gives codes: VAEs, GANs, non-linear ICA and baselines."),
    "metrics": Kind("metric", "Scores of codes against factors."),
    "data": Kind("data set", "Images or series, and the factors behind them."),
    "samplings": Kind("sampling", "How batches and test points are drawn from a data set."),
    "nets": Kind("net", "Encoders, decoders and the discriminator."),
    "sweeps": Kind("sweep", "Studies that you can run by name."),
    "figures": Kind("figure", "Plots of a study's results."),
    "tables": Kind("table", "Tables of a study's results."),
    "settings": Kind("setting", "What a sweep can set, by section."),
    "columns": Kind("column", "The columns of a study's tables, for `query`."),
}
WITH_OPTIONS = ("methods", "metrics", "data", "samplings", "nets")
MOST_WHOLE = 3  # whole names that an error shows for a short one


def module(kind: str) -> ModuleType:
    """The module of a kind; ValueError for a kind that there is not."""
    if kind not in KINDS:
        raise unknown("kind", kind, KINDS)
    return importlib.import_module(f"{__name__}.{kind}")


def names(kind: str) -> list[str]:
    """The names of all parts of a kind, in the papers' order."""
    return module(kind).names()


def line(kind: str, name: str) -> str:
    """What a part is, in a sentence."""
    return module(kind).line(name)


def entry(kind: str, name: str) -> Entry:
    """All that is known of a part."""
    if name not in names(kind):
        raise unknown(KINDS[kind].noun, name, names(kind))
    return module(kind).entry(name)


def find(name: str, kind: str | None = None) -> list[tuple[Entry, str]]:
    """The entries of this name, in all kinds or one, each with "" or the option that is meant: "mig.num_bins".

    ValueError, with the nearest name, if there is none.
    """
    kinds = [kind] if kind else list(KINDS)
    found = [(entry(one, name), "") for one in kinds if name in names(one)]
    part, dot, option = name.rpartition(".")
    if not found and dot:
        holders = [entry(one, part) for one in kinds if part in names(one)]
        found = [(holder, option) for holder in holders if option in _options(holder)]
        if not found and (options := [name for holder in holders for name in _options(holder)]):
            raise unknown(f"option of {part!r}", option, options)
    if not found and (whole := _ending(name, kinds)):
        raise ValueError(f"{name!r} alone names no part: did you mean {' or '.join(whole[:MOST_WHOLE])}?")
    if not found:
        raise unknown(KINDS[kind].noun if kind else "name", name, dict.fromkeys(_all(kinds)))
    return found


def _ending(name: str, kinds: list[str]) -> list[str]:
    """The settings and options whose last part this is: "train.steps", "mig.num_bins"."""
    settings = [one for kind in kinds for one in names(kind) if one.endswith(f".{name}")]
    holders = (entry(kind, one) for kind in kinds if kind in WITH_OPTIONS for one in names(kind))
    return settings + [f"{holder.name}.{name}" for holder in holders if name in _options(holder)]


def _options(holder: Entry) -> list[str]:
    return [option.name for option in holder.options]


def _all(kinds: list[str]) -> Iterator[str]:
    for kind in kinds:
        yield from names(kind)
