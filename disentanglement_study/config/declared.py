"""What a setting or option may be is declared once, in its annotation, and checked here: type and range in one line.

    steps: Annotated[int, Interval(ge=1, le=10)]        backend: Annotated[str, OneOf(lambda: BACKENDS)]

Ranges are those of the package annotated-types (Ge, Gt, Le, Lt, Interval, Len, MultipleOf). Upper bounds are
generous: they stop a slip of the hand, and what no machine holds.
"""

import collections.abc
import dataclasses
import itertools
import math
import types
import typing
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

import annotated_types

from disentanglement_study.errors import clipped, nearest, unknown

# In a message; "{}" is the bound.
_RANGES = {"ge": "{} or more", "gt": "above {}", "le": "at most {}", "lt": "below {}"}
_HOLDS = {
    "ge": lambda value, bound: value >= bound,
    "gt": lambda value, bound: value > bound,
    "le": lambda value, bound: value <= bound,
    "lt": lambda value, bound: value < bound,
    "max_length": lambda value, bound: len(value) <= bound,
    "min_length": lambda value, bound: len(value) >= bound,
    "rising": lambda value, _: all(low < high for low, high in itertools.pairwise(value)),
    "multiple_of": lambda value, bound: value % bound == 0,
}


@dataclasses.dataclass(frozen=True)
class OneOf:
    """A name out of a registry, which `registry()` gives: it may stand below what is annotated. Not a Literal, so that
    there is one list of names."""

    registry: Callable[[], Iterable[str]]

    @property
    def names(self) -> list[str]:
        return list(self.registry())


@dataclasses.dataclass(frozen=True)
class Rising:
    """Numbers, each above the one before."""

    rising: bool = True


class _Misfit(Exception):
    """The value is not what is declared."""


def check(place: str, value: Any, declared: Any) -> Any:
    """`value` as the declared type has it: a float for a whole number, a tuple for a list. ValueError if it is not."""
    try:
        return _fitted(value, declared)
    except _Misfit:
        is_empty = isinstance(value, list | tuple | dict) and not value
        if is_empty and _needs_one(declared):
            noun = place.rpartition(".")[2].removesuffix("s").replace("_", " ")
            raise ValueError(f"{place} is empty: at least one {noun} is needed") from None
        shown = f"{place} is empty" if is_empty else None
        message = f"{shown or f'{place} = {clipped(value)}'}: expected {words(declared)}"
        given = [one[:50] for one in (value if isinstance(value, list | tuple) else [value]) if isinstance(one, str)]
        allowed = _names(declared)
        near = [meant for one in given if one not in allowed and (meant := nearest(one, allowed))]
        raise ValueError(message + (f" (did you mean {near[0]}?)" if near else "")) from None


def _needs_one(declared: Any) -> bool:
    """Whether an annotation, or one of its alternatives, is of one value or more."""
    if typing.get_origin(declared) in (typing.Union, types.UnionType):
        return any(map(_needs_one, typing.get_args(declared)))
    return typing.get_origin(declared) is typing.Annotated and any(
        getattr(limit, "min_length", 0) for limit in _limits(declared)
    )


def check_options(
    kind: str, options: Mapping[str, Any], declared: Mapping[str, Any], required: Iterable[str] = ()
) -> dict:
    """The options of `kind`, as {option: annotation} declares them; ValueError for one that is unknown or missing."""
    for option in options:
        if option not in declared:
            raise unknown(f"option of {kind}", option, declared)
    if missing := [option for option in required if option not in options]:
        raise ValueError(f"{kind}: no value for {', '.join(missing)}")
    return {option: check(f"{kind}: {option}", value, declared[option]) for option, value in options.items()}


def _fitted(value: Any, declared: Any) -> Any:
    origin, arguments = typing.get_origin(declared), typing.get_args(declared)
    if origin is typing.Annotated:
        value = _fitted(value, arguments[0])
        if not all(_holds(value, limit) for limit in _limits(declared)):
            raise _Misfit
        return value
    if declared is Any:
        return value
    if origin is Literal:
        return _only(value, any(type(value) is type(one) and value == one for one in arguments))
    if origin in (typing.Union, types.UnionType):
        return _first_fit(value, arguments)
    if origin in (tuple, list, collections.abc.Sequence) or declared is list:
        return _fitted_list(value, origin or list, arguments)
    if origin is dict:
        _only(value, isinstance(value, dict))
        return {_fitted(k, arguments[0]): _fitted(v, arguments[1]) for k, v in value.items()}
    if isinstance(value, bool):
        return _only(value, declared is bool)
    if declared is float and isinstance(value, int | float):
        try:
            return _only(float(value), not math.isnan(value))
        except OverflowError:
            raise _Misfit from None
    return _only(value, value is None if declared is type(None) or declared is None else isinstance(value, declared))


def _only(value: Any, fits: bool) -> Any:
    if not fits:
        raise _Misfit
    return value


def _first_fit(value: Any, alternatives: Iterable[Any]) -> Any:
    for alternative in alternatives:
        try:
            return _fitted(value, alternative)
        except _Misfit:
            continue
    raise _Misfit


def _fitted_list(value: Any, origin: type, arguments: tuple) -> Any:
    _only(value, isinstance(value, list | tuple))
    if origin is tuple and Ellipsis not in arguments:
        _only(value, len(value) == len(arguments))
        return tuple(_fitted(one, kind) for one, kind in zip(value, arguments, strict=True))
    kind = arguments[0] if arguments else Any
    fitted = [_fitted(one, kind) for one in value]
    return fitted if origin is list else tuple(fitted)


def _limits(declared: Any) -> list[Any]:
    """The single limits of an annotation: an Interval is one for each of its ends."""
    limits: list[Any] = []
    for limit in typing.get_args(declared)[1:]:
        limits += limit if isinstance(limit, annotated_types.GroupedMetadata) else [limit]
    return limits


def _holds(value: Any, limit: Any) -> bool:
    if isinstance(limit, OneOf):
        return value in limit.names
    return all(_HOLDS[name](value, bound) for name, bound in _ends(limit).items())


def _ends(limit: Any) -> dict[str, Any]:
    """{"ge": 1} of Ge(1)."""
    return {field.name: getattr(limit, field.name) for field in dataclasses.fields(limit)}


def words(declared: Any) -> str:
    """An annotation as an error shows it: "int (1 or more, at most 10)", "a list of names"."""
    origin, arguments = typing.get_origin(declared), typing.get_args(declared)
    if origin is typing.Annotated:
        said = [_said(limit) for limit in _limits(declared)]
        return f"{words(arguments[0])} ({', '.join(said)})"
    if origin in (typing.Union, types.UnionType):
        return _either(map(words, arguments))
    if origin is Literal:
        return _either(map(repr, arguments))
    if origin is dict:
        inner = typing.get_origin(arguments[1]) or arguments[1]
        return "a dictionary" + {dict: " of dictionaries", list: " of lists"}.get(inner, "")
    if origin is tuple and Ellipsis not in arguments:
        return f"[{', '.join(map(words, arguments))}]"
    if origin in (tuple, list, collections.abc.Sequence):
        of = {str: " of names", Any: ""}.get(arguments[0], f" of {words(arguments[0])}")
        return f"a list{of}"
    plain = {type(None): "None", list: "a list", dict: "a dictionary", str: "a string"}
    return plain.get(declared, "") or getattr(declared, "__name__", str(declared))


def _either(alternatives: Iterable[str]) -> str:
    *others, last = alternatives
    return f"{', '.join(others)} or {last}" if others else last


def _said(limit: Any) -> str:
    if isinstance(limit, OneOf):
        return f"one of {', '.join(limit.names)}"
    if isinstance(limit, Rising):
        return "rising"
    ((name, bound),) = _ends(limit).items()
    if name == "min_length":
        return "1 value or more" if bound == 1 else f"{bound} values or more"
    if name == "max_length":
        return f"{bound} values or fewer"
    return f"a multiple of {bound}" if name == "multiple_of" else _RANGES[name].format(bound)


def _names(declared: Any) -> list[str]:
    """All names that an annotation lists."""
    if isinstance(declared, OneOf):
        return declared.names
    if typing.get_origin(declared) is Literal:
        return [name for name in typing.get_args(declared) if isinstance(name, str)]
    parts = [*typing.get_args(declared), *getattr(declared, "__metadata__", ())]
    return [name for part in parts for name in _names(part)]
