"""What can be done with a study of imported results, and what needs the models that are not there."""

import json
import shutil
from functools import partial
from pathlib import Path

import dlib_results
import pandas as pd
import pytest
from dlib_results import MIG, SOME, brought, small

from disentanglement_study import cli, store

ROOT = Path(__file__).parents[3]


def test_the_manifest_says_where_the_rows_come_from_and_the_jobs_are_whole(imported):
    from disentanglement_study.store import records, upkeep

    opened = store.open(imported[1])
    assert opened.source["kind"] == "disentanglement_lib"
    assert opened.source["path"].endswith("results.json")
    assert opened.source["files"] == 1
    damaged, manifests = upkeep.damage(opened)
    assert not damaged
    assert [records.check_job(folder) for folder in opened.job_folders()] == manifests
    assert opened.run_ids("done") == set(opened.plan["run_id"])
    assert opened.settings.sweep.protocol == "dlib"


def test_what_reads_scores_works(imported, tmp_path, capsys):
    root = str(imported[0])
    assert cli.main(["status", root]) == 0
    assert cli.main(["query", root, "SELECT count(*) FROM results WHERE dlib_model_num = 12599", "--csv"]) == 0
    assert capsys.readouterr().out.split()[-1] == str(2 * 148 + 6)  # Shapes3D has six factors
    opened, _ = brought(tmp_path, small())
    assert cli.main(["tables", str(opened.root)]) == 0
    assert (opened.root / "tables" / "scores_by_method.csv").exists()


@pytest.fixture
def study(tmp_path):
    """Three models, of which one has a score that is no number."""
    of_three = {path: one for number in (0, 1, 2) for path, one in dlib_results.files(number, SOME).items()}
    of_three[MIG]["evaluation_results.discrete_mig"] = None
    return brought(tmp_path, of_three)[0]


def test_figures_and_a_report_are_drawn_of_it(study, tmp_path, capsys):
    root = str(study.root)
    shutil.copytree(root, tmp_path / "same")
    assert cli.main(["figures", root, "--paper", "locatello2020", "--beside", str(tmp_path / "same")]) == 0
    assert {"score_by_method.pdf", "here_against_there.pdf"} <= {one.name for one in (study.root / "figures").iterdir()}
    assert cli.main(["report", root]) == 0
    page = (study.root / "report" / "index.html").read_text(encoding="utf-8")
    assert all(run_id in page for run_id in study.plan["run_id"])


def test_nothing_failed_and_nothing_was_logged(study, capsys):
    assert cli.main(["retry", str(study.root)]) == 0
    assert "no run has failed" in capsys.readouterr().out
    assert cli.main(["logs", str(study.root)]) == 0
    (manifest,) = study.manifests()
    assert manifest["job_id"] in capsys.readouterr().out
    assert cli.main(["logs", str(study.root), manifest["job_id"]]) == 0
    assert capsys.readouterr().out == f"job {manifest['job_id']} has no log\n"


@pytest.mark.parametrize("format", ["parquet", "csv", "jsonl"])
def test_it_can_be_exported(study, tmp_path, format):
    out = tmp_path / "out"
    assert cli.main(["export", str(study.root), str(out), "--format", format, "--logs"]) == 0
    read = {"parquet": pd.read_parquet, "csv": pd.read_csv, "jsonl": partial(pd.read_json, lines=True)}[format]
    found, expected = read(out / f"results.{format}"), study.results()
    assert list(found.columns) == list(expected.columns)
    key = ["dlib_model_num", "representation", "metric", "score"]
    values = [frame.astype(dict.fromkeys(key[1:], str)).set_index(key)["value"].sort_index()
              for frame in (found, expected)]  # fmt: skip
    pd.testing.assert_series_equal(*values, check_index_type=False)
    text = (out / "README.md").read_text(encoding="utf-8")
    assert "By disentanglement_lib: its result files were imported" in text
    assert f"SHA-256 of all {study.source['sha256']}" in text
    assert "makes it again" not in text
    assert "operative" not in text
    assert "logs" not in text
    package = json.loads((out / "datapackage.json").read_text(encoding="utf-8"))
    assert "made by disentanglement_lib, imported by disentanglement_study" in package["description"]
    assert {path.name for path in out.iterdir()} == {one["path"] for one in package["resources"]} | {
        "README.md", "CITATION.cff", "datapackage.json"
    }  # fmt: skip


def test_two_of_them_are_merged_but_not_with_one_that_has_its_models(study, finished_study, tmp_path, capsys):
    other, _ = brought(tmp_path / "other", dlib_results.files(3, SOME))
    assert cli.main(["merge", str(study.root), str(other.root), str(tmp_path / "into")]) == 0
    into = store.open(tmp_path / "into")
    assert sorted(into.plan["dlib_model_num"]) == [0, 1, 2, 3]
    assert len(into.results()) == len(study.results()) + len(other.results())
    assert into.source["kind"] == "disentanglement_lib"
    capsys.readouterr()
    for roots in ((study.root, finished_study), (finished_study, study.root)):
        assert cli.main(["merge", *map(str, roots), str(tmp_path / "mixed")]) == 2
        assert capsys.readouterr().err == (
            f"error: {study.root} holds results imported from disentanglement_lib, without models, and "
            f"{finished_study} holds models: they cannot be merged; `tables {finished_study} --beside {study.root}` "
            "compares them\n"
        )
    assert not (tmp_path / "mixed").exists()


@pytest.mark.parametrize(
    ("command", "purpose"),
    [
        (["run", str(ROOT / "sweeps/locatello2019.gin"), "DIR", "--executor", "inline"], "go on with"),
        (["evaluate", "DIR", "--executor", "inline"], "score"),
        (["evaluate", "DIR", "--metrics", "udr", "--executor", "inline"], "score"),
        (["traverse", "DIR", "RUN"], "encode or draw"),
        (["compare", "DIR"], "encode or draw"),
        (["encode", "DIR", "RUN"], "encode or draw"),
        (["reproduce", "DIR", "RUN"], "train again"),
        (["unmix", "DIR"], "encode or draw"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_what_needs_the_models_is_refused_in_one_line(imported, command, purpose, capsys):
    root = str(imported[0])
    run_id = store.open(root).plan["run_id"][0]
    before = sorted(imported[0].rglob("*"))
    assert cli.main([{"DIR": root, "RUN": run_id}.get(word, word) for word in command]) == 2
    assert capsys.readouterr().err == (
        f"error: {root} holds results of disentanglement_lib: its models were trained elsewhere and are not here, "
        f"so there is nothing to {purpose}\n"
    )
    assert sorted(imported[0].rglob("*")) == before
