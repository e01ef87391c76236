"""UDR compares models: when models are added, those that were there before are compared again, and nothing else is."""

import shutil

import pandas as pd
import pytest

from disentanglement_study import cli, store
from disentanglement_study.runtime import job_log
from disentanglement_study.store import peers
from disentanglement_study.store.runs import finished_jobs
from disentanglement_study.study import provenance, run, udr
from disentanglement_study.study.job import run_job

BINDINGS = """
sweep.methods = {'beta_vae': {'beta': [1, 4]}, 'beta_tc_vae': {'beta': [4]}, 'fast_ica': {}}
train.steps = 60
train.learning_rate = 0.01
evaluate.keep_codes = 200
"""
SEEDS = "sweep.seeds = 3"
BETA = ("--where", "method == 'beta_vae'")
LINE = "udr again, with other models to compare with: "


def compare(folder):
    return cli.main(["evaluate", str(folder), "--metrics", "udr", "--executor", "inline"])


@pytest.fixture(scope="module")
def compared(run_tiny, tmp_path_factory):
    """A study of two seeds that has UDR."""
    folder = tmp_path_factory.mktemp("compared") / "study"
    assert run_tiny(folder) == 0
    assert compare(folder) == 0
    return folder


@pytest.fixture(scope="module")
def at_once(run_tiny, tmp_path_factory):
    """A study that had three seeds from the start."""
    folder = tmp_path_factory.mktemp("at_once") / "study"
    assert run_tiny(folder, SEEDS) == 0
    assert compare(folder) == 0
    return folder


@pytest.fixture
def study(compared, tmp_path):
    return shutil.copytree(compared, tmp_path / "study")


def scores(folder):
    results = store.open(folder).results()
    kept = results[results["metric"] == "udr"].astype({"method": str, "score": str})
    return kept.set_index(["method", "strength", "seed", "score"])["value"].sort_index()


def commits(folder):
    """{method: what `rescored` says of where the UDR of its jobs comes from}"""
    found = store.open(folder).query("""
        SELECT DISTINCT method, rescored.commit FROM runs JOIN rescored USING (job_id) WHERE metric = 'udr'
    """)
    return {method: set(rows["commit"]) for method, rows in found.groupby("method")}


def files(folder):
    return {path: path.stat().st_mtime_ns for path in folder.glob("jobs/*/*")}


@pytest.fixture
def later(monkeypatch):
    monkeypatch.setattr(provenance, "git", lambda root: ("f" * 40, False))
    provenance._process.cache_clear()
    yield
    provenance._process.cache_clear()


def test_scores_are_those_of_a_study_that_had_all_seeds_from_the_start(run_tiny, study, at_once, later, capsys):
    before = scores(study)
    assert run_tiny(study, SEEDS) == 0
    said = capsys.readouterr().err
    assert f"{LINE}9 models compared with those of other seeds, 0 have none to compare with\n" in said
    pd.testing.assert_series_equal(scores(study), scores(at_once))
    assert len(before) == 2 * 3 * 2
    assert (scores(study)[before.index] != before).any()  # else the test could not fail
    assert commits(study) == {"beta_vae": {"f" * 40}, "beta_tc_vae": {"f" * 40}}
    capsys.readouterr()
    there = files(study)
    assert run_tiny(study, SEEDS) == 0
    assert "udr" not in capsys.readouterr().err
    assert files(study) == there


def test_models_without_new_peers_are_left_alone(run_tiny, study, at_once, later, capsys):
    before, there, (old,) = scores(study), files(study), commits(study)["beta_tc_vae"]
    assert run_tiny(study, SEEDS, options=BETA) == 0
    assert f"{LINE}6 models compared" in capsys.readouterr().err
    pd.testing.assert_series_equal(scores(study).loc["beta_vae"], scores(at_once).loc["beta_vae"])
    pd.testing.assert_series_equal(scores(study).loc["beta_tc_vae"], before.loc["beta_tc_vae"])
    assert commits(study) == {"beta_vae": {"f" * 40}, "beta_tc_vae": {old}}
    of_others = [job.job_id for job in finished_jobs(store.open(study)) if job.method != "beta_vae"]
    assert {path: time for path, time in files(study).items() if path.parent.name in of_others} == {
        path: time for path, time in there.items() if path.parent.name in of_others
    }


def test_models_that_share_a_job_are_compared_in_one_go(run_tiny, study, later, capsys):
    """Where scores come from is known by job: half of one cannot be of another time."""
    assert run_tiny(study, SEEDS, "resources.job_size = 9", options=("--where", "strength == 4")) == 0
    before = scores(study)
    job = next(job for job in finished_jobs(store.open(study)) if {run.hyper.get("beta") for run in job.runs} == {4})
    assert run_tiny(study, "sweep.seeds = 4", "resources.job_size = 9", options=BETA) == 0
    found = commits(study)
    assert found["beta_vae"] == {"f" * 40}
    assert len(scores(study).loc["beta_vae"]) == 2 * 4 * 2
    assert len(job.runs) >= 1
    assert before.index.isin(scores(study).index).all()


def test_a_run_that_was_stopped_before_it_is_made_good_by_the_next(run_tiny, study, at_once, monkeypatch, capsys):
    def stop(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(udr, "score_udr", stop)
        assert run_tiny(study, SEEDS) == 130
    capsys.readouterr()
    assert cli.main(["tables", str(study)]) == 0
    assert "udr of 9 models was computed with other seeds than there are now" in " ".join(
        capsys.readouterr().out.split()
    )
    assert run_tiny(study, SEEDS) == 0
    assert f"{LINE}9 models" in capsys.readouterr().err
    pd.testing.assert_series_equal(scores(study), scores(at_once))
    assert cli.main(["tables", str(study)]) == 0
    assert "of before" not in capsys.readouterr().out


def test_a_study_that_was_never_compared_is_not(run_tiny, tmp_path, capsys):
    assert run_tiny(tmp_path / "study", options=BETA) == 0
    assert run_tiny(tmp_path / "study", SEEDS, options=BETA) == 0
    assert "udr" not in capsys.readouterr().err
    assert scores(tmp_path / "study").empty


def test_a_model_that_diverged_has_an_error_and_is_compared_once(run_tiny, tmp_path, capsys):
    folder, grid = tmp_path / "study", "sweep.methods = {'beta_vae': {'beta': [1, 1e39]}}"
    assert run_tiny(folder, grid) == 0
    assert compare(folder) == 0
    assert "2 models compared with those of other seeds, 0 have none" in capsys.readouterr().err
    assert run_tiny(folder, grid, SEEDS) == 0
    assert f"{LINE}3 models compared" in capsys.readouterr().err
    rows = store.open(folder).rows("scores").query("metric == 'udr'")
    assert rows["error"].dropna().tolist() == [udr.DIVERGED] * 3
    assert len(rows) == 3 + 3 * 2
    assert not peers.outdated(store.open(folder))
    assert run_tiny(folder, grid, SEEDS) == 0
    assert "udr" not in capsys.readouterr().err


def damage(folder, method="beta_vae", seed=None):
    """Damages the job of models, of which they are all done again."""
    opened = store.open(folder)
    jobs = [job for job in finished_jobs(opened) if job.method == method and seed in (None, job.runs[0].seed)]
    for job in jobs:
        (opened.jobs / job.job_id / "codes.npz").write_bytes(b"")
    return [run.run_id for job in jobs for run in job.runs]


@pytest.fixture
def fails(monkeypatch):
    def refused(*arguments, **options):
        raise RuntimeError("no training here")

    monkeypatch.setattr(run, "run_job", refused)
    yield
    monkeypatch.undo()


def test_models_that_were_compared_with_a_lost_one_are_compared_again(run_tiny, tmp_path, at_once, fails, monkeypatch):
    """Jobs of one seed each: the third is damaged, and fails when it is done again; then `retry` makes it."""
    apart, folder = "resources.job_size = 1", tmp_path / "study"
    with monkeypatch.context() as patch:
        patch.setattr(run, "run_job", run_job)
        assert run_tiny(folder, apart, SEEDS, options=BETA) == 0
    assert compare(folder) == 0
    whole = scores(folder)
    lost = damage(folder, seed=2)
    assert len(lost) == 2
    assert run_tiny(folder, apart, SEEDS, options=BETA) == 3
    two = scores(folder)
    assert set(two.index.get_level_values("seed")) == {0, 1}
    assert (two != whole[two.index]).any()
    with monkeypatch.context() as patch:
        patch.setattr(run, "run_job", run_job)
        assert run_tiny(tmp_path / "two", apart, options=BETA) == 0
        assert compare(tmp_path / "two") == 0
        pd.testing.assert_series_equal(two, scores(tmp_path / "two"))
        before = files(folder)
        assert run_tiny(folder, apart, SEEDS, options=BETA) == 3
        assert files(folder) == before  # compared once
        assert cli.main(["retry", str(folder), "--executor", "inline"]) == 0
    pd.testing.assert_series_equal(scores(folder), whole)


def test_a_model_that_is_left_alone_has_no_score_until_another_is_there(run_tiny, tmp_path, fails, monkeypatch, capsys):
    apart, folder = "resources.job_size = 1", tmp_path / "study"
    one = ("--where", "method == 'beta_vae' and strength == 1")
    with monkeypatch.context() as patch:
        patch.setattr(run, "run_job", run_job)
        assert run_tiny(folder, apart, options=one) == 0
    assert compare(folder) == 0
    whole = scores(folder)
    damage(folder, seed=1)
    assert run_tiny(folder, apart, options=one) == 3
    assert scores(folder).empty
    assert not peers.outdated(store.open(folder))
    monkeypatch.setattr(run, "run_job", run_job)
    assert cli.main(["retry", str(folder), "--executor", "inline"]) == 0
    pd.testing.assert_series_equal(scores(folder), whole)


def test_the_log_of_a_job_says_what_it_was_scored_on_later(study, dsprites_root, capsys):
    opened = store.open(study)
    job = finished_jobs(opened)[0]
    where = ["--data-dir", str(dsprites_root), "--executor", "inline"]
    assert cli.main(["evaluate", str(study), "--metrics", "modularity,sap_score", *where]) == 0
    capsys.readouterr()
    assert cli.main(["logs", str(study), job.job_id]) == 0
    text = capsys.readouterr().out
    assert f"modularity, sap_score of {len(job.runs)} runs of {job.method} on dsprites" in text
    assert text.rstrip().endswith("done")
    texts = {one.method: job_log.tail(opened.log_file(one.job_id)) for one in finished_jobs(opened)}
    assert "udr: compared with the models of other seeds" in texts["beta_vae"]
    assert "udr: compared" not in texts["fast_ica"]
