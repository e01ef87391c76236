"""What a sweep varies: hyperparameters and options of methods, and settings of nets and training."""

import dataclasses
import itertools
from collections.abc import Mapping
from typing import Any

from disentanglement_study.config import SECTIONS, Study
from disentanglement_study.config.declared import check
from disentanglement_study.errors import clipped, unknown
from disentanglement_study.methods import METHODS

# The sections whose settings enter a run, and may be axes.
OF_RUNS = ("nets", "train")

Values = dict[str, list[Any]]  # of each axis


def strengths(method: str, given: Mapping[str, Any]) -> Values:
    """The values of each hyperparameter of a method, in the order in which it declares them."""
    _known(method, given)
    declared = METHODS[method].hyper
    missing = [name for name in declared if name not in given]
    if missing:
        raise ValueError(f"{method}: the sweep gives no value for {', '.join(missing)}")
    axes = {}
    for name in declared:
        values = _listed(f"{method}.{name}", given[name], f": the sweep has no runs of {method}")
        for value in values:
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise ValueError(f"{method}.{name} = {clipped(value)}: a strength is a number")
        kind = declared[name] if isinstance(declared, dict) else float
        axes[name] = [check(f"{method}.{name}", value, kind) for value in values]
    return axes


def settings(method: str, given: Mapping[str, Any], study: Study) -> Values:
    """The values of what a method's runs have instead of the study's settings: {"nets.num_latents": [2, 5]}.

    Those of `sweep.axes`, and the options of the method that the sweep gives beside its hyperparameters.
    """
    _known(method, given)
    options = {f"{method}.{name}": value for name, value in given.items() if name not in METHODS[method].hyper}
    if twice := options.keys() & study.sweep.axes.keys():
        raise ValueError(f"{min(twice)} is given in sweep.methods and in sweep.axes: give it once")
    axes = {}
    for axis, value in {**study.sweep.axes, **options}.items():
        section, name = _split(axis, study)
        if section in METHODS and section != method:
            continue
        uses = METHODS[method].uses
        if section in OF_RUNS and uses is not None and not {section, axis} & set(uses):
            continue
        kind = _declared(section)[name]
        place = axis if axis in options else f"sweep.axes: {axis}"
        axes[axis] = [check(place, one, kind) for one in _listed(place, value, ": the sweep has no runs")]
    return axes


def combinations(axes: Values) -> list[dict[str, Any]]:
    """One value of each axis, in all ways."""
    return [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]


def _known(method: str, given: Mapping[str, Any]) -> None:
    if method not in METHODS:
        raise unknown("method", method, METHODS)
    options = _declared(method)
    for name in given:
        if name not in METHODS[method].hyper and name not in options:
            kind = "hyperparameter" if not options else "hyperparameter or option"
            raise unknown(f"{kind} of {method!r}", name, [*METHODS[method].hyper, *options])


def _split(axis: str, study: Study) -> tuple[str, str]:
    """The section and the name of an axis."""
    section, dot, name = axis.partition(".")
    if section in SECTIONS and section not in OF_RUNS:
        raise ValueError(
            f"sweep.axes: {axis!r} does not enter a run: an axis is a setting of {' or '.join(OF_RUNS)}, "
            "or an option of a method"
        )
    if not dot or section not in (*OF_RUNS, *study.sweep.methods) or name not in _declared(section):
        raise ValueError(f"sweep.axes: {unknown('axis', axis, _all_axes(study))}")
    return section, name


def _all_axes(study: Study) -> list[str]:
    return [f"{section}.{name}" for section in (*OF_RUNS, *study.sweep.methods) for name in _declared(section)]


def _declared(section: str) -> dict[str, Any]:
    """{name: annotation} of a section's settings, or of a method's options."""
    of = SECTIONS.get(section) or (METHODS[section].options if section in METHODS else None)
    return {} if of is None else {field.name: field.type for field in dataclasses.fields(of)}


def _listed(place: str, value: Any, what: str) -> list[Any]:
    values = list(value) if isinstance(value, list | tuple) else [value]
    if not values:
        raise ValueError(f"{place} is an empty list{what}")
    return values
