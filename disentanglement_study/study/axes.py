"""What a sweep varies: hyperparameters and options of methods, options of data sets, settings of nets and training."""

import dataclasses
import itertools
import json
from collections.abc import Iterable, Mapping
from typing import Any

from disentanglement_study import data
from disentanglement_study.config import OF_RUNS, PARTS, SECTIONS, Study, search_path
from disentanglement_study.config.declared import check
from disentanglement_study.config.sweep_text import parse
from disentanglement_study.errors import clipped, unknown
from disentanglement_study.methods import METHODS
from disentanglement_study.study.components import (
    KINDS,
    Parameters,
    holder_of_runs,
    kind_of,
    method_options,
    without_options,
)

Values = dict[str, list[Any]]  # of each axis


def strengths(method: str, given: Mapping[str, Any]) -> Values:
    """The values of each hyperparameter of a method, in the order in which it declares them."""
    _known(method, given)
    kinds, called = METHODS[method].given, {name: name for name in METHODS[method].hyper}
    for other, name in METHODS[method].instead.items():
        if other in given and name in given:
            raise ValueError(f"{method}.{name} and {method}.{other} are given: expected one of them")
        called |= {name: other} if other in given else {}
    missing = [name for name in called.values() if name not in given]
    if missing:
        usual = METHODS[method].usual
        written = ", ".join(f"{method}.{name} = {usual[name]}" for name in missing if name in usual)
        hint = f" (such as {written})" if written else ""
        raise ValueError(f"{method}: the sweep gives no value for {', '.join(missing)}{hint}")
    axes = {}
    for name in called.values():
        values = _listed(f"{method}.{name}", given[name], f": the sweep has no runs of {method}")
        for value in values:
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise ValueError(f"{method}.{name} = {clipped(value)}: a strength is a number")
        axes[name] = _distinct(f"{method}.{name}", [check(f"{method}.{name}", value, kinds[name]) for value in values])
    return axes


def settings(method: str, given: Mapping[str, Any], study: Study) -> Values:
    """The values of what a method's runs have instead of the study's settings: {"nets.num_latents": [2, 5]}.

    Those of `sweep.axes`, the method's options that the sweep gives beside its hyperparameters, and of `sweep.own`.
    """
    _known(method, given)
    options = {f"{method}.{name}": value for name, value in given.items() if name not in METHODS[method].given}
    if twice := options.keys() & study.sweep.axes.keys():
        raise ValueError(f"{min(twice)} is given twice, once in sweep.axes: give it once")
    ours = {axis: value for axis, value in study.sweep.axes.items() if _concerns(axis, method, study)}
    axes = _values(ours, "sweep.axes: ") | _values(options) | _own(method, study)
    _check_in_use(axes, study)
    return axes


def of_data_set(name: str, study: Study) -> Values:
    """The values of a data set's options: those given beside its name, and those of `sweep.axes`."""
    given = study.sweep.data_sets[name] if isinstance(study.sweep.data_sets, dict) else {}
    declared = _declared(name) if name in data.COMPUTED else {}
    for option in given:
        if not declared:
            raise without_options(name, option)
        if option not in declared:
            raise unknown(f"option of data set {name!r}", option, declared)
    if not declared:
        return {}
    options = {f"{name}.{option}": value for option, value in given.items()}
    if twice := options.keys() & study.sweep.axes.keys():
        raise ValueError(f"{min(twice)} is given twice, once in sweep.axes: give it once")
    ours = {axis: value for axis, value in study.sweep.axes.items() if _split(axis, study)[0] == name}
    return _values(ours, "sweep.axes: ") | _values(options)


def _concerns(axis: str, method: str, study: Study) -> bool:
    """Whether a method's runs differ by this axis."""
    section, _ = _split(axis, study)
    return section == method or ((section in OF_RUNS or bool(holder_of_runs(section))) and _matters(axis, method))


def _values(axes: Mapping[str, Any], place: str = "") -> Values:
    """The values of each axis, of the types and in the ranges that are declared."""
    values = {}
    for axis, given in axes.items():
        section, _, name = axis.partition(".")
        listed, where = _listed(f"{place}{axis}", given, ": the sweep has no runs"), f"{place}{axis}"
        values[axis] = _distinct(where, [check(where, one, _declared(section)[name]) for one in listed])
    return values


def _own(method: str, study: Study) -> Values:
    """The one value of each setting that `sweep.own` gives the runs of a method."""
    for of in study.sweep.own:
        if of not in METHODS and holder_of_runs(of) is None:
            raise ValueError(f"sweep.own: {unknown('method, net or sampling', of, METHODS)}")
    own = {}
    for name, value in study.sweep.own.get(method, {}).items():
        section, _, field = name.partition(".")
        if section in METHODS or field not in _declared(section) or not (section in OF_RUNS or holder_of_runs(section)):
            raise ValueError(f"{method}/{name}: {unknown('setting of runs', name, _all_axes(OF_RUNS))}")
        if name in study.sweep.axes:
            raise ValueError(f"{method}/{name} is given, and {name} is in sweep.axes too: give it once")
        if not _matters(name, method):
            raise ValueError(f"{method}/{name} makes no difference to {method}: leave it out")
        own[name] = [check(f"{method}/{name}", value, _declared(section)[field])]
    return own


def kept(study: Study, bindings: Iterable[str]) -> dict[str, tuple[Any, Any]]:
    """What `sweep.own` goes before of these bindings over a sweep: {"factor_vae/train.steps": (20000, 50)}, the value
    that a method keeps, and that of the others. A binding of the method itself keeps nothing back."""
    given = [one for text in bindings for one in parse(text, "--gin", search_path())]
    changed = {one.key for one in given}
    return {
        f"{method}/{name}": (own, of_others)
        for method, settings_of_one in study.sweep.own.items()
        if method in METHODS
        for name, own in settings_of_one.items()
        if name in changed and f"{method}/{name}" not in changed and own != (of_others := value(name, study))
    }


def _matters(name: str, method: str) -> bool:
    """Whether a setting, or an option of a net or sampling, makes a difference to a method. Its own options do."""
    setting, uses = holder_of_runs(name.partition(".")[0]) or name, METHODS[method].uses
    section = setting.partition(".")[0]
    return section not in OF_RUNS or uses is None or bool({section, setting} & set(uses))


def _check_in_use(axes: Values, study: Study) -> None:
    """ValueError for options of a net or sampling that no run chooses, or that are given with all others too."""
    for name in axes:
        holder = holder_of_runs(name.partition(".")[0])
        if holder in axes:
            raise ValueError(
                f"sweep.axes: {name} is an option of {holder}, which is an axis too: give only one of them"
            )
        chooser = PARTS[holder][0] if holder else None
        choices = axes.get(chooser or "", [study.value(chooser)])
        if not any(_in_use(name, {chooser or "": choice}, study) for choice in choices):
            raise ValueError(
                f"{name} has no effect on runs with {chooser} = {' or '.join(map(repr, choices))}: leave it out"
            )


def _in_use(name: str, chosen: Mapping[str, Any], study: Study) -> bool:
    """Whether runs with these settings choose the net or sampling of which this is an option; true of all else."""
    part = name.partition(".")[0]
    if not (holder := holder_of_runs(part)):
        return True
    chooser, pattern = PARTS[holder]
    return pattern.format(chosen.get(chooser or "", study.value(chooser))) == part


def value(name: str, study: Study) -> Any:
    """What runs with the settings of this study have of an axis; None of an option of a net or sampling not in use."""
    section, _, field = name.partition(".")
    if section in SECTIONS:
        return study.value(name)
    holder = holder_of_runs(section)
    if not _in_use(name, {}, study):
        return None
    given = study.value(holder) if holder else study.options.get(section, {})
    return given.get(field, _options(section)[field].default)


def combinations(axes: Values) -> list[dict[str, Any]]:
    """One value of each axis, in all ways."""
    return [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]


def of_runs(axes: Values, study: Study) -> list[dict[str, Any]]:
    """The same of settings: an option of a net or sampling is an axis of the runs that choose it."""
    found: dict[str, dict[str, Any]] = {}
    for chosen in combinations(axes):
        kept = {name: value for name, value in chosen.items() if _in_use(name, chosen, study)}
        found.setdefault(json.dumps(kept), kept)
    return list(found.values())


def _known(method: str, given: Mapping[str, Any]) -> None:
    if method not in METHODS:
        raise unknown("method", method, METHODS)
    options = _declared(method)
    for name in given:
        if name not in METHODS[method].given and name not in options:
            kind = "hyperparameter" if not options else "hyperparameter or option"
            raise unknown(f"{kind} of {method!r}", name, [*METHODS[method].given, *options])


def _split(axis: str, study: Study) -> tuple[str, str]:
    """The section and the name of an axis."""
    section, dot, name = axis.partition(".")
    if section in SECTIONS and section not in OF_RUNS:
        raise ValueError(
            f"sweep.axes: {axis!r} is not a setting of runs: an axis is a setting of {' or '.join(OF_RUNS)}, "
            "or an option of a method, data set, net or sampling"
        )
    if dot and section in study.sweep.data_sets and section not in data.COMPUTED:
        raise ValueError(f"sweep.axes: {without_options(section, name)}")
    kind = kind_of(section)
    if section in METHODS and name in METHODS[section].given:
        raise ValueError(f"sweep.axes: {axis!r} is a hyperparameter: give its values as {axis} = [1, 2]")
    if kind and name in kind.parameters(section) and not holder_of_runs(section):
        if kind.word == "metric":
            raise ValueError(f"sweep.axes: {axis!r} is an option of a metric, and only settings of runs can be axes")
        if section not in (*study.sweep.methods, *study.sweep.data_sets):
            raise ValueError(f"sweep.axes: {axis!r}: the {kind.word} {section!r} is not in the sweep")
    sections = (*OF_RUNS, *study.sweep.methods, *study.sweep.data_sets)
    if not dot or not (section in sections or holder_of_runs(section)) or name not in _declared(section):
        raise ValueError(f"sweep.axes: {unknown('axis', axis, _all_axes(sections))}")
    return section, name


def _all_axes(sections: Iterable[str]) -> list[str]:
    parts = [name for kind in KINDS for name in kind.names() if holder_of_runs(name)]
    return [f"{section}.{name}" for section in (*sections, *parts) for name in _declared(section)]


def _declared(section: str) -> dict[str, Any]:
    """{name: annotation} of a section's settings, or of the options of a method, data set, net or sampling."""
    if section in SECTIONS:
        return {field.name: field.type for field in dataclasses.fields(SECTIONS[section])}
    return {name: option.annotation for name, option in _options(section).items()}


def _options(section: str) -> Parameters:
    """The options of a method, data set, net or sampling: none of what is no component."""
    if section in METHODS:
        return method_options(section)
    kind = kind_of(section)
    return kind.parameters(section) if kind else {}


def _distinct(place: str, values: list[Any]) -> list[Any]:
    for at, value in enumerate(values):
        if value in values[:at]:
            raise ValueError(f"{place} names {clipped(value)} twice: expected once")
    return values


def _listed(place: str, value: Any, what: str) -> list[Any]:
    values = list(value) if isinstance(value, list | tuple) else [value]
    if not values:
        raise ValueError(f"{place} is an empty list{what}")
    return values
