"""Failed runs are done again from the study's own settings, and nothing else is touched."""

import pandas as pd
import pytest

from disentanglement_study import cli, store
from disentanglement_study.runtime import job_log
from disentanglement_study.store.runs import finished_jobs
from disentanglement_study.study import job as stages
from disentanglement_study.study.training_rows import record_failure

KEY = ["run_id", "representation", "metric", "score"]


@pytest.fixture
def study(study_copy):
    """The finished study, of which one job of each method has failed."""
    opened = store.open(study_copy)
    of = {job.method: job for job in finished_jobs(opened)}
    for job in of.values():
        record_failure(job, study_copy, MemoryError(f"no room for {job.method}"), 2)
    return opened


@pytest.fixture
def retry(study, dsprites_root, monkeypatch):
    """Calls the command; returns the exit code and the runs that were trained."""
    trained, learn = [], stages.learn

    def counted(job, *arguments, **options):
        trained.extend(run.run_id for run in job.runs)
        return learn(job, *arguments, **options)

    monkeypatch.setattr(stages, "learn", counted)

    def call(*options):
        trained.clear()
        place = ("--executor", "inline", "--data-dir", str(dsprites_root))
        return cli.main(["retry", str(study.root), *place, *options]), set(trained)

    return call


def values(opened):
    return opened.rows("scores").set_index(KEY)["value"].sort_index()


def test_the_failed_runs_are_done_again_and_no_others(study, retry, finished_study, capsys):
    failed = study.run_ids("failed")
    assert len(failed) == 4
    assert retry() == (0, failed)
    assert study.run_ids("failed") == set()
    pd.testing.assert_series_equal(values(study), values(store.open(finished_study)), check_exact=True)
    assert retry() == (0, set())
    assert "no run has failed" in capsys.readouterr().out


def test_a_retry_that_was_stopped_goes_on(study, retry, finished_study, monkeypatch, capsys):
    failed, learn, calls = study.run_ids("failed"), stages.learn, []

    def stopped(*arguments, **options):
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return learn(*arguments, **options)

    with monkeypatch.context() as patch:
        patch.setattr(stages, "learn", stopped)
        assert retry()[0] == 130
    left = failed - study.run_ids("done")
    assert (len(left), study.run_ids("failed")) == (2, set())
    assert cli.main(["status", str(study.root)]) == 0
    stopped = f"if no process runs the study, `retry {study.root}` continues"
    assert f"2 failed runs are being run again; {stopped}" in capsys.readouterr().out
    assert retry("--list") == (0, set())
    shown = " ".join(capsys.readouterr().out.split())
    assert all((run_id in shown) == (run_id in left) for run_id in failed)
    assert "was being done again: MemoryError: no room for" in shown
    assert retry("--where", "seed == 0") == (0, {run_id for run_id in left if seed_of(study, run_id) == 0})
    assert retry() == (0, {run_id for run_id in left if seed_of(study, run_id) == 1})
    pd.testing.assert_series_equal(values(study), values(store.open(finished_study)), check_exact=True)
    assert not (study.root / "retry.json").exists()
    assert retry() == (0, set())


def seed_of(study, run_id):
    return study.plan.set_index("run_id")["seed"][run_id]


@pytest.mark.parametrize("text", ["[]", "{", '{"../x": "why"}', '{"%s": 3}' % ("a" * 12)])
def test_a_damaged_list_of_what_is_retried_is_named_and_run_writes_it_anew(
    study, small_sweep, dsprites_root, capsys, text
):
    path = study.root / "retry.json"
    path.write_text(text)
    assert cli.main(["retry", str(study.root), "--list"]) == 2
    assert f"error: {path}: cannot be read: " in capsys.readouterr().err
    command = ["run", small_sweep, str(study.root), "--executor", "inline", "--data-dir", str(dsprites_root)]
    assert cli.main(command) == 3  # the failed ones stay
    assert not path.exists()


def test_failed_runs_that_are_left_out_stay_failed_with_their_reason(study, retry, capsys):
    failed = study.run_ids("failed")
    plan = study.plan.set_index("run_id").loc[sorted(failed)]
    some = set(plan[(plan["method"] == "factor_vae") & (plan["seed"] == 1)].index)
    code, trained = retry("--where", "method == 'factor_vae' and seed == 1")
    assert (code, trained) == (0, some)
    assert study.run_ids("failed") == failed - some
    assert len(study.run_ids("done")) == 8 - 4 + len(some)
    errors = [manifest["error"] for manifest in study.manifests() if manifest["status"] == "failed"]
    assert sorted(error.splitlines()[-1] for error in errors) == [
        "MemoryError: no room for beta_vae",
        "MemoryError: no room for factor_vae",
    ]
    rows = study.rows("scores")
    assert set(rows.loc[rows["error"].notna(), "run_id"]) == failed - some
    (rest,) = [one for one in study.manifests() if one["status"] == "failed" and "factor_vae" in one["error"]]
    text = job_log.tail(study.log_file(rest["job_id"]))  # a part of a job, which has a name of its own
    assert "attempt 1 begins" in text
    assert text.endswith("of whose 2 runs this job has 1\n")


def test_the_list_says_why_and_does_nothing(study, retry, capsys):
    failed = study.run_ids("failed")
    assert retry("--list") == (0, set())
    shown = " ".join(capsys.readouterr().out.split())
    assert all(run_id in shown for run_id in failed)
    assert "no room for factor_vae" in shown
    assert study.run_ids("failed") == failed


def test_what_fails_again_is_exit_code_3(study, retry, monkeypatch, capsys):
    monkeypatch.setattr(stages, "learn", lambda *arguments, **options: 1 / 0)
    assert retry()[0] == 3
    assert "failed: 4 of 4 runs" in capsys.readouterr().err
    assert len(study.run_ids("failed")) == 4


def test_resources_may_be_others_and_nothing_else(study, retry, capsys):
    before = values(study)
    assert retry("--gin", "train.steps = 3") == (2, set())
    assert "only settings of resources can be given" in capsys.readouterr().err
    pd.testing.assert_series_equal(values(study), before)
    code, trained = retry("--gin", "resources.population = 1", "--where", "method == 'beta_vae'")
    assert (code, len(trained)) == (0, 2)
    populations = [one["population"] for one in study.manifests() if trained & set(one["run_ids"])]
    assert populations == [1]


@pytest.mark.parametrize(
    ("options", "message"),
    [(["--where", "seed == 7"], "selects none of the 4 failed runs"), (["--where", "sed == 1"], "sed")],
)
def test_bad_input_is_one_line(study, retry, capsys, options, message):
    assert retry(*options) == (2, set())
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert message in line


def test_a_study_that_is_running_is_left_alone(study, retry, capsys):
    with study.lock():
        assert retry() == (2, set())
    assert "another process is running" in capsys.readouterr().err


def test_run_with_retry_failed_and_where_keeps_the_others_failed(study, small_sweep, dsprites_root):
    failed = study.run_ids("failed")
    command = ["run", small_sweep, str(study.root), "--executor", "inline", "--data-dir", str(dsprites_root)]
    assert cli.main([*command, "--retry-failed", "--where", "method == 'beta_vae'"]) == 0
    methods = study.plan.set_index("run_id")["method"]
    assert study.run_ids("failed") == {run_id for run_id in failed if methods[run_id] == "factor_vae"}
