"""The report: its HTML against the store's counts, and what is beside it."""

import base64
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from report_study import HOSTILE, METRICS, PNG, make_study

from disentanglement_study import cli
from disentanglement_study.analysis import report
from disentanglement_study.analysis.report import curves as curve_files
from disentanglement_study.analysis.report.correlations import COUNTS, NUMBERS, _matrix
from disentanglement_study.analysis.report.encoding import floats
from disentanglement_study.analysis.report.paths import shortened
from disentanglement_study.store import Store
from disentanglement_study.study import components, plan


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
    assert "1.5 min" in html or "min, all jobs together" in html


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
    for folder in (store.root.parent, Path.home(), Path(report.__file__).parents[3]):
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


def test_systems_can_be_chosen_and_the_policy_is_as_strict_as_ever(page):
    html = page.read_text(encoding="utf-8")
    assert '<a href="#systems">' in html
    section = html.split('<section id="systems"')[1].split("</section>")[0]
    assert '<select name="system">' in section
    assert html.count("startSystems();") == 1
    assert "disentanglement-study compare DIR" in html
    policy = html.split('http-equiv="Content-Security-Policy" content="')[1].split('"')[0]
    assert "default-src 'none'; connect-src 'none'" in policy
    assert "http" not in policy


def test_a_study_of_which_nothing_is_done_has_a_page(tmp_path):
    settings = components.load("quick")
    empty = Store(tmp_path / "study")
    empty.create(plan.frame(plan.expand(settings), settings), settings.text, "{}")
    path = report.write(empty)
    assert path == tmp_path / "study" / "report" / "index.html"
    html = path.read_text(encoding="utf-8")
    assert "<strong>36</strong><span>missing</span>" in html
    assert "Not available for this study" in html
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


def test_the_wheel_carries_the_parts_of_the_page_and_no_package_but_one(tmp_path):
    root = Path(report.__file__).parents[3]
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=root, check=True, capture_output=True)
    names = zipfile.ZipFile(next(tmp_path.glob("*.whl"))).namelist()
    for part in ("index.html", "style.css", *(f"{name}.js" for name in report.PROGRAMS)):
        assert f"disentanglement_study/analysis/report/page/{part}" in names
    # A package called `analysis` in site-packages would be everybody's.
    assert {name.split("/")[0].split("-")[0] for name in names} == {"disentanglement_study"}


def test_a_heat_map_shows_what_the_figure_shows():
    """0.1246 is 12, not 13 of 0.125."""
    row = {"score_a": "mig", "score_b": "dci", **dict.fromkeys(NUMBERS, 0.1246), **dict.fromkeys(COUNTS, 9)}
    cells = _matrix(pd.DataFrame([row]), "score_a", "score_b")["cells"]
    assert {round(100 * cells[name][0]) for name in NUMBERS} == {12}
