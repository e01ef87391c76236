"""How the site rewrites the links of the repository (docs/hooks/site.py)."""

import importlib.util

import pages
import pytest


@pytest.fixture(scope="module")
def hook():
    spec = importlib.util.spec_from_file_location("site_hook", pages.ROOT / "docs" / "hooks" / "site.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


ON_SITE = {
    "docs/papers/x.md": "papers/x.md",
    "results/small/README.md": "results/small/README.md",
    "results/small/a.png": "results/small/a.png",
    "CHANGELOG.md": "CHANGELOG.md",
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[a](../../results/small/README.md)", "[a](../results/small/README.md)"),
        ("[a](../../results/small#claims)", "[a](../results/small/README.md#claims)"),
        ("![a](../../results/small/a.png)", "![a](../results/small/a.png)"),
        ('<img src="../../results/small/a.png">', '<img src="../results/small/a.png">'),
        ("[`types.py`](../../disentanglement_study/types.py)", "`types.py`"),  # the site does not show it
        ("[a](../../nowhere.py)", "[a](../../nowhere.py)"),  # nobody does: left for the warning
        ("[a](#below) and [b](https://example.org/x)", "[a](#below) and [b](https://example.org/x)"),
        ("[changes](../../CHANGELOG.md)", "[changes](../CHANGELOG.md)"),
        ("codes [N, D] (floats)", "codes [N, D] (floats)"),
    ],
)
def test_links_of_a_page_in_docs(hook, text, expected):
    assert hook.linked(text, "docs/papers/x.md", "papers/x.md", ON_SITE) == expected


def test_links_of_a_page_of_the_repository(hook):
    here = "results/small/README.md"
    text = "[a](a.png), [page](../../docs/papers/x.md)"
    assert hook.linked(text, here, here, ON_SITE) == "[a](a.png), [page](../../papers/x.md)"


def test_where_a_file_of_the_site_lies(hook):
    assert hook.in_repository("results/small/README.md") == "results/small/README.md"
    assert hook.in_repository("CHANGELOG.md") == "CHANGELOG.md"
    assert hook.in_repository("how_to/query.md") == "docs/how_to/query.md"
    assert hook.in_repository("benchmarks/README.md") == "benchmarks/README.md"


def test_only_what_people_read_is_shown(hook):
    shown = hook.shown()
    assert "results/small/README.md" in shown
    assert "sweeps/quick.gin" in shown
    assert not [path for path in shown if path.endswith((".py", ".ipynb", ".js"))]
