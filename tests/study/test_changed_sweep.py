"""A sweep that is changed and run again: only what is new is trained or scored, and what was there stays to the bit."""

import json
import shutil

import pandas as pd
import pytest

from disentanglement_study import store
from disentanglement_study.study import job as stages


@pytest.fixture(scope="module")
def finished(run_tiny, tmp_path_factory):
    """The study of the sweep as it is: four runs."""
    folder = tmp_path_factory.mktemp("finished") / "study"
    assert run_tiny(folder) == 0
    return folder


@pytest.fixture
def run(run_tiny, tmp_path, monkeypatch):
    """Runs the sweep with these bindings over it, and returns the exit code and the ids of the runs that it trained."""
    trained = []
    learn = stages.learn

    def counted(job, *arguments, **options):
        trained.extend(run.run_id for run in job.runs)
        return learn(job, *arguments, **options)

    monkeypatch.setattr(stages, "learn", counted)

    def call(*bindings, options=()):
        trained.clear()
        return run_tiny(tmp_path / "study", *bindings, options=options), list(trained)

    return call


@pytest.fixture
def study(finished, tmp_path):
    """A copy of the finished study, where `run` goes on with it."""
    return store.Store(shutil.copytree(finished, tmp_path / "study"))


def rows(study):
    columns = ["run_id", "representation", "metric", "score"]
    return study.rows("scores").set_index(columns).sort_index()


def assert_kept(before, study):
    """All rows from before are there, to the bit: with their times too."""
    pd.testing.assert_frame_equal(rows(study).loc[before.index], before, check_exact=True)


@pytest.mark.parametrize(
    ("bindings", "new"),
    [
        (["sweep.seeds = 3"], 2),
        (["beta_vae.beta = [1, 4, 8]"], 2),
        (["sweep.methods = {'beta_vae': {'beta': [1, 4]}, 'pca': {}}"], 2),
        (["sweep.data_sets = ['dsprites', 'noisy_dsprites']"], 4),
        (["sweep.axes = {'nets.num_latents': [10, 3]}"], 4),
        (["resources.job_size = 3", "sweep.seeds = [5, 0, 1]"], 2),
    ],
    ids=["seed", "strength", "method", "data set", "axis", "job size"],
)
def test_only_new_runs_are_trained(run, study, bindings, new):
    before, first = rows(study), set(study.plan["run_id"])
    assert len(first) == 4
    code, more = run(*bindings)
    assert (code, len(more)) == (0, new)
    assert not first & set(more)
    assert_kept(before, study)
    assert study.run_ids("done") == set(study.plan["run_id"]) == first | set(more)
    assert run(*bindings) == (0, [])
    assert run() == (0, [])  # fewer than there are: a part of the study
    assert len(study.plan) == 4 + new


def test_the_rest_of_a_sweep_may_come_after_a_part_of_it(run, tmp_path, capsys):
    study = store.Store(tmp_path / "study")
    assert len(run(options=["--where", "seed == 0"])[1]) == 2
    before = rows(study)
    code, rest = run(options=["--where", "seed == 1"])
    assert (code, len(rest)) == (0, 2)
    assert_kept(before, study)
    assert len(study.plan) == 4
    assert run() == (0, [])
    code, _ = run("sweep.seeds = [1, 7]", options=["--where", "seed == 7"])
    assert code == 2
    assert "sweep.seeds is 2 there, (1, 7) here, and 2 of its 4 runs are not in this one" in " ".join(
        capsys.readouterr().err.split()
    )
    assert len(study.plan) == 4


def test_metrics_that_are_added_are_scored_and_nothing_is_trained(run, study, capsys):
    before = rows(study)
    capsys.readouterr()
    added = "evaluate.metrics = ['mig', 'modularity', 'sap_score']"
    assert run(added) == (0, [])
    assert "metrics still to compute (modularity, sap_score): 2 finished jobs to score" in capsys.readouterr().err
    assert_kept(before, study)
    assert {"modularity", "sap_score"} <= set(rows(study).index.get_level_values("metric"))
    between = rows(study)
    assert run(added) == (0, [])
    assert "to score" not in capsys.readouterr().err
    code, more = run(added, "sweep.seeds = 3")
    assert (code, len(more)) == (0, 2)
    assert_kept(between, study)
    assert rows(study)["value"].groupby(["metric", "score"]).size().loc["sap_score", "sap_score"] == 12
    assert study.settings.evaluate.metrics == ("mig", "modularity", "sap_score")


def test_a_metric_that_is_added_may_have_options_and_they_count_from_then_on(run, study, capsys):
    before = rows(study)
    added = "evaluate.metrics = ['mig', 'modularity']", "modularity.num_bins = 5"
    assert run(*added) == (0, [])
    assert_kept(before, study)
    assert study.evaluation["options"]["modularity"] == {"num_bins": 5}
    with_options = rows(study)
    capsys.readouterr()
    assert run(added[0], "modularity.num_bins = 6") == (2, [])
    shown = " ".join(capsys.readouterr().err.split())
    assert "was scored with other settings: modularity.num_bins is 5 there, 6 here; name another folder" in shown
    assert run(added[0]) == (2, [])
    assert "modularity.num_bins is 5 there, not given here" in " ".join(capsys.readouterr().err.split())
    pd.testing.assert_frame_equal(rows(study), with_options, check_exact=True)


@pytest.mark.parametrize(
    ("binding", "message"),
    [
        ("mig.num_bins = 7", "mig.num_bins is not given there, 7 here"),
        ("evaluate.num_train = 90", "evaluate.num_train is 100 there, 90 here"),
        ("evaluate.seed = 3", "evaluate.seed is 0 there, 3 here"),
        ("evaluate.representations = ['mean']", "evaluate.representations is ['mean', 'sampled'] there, ['mean'] here"),
    ],
)
def test_other_settings_of_scoring_are_refused_by_their_names(run, study, capsys, binding, message):
    before, evaluation = rows(study), (study.root / "evaluation.json").read_bytes()
    assert run(binding, "evaluate.metrics = ['mig', 'modularity']") == (2, [])
    assert message in " ".join(capsys.readouterr().err.split())
    pd.testing.assert_frame_equal(rows(study), before, check_exact=True)
    assert (study.root / "evaluation.json").read_bytes() == evaluation


def test_a_smaller_sweep_cannot_bring_options_that_study_gin_would_not_have(run, study, capsys):
    added = "evaluate.metrics = ['mig', 'modularity']", "modularity.num_bins = 5"
    assert run("sweep.seeds = 1", *added) == (2, [])
    assert "modularity.num_bins is not given there, 5 here" in " ".join(capsys.readouterr().err.split())
    assert run("sweep.seeds = 1", added[0]) == (0, [])  # the two jobs that have these runs
    assert "modularity" in rows(study).index.get_level_values("metric")
    assert run(*added)[0] == 2  # now it has scores, without the option


def test_a_part_may_bring_options_as_the_whole_sweep_is_known(run, study):
    added = "evaluate.metrics = ['mig', 'modularity']", "modularity.num_bins = 5"
    assert run(*added, options=["--where", "strength == 1"]) == (0, [])
    assert study.evaluation["options"]["modularity"] == {"num_bins": 5}
    assert study.settings.evaluate.options["modularity"] == {"num_bins": 5}
    jobs = [json.loads(path.read_text()) for path in sorted(study.jobs.glob("*/manifest.json"))]
    assert sorted("modularity" in study.metrics(job) for job in jobs) == [False, True]
    assert run(*added) == (0, [])
    assert all("modularity" in study.metrics(job) for job in jobs)
