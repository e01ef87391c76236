"""The store holds whole jobs, answers SQL, and refuses what is not its own."""

import json

import numpy as np
import pandas as pd
import pytest

from disentanglement_study import store
from disentanglement_study.config.identity import scored_with
from disentanglement_study.store import in_flight
from disentanglement_study.study import components, failed, plan

SWEEP = """
sweep.data_sets = ['dsprites']
sweep.methods = {'beta_vae': {'beta': [1, 4]}, 'beta_tc_vae': {'beta': 2}}
sweep.seeds = 2
"""

EVALUATION = json.dumps(scored_with(components.load(SWEEP)))


def planned(text: str = ""):
    study = components.load(SWEEP + text)
    runs = plan.expand(study)
    return study, runs, plan.frame(runs, study)


def score(run_id: str, value: float = 0.5, error: str | None = None) -> dict:
    row = {"run_id": run_id, "representation": "mean", "metric": "mig", "score": "mig", "value": value, "n": 10}
    return {**row, "protocol": "dlib", "metric_version": "1", "versions": "numpy=2", "seconds": 0.1, "error": error}


@pytest.fixture
def study_dir(tmp_path):
    """A study of six runs of which the job of the four beta_vae is done and that of beta_tc_vae failed."""
    study, runs, table = planned()
    opened = store.Store(tmp_path / "study")
    opened.create(table, study.text, EVALUATION)
    done, failed = plan.group(runs, 10)
    opened.write_job(
        done,
        [score(run.run_id, value=run.hyper["beta"]) for run in done.runs],
        [{"run_id": done.runs[0].run_id, "step": 10, "term": "loss", "value": 1.5}],
        {"params": {"encoder/kernel": np.ones((4, 2))}},
        {"status": "done"},
    )
    opened.write_job(
        failed,
        [score(run.run_id, np.nan, error="boom") for run in failed.runs],
        [],
        {},
        {"status": "failed", "error": "x"},
    )
    return opened


def test_results_are_scores_with_the_bindings_of_their_runs(study_dir):
    results = store.open(study_dir.root).results()
    assert len(results) == 6
    done = results[results["error"].isna()]
    assert (done["value"] == done["strength"]).all()
    assert set(done["method"]) == {"beta_vae"}
    assert {"run_id", "data_set", "strength_name", "seed", "protocol", "n", "seconds"} <= set(results.columns)


def test_sql_sees_runs_scores_curves_and_results(study_dir):
    assert study_dir.query("SELECT count(*) AS n FROM runs")["n"].item() == 6
    assert study_dir.query("SELECT sum(value) AS s FROM scores WHERE error IS NULL")["s"].item() == 10
    assert study_dir.query("SELECT value FROM curves WHERE term = 'loss'")["value"].item() == 1.5
    assert study_dir.query("SELECT max(value) AS m FROM results WHERE objective = 'beta_vae'")["m"].item() == 4


@pytest.mark.parametrize("view", ["runs", "scores", "curves", "results"])
def test_a_study_without_jobs_has_empty_views(tmp_path, view):
    study, _, table = planned()
    opened = store.Store(tmp_path)
    opened.create(table, study.text, EVALUATION)
    assert len(opened.query(f"SELECT * FROM {view}")) == (6 if view == "runs" else 0)


def test_a_query_cannot_change_the_study(study_dir):
    before = sorted((path, path.stat().st_mtime_ns) for path in study_dir.root.rglob("*"))
    for sql in ("CREATE TABLE t AS SELECT 1 AS x", "DELETE FROM scores"):
        with pytest.raises(ValueError, match="query"):
            study_dir.query(sql)
    assert before == sorted((path, path.stat().st_mtime_ns) for path in study_dir.root.rglob("*"))


@pytest.mark.parametrize(
    ("sql", "message"),
    [
        ("SELEC * FROM results", "syntax error"),
        ("SELECT valu FROM results", "valu"),
        ("SELECT * FROM result", "result"),
        ("", "empty"),
    ],
)
def test_bad_sql_is_one_line_that_names_it(study_dir, sql, message):
    with pytest.raises(ValueError) as error:  # noqa: PT011
        study_dir.query(sql)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_job_that_was_cut_off_while_it_was_written_is_not_there(study_dir):
    _, runs, _ = planned()
    (study_dir.tmp / "feedfeedfeed.123").mkdir()
    (study_dir.tmp / "feedfeedfeed.123" / "scores.parquet").write_bytes(b"half")
    assert len(study_dir.results()) == 6
    in_flight.clear(study_dir)
    assert [path.name for path in study_dir.tmp.iterdir()] in ([], ["lock"])
    assert len(study_dir.run_ids("done")) == 4
    assert {run.run_id for run in runs} == study_dir.run_ids("done") | study_dir.run_ids("failed")


def test_forgetting_failed_jobs_makes_their_runs_missing_again(study_dir):
    failed.forget(study_dir, study_dir.run_ids("failed"))
    assert study_dir.run_ids("failed") == set()
    assert len(study_dir.run_ids("done")) == 4


def test_a_larger_sweep_extends_a_study_and_another_one_is_refused(study_dir):
    study, _, table = planned("sweep.seeds = 3\n")
    study_dir.create(table, study.text, EVALUATION)
    assert len(study_dir.plan) == 9
    before = study_dir.text, study_dir.plan
    for text, differs in (
        ("train.steps = 7\n", r"train.steps is \d+ there, 7 here, and 9 of its 9 runs are not in this one"),
        ("sweep.seeds = [1, 5]\n", r"sweep.seeds is 3 there, \(1, 5\) here, and 6 of its 9 runs are not in this one"),
    ):
        study, _, table = planned(text)
        with pytest.raises(ValueError, match=f"holds another sweep: {differs}; name another folder for this one$"):
            study_dir.create(table, study.text, EVALUATION)
    study, _, table = planned("sweep.seeds = 3\n")
    with pytest.raises(ValueError, match="scored with other settings"):
        study_dir.create(table, study.text, json.dumps({**json.loads(EVALUATION), "num_train": 5}))
    study, _, table = planned("sweep.seeds = [1]\n")
    study_dir.create(table, study.text, EVALUATION)  # a part of the study is that study: nothing to write
    assert study_dir.text == before[0]
    pd.testing.assert_frame_equal(study_dir.plan, before[1])
    assert len(study_dir.run_ids("done")) == 4


def test_a_folder_that_is_no_study_is_left_alone(tmp_path):
    study, _, table = planned()
    (tmp_path / "thesis.txt").write_text("precious")
    with pytest.raises(ValueError, match="not empty and holds no study"):
        store.Store(tmp_path).create(table, study.text, EVALUATION)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]
    with pytest.raises(ValueError, match="holds no study"):
        store.open(tmp_path)


def test_a_sweep_file_of_this_name_makes_no_study_of_a_folder(tmp_path):
    study, _, table = planned()
    (tmp_path / "study.gin").write_text("sweep.seeds = 1\n")
    with pytest.raises(ValueError, match="not empty and holds no study"):
        store.Store(tmp_path).create(table, study.text, EVALUATION)
    with pytest.raises(ValueError, match="holds no study but other files"):
        store.open(tmp_path)
    (tmp_path / "evaluation.json").write_text(EVALUATION)
    with pytest.raises(ValueError, match=r"has lost its plan\.parquet"):
        store.open(tmp_path)


def test_two_processes_cannot_run_one_study_at_once(study_dir):
    with study_dir.lock(), pytest.raises(ValueError, match="another process is running"), study_dir.lock():
        pass
    with study_dir.lock():
        pass


def test_progress_of_running_jobs_is_there_until_they_are_stored(study_dir):
    study, runs, _ = planned("sweep.seeds = 3\n")
    job = plan.group([run for run in runs if run.seed == 2], 10)[0]
    in_flight.write_progress(study_dir, job, "training", 0.25)
    (entry,) = in_flight.progress(study_dir)
    assert (entry["stage"], entry["fraction"], len(entry["run_ids"])) == ("training", 0.25, 2)
    study_dir.write_job(job, [], [], {}, {"status": "done"})
    assert in_flight.progress(study_dir) == []
    manifest = json.loads((study_dir.jobs / job.job_id / "manifest.json").read_text())
    assert manifest["run_ids"] == [run.run_id for run in job.runs]
    assert components.load((study_dir.jobs / job.job_id / "config.gin").read_text()).train == study.train
