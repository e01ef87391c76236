"""Gin text is data: bindings come out, nothing is imported, called or kept.

gin's own parser reads the text, so the syntax is gin's: settings, blocks, macros, includes, comments, literals on
several lines. gin's registry, which would import modules and look up functions by name, is never asked.
"""

import itertools
import math
import pprint
import re
import tokenize
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from gin import config_parser

from disentanglement_study.errors import clipped, one_line, unknown

# Of all settings together. A few macros of macros would fill any memory; the largest sweep in use has 100.
MOST_VALUES = 1_000_000


class Binding(NamedTuple):
    """`scope/section.field = value`, or a macro `field = value` with no section; `place` is the file or option it is
    from."""

    place: str
    scope: str
    section: str
    field: str
    value: Any

    @property
    def key(self) -> str:
        return f"{self.scope}/{self.section}.{self.field}".removeprefix("/")


class _Macro(NamedTuple):
    name: str


class _Reference(NamedTuple):
    name: str


class _Delegate(config_parser.ParserDelegate):
    """Names stay names: what they stand for is settled when the whole text has been read."""

    def configurable_reference(self, scoped_configurable_name: str, evaluate: bool) -> _Reference:
        return _Reference(scoped_configurable_name)

    def macro(self, macro_name: str) -> _Macro:
        return _Macro(macro_name)


def parse(text: str, place: str, search: Sequence[Path] = (), within: tuple[Path, ...] = ()) -> Iterator[Binding]:
    """The bindings of a text, in order, with those of the files that it includes in their places.

    search: the folders in which included files are looked for (none: nothing may be included). within: the files whose
    text this is, the including ones first. Raises ValueError, in one line, for what is not gin and for an import.
    """
    for statement in _statements(text.removeprefix("\ufeff"), place):
        if isinstance(statement, config_parser.ImportStatement):
            raise ValueError(f"{place}: {clipped(statement.format())}: a sweep holds settings only, and cannot import")
        if isinstance(statement, config_parser.IncludeStatement):
            yield from _include(statement.filename, place, search, within)
        if isinstance(statement, config_parser.BindingStatement):
            scope, section, field, value, _ = statement
            macro = f"{scope}/{section}" if scope else section
            yield Binding(place, scope or "", section, field, value) if field else Binding(place, "", "", macro, value)


def parse_file(path: Path, search: Sequence[Path], within: tuple[Path, ...] = ()) -> Iterator[Binding]:
    """The same for a file. What it includes is looked for beside it first, then in `search`."""
    files = (*within, path)
    if path.resolve() in [file.resolve() for file in within]:
        raise ValueError(f"{files[0]}: an include loop: {' -> '.join(file.name for file in files)}")
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise ValueError(f"{path}: cannot be read: it is not a text file") from error
    except OSError as error:
        raise ValueError(f"{path}: cannot be read: {one_line(error)}") from error
    yield from parse(text, str(path), search, files)


def is_file(path: Path) -> bool:
    """Whether there is such a file; no error for a name that the system does not take."""
    try:
        return path.is_file()
    except OSError:
        return False


def _include(name: str, place: str, search: Sequence[Path], within: tuple[Path, ...]) -> Iterator[Binding]:
    if not search:
        raise ValueError(f"{place}: include {clipped(name)}: only a sweep file can include other files")
    folders = [*(file.parent for file in within[-1:]), *search]
    found = next((folder / name for folder in folders if is_file(folder / name)), None)
    if found is None:
        raise ValueError(f"{place}: there is no file {clipped(name)} to include")
    yield from parse_file(found, search, within)


def _statements(text: str, place: str) -> Iterator[Any]:
    """What gin's parser yields. It passes on what Python's tokenizer raises: any error means that this is not gin."""
    try:
        parser = config_parser.ConfigParser(text, _Delegate())
        while (statement := parser.parse_statement()) is not None:
            yield statement
    except SyntaxError as error:
        raise _not_gin(text, place, error.msg, error.lineno) from error
    except tokenize.TokenError as error:
        message, (number, _) = error.args
        raise _not_gin(text, place, message.removeprefix("unexpected "), number) from error  # as before Python 3.12
    except Exception as error:
        raise ValueError(f"{place}: not gin: {one_line(error) or type(error).__name__}") from error


def _not_gin(text: str, place: str, message: str, number: int | None) -> ValueError:
    """The error with the line that it is about: where the text ends too early, its last one that is not empty."""
    lines = [(at, line.strip()) for at, line in enumerate(text.split("\n")[:number], 1) if line.strip()]
    at, line = lines[-1] if lines else (1, "")
    # gin names a value that it cannot take by the object that Python made of it, and then by its text.
    message = re.sub(r"malformed node or string.*Failed to parse token", "no value:", one_line(message)).rstrip(".")
    return ValueError(f"{place}: not gin: {message}, in line {at}: {clipped(line)} (a setting is section.name = value)")


def settle(bindings: Sequence[Binding]) -> list[Binding]:
    """The last binding of each setting, in the order of these, with values in place of macros.

    Raises ValueError for a reference to a function, a macro that is not bound, is never used or stands for itself, and
    a value that is no finite number, string, list, dict or None.
    """
    macros = {binding.field: binding.value for binding in bindings if not binding.section}
    used: set[str] = set()
    count = itertools.count(1)
    last: dict[str, Binding] = {}
    for binding in bindings:
        if binding.section:
            last.pop(binding.key, None)
            last[binding.key] = binding
    settled = []
    for binding in last.values():
        try:
            settled.append(binding._replace(value=_value(binding.value, macros, used, count)))
        except ValueError as error:
            raise ValueError(f"{binding.place}: {binding.key}: {error}") from error
    for binding in bindings:
        if not binding.section and binding.field not in used:
            name = binding.field
            raise ValueError(
                f"{binding.place}: {name!r} is set and never used: write a setting as section.name, or use the macro "
                f"as %{name}"
            )
    return settled


def _value(value: Any, macros: dict[str, Any], used: set[str], count: Iterator[int], within: tuple = ()) -> Any:
    if next(count) > MOST_VALUES:
        raise ValueError(f"more than {MOST_VALUES:,} values")
    if isinstance(value, _Reference):
        raise ValueError(f"'@{value.name}': a sweep holds settings only, and cannot refer to a function")
    if isinstance(value, _Macro):
        if value.name in within:
            raise ValueError(f"the macro refers to itself: {' -> '.join(f'%{name}' for name in (*within, value.name))}")
        if value.name not in macros:
            raise unknown("macro", value.name, macros)
        used.add(value.name)
        return _value(macros[value.name], macros, used, count, (*within, value.name))
    if isinstance(value, list | tuple):
        return type(value)(_value(one, macros, used, count, within) for one in value)
    if isinstance(value, dict):
        items = ([_value(one, macros, used, count, within) for one in item] for item in value.items())
        return _as_dict(list(items))
    return _plain(value)


def _as_dict(items: list[list]) -> dict:
    for key, _ in items:
        if not isinstance(key, str):
            raise ValueError(f"the key {clipped(key)} of a dict is not a string")
    return dict(items)


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        try:
            value.encode()
        except UnicodeEncodeError:
            raise ValueError(f"{clipped(value)} holds half a character (a lone surrogate)") from None
    elif isinstance(value, int | float):
        try:
            finite = math.isfinite(value)
        except OverflowError:  # a whole number that no float holds
            finite = False
        if not finite:
            raise ValueError(f"{clipped(value)}: expected a finite number, of 308 digits at most")
    elif value is not None:
        raise ValueError(f"{clipped(value)}: expected a number, string, list, dict or None")
    return value


def written(sections: Mapping[str, Mapping[str, Any]], comments: Mapping[str, Mapping[str, Any]] | None = None) -> str:
    """The gin text of {section: {field: value}}, laid out as gin's own `config_str` does; `comments` bind nothing."""
    lines, comments = [], comments or {}
    for section in sorted({*sections, *comments}):
        lines += [f"# Parameters for {section}:", "# " + "=" * 78]
        bound = sections.get(section, {})
        for field, value in sorted({**comments.get(section, {}), **bound}.items()):
            lines += _laid_out(f"{section}.{field}", value, "" if field in bound else "# ")
        lines.append("")
    return "\n".join(lines)


def _laid_out(key: str, value: Any, before: str) -> list[str]:
    literal = pprint.pformat(value, width=76)
    if "\n" in literal or len(key + literal) > 80:
        return [f"{before}{key} = \\", *(f"{before}    {line}" for line in literal.split("\n"))]
    return [f"{before}{key} = {literal}"]
