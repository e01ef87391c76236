"""The report: its HTML against the store's counts, and the page in a headless Chromium where there is one."""

import base64
import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from analysis import report
from analysis.report import curves as curve_files
from analysis.report.encoding import floats
from analysis.report.paths import shortened
from benchmarks import chromium
from disentanglement_study import cli, config, plan
from disentanglement_study.store import Store

READY = "performance.getEntriesByName('plots drawn').length"
HOSTILE = "</script><script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\"> & \u2028"
METRICS = ("mig", "dci", "sap_score", "modularity")


def row(run_id, representation, metric, score, value, error=None):
    return {"run_id": run_id, "representation": representation, "metric": metric, "score": score, "value": value,
            "error": error}  # fmt: skip


def make_study(root: Path, *changes: str) -> Store:
    """The runs of the quick sweep on 3 seeds in jobs of 9: one job failed, one is missing, and two scores failed."""
    settings = config.load("quick", ["sweep.seeds = 3", *changes])
    runs = plan.expand(settings)
    store = Store(root)
    store.create(plan.frame(runs, settings), settings.text, "{}")
    rng = np.random.default_rng(0)
    jobs = plan.group(runs, 9)
    about = {"seconds": {"train": 60.0, "evaluate": 30.0}, "device": "cpu: test", "versions": "numpy=1"}
    for job in jobs[:-2]:
        rows = [
            row(run.run_id, shown, metric, metric, rng.random())
            for run in job.runs for shown in ("mean", "sampled") for metric in METRICS
        ]  # fmt: skip
        rows += [row(run.run_id, "model", "training", "elbo", -rng.random()) for run in job.runs]
        if job is jobs[0]:
            rows[0] |= {"value": np.nan, "error": HOSTILE}
            rows[1] |= {"value": np.nan, "error": None}
        curves = [
            {"run_id": run.run_id, "step": 10 * step, "term": term, "value": 1 / step}
            for run in job.runs for term in ("loss", "kl_loss") for step in range(1, 251)
        ]  # fmt: skip
        store.write_job(job, rows, curves, {}, {"status": "done", **about})
    broken = [row(run.run_id, "model", "training", "training", np.nan, HOSTILE) for run in jobs[-2].runs]
    store.write_job(jobs[-2], broken, [], {}, {"status": "failed", "error": HOSTILE, **about})
    folder = root / "traversals" / runs[0].run_id
    folder.mkdir(parents=True)
    (folder / "traversals_0.png").write_bytes(PNG)
    (root / "traversals" / "unknown").mkdir()
    return store


PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    return make_study(tmp_path_factory.mktemp("study") / "of <b>it")


@pytest.fixture(scope="module")
def page(store):
    """The path of the page of the study, in a folder that is not in the study's."""
    path = report.write(store, store.root.parent / "a copy" / "report")
    return path


def data_of(path: Path) -> dict:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', path.read_text(encoding="utf-8"))
    return json.loads(found[1])


def column(data, representation, score):
    text = data["scores"]["columns"][data["scores"]["representations"][representation][score]]
    return np.frombuffer(base64.b64decode(text), dtype="<f4")


def test_every_score_of_the_store_is_in_the_page_once(store, page):
    data, results = data_of(page), store.results()
    ids = data["runs"]["run_id"]
    assert ids == store.plan["run_id"].tolist()
    for representation in ("mean", "sampled"):
        for score in (*METRICS, "elbo"):
            of = "model" if score == "elbo" else representation
            rows = results[(results["representation"] == of) & (results["score"] == score)].set_index("run_id")
            expected = rows["value"].reindex(ids).to_numpy("float32")
            shown = column(data, representation, score)
            there = np.isfinite(expected)
            assert there.sum() > 30
            np.testing.assert_array_equal(shown[there], expected[there])
            assert not np.isfinite(shown[~there]).any()
    representations = data["scores"]["representations"]
    assert representations["mean"]["elbo"] == representations["sampled"]["elbo"]


def test_a_failed_score_is_told_from_one_that_is_missing(store, page):
    data, results = data_of(page), store.results()
    failed = set(results[results["value"].isna() & (results["metric"] == "mig")]["run_id"]) | store.run_ids("failed")
    ids = np.array(data["runs"]["run_id"])
    mig = {representation: column(data, representation, "mig") for representation in ("mean", "sampled")}
    assert set(ids[np.isposinf(mig["mean"]) | np.isposinf(mig["sampled"])]) == failed
    missing = set(ids) - store.run_ids("done") - store.run_ids("failed")
    assert set(ids[np.isnan(mig["mean"])]) == missing
    assert len(missing) == 9


def test_the_counts_are_those_of_the_store(store, page):
    html = page.read_text(encoding="utf-8")
    counted = {what: int(number.replace(",", "")) for number, what in
               re.findall(r"<strong>([\d,]+)</strong><span>([^<]*)</span>", html.split("<dl>")[0])}  # fmt: skip
    done, failed = len(store.run_ids("done")), len(store.run_ids("failed"))
    results = store.results()
    assert counted == {
        "runs planned": 54, "done": done, "failed": failed, "missing": 54 - done - failed,
        "scores shown": int(results["value"].notna().sum()), "scores failed": int(results["value"].isna().sum()),
    }  # fmt: skip
    coverage = html.split('id="coverage"')[1].split("</section>")[0]
    cells = re.findall(r"(\d+) (?:done|of \d+)", coverage)
    assert sum(map(int, cells)) == done
    assert sum(map(int, re.findall(r"(\d+) missing", coverage))) == 54 - done - failed
    assert "1.5 min" in html or "min, jobs added up" in html


def test_hostile_text_stays_text(store, page):
    html = page.read_text(encoding="utf-8")
    assert "<script>document.title" not in html
    assert "<img src=x" not in html
    assert "&lt;/script&gt;&lt;script&gt;document.title=" in html  # in the list of failures
    assert HOSTILE in {job["error"] for job in data_of(page)["jobs"]["jobs"]}  # JSON gives it back as it was


def test_paths_of_the_machine_are_not_in_the_page(store, page):
    error = "File \"/home/me/lib/nets.py\", line 3\nOSError: [Errno 2] No such file: '/data/of mine/a.npz'"
    assert shortened(error) == "File \"…/nets.py\", line 3\nOSError: [Errno 2] No such file: '…/of mine/a.npz'"
    for text in ("no/path n/a/b", "https://x.org/a/b", HOSTILE, "1/2", "/ or /usr"):
        assert shortened(text) == text
    html = page.read_text(encoding="utf-8")
    for folder in (store.root.parent, Path.home(), Path(report.__file__).parents[2]):
        assert str(folder) not in html or folder == Path("/")


def test_curves_are_a_file_a_job_and_thinned(store, page):
    done = [manifest for manifest in store.manifests() if manifest["status"] == "done"]
    assert {path.stem for path in (page.parent / "runs").iterdir()} == {manifest["job_id"] for manifest in done}
    text = (page.parent / "runs" / f"{done[0]['job_id']}.js").read_text()
    job_id, content = json.loads("[" + text.removeprefix("curves(").removesuffix(");\n") + "]")
    assert job_id == done[0]["job_id"]
    assert content["terms"] == ["kl_loss", "loss"]
    assert len(content["steps"]) == curve_files.POINTS
    assert content["steps"][0] == 10
    assert content["steps"][-1] == 2500
    values = np.frombuffer(base64.b64decode(content["runs"][done[0]["run_ids"][0]]), dtype="<f4").reshape(2, -1)
    np.testing.assert_allclose(values, np.tile(10 / np.array(content["steps"]), (2, 1)), rtol=1e-6)


def test_terms_that_were_logged_at_other_steps_are_nan_there():
    rows = pd.DataFrame(
        {"run_id": ["a", "a", "b"], "step": [1, 2, 2], "term": ["x", "x", "y"], "value": [1.0, 2.0, 3.0]}
    )
    content = curve_files.thinned(rows)
    assert content["runs"]["a"] == floats(np.array([[1, 2], [np.nan, np.nan]]))
    assert content["runs"]["b"] == floats(np.array([[np.nan, np.nan], [np.nan, 3]]))
    assert curve_files.thinned(rows[:0]) == {}


def test_pictures_that_were_drawn_are_copied(store, page):
    run = store.plan["run_id"][0]
    assert data_of(page)["pictures"] == {run: ["traversals_0.png"]}
    assert (page.parent / "traversals" / run / "traversals_0.png").read_bytes() == PNG


def test_a_study_of_which_nothing_is_done_has_a_page(tmp_path):
    settings = config.load("quick")
    empty = Store(tmp_path / "study")
    empty.create(plan.frame(plan.expand(settings), settings), settings.text, "{}")
    path = report.write(empty)
    assert path == tmp_path / "study" / "report" / "index.html"
    html = path.read_text(encoding="utf-8")
    assert "<strong>36</strong><span>missing</span>" in html
    assert "Not to be had from this study" in html
    assert data_of(path)["scores"]["columns"] == []


def test_the_command_replaces_its_own_page_only(store, tmp_path, capsys):
    assert cli.main(["report", str(store.root), "--output", str(tmp_path)]) == 0
    first = (tmp_path / "index.html").read_bytes()
    assert cli.main(["report", str(store.root), "--output", str(tmp_path)]) == 0
    assert (tmp_path / "index.html").read_bytes() == first
    (tmp_path / "index.html").write_text("<html>my home page</html>")
    assert cli.main(["report", str(store.root), "--output", str(tmp_path)]) == 2
    assert "is another page: name another folder" in capsys.readouterr().err.replace("\n", " ")
    assert (tmp_path / "index.html").read_text() == "<html>my home page</html>"


def test_the_wheel_carries_the_parts_of_the_page(tmp_path):
    root = Path(report.__file__).parents[2]
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=root, check=True, capture_output=True)
    names = zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist()
    for part in ("index.html", "style.css", *(f"{name}.js" for name in report.PROGRAMS)):
        assert f"analysis/report/page/{part}" in names


@pytest.fixture(scope="module")
def tab():
    """Where REQUIRE_CHROMIUM is set, as in .ci/run, a machine without a browser fails."""
    if (browser := chromium.find()) is None:
        give_up = pytest.fail if os.environ.get("REQUIRE_CHROMIUM") else pytest.skip
        give_up(f"no Chromium on PATH ({', '.join(chromium.NAMES)})")
    with chromium.page(browser) as opened:
        yield opened


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


def test_the_explorer_shows_a_point_a_run_of_what_is_chosen(tab, page, store):
    opened(tab, page)
    results = store.results()

    def points():
        drawn = tab.evaluate(
            "document.getElementById('explorer-plot').data.filter((trace) => trace.customdata)"
            ".flatMap((trace) => Array.from(trace.customdata, (run, i) => [RUN_IDS[run], trace.y[i]]))"
        )
        return {run: np.float32(value) for run, value in drawn}

    def expected(score, representation, objective=None):
        rows = results[(results["score"] == score) & (results["representation"] == representation)].dropna(
            subset="value"
        )
        rows = rows[rows["objective"] == objective] if objective else rows
        return dict(zip(rows["run_id"], rows["value"].astype("float32"), strict=True))

    assert points() == expected("mig", "mean")
    choose(tab, "explorer-controls", "score", "dci")
    choose(tab, "explorer-controls", "representation", "sampled")
    assert points() == expected("dci", "sampled")
    choose(tab, "explorer-controls", "objective", "beta_vae")
    assert points() == expected("dci", "sampled", "beta_vae")
    choose(tab, "explorer-controls", "against", "objective")
    assert points() == expected("dci", "sampled", "beta_vae")
    choose(tab, "explorer-controls", "objective", "")
    choose(tab, "explorer-controls", "against", "sap_score")
    assert points() == expected("dci", "sampled")
    assert "rank correlation" in text(tab, "#explorer-summary")
    assert "n = 36 of 54 runs, 9 failed, 9 without the score" in text(tab, "#explorer-summary")
    assert_quiet(tab, page)


def test_the_data_set_is_chosen_for_all_plots_of_models(tab, tmp_path):
    store = make_study(tmp_path / "study", "sweep.seeds = 1", "sweep.data_sets = ['dsprites', 'noisy_dsprites']")
    path = report.write(store)
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
        objectives = tab.evaluate(
            "[...document.querySelector('#explorer-controls [name=objective]').options].map((one) => one.value)"
        )
        assert set(objectives) == {"", *store.plan[store.plan["data_set"] == data_set]["objective"]}
        tab.evaluate("document.getElementById('correlations').scrollIntoView()")
        tab.wait("document.getElementById('correlations-plot').data")
        choose(tab, "correlations-controls", "of", data_set)
        options = "document.querySelector('#correlations-controls [name=of]').selectedOptions[0].textContent"
        assert tab.evaluate(options) == title
        assert tab.evaluate("heat.matrix.where.data_set") == data_set
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
    tab.wait("document.getElementById('run-curves')?.textContent.includes('beside the page')")


def test_the_page_of_a_study_of_which_nothing_is_done_says_so(tab, tmp_path):
    settings = config.load("quick")
    empty = Store(tmp_path / "study")
    empty.create(plan.frame(plan.expand(settings), settings), settings.text, "{}")
    path = report.write(empty)
    opened(tab, path, f"#run={empty.plan['run_id'][0]}")
    tab.size(1440, 5000)
    assert "No run has a score yet" in text(tab, "#explorer")
    assert "The run is not done" in text(tab, "#run-body")
    for part in ("#explorer-plot", "#explorer-list", "#correlations-plot", "#correlations-table", "#variance-plot"):
        tab.wait(f"document.querySelector('{part}').offsetHeight === 0")
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
    tab.wait("document.querySelector('#explorer-plot .hoverlayer').textContent.includes('run ')")
    assert "seed" in text(tab, "#explorer-plot .hoverlayer")
    tab.mouse(*place, click=True)
    tab.wait("location.hash.startsWith('#run=')")
    run = tab.evaluate("location.hash.slice(5)")
    tab.wait("document.getElementById('run-curves').data")
    assert run in text(tab, "#run-body h3")
    assert tab.evaluate("document.getElementById('run-curves').data.length") == 2
    assert "sweep.objectives" in text(tab, "#run-body details")
    assert_quiet(tab, page)


def test_the_keyboard_reaches_a_run(tab, page):
    opened(tab, page)
    tab.evaluate("document.querySelector('#explorer-list tbody a').focus()")
    tab.press("Enter", "\r")
    tab.wait("document.getElementById('run-curves')?.data")
    assert tab.evaluate("document.activeElement.id") == "run"
    tab.evaluate("document.querySelector('#explorer-controls select[name=score]').focus()")
    tab.press("ArrowDown")
    tab.wait("document.getElementById('explorer-plot').layout.yaxis.title.text === 'DCI'")
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
    tab.wait("document.querySelector('#run-body').textContent.includes('Error')")
    assert HOSTILE in text(tab, "#run-body")
    assert tab.evaluate("document.title") == "Disentanglement study"
    tab.evaluate("location.hash = 'run=nothing'")
    tab.wait("document.querySelector('#run-body').textContent.includes('No run of this study is called nothing')")
    assert_quiet(tab, page)


def test_a_heat_map_has_n_and_leads_to_its_models(tab, page):
    opened(tab, page)
    tab.evaluate("document.getElementById('correlations').scrollIntoView()")
    tab.wait("document.getElementById('correlations-plot').data")
    details = tab.evaluate("document.getElementById('correlations-plot').data[0].text[0][1]")
    assert re.search(
        r"-?\d\.\d\d \[-?\d\.\d\d, -?\d\.\d\d\]<br>n = 3\d models, 1\d failed, 0 without one of them", details
    )
    tab.evaluate("document.getElementById('correlations-plot').emit('plotly_click', {points: [{pointIndex: [0, 1]}]})")
    tab.wait("document.getElementById('explorer-plot').layout.xaxis.title?.text === 'DCI'")
    assert text(tab, "#explorer-summary").count("rank correlation") == 1
    choose(tab, "correlations-controls", "title", "Scores without labels with metrics")
    tab.wait("document.getElementById('correlations-plot').data[0].y[0] === 'elbo'")
    choose(tab, "correlations-controls", "title", "Downstream accuracy with metrics")
    assert "Not to be had from this study" in text(tab, "#correlations-summary")
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
