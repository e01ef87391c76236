"""What scripts read: one JSON value on stdout, and nothing else there."""

import json
import math

import numpy as np
import pandas as pd
import pytest
from report_study import HOSTILE, make_study

from disentanglement_study import cli, store
from disentanglement_study.cli import as_json
from disentanglement_study.metrics import mig


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """54 runs in 6 jobs of 9, of which one failed and one is missing; a score failed, and one has no value."""
    return make_study(tmp_path_factory.mktemp("json") / "study")


@pytest.fixture
def said(capsys):
    """Does a command; what it said in JSON, and on stderr."""

    def call(*command: str, code: int = 0):
        assert cli.main([*map(str, command), "--json"]) == code
        shown = capsys.readouterr()
        # NaN is no JSON, though Python reads it.
        return json.loads(shown.out, parse_constant=lambda name: pytest.fail(f"{name} is no JSON")), shown.err

    return call


def test_a_plan(said):
    options = ["--gin", "sweep.seeds = 3", "--gin", "sweep.axes = {'nets.num_latents': [2, 5]}"]
    plan, err = said("plan", "quick", *options, "--where", "method in ['beta_vae', 'factor_vae']")
    assert err == ""
    assert (plan["runs"], plan["jobs"], plan["job_size"]) == (36, 8, 6)  # 2 of each method and number of latents
    assert (plan["seeds"], plan["axes"]) == ([0, 1, 2], {"nets.num_latents": [2, 5]})
    assert [one["data_set"] for one in plan["data_sets"]] == ["dsprites"]
    assert plan["data_sets"][0]["runs"] == 36
    assert plan["data_sets"][0]["pflop"] == pytest.approx(plan["pflop"])
    beta_vae, factor_vae = plan["methods"]
    assert beta_vae["hyperparameters"] == {"beta": [0.25, 1.5, 4.0]}
    assert (beta_vae["updates"], factor_vae["updates"]) == ([6000, 6000], [3000, 3000])  # half under protocol "dlib"
    assert beta_vae["parameters"][0] < beta_vae["parameters"][1]
    both = 1e-6 * sum(18 * method["updates"][0] * np.mean(method["gflop_per_step"]) for method in plan["methods"])
    assert plan["pflop"] == pytest.approx(both)
    assert plan["scores"] % 36 == 0


def test_where_a_study_stands(said, study):
    found, _ = said("status", study.root)
    counts = {name: found[name] for name in ("planned", "done", "failed", "running", "missing")}
    assert counts == {"planned": 54, "done": 36, "failed": 9, "running": 0, "missing": 9}
    assert sum(row["planned"] for row in found["by_method"]) == 54
    assert {row["data_set"] for row in found["by_method"]} == {"dsprites"}
    assert (found["running_now"], found["retrying"], found["waiting"]) == (False, [], [])
    (failed,) = found["failed_jobs"]
    assert set(failed["run_ids"]) == study.run_ids("failed")
    (score,) = found["failed_scores"]
    assert (score["metric"], score["representation"]) == ("mig", "mean")
    assert score["run_id"] in study.run_ids("done")
    assert failed["error"] in " ".join(HOSTILE.split())


def test_a_damaged_job_is_listed_and_is_the_error(tmp_path, said):
    study = make_study(tmp_path / "study")
    job = next(one["job_id"] for one in study.manifests() if one["status"] == "done")
    (study.jobs / job / "scores.parquet").write_bytes(b"")
    found, err = said("status", study.root, code=2)
    assert (found["done"], found["missing"]) == (27, 18)
    assert any(job in line for line in found["damaged"])
    assert err.startswith("error: ")
    assert err.count("\n") == 1


def test_status_that_watches_has_no_json(study, capsys):
    assert cli.main(["status", str(study.root), "--watch", "--json"]) == 2
    assert capsys.readouterr() == ("", "error: --json shows one look: leave out --watch\n")


def test_jobs_and_a_log(said, study):
    jobs, _ = said("logs", study.root)
    assert sorted(job["state"] for job in jobs) == ["done"] * 4 + ["failed"]
    assert sum(job["runs"] for job in jobs) == 45
    study.log_file(jobs[0]["job"]).parent.mkdir(exist_ok=True)
    study.log_file(jobs[0]["job"]).write_text("begun\nended\n")
    assert said("logs", study.root, jobs[0]["job"][:8])[0] == {"job": jobs[0]["job"], "log": "begun\nended\n"}
    assert said("logs", study.root)[0][0]["last"] == "ended"


def test_rows_of_a_query_have_all_digits(said, study):
    sql = "SELECT run_id, value FROM results WHERE metric = 'mig' AND representation = 'mean' ORDER BY run_id"
    rows, _ = said("query", study.root, sql)
    results = study.results()
    kept = results[(results["metric"] == "mig") & (results["representation"] == "mean")].set_index("run_id")["value"]
    assert {row["run_id"]: row["value"] for row in rows} == {
        run: None if math.isnan(value) else value for run, value in kept.items()
    }
    assert [row["value"] for row in rows].count(None) == 1


def test_values_of_all_kinds(said, study):
    sql = "SELECT 1 AS one, 'inf'::FLOAT AS inf, NULL AS none, true AS yes, [1, 2] AS both, DATE '2020-02-01' AS day"
    (row,), _ = said("query", study.root, sql)
    assert row == {"one": 1, "inf": None, "none": None, "yes": True, "both": [1, 2], "day": "2020-02-01T00:00:00"}


def test_the_tables_that_a_query_can_ask(said, study):
    tables, _ = said("query", study.root)
    assert "run_id" in [row["column"] for row in tables["results"]]
    assert tables.keys() == {"results", "runs", "scores", "curves", "jobs", "rescored"}


def test_a_bad_query_is_one_line_and_no_json(study, capsys):
    assert cli.main(["query", str(study.root), "SELEC 1", "--json"]) == 2
    shown = capsys.readouterr()
    assert shown.out == ""
    assert shown.err.count("\n") == 1


def test_the_scores_of_a_file(said, tmp_path):
    rng = np.random.default_rng(0)
    factors = rng.integers(4, size=(2000, 2))
    codes = factors + rng.normal(size=(2000, 2))
    np.savez(tmp_path / "codes.npz", codes=codes, factors=factors)
    scores, _ = said("evaluate", tmp_path / "codes.npz", "--metrics", "mig,unsupervised", "--num-train", "2000")
    found = {row["score"]: row["value"] for row in scores}
    assert 0 < found["mig"] < 1
    assert found["mig"] == pytest.approx(mig(codes, factors)["mig"], rel=0.05)
    assert all(row["error"] is None for row in scores)


def test_a_study_is_not_scored_in_json(study, capsys):
    assert cli.main(["evaluate", str(study.root), "--json"]) == 2
    assert "--json is for a file of codes" in capsys.readouterr().err


def test_data_sets(said, tmp_path):
    listed, _ = said("data", "list", "--data-dir", tmp_path)
    by_name = {one["name"]: one for one in listed}
    assert by_name["dsprites"]["factors"]["orientation"] == 40
    assert by_name["dsprites"]["input_shape"] == [64, 64, 1]
    assert by_name["cars3d"]["here"] == "no"
    assert by_name["laplace_pairs"]["factors"] is None
    assert by_name["laplace_pairs"]["points"] == 20_000
    one, _ = said("data", "info", "laplace_pairs", "--data-dir", tmp_path)
    assert one == by_name["laplace_pairs"] | {"options": one["options"]}
    assert one["options"]["num_pairs"] == 10_000
    assert said("data", "info", "dsprites", "--data-dir", tmp_path)[0]["options"] == {}


def test_the_files_of_the_tables(said, study):
    found, _ = said("tables", study.root)
    there = {str(path) for path in (study.root / "tables").iterdir()}
    assert set(found["files"]) == there
    assert found["skipped"]
    assert all(f"{study.root}/tables/{name}.csv" not in there for name in found["skipped"])


def test_numbers_and_rows_are_whole(capsys):
    frame = pd.DataFrame(
        {"value": [0.1 + 0.2, np.nan], "n": [2**53 + 1, 1], "at": [pd.Timestamp("2020-01-01"), pd.NaT]}
    )
    as_json.write(as_json.records(frame))
    first, second = json.loads(capsys.readouterr().out)
    assert first == {"value": 0.30000000000000004, "n": 2**53 + 1, "at": "2020-01-01T00:00:00"}
    assert second == {"value": None, "n": 1, "at": None}
    as_json.write({"array": np.array([1.5, np.inf]), "path": store.Store, "keys": {1: (np.int64(3),)}})
    assert json.loads(capsys.readouterr().out)["keys"] == {"1": [3]}
