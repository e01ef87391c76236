"""The documentation site: it builds without a warning, asks no other machine for anything, and shows what it should."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pages
import pytest

from disentanglement_study import metrics


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """What `make docs` builds. Broken links, references and anchors are warnings, and a warning is a failure."""
    folder = tmp_path_factory.mktemp("site")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(folder)],
        cwd=pages.ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return folder


def html(site: Path) -> dict[str, str]:
    return {path.relative_to(site).as_posix(): path.read_text(encoding="utf-8") for path in site.rglob("*.html")}


def test_every_page_is_there_and_can_be_reached(site):
    built = html(site)
    for page in pages.pages():
        if page.startswith("docs/"):
            assert page.removeprefix("docs/").removesuffix(".md") + ".html" in built
    home = built["index.html"]
    for page in built.keys() - {"404.html"}:
        assert f'href="{page}"' in home, page


def test_the_site_asks_no_other_machine_for_anything(site):
    asked = r'<(?:script|link|img|iframe|source)\b[^>]*(?:src|href)="(https?:[^"]+)"'
    found = {url for text in html(site).values() for url in re.findall(asked, text)}
    sheets = {
        url for path in site.rglob("*.css") for url in re.findall(r"url\(['\"]?(https?:[^)]+)\)", path.read_text())
    }
    assert found | sheets == set()


def test_every_picture_of_a_page_is_there(site):
    shown = 0
    for page, text in html(site).items():
        for source in re.findall(r'<img\b[^>]*src="([^"]+)"', text):
            if not source.startswith("data:"):
                assert ((site / page).parent / source).resolve().is_file(), (page, source)
                shown += 1
    assert shown > 20


def test_a_metric_is_found_by_its_name(site):
    index = json.loads((site / "search" / "search_index.json").read_text())
    found = {place["location"] for place in index["docs"]}
    assert {f"reference/metrics.html#{name}" for name in metrics.METRICS} <= found


def test_a_broken_link_is_a_failure(tmp_path):
    """What the site is built with tells a broken link: this is not taken for granted."""
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "index.md").write_text("[nowhere](nowhere.md) and [there](#not-there)")
    validation = re.search(r"^validation:\n(?:  .*\n)+", (pages.ROOT / "mkdocs.yml").read_text(), flags=re.MULTILINE)
    assert validation
    (tmp_path / "mkdocs.yml").write_text(f"site_name: x\nstrict: true\n{validation[0]}")
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build"], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "nowhere.md" in done.stderr
    assert "#not-there" in done.stderr
