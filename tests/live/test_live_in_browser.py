"""The page of `report --live` in a headless Chromium, where there is one."""

import pytest
from report_study import HOSTILE
from test_live import ended, losses_of, running, served  # noqa: F401

from disentanglement_study.live import server
from disentanglement_study.store import in_flight

SEEN = "document.getElementById('when')?.textContent.startsWith('As of')"
PATIENCE = 120.0  # seconds; reached only if what a test waits for never comes


@pytest.fixture(autouse=True)
def often(monkeypatch):
    monkeypatch.setattr(server, "FRESH_SECONDS", 0.2)
    monkeypatch.setattr(server, "REST", 0.0)


def opened(tab, one, width=1440, dark=False):
    tab.size(width, dark=dark)
    tab.open("about:blank")
    tab.events.clear()
    tab.call("Page.navigate", url=one.url)
    tab.wait(SEEN, PATIENCE)


def text(tab, selector):
    return tab.evaluate(f"document.querySelector('{selector}').textContent")


def assert_quiet(tab, one):
    assert tab.complaints() == []
    assert [url for url in tab.requests() if not url.startswith((one.url, "data:", "about:"))] == []


@pytest.mark.parametrize(("width", "dark"), [(1440, False), (390, True)])
def test_it_renders_and_nothing_is_wider_than_the_screen(tab, running, width, dark):  # noqa: F811
    store, job = running
    in_flight.write_losses(store, job, losses_of(job))
    with served(store) as one:
        opened(tab, one, width, dark)
        assert tab.evaluate("document.documentElement.scrollWidth") <= width
        light = tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert light != dark
        assert tab.evaluate("document.querySelectorAll('#jobs .plots figure').length") == 2
        assert tab.evaluate("document.querySelectorAll('#scores-plot circle').length") > 0
        overlap = """(() => {
          for (const drawing of document.querySelectorAll('.plots figure > svg')) {
            const boxes = [...drawing.querySelectorAll('text')].map((one) => one.getBoundingClientRect());
            for (const [at, a] of boxes.entries()) for (const b of boxes.slice(at + 1))
              if (a.left < b.right && b.left < a.right && a.top + 2 < b.bottom && b.top + 2 < a.bottom) return true;
            const edge = drawing.getBoundingClientRect();
            if (boxes.some((one) => one.left < edge.left - 1 || one.right > edge.right + 1)) return true;
          }
          return false;
        })()"""
        assert not tab.evaluate(overlap)
        unnamed = "[...document.querySelectorAll('main svg')].filter((one) => one.parentNode.closest('svg') === null"
        unnamed += " && !one.ariaLabel && one.ariaHidden !== 'true').length"
        assert tab.evaluate(unnamed) == 0
        assert HOSTILE.split("\u2028")[0][:40] in text(tab, "#failed")
        assert "%" in tab.evaluate("document.title")
        assert_quiet(tab, one)


def test_what_is_new_is_swapped_in_and_the_rest_left_alone(tab, running):  # noqa: F811
    store, job = running
    with served(store) as one:
        opened(tab, one)
        assert "No losses yet" in text(tab, "#jobs")
        tab.evaluate(
            "window.kept = document.querySelector('#failed article'), document.querySelector('select').focus()"
        )
        in_flight.write_losses(store, job, losses_of(job))
        tab.wait("document.querySelector('#jobs .curve')", PATIENCE)
        assert tab.evaluate("window.kept === document.querySelector('#failed article')")
        assert tab.evaluate("document.activeElement === document.querySelector('select')")
        assert text(tab, "#state") == "The study is running."
        tab.press("ArrowDown")
        tab.wait("document.querySelector('#scores-plot figcaption').textContent.startsWith('DCI')", PATIENCE)
        assert_quiet(tab, one)


def test_a_page_that_is_left_open_says_when_the_run_has_ended_and_when_nobody_serves_it(tab, ended):  # noqa: F811
    store = ended
    with store.lock():
        with served(store) as one:
            opened(tab, one)
            assert text(tab, "#state") == "The study is running."
        # Nobody answers; then somebody does at the same address, of the same study, which nothing runs any more.
        tab.wait("!document.getElementById('trouble').hidden", PATIENCE)
        assert "does not answer" in text(tab, "#trouble")
        assert f"--live --port {one.server_address[1]}" in text(tab, "#trouble code")
        assert "The page below shows the study as of" in text(tab, "#trouble")
    with served(store, one.server_address[1]):
        tab.wait("document.getElementById('trouble').hidden", PATIENCE)
        tab.wait("document.getElementById('state').textContent.startsWith('The study is not running.')", PATIENCE)
        assert text(tab, "#jobs") == "No job is running."
