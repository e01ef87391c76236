"""What DuckDB says of SQL that it refuses, in one line, with what was meant."""

import dataclasses
import difflib
import re
from collections.abc import Collection

from disentanglement_study.config import OF_RUNS, SECTIONS

CANDIDATES = "Candidate bindings: "  # columns, the nearest first
NO_COLUMN = re.compile(r'Referenced column "(.+)" not found|does not have a column named "(.+)"')
TEXT = re.compile(r"'(?:[^']|'')*'|\"[^\"]*\"")  # what may hold any sign
OTHER_QUOTES = re.compile("[‘’‚‛“”„‟`´]")  # of word processors, web pages and other databases
SETTINGS = {f"{name}.{field.name}" for name in OF_RUNS for field in dataclasses.fields(SECTIONS[name])}
NO_TABLE = re.compile(r'Referenced table "(.+)" not found')


def explained(message: str, sql: str, columns: Collection[str]) -> str:
    """DuckDB's message for this SQL in one line; `columns` are those of all tables."""
    first, *more = message.partition("\n\n")[0].split("\n")
    if found := OTHER_QUOTES.search(TEXT.sub("", sql)):
        return f"{first.rstrip('!.')}. {found[0]} is not a quotation mark of SQL: put a text in single quotes ('mig')."
    if found := NO_COLUMN.search(first):
        name = found[1] or found[2]
        if name in SETTINGS:
            where = "It is a column of runs" if name in columns else "All runs have its default value"
            return f"{first.rstrip('!')}. {where}."
        near = [line.removeprefix(CANDIDATES) for line in more if line.startswith(CANDIDATES)]
        near = near or [f'"{one}"' for one in difflib.get_close_matches(name, columns, n=3)]
        hints = [f"Did you mean {near[0]}?"] if near else []
        if found[1] and f'"{name}"' in sql and name not in columns:
            quoted = name.replace("'", "''")
            hints.insert(0, f"Double quotes are for columns: put a text in single quotes, '{quoted}'.")
        return " ".join([first.rstrip("!") + ".", *hints])
    if found := NO_TABLE.search(first):
        wanted = re.escape(found[1]) + r"\.\w+"
        if setting := next((name for name in re.findall(wanted, sql) if name in columns), None):
            return f'{first.rstrip("!")}. Put a column name with a dot in double quotes: "{setting}".'
    return " ".join([first, *(line for line in more if not line.startswith("\t"))])
