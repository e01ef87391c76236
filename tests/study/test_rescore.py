"""A finished study is asked for more metrics: its scores become those of a study that had them from the start."""

import shutil

import numpy as np
import pandas as pd
import pytest

from disentanglement_study import cli, store
from disentanglement_study.metrics import METRICS, udr
from disentanglement_study.store.runs import finished_jobs
from disentanglement_study.study import rescore
from disentanglement_study.types import Metric

BINDINGS = """
nets.encoder_options = {'widths': [16]}
nets.decoder_options = {'widths': [16]}
train.steps = 20
evaluate.table_rows = 1500
evaluate.keep_codes = 300
"""


@pytest.fixture(scope="module")
def again(dsprites_root):
    def call(folder, *options):
        return cli.main(["evaluate", str(folder), "--data-dir", str(dsprites_root), "--executor", "inline", *options])

    return call


@pytest.fixture(scope="module")
def finished(run_tiny, tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished") / "study"
    assert run_tiny(folder) == 0
    return folder


@pytest.fixture
def study(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / "study")


def scores(folder):
    columns = ["run_id", "representation", "metric", "score"]
    return store.open(folder).rows("scores").set_index(columns)["value"].sort_index()


def test_new_scores_are_those_of_a_study_that_had_the_metric_from_the_start(run_tiny, again, study, tmp_path, capsys):
    before = scores(study)
    assert again(study, "--metrics", "modularity,sap_score") == 0
    assert "2 finished jobs: 0 have these scores, 2 to score" in capsys.readouterr().err
    metrics = "evaluate.metrics = ['mig', 'modularity', 'sap_score']"
    assert run_tiny(tmp_path / "whole", metrics) == 0
    pd.testing.assert_series_equal(scores(study), scores(tmp_path / "whole"))
    pd.testing.assert_series_equal(scores(study)[before.index], before)
    capsys.readouterr()
    assert again(study, "--metrics", "modularity,mig") == 0
    assert "2 finished jobs: 2 have these scores, 0 to score" in capsys.readouterr().err
    assert run_tiny(study) == 0  # it is still the study that it was


def test_rows_that_a_finished_job_lacks_of_some_runs_are_made_again_by_run(run_tiny, study, capsys):
    before = scores(study)
    path = next(study.glob("jobs/*/scores.parquet"))
    rows = pd.read_parquet(path)
    rows[(rows["run_id"] != rows["run_id"].iloc[0]) | (rows["metric"] != "mig")].to_parquet(path, index=False)
    assert len(scores(study)) < len(before)
    assert run_tiny(study) == 0
    assert "metrics still to compute (mig): 1 finished job to score" in capsys.readouterr().err
    pd.testing.assert_series_equal(scores(study), before)


def test_a_new_version_of_a_metric_replaces_the_old_scores(again, study, monkeypatch):
    newer = {"mig": 2.0}
    monkeypatch.setitem(METRICS, "mig", Metric(lambda codes, factors, *, rng: newer, "sample", "2"))
    before = scores(study)
    assert again(study) == 0
    after = scores(study)
    assert (after.xs("mig", level="metric") == 2.0).all()
    assert len(after) == len(before)


def test_models_that_differ_by_seed_are_compared(again, study, capsys):
    assert again(study, "--metrics", "udr") == 0
    opened = store.open(study)
    results = opened.results()
    found = results[results["metric"] == "udr"].pivot(index="run_id", columns="score", values="value")
    assert len(found) == 4
    codes, kl, ids = [], [], []
    jobs = finished_jobs(opened)
    for job in jobs:
        kept = opened.arrays(job, "codes")
        for member, one in enumerate(job.runs):
            if one.hyper["beta"] == 4:
                mean, logvar = kept["mean"][member].astype(float), kept["logvar"][member].astype(float)
                kl.append(0.5 * (mean**2 + np.exp(logvar) - logvar - 1).mean(axis=0))
                codes.append(mean)
                ids.append(one.run_id)
    assert len(jobs) == 2
    assert found.loc[ids, "udr"].tolist() == pytest.approx(udr(codes, kl).scores.tolist())
    assert found.loc[ids, "udr_lasso"].tolist() == pytest.approx(udr(codes, kl, correlation="lasso").scores.tolist())
    assert capsys.readouterr().err.splitlines() == [
        "udr: comparing 4 models of 2 finished jobs",
        "udr: 4 models compared with those of other seeds, 0 have none to compare with",
    ]


def test_what_is_said_to_be_there_is_said_of_the_scores_other_than_udr(again, study, capsys):
    assert again(study, "--metrics", "mig,udr") == 0
    said = capsys.readouterr().err.splitlines()
    assert said[0] == "2 finished jobs: 2 have the scores other than udr, 0 to score"
    assert said[1].startswith("udr: comparing 4 models")


def test_a_model_without_another_seed_has_no_udr(run_tiny, again, tmp_path, capsys):
    assert run_tiny(tmp_path / "one", "sweep.seeds = 1") == 0
    assert again(tmp_path / "one", "--metrics", "udr") == 0
    assert "0 models compared with those of other seeds, 2 have none to" in capsys.readouterr().err


def test_a_job_that_cannot_be_scored_keeps_its_scores_and_is_tried_again(again, study, monkeypatch, capsys):
    before = scores(study)
    with monkeypatch.context() as patch:
        patch.setattr(rescore, "score_members", lambda *arguments, **report: 1 / 0)
        assert again(study, "--metrics", "irs") == 3
    shown = capsys.readouterr().err
    assert "2 of 2 jobs could not be scored" in shown
    assert "division by zero" in shown
    pd.testing.assert_series_equal(scores(study), before)
    assert again(study, "--metrics", "irs") == 0
    assert "irs" in scores(study).index.get_level_values("metric")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--metrics", "modularty"], "unknown metric 'modularty': did you mean 'modularity'"),
        (["--metrics", "udrr"], "did you mean 'udr'"),
        (["--num-train", "10"], "--num-train is for a file of codes"),
        (["--executor", "rai"], "did you mean 'ray'"),
    ],
)
def test_bad_input_is_an_error_before_anything_is_scored(again, study, capsys, options, message):
    assert again(study, *options) == 2
    assert message in " ".join(capsys.readouterr().err.split())


def test_a_folder_without_a_study_is_an_error(again, tmp_path, capsys):
    assert again(tmp_path) == 2
    assert "holds no study" in capsys.readouterr().err


def test_the_runs_that_are_done_are_those_of_the_plan_whatever_the_sweep_says(study):
    opened = store.open(study)
    before = finished_jobs(opened)
    assert sorted(run.run_id for job in before for run in job.runs) == sorted(opened.plan["run_id"])
    text = opened.text
    assert "sweep.seeds = 2" in text
    (study / "study.gin").write_text(text.replace("sweep.seeds = 2", "sweep.seeds = 1"))
    assert finished_jobs(opened) == before


def test_the_status_says_of_a_metric_how_many_models_have_it(study_copy, capsys):
    assert cli.main(["status", str(study_copy)]) == 0
    assert "have it" not in capsys.readouterr().out
    opened = store.open(study_copy)
    first, *others = finished_jobs(opened)
    row = {"representation": "mean", "score": "dcimig", "metric": "dcimig", "value": 0.5}
    error = {"representation": "sampled", "score": "dcimig", "metric": "dcimig", "error": "ValueError: bad luck"}
    opened.add_scores(first, [{"run_id": run.run_id, **one} for run in first.runs for one in (row, error)])
    udr = {"representation": "mean", "score": "udr", "metric": "udr", "value": 0.5}
    opened.add_scores(first, [{"run_id": first.runs[0].run_id, **udr}])  # it compares models: some may have none
    assert cli.main(["status", str(study_copy)]) == 0
    said = capsys.readouterr().out
    assert [line for line in said.splitlines() if "have it" in line or "has it" in line] == [
        "dcimig: 2 of 8 done models have it"
    ]
    for job in others:
        opened.add_scores(job, [{"run_id": run.run_id, **row} for run in job.runs])
    assert cli.main(["status", str(study_copy)]) == 0
    assert "have it" not in capsys.readouterr().out
