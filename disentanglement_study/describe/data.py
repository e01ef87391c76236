"""Data sets: those of the catalogue, and those that are computed from options."""

import dataclasses
import inspect
import math
import sys
from typing import TYPE_CHECKING

from disentanglement_study import data
from disentanglement_study.analysis import names as shown
from disentanglement_study.config.declared import words
from disentanglement_study.config.identity import default
from disentanglement_study.describe import costs
from disentanglement_study.describe.entry import Entry, Option, file_of, sentence, texts_of, written
from disentanglement_study.runtime.words import counted

if TYPE_CHECKING:
    from disentanglement_study.data.catalogue import Facts

ORIGINS = {
    "rendered": "rendered here at its first use",
    "published": "read or downloaded from its published files: `data prepare`",
    "computed": "computed from its options whenever it is used",
}
AUXILIARY = {"segment": ("segment",), "time": ("time",), "u": ("number of u", "numbers of u")}


def names() -> list[str]:
    return shown.in_order([*data.CATALOGUE, *data.COMPUTED], shown.DATA_SETS | dict.fromkeys(data.COMPUTED, ""))


def line(name: str) -> str:
    return _parts(name)[1]


def entry(name: str) -> Entry:
    facts, origin = data.facts(name), origin_of(name)
    source, about = _parts(name)
    known = {"factors": _factors(facts), "truth": truth(facts), "inputs": _inputs(facts), "comes from": ORIGINS[origin]}
    if facts.auxiliary:
        known["beside"] = ", ".join(counted(size, *AUXILIARY[one]) for one, size in facts.auxiliary.items())
    where = _module(name)
    return Entry(
        kind="data",
        name=name,
        title=shown.label(name, shown.DATA_SETS),
        about=about,
        source=source,
        facts={**known, "cost": _size(name, facts)},
        options=_options(name),
        docstring=inspect.cleandoc(sys.modules[where].__doc__ or ""),
        code=file_of(where),
        in_sweep=(f"sweep.data_sets = ['{name}']",),
        commands=(f"disentanglement-study data {'info' if origin == 'computed' else 'show'} {name}",),
        in_python=("from disentanglement_study import data", f'data.load("{name}")'),
    )


def origin_of(name: str) -> str:
    """How a set comes here: it is computed, rendered or published."""
    return "computed" if name in data.COMPUTED else "rendered" if name in data.DATASETS else "published"


def truth(facts: "Facts") -> str:
    """The grid of factors, or how many sources there are, and at how many points."""
    if facts.num_points is not None:
        sources = counted(len(facts.factor_names), "source") if facts.factor_names else "no truth"
        return f"{sources} at {counted(facts.num_points, 'point')}"
    return "x".join(map(str, facts.factor_sizes))


def _parts(name: str) -> tuple[str, str]:
    """The source, and what the set is: the catalogue has "dSprites, Matthey et al. 2017: white sprites on black"."""
    source, _, about = data.facts(name).source.partition(": ")
    return ("none: it is ours" if source == "ours" else source), sentence(about)


def _factors(facts: "Facts") -> str:
    if facts.num_points is not None:
        return " to ".join(dict.fromkeys([facts.factor_names[0], facts.factor_names[-1]]))
    return ", ".join(f"{name} ({size})" for name, size in zip(facts.factor_names, facts.factor_sizes, strict=True))


def _inputs(facts: "Facts") -> str:
    if len(facts.input_shape) == 3:
        return f"images of {'x'.join(map(str, facts.input_shape))}"
    return f"vectors of {counted(facts.input_shape[0], 'number')}"


def _size(name: str, facts: "Facts") -> str:
    """How many inputs there are, and the memory that they take."""
    number = costs.images(name) or facts.num_points or math.prod(facts.factor_sizes)
    what = counted(number, "image" if len(facts.input_shape) == 3 else "vector")
    measured = costs.megabytes(name)
    if measured is None:
        return f"{what}, {number * math.prod(facts.input_shape) * 4 / 1e6:,.1f} MB in memory"
    return f"{what}, {measured:,.1f} MB on disk and in memory"


def _options(name: str) -> tuple[Option, ...]:
    of = data.options_of(name)
    if of is None:
        return ()
    texts = texts_of(of)
    return tuple(
        Option(field.name, words(field.type), written(default(field)), sentence(texts.get(field.name, "")))
        for field in dataclasses.fields(of)
    )


def _module(name: str) -> str:
    """The module that makes or reads a set."""
    if name in data.COMPUTED:
        return data.COMPUTED[name].load.__module__
    return data.DATASETS[name].__module__ if name in data.DATASETS else "disentanglement_study.data.prepared"
