"""Tables: what `tables` writes of a study."""

from disentanglement_study.describe import registry
from disentanglement_study.describe.entry import Entry, cited, file_of, first_sentence

HERE = "disentanglement_study.analysis.tables"


def names() -> list[str]:
    return registry.names(HERE, "TABLES")


def line(name: str) -> str:
    return first_sentence(_documented(name)[1])


def entry(name: str) -> Entry:
    module, text = _documented(name)
    python = (
        "from disentanglement_study import store",
        "from disentanglement_study.analysis import tables",
        f'tables.TABLES["{name}"](store.open("DIR").results())',
    )
    return Entry(
        kind="tables",
        name=name,
        title=name.replace("_", " ").capitalize(),
        about=line(name),
        source=cited(text),
        facts={"written": f"`{name}.csv`, and `tables.md` with all tables"},
        docstring=text,
        code=file_of(module),
        commands=("disentanglement-study tables DIR",),
        in_python=python,
    )


def _documented(name: str) -> tuple[str, str]:
    return registry.documented(HERE, registry.called(registry.items(HERE, "TABLES")[name][1])[0])
