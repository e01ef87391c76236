"""The report in a headless Chromium, where there is one."""

import json
import re

import numpy as np
import pandas as pd
import pytest
from report_study import HOSTILE, PNG, make_study
from test_methods_without_strength import both_methods, page_of

from disentanglement_study.analysis import report
from disentanglement_study.analysis.rows import with_method
from disentanglement_study.store import Store
from disentanglement_study.study import components, plan

READY = "performance.getEntriesByName('plots drawn').length"


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return make_study(tmp_path_factory.mktemp("study") / "of <b>it")


@pytest.fixture(scope="module")
def page(store):
    """The path of the page of the study, in a folder that is not in the study's."""
    path = report.write(store, store.root.parent / "a copy" / "report")
    return path


def opened(tab, page, fragment="", width=1440, dark=False):
    tab.size(width, dark=dark)
    tab.open("about:blank")
    tab.events.clear()  # what was said of the page before
    tab.open(page.as_uri() + fragment, READY)
    return tab


def choose(tab, form, name, value):
    tab.evaluate(
        f"(() => {{ const field = document.getElementById('{form}').elements['{name}'];"
        f"field.value = {json.dumps(value)};"
        "field.dispatchEvent(new Event('change', {bubbles: true})); })()"
    )


def text(tab, selector):
    return tab.evaluate(f"document.querySelector({json.dumps(selector)}).textContent")


def assert_quiet(tab, page):
    """Nothing was complained of, and nothing outside the page's folder was asked for."""
    assert tab.complaints() == []
    folder = page.parent.as_uri()
    assert [url for url in tab.requests() if not url.startswith((folder, "data:", "blob:", "about:"))] == []


@pytest.mark.parametrize("width", [1440, 390])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_it_renders_without_a_complaint_and_nothing_is_wider_than_the_screen(tab, page, width, dark):
    opened(tab, page, width=width, dark=dark)
    tab.size(width, 9000, dark)  # all of it is in sight
    tab.wait("document.querySelectorAll('.plot .main-svg').length >= 6")
    assert tab.evaluate("document.documentElement.scrollWidth") <= width
    light = tab.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    plotted = tab.evaluate("document.getElementById('explorer-plot').layout.paper_bgcolor")
    assert light != dark
    assert (plotted == "#ffffff") != dark
    assert tab.evaluate("document.title") == "Disentanglement study"
    assert_quiet(tab, page)


@pytest.mark.parametrize("width", [1280, 420])
def test_what_the_study_found_is_seen_without_scrolling(tab, page, width):
    opened(tab, page, width=width)
    assert tab.evaluate("document.querySelectorAll('#findings li').length") == 3
    assert tab.evaluate("document.getElementById('findings').getBoundingClientRect().bottom <= innerHeight")
    assert tab.evaluate("scrollY") == 0
    assert_quiet(tab, page)


def test_the_explorer_shows_a_point_a_run_of_what_is_chosen(tab, page, store):
    opened(tab, page)
    results = with_method(store.results())

    def points():
        drawn = tab.evaluate(
            "document.getElementById('explorer-plot').data.filter((trace) => trace.customdata)"
            ".flatMap((trace) => Array.from(trace.customdata, (run, i) => [RUN_IDS[run], trace.y[i]]))"
        )
        return {run: np.float32(value) for run, value in drawn}

    def expected(score, representation, method=None):
        rows = results[(results["score"] == score) & (results["representation"] == representation)].dropna(
            subset="value"
        )
        rows = rows[rows["method"] == method] if method else rows
        return dict(zip(rows["run_id"], rows["value"].astype("float32"), strict=True))

    assert points() == expected("mig", "mean")
    choose(tab, "explorer-controls", "score", "dci")
    choose(tab, "explorer-controls", "representation", "sampled")
    assert points() == expected("dci", "sampled")
    choose(tab, "explorer-controls", "method", "beta_vae")
    assert points() == expected("dci", "sampled", "beta_vae")
    choose(tab, "explorer-controls", "against", "method")
    assert points() == expected("dci", "sampled", "beta_vae")
    choose(tab, "explorer-controls", "method", "")
    choose(tab, "explorer-controls", "against", "sap_score")
    assert points() == expected("dci", "sampled")
    assert "rank correlation" in text(tab, "#explorer-summary")
    assert "n = 36 of 54 runs, 9 failed, 9 without the score" in text(tab, "#explorer-summary")
    assert_quiet(tab, page)


def test_the_data_set_is_chosen_for_all_plots_of_models(tab, tmp_path):
    store = make_study(tmp_path / "study", "sweep.seeds = 1", "sweep.data_sets = ['dsprites', 'noisy_dsprites']")
    path = report.write(store)
    planned = with_method(store.plan)
    results = store.results()
    opened(tab, path)
    for data_set, title in (("noisy_dsprites", "Noisy-dSprites"), ("dsprites", "dSprites")):
        choose(tab, "explorer-controls", "data_set", data_set)
        shown = tab.evaluate(
            "document.getElementById('explorer-plot').data.flatMap((trace) => Array.from(trace.customdata ?? []))"
            ".map((run) => RUN_IDS[run])"
        )
        rows = results[(results["data_set"] == data_set) & (results["score"] == "mig")].dropna(subset="value")
        assert sorted(shown) == sorted(rows[rows["representation"] == "mean"]["run_id"])
        methods = tab.evaluate(
            "[...document.querySelector('#explorer-controls [name=method]').options].map((one) => one.value)"
        )
        assert set(methods) == {"", *planned[planned["data_set"] == data_set]["method"]}
        tab.evaluate("document.getElementById('correlations').scrollIntoView()")
        tab.wait("document.getElementById('correlations-plot')?.data")
        choose(tab, "correlations-controls", "of", data_set)
        options = "document.querySelector('#correlations-controls [name=of]').selectedOptions[0].textContent"
        assert tab.evaluate(options) == title
        assert tab.evaluate("heat.matrix.where.data_set") == data_set
    assert_quiet(tab, path)


def test_a_method_without_a_strength_is_one_column_with_its_name(tab, tmp_path):
    path = tmp_path / "index.html"
    path.write_text(page_of(pd.concat(both_methods())), encoding="utf-8")
    opened(tab, path)
    plot = "document.getElementById('explorer-plot')"
    assert tab.evaluate(f"{plot}.layout.annotations.map((one) => one.text)") == ["β-VAE<br>β", "PCA"]
    assert tab.evaluate(f"{plot}.layout.xaxis.ticktext") == ["1", "4", ""]
    assert tab.evaluate("describe(PLACE.get('dsprites/beta_vae/4/1'))") == "β-VAE, β = 4, seed 1"
    assert tab.evaluate("describe(PLACE.get('dsprites/pca/1'))") == "PCA, seed 1"
    choose(tab, "explorer-controls", "method", "pca")
    assert tab.evaluate(f"{plot}.layout.annotations.map((one) => one.text)") == ["PCA"]
    assert text(tab, "#explorer-summary") == "n = 4 of 4 runs."
    choose(tab, "explorer-controls", "representation", "sampled")
    assert text(tab, "#explorer-summary") == "n = 0 of 4 runs, 4 without the score."
    choose(tab, "explorer-controls", "method", "")
    choose(tab, "explorer-controls", "against", "elbo")
    assert "n = 8 of 12 runs, 4 without the score" in text(tab, "#explorer-summary")
    assert_quiet(tab, path)


def test_a_page_alone_and_before_plotly_is_read_has_controls_and_text(tab, page, store, tmp_path):
    html = page.read_text(encoding="utf-8")
    start, end = html.index("<script>", html.index('performance.mark("controls answer")')), html.rindex("<script>")
    (tmp_path / "index.html").write_text(html[:start] + html[end:], encoding="utf-8")
    opened(tab, tmp_path / "index.html")
    assert tab.evaluate("window.Plotly === undefined")
    choose(tab, "explorer-controls", "score", "dci")
    assert text(tab, "#explorer-list thead th:nth-child(2)") == "DCI"
    assert text(tab, "#explorer-summary").startswith("n = 35 of 54 runs, 10 failed")
    assert_quiet(tab, tmp_path / "index.html")
    tab.evaluate(f"location.hash = 'run={store.plan['run_id'][0]}'")
    tab.wait("document.getElementById('run-curves')?.textContent.includes('missing from the page')")


def test_the_page_of_a_study_of_which_nothing_is_done_says_so(tab, tmp_path):
    settings = components.load("quick")
    empty = Store(tmp_path / "study")
    empty.create(plan.frame(plan.expand(settings), settings), settings.text, "{}")
    path = report.write(empty)
    opened(tab, path, f"#run={empty.plan['run_id'][0]}")
    tab.size(1440, 5000)
    assert "No run has a score yet" in text(tab, "#explorer")
    assert "The run is not done" in text(tab, "#run-body")
    assert "No pictures yet. Run disentanglement-study compare DIR" in text(tab, "#systems-body")
    for part in ("#explorer-plot", "#explorer-list", "#correlations-plot", "#correlations-table", "#variance-plot"):
        tab.wait(f"document.querySelector('{part}')?.offsetHeight === 0")
    tab.size(390)
    assert tab.evaluate("document.documentElement.scrollWidth") <= 390
    assert_quiet(tab, path)


def test_a_point_leads_to_its_run(tab, page):
    opened(tab, page)
    place = tab.evaluate(
        "(() => { document.getElementById('explorer').scrollIntoView();"
        "const box = document.querySelector('#explorer-plot .scatterlayer .point').getBoundingClientRect();"
        "return [box.x + box.width / 2, box.y + box.height / 2]; })()"
    )
    tab.mouse(*place)
    tab.wait("document.querySelector('#explorer-plot .hoverlayer')?.textContent.includes('run ')")
    assert "seed" in text(tab, "#explorer-plot .hoverlayer")
    tab.mouse(*place, click=True)
    tab.wait("location.hash.startsWith('#run=')")
    run = tab.evaluate("location.hash.slice(5)")
    tab.wait("document.getElementById('run-curves')?.data")
    assert run in text(tab, "#run-body h3")
    assert tab.evaluate("document.getElementById('run-curves').data.length") == 2
    assert "sweep.seeds" in text(tab, "#run-body details")
    assert_quiet(tab, page)


def test_the_keyboard_reaches_a_run(tab, page):
    opened(tab, page)
    tab.evaluate("document.querySelector('#explorer-list tbody a').focus()")
    tab.press("Enter", "\r")
    tab.wait("document.getElementById('run-curves')?.data")
    assert tab.evaluate("document.activeElement.id") == "run"
    tab.evaluate("document.querySelector('#explorer-controls select[name=score]').focus()")
    tab.press("ArrowDown")
    tab.wait("document.getElementById('explorer-plot')?.layout.yaxis.title.text === 'DCI'")
    unreachable = tab.evaluate(
        "[...document.querySelectorAll('select, input, button, a')].filter((one) => one.tabIndex < 0).length"
    )
    unnamed = tab.evaluate("[...document.querySelectorAll('select, input')].filter((one) => !one.labels.length).length")
    assert (unreachable, unnamed) == (0, 0)


def test_runs_with_pictures_or_errors_show_them_and_unknown_ones_are_named(tab, page, store):
    run, failed = store.plan["run_id"][0], min(store.run_ids("failed"))
    opened(tab, page, f"#run={run}")
    tab.wait("document.querySelector('.pictures img')?.naturalWidth === 1")
    tab.evaluate(f"location.hash = 'run={failed}'")
    tab.wait("document.querySelector('#run-body')?.textContent.includes('Error')")
    assert HOSTILE in text(tab, "#run-body")
    assert tab.evaluate("document.title") == "Disentanglement study"
    tab.evaluate("location.hash = 'run=nothing'")
    tab.wait("document.querySelector('#run-body')?.textContent.includes('This study has no run nothing')")
    assert_quiet(tab, page)


def test_the_systems_with_pictures_are_chosen_from_and_shown(tab, tmp_path):
    store = make_study(tmp_path / "study")
    first, other = store.plan["run_id"].iloc[[0, 40]]
    drawn = store.root / "traversals"
    (drawn / other).mkdir()
    for name in ("samples.png", "responses.png", "traversals_1.png", "traversals_0.png"):
        (drawn / other / name).write_bytes(PNG)
    (drawn / other / "std_gaussian_cycle.gif").write_bytes(PNG)
    path = report.write(store)
    opened(tab, path)
    options = "[...document.querySelectorAll('#systems-controls option')].map((one) => [one.value, one.textContent])"
    assert tab.evaluate(options) == [[run, tab.evaluate(f"describe(PLACE.get('{run}'))")] for run in (first, other)]
    names = "[...document.querySelectorAll('#systems figcaption')].map((one) => one.textContent)"
    assert tab.evaluate(names) == ["traversals_0.png"]
    choose(tab, "systems-controls", "system", other)
    assert tab.evaluate(names) == ["traversals_0.png", "traversals_1.png", "responses.png", "samples.png"]
    assert other in text(tab, "#systems h3")
    tab.evaluate("document.getElementById('systems').scrollIntoView()")
    tab.wait("document.querySelector('#systems img')?.naturalWidth === 1")
    assert_quiet(tab, path)


def test_a_heat_map_has_n_and_leads_to_its_models(tab, page):
    opened(tab, page)
    tab.evaluate("document.getElementById('correlations').scrollIntoView()")
    tab.wait("document.getElementById('correlations-plot')?.data")
    details = tab.evaluate("document.getElementById('correlations-plot').data[0].text[0][1]")
    assert re.search(
        r"-?\d\.\d\d \[-?\d\.\d\d, -?\d\.\d\d\]<br>n = 3\d models, 1\d failed, 0 without one of the two", details
    )
    tab.evaluate("document.getElementById('correlations-plot').emit('plotly_click', {points: [{pointIndex: [0, 1]}]})")
    tab.wait("document.getElementById('explorer-plot')?.layout.xaxis.title?.text === 'DCI'")
    assert text(tab, "#explorer-summary").count("rank correlation") == 1
    choose(tab, "correlations-controls", "title", "Scores without labels and metrics")
    tab.wait("document.getElementById('correlations-plot')?.data[0].y[0] === 'elbo'")
    choose(tab, "correlations-controls", "title", "Downstream accuracy and metrics")
    assert "Not available for this study" in text(tab, "#correlations-summary")
    assert_quiet(tab, page)


def test_nothing_can_be_sent_from_the_page(tab, page):
    opened(tab, page)
    titles = tab.evaluate(
        "[...document.querySelectorAll('.modebar-btn')].map((button) => button.dataset.title ?? '').join()"
    )
    assert titles
    assert not re.search("share|cloud|edit", titles, re.IGNORECASE)
    assert tab.evaluate("fetch('http://127.0.0.1:9/').then(() => 'sent', () => 'refused')") == "refused"
    assert any("Content Security Policy" in complaint for complaint in tab.complaints())
    tab.events.clear()
