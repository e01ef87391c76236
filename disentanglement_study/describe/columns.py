"""Columns: the tables that `query` reads, and what is in them."""

from disentanglement_study.describe.entry import Entry, bullets, first_sentence, sentence
from disentanglement_study.store.columns import ABOUT, TABLES, Column

NO_PAPER = "none: it is a column"


def names() -> list[str]:
    """Each table of a study, and each column that any of them has."""
    columns = [column.name for table in TABLES.values() for column in table]
    return list(dict.fromkeys([*TABLES, *columns]))


def line(name: str) -> str:
    return sentence(ABOUT[name].partition(":")[0]) if name in TABLES else first_sentence(_first(name).description)


def entry(name: str) -> Entry:
    table = name if name in TABLES else _tables(name)[0]
    column = "*" if name in TABLES else name
    facts = {"table of": bullets(one.name for one in TABLES[name])} if name in TABLES else _facts(name)
    text = sentence(ABOUT[name]) if name in TABLES else _first(name).description
    return Entry(
        kind="columns",
        name=name,
        title=name,
        about=line(name),
        source=NO_PAPER,
        facts=facts,
        noun="table of a study" if name in TABLES else "",
        docstring=text,
        code="disentanglement_study/store/columns.py",
        commands=(f'disentanglement-study query DIR "SELECT {column} FROM {table} LIMIT 5"',),
    )


def _facts(name: str) -> dict[str, str]:
    one = _first(name)
    facts = {"tables": bullets(_tables(name)), "type": one.type}
    return facts | ({"unit": one.unit} if one.unit else {})


def _tables(name: str) -> list[str]:
    return [table for table, columns in TABLES.items() if name in [column.name for column in columns]]


def _first(name: str) -> Column:
    return next(column for columns in TABLES.values() for column in columns if column.name == name)
