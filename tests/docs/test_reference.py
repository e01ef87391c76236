"""The reference pages: everything that there is has its place, and Markdown shows the text as it is."""

import html
import importlib.util
import re
from pathlib import Path

import markdown
import pytest

from disentanglement_study import cli, describe
from disentanglement_study.describe import prose
from disentanglement_study.store import columns

FILE = Path(__file__).parents[2] / "docs" / "hooks" / "reference.py"
OF = {
    "metrics": ("metrics",),
    "methods": ("methods",),
    "data": ("data", "samplings"),
    "nets": ("nets",),
    "sweeps": ("sweeps",),
    "figures": ("figures",),
}
EXTENSIONS = ["tables", "fenced_code", "admonition", "toc"]


@pytest.fixture(scope="module")
def reference():
    spec = importlib.util.spec_from_file_location("reference", FILE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def pages(reference):
    return reference.pages()


@pytest.fixture(scope="module")
def shown(pages):
    """{page: its HTML}."""
    return {Path(name).stem: markdown.markdown(text, extensions=EXTENSIONS) for name, text in pages.items()}


def words(page: str) -> str:
    """What a reader sees of HTML."""
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page)).split())


def anchors(page: str) -> list[str]:
    return re.findall(r'<h2 id="(.*?)"', page)


def test_there_are_nine_pages_and_none_is_empty(pages):
    names = ["metrics", "methods", "data", "nets", "settings", "cli", "store", "sweeps", "figures"]
    assert [*pages] == [f"reference/{name}.md" for name in names]
    assert min(map(len, pages.values())) > 1000
    assert all(text.startswith("# ") for text in pages.values())


@pytest.mark.parametrize("page", OF)
def test_every_part_has_its_heading(page, shown):
    names = [name for kind in OF[page] for name in describe.names(kind)]
    assert anchors(shown[page])[: len(names)] == names
    if page == "figures":
        assert anchors(shown[page])[len(names) :] == [f"{name}-table" for name in describe.names("tables")]
    else:
        assert len(anchors(shown[page])) == len(names)


def test_every_setting_column_and_command_is_there(shown, reference):
    settings = [name for name in describe.names("settings") if "." in name]
    assert [name for name in settings if f"<code>{name}</code>" not in shown["settings"]] == []
    assert anchors(shown["settings"]) == [name for name in describe.names("settings") if "." not in name]
    assert anchors(shown["store"]) == [*columns.TABLES]
    for table in columns.TABLES.values():
        assert [one.name for one in table if f"<code>{one.name}</code>" not in shown["store"]] == []
    commands = [name for name, _, _ in reference._commands(cli.parser())]
    assert {"run", "data list", "explain"} <= {*commands}
    assert anchors(shown["cli"]) == [name.replace(" ", "-") for name in commands]


def test_links_lead_to_headings(pages, shown):
    for name, text in pages.items():
        page = shown[Path(name).stem]
        ids = re.findall(r' id="(.*?)"', page)
        links = re.findall(r'href="#(.*?)"', page)
        assert [link for link in links if link not in ids] == []
        assert text.count("](#") == len(links)
        assert (len(links) > 4) == (Path(name).stem != "settings")


@pytest.mark.parametrize("page", OF)
def test_docstrings_are_shown_as_they_are(page, shown):
    seen = words(shown[page])
    for kind in (*OF[page], *(["tables"] if page == "figures" else [])):
        for name in describe.names(kind):
            entry = describe.entry(kind, name)
            for part in prose.parts(entry.docstring):
                for line in part.lines:
                    text = " ".join(words(html.escape(line)).replace("`", " ").split())
                    assert squeezed(text) in squeezed(seen), (name, line)
            assert squeezed(entry.source) in squeezed(seen)


def squeezed(text: str) -> str:
    """Without what tags put between letters."""
    return re.sub(r"[\s`]", "", text)


def test_tables_have_as_many_cells_in_every_row(pages, shown):
    for name, text in pages.items():
        page = shown[Path(name).stem]
        lines = len(re.findall(r"^\|(?! ---)", text, flags=re.MULTILINE))
        assert page.count("<tr>") == lines
        for table in re.findall("<table>(.*?)</table>", page, flags=re.DOTALL):
            rows = re.findall("<tr>(.*?)</tr>", table, flags=re.DOTALL)
            assert len({len(re.findall("<t[dh]", row)) for row in rows}) == 1


@pytest.mark.parametrize(
    "text",
    [
        "codes [N, D] and a*b*c, _x_ and __y__ | z",
        "- no item",
        "# no heading",
        "1. no number",
        "a < b > c & d, <b>bold</b>",
        "back\\slash {braces} [link](there)",
    ],
)
def test_markdown_changes_nothing_in_a_text(reference, text):
    page = markdown.markdown(reference.escaped(text), extensions=EXTENSIONS)
    assert page == f"<p>{html.escape(text, quote=False)}</p>"
    table = markdown.markdown(reference._table(("a", "b"), [(text, "`c | d`")]), extensions=EXTENSIONS)
    assert f"<td>{html.escape(text, quote=False)}</td>\n<td><code>c | d</code></td>" in table


def test_a_docstring_has_paragraphs_lists_and_lines_that_stay():
    text = "One\ntwo.\n\n    x = y\n      + z\n\n- first\n  goes on\n- second\n\nLast:\n    a\n"
    assert prose.parts(text) == [
        prose.Part("text", ("One two.",)),
        prose.Part("lines", ("x = y", "  + z")),
        prose.Part("items", ("first goes on", "second")),
        prose.Part("text", ("Last:",)),
        prose.Part("lines", ("a",)),
    ]


def test_what_some_pages_say(shown):
    metrics = words(shown["metrics"])
    assert "How far is a factor's best code ahead? Chen et al. 2018 sample 0 to 1, higher is better 0.056" in metrics
    assert "num_bins int (2 or more, at most 100000) 20" in metrics
    assert "690,517 parameters" in words(shown["methods"])
    assert "sweep.seeds = 50" in words(shown["sweeps"])
    assert "train.steps int (1 or more, at most 2147483647) 300000 The number of updates." in words(shown["settings"])
    assert "--where EXPRESSION" in words(shown["cli"])
