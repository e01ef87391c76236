"""The commands, as a user types them. Small studies run end to end here, inline and on Ray."""

import os
import signal
import subprocess
import sys

import pandas as pd
import pytest
from chosen import slow
from waiting import held

from disentanglement_study import cli, store
from disentanglement_study.cli import analysis as cli_analysis

IDENTITY = ["run_id", "representation", "metric", "score"]


def values(folder) -> pd.Series:
    return named(store.open(folder).results())


def named(results: pd.DataFrame) -> pd.Series:
    """The values, by what each is named by."""
    return results.astype(dict.fromkeys(IDENTITY, str)).set_index(IDENTITY)["value"].sort_index()


def assert_same_scores(one, other):
    pd.testing.assert_series_equal(values(one), values(other), rtol=1e-4, atol=1e-6)


def test_every_run_has_every_score_and_the_training_its_curve(finished):
    results = store.open(finished).results()
    assert results["error"].isna().all()
    assert results["value"].notna().all()
    assert results["run_id"].nunique() == 8
    by_run = results.groupby(["run_id", "representation"])["metric"].nunique().unstack()
    assert (by_run["mean"] == 5).all()
    assert (by_run["sampled"] == 5).all()
    assert (by_run["model"] == 1).all()
    elbo = results[results["score"] == "elbo"].set_index("run_id")["value"]
    parts = results[results["score"].isin(["reconstruction_loss", "kl_loss"])].groupby("run_id")["value"].sum()
    pd.testing.assert_series_equal(elbo.sort_index(), -parts.sort_index(), check_names=False, check_index_type=False)
    curves = store.open(finished).query(
        "SELECT method, list(DISTINCT step) AS s FROM curves JOIN runs USING (run_id) GROUP BY 1"
    )
    steps = {row.method: sorted(row.s) for row in curves.itertuples()}
    assert steps == {"beta_vae": [20, 40], "factor_vae": [20]}  # half the updates under protocol "dlib"


def test_running_again_does_only_what_is_missing(study_copy, run, capsys):
    finished = study_copy
    before = {path: path.stat().st_mtime_ns for path in finished.glob("jobs/*")}
    assert run(finished) == 0
    assert "8 there already, 0 to do" in capsys.readouterr().err
    assert before == {path: path.stat().st_mtime_ns for path in finished.glob("jobs/*")}


def test_ray_another_population_and_an_extension_give_the_same_scores(finished, run, tmp_path):
    assert run(tmp_path / "ray", "--where", "seed == 1", "--executor", "ray") == 0
    assert len(store.open(tmp_path / "ray").plan) == 4
    more = ("--where", "seed == 1 or method == 'beta_vae'", "--gin", "resources.population = 1")
    assert run(tmp_path / "ray", *more) == 0
    assert len(store.open(tmp_path / "ray").plan) == 6
    there = values(tmp_path / "ray")
    pd.testing.assert_series_equal(there, values(finished)[there.index], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("where", "there", "done"),
    [
        slow(("store.store", "Store", "write_job", 1), "jobs/*", 2),
        (("runtime.checkpoint", "Checkpoints", "save", 2), "checkpoints/*/*/[0-9]*", 0),
    ],
    ids=["after a job", "in the training of the first"],
)
def test_a_killed_study_finishes_with_the_same_scores(
    finished, sweep, dsprites_root, tmp_path, run, where, there, done
):
    folder = tmp_path / "killed"
    settings = ["--gin", "resources.checkpoint_minutes = 1e-6"]
    command = ["run", sweep, str(folder), "--data-dir", str(dsprites_root), "--executor", "inline", *settings]
    process = held(where, command)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    assert len(store.open(folder).run_ids("done")) == done
    assert list(folder.glob(there))
    assert run(folder, *settings) == 0
    assert_same_scores(finished, folder)
    assert not list(folder.glob("checkpoints/*"))


def test_a_failing_job_becomes_rows_and_the_study_goes_on(run, tmp_path, monkeypatch, capsys):
    from disentanglement_study.study import job as stages

    learn = stages.learn

    def failing(job, *arguments, **options):
        if job.method == "factor_vae":
            raise RuntimeError("the disc is gone")
        return learn(job, *arguments, **options)

    monkeypatch.setattr(stages, "learn", failing)
    assert run(tmp_path / "study", "--where", "seed == 0", "--gin", "evaluate.metrics = ['mig']") == 3
    results = store.open(tmp_path / "study").results()
    failed = results[results["error"].notna()]
    assert set(failed["method"]) == {"factor_vae"}
    assert failed["run_id"].nunique() == 2
    assert failed["error"].str.contains("RuntimeError: the disc is gone").all()
    assert failed["error"].str.contains("Traceback").all()
    shown = capsys.readouterr()
    assert "the disc is gone" in shown.out
    assert shown.err.endswith("failed: 2 of 4 runs\n")

    monkeypatch.undo()
    assert run(tmp_path / "study", "--where", "seed == 0", "--gin", "evaluate.metrics = ['mig']") == 3
    assert store.open(tmp_path / "study").results()["error"].notna().sum() == 2
    options = ("--where", "seed == 0", "--gin", "evaluate.metrics = ['mig']", "--retry-failed")
    assert run(tmp_path / "study", *options) == 0
    results = store.open(tmp_path / "study").results()
    assert results["error"].isna().all()
    assert results["run_id"].nunique() == 4


def test_a_failing_metric_is_a_row_and_the_other_metrics_are_there(run, tmp_path, monkeypatch, capsys):
    from disentanglement_study.scoring import evaluate
    from disentanglement_study.types import Metric

    def broken(codes, factors, *, rng):
        raise RuntimeError("no such luck")

    monkeypatch.setitem(evaluate.METRICS, "modularity", Metric(broken, "sample", "1"))
    assert (
        run(tmp_path, "--where", "seed == 0 and strength == 1", "--gin", "sweep.methods = {'beta_vae': {'beta': 1}}")
        == 3
    )
    results = store.open(tmp_path).results()
    failed = results[results["error"].notna()]
    assert set(failed["metric"]) == {"modularity"}
    assert failed["error"].str.contains("no such luck").all()
    assert {"mig", "unsupervised", "training"} <= set(results[results["error"].isna()]["metric"])
    shown = capsys.readouterr()
    assert "modularity on mean codes of 1 model: RuntimeError: no such luck" in shown.out
    assert shown.err.endswith("failed: metric modularity for every model\n")


def test_a_diverged_model_is_recorded_and_its_neighbours_are_not_touched(finished, run, tmp_path, capsys):
    objectives = "sweep.methods = {'beta_vae': {'beta': [1, 4, 1e39]}, 'factor_vae': {'gamma': [10, 20]}}"
    assert run(tmp_path, "--gin", objectives, "--where", "method == 'beta_vae'") == 0
    results = store.open(tmp_path).results()
    diverged = results[results["strength"] > 100]
    assert diverged[diverged["score"] == "loss"]["error"].str.startswith("diverged", na=False).all()
    said = capsys.readouterr().out
    assert said.count("diverged at update 0: beta_vae beta=1e+39 seed=0 on dsprites\n") == 1
    assert "failed:" not in said  # what cannot be computed of such a model is no failure of a metric
    healthy = named(results[results["strength"] < 100])
    pd.testing.assert_series_equal(healthy, values(finished)[healthy.index], rtol=1e-4, atol=1e-6)


def test_tables_figures_status_and_query_answer_from_the_store(study_copy, capsys, monkeypatch):
    monkeypatch.setattr(cli_analysis, "MAX_DRAWING", 1)
    finished = study_copy
    for command in ("tables", "figures", "status"):
        assert cli.main([command, str(finished)]) == 0
    printed = capsys.readouterr().out
    assert "MIG" in printed
    assert "factor_vae" in printed
    assert (finished / "tables" / "tables.md").stat().st_size > 200
    drawn = finished / "figures"
    names = {path.stem for path in drawn.iterdir()}
    assert "skipped: data_set_rank_correlation: no two data sets share a headline score" in printed
    assert "metric_rank_correlation" in names
    assert all((drawn / f"{name}.{kind}").stat().st_size > 1000 for name in names for kind in ("pdf", "png"))
    assert all((drawn / f"{name}.csv").is_file() for name in names)
    sql = "SELECT count(*) AS scores FROM results WHERE metric = 'mig'"
    assert cli.main(["query", str(finished), sql, "--csv"]) == 0
    assert capsys.readouterr().out.split() == ["scores", "16"]
    assert cli.main(["query", str(finished), sql]) == 0
    assert "16" in capsys.readouterr().out


@pytest.mark.slow
def test_the_figures_of_a_paper_say_what_else_draws_the_others(study_copy, capsys):
    assert cli.main(["figures", str(study_copy), "--paper", "locatello2019"]) == 0
    printed = capsys.readouterr().out
    assert "not drawn: traversals: drawn by `disentanglement-study traverse`" in printed


def test_a_misspelt_paper_is_answered_with_the_nearest(finished, capsys):
    assert cli.main(["figures", str(finished), "--paper", "locatelo2019"]) == 2
    assert "did you mean 'locatello2019'" in capsys.readouterr().err


def test_quick_ends_with_the_table_and_the_next_commands(dsprites_root, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(cli_analysis, "MAX_DRAWING", 1)
    settings = ["sweep.methods = {'beta_vae': {'beta': [1, 2, 3]}}", "sweep.seeds = 1", "train.steps = 10",
                "evaluate.metrics = ['mig', 'modularity']", "evaluate.table_rows = 2000"]  # fmt: skip
    options = [part for setting in settings for part in ("--gin", setting)]
    folder = tmp_path / "quick"
    assert cli.main(["quick", str(folder), "--executor", "inline", "--data-dir", str(dsprites_root), *options]) == 0
    printed = capsys.readouterr().out
    assert "Spearman rank correlation × 100: dSprites, mean representation, n = 3 models" in printed
    assert "sampled representation" not in printed
    assert "skipped:" not in printed  # of so small a study two lines say how much that is
    assert f"more tables need other studies: `disentanglement-study tables {folder}` says what each lacks" in printed
    summary = printed[printed.index("The model of each method with the highest MIG") :]
    (best,) = [line.split() for line in summary.splitlines() if line.startswith("β-VAE")]
    assert f"traverse {folder} {best[-1]}" in summary
    assert all(
        next_command in printed for next_command in (f"status {folder}", f"query {folder}", "plan locatello2019")
    )
    assert (folder / "tables" / "rank_correlation.csv").is_file()
    assert (folder / "figures" / "metric_rank_correlation.png").is_file()
    assert "<title>" in (folder / "report" / "index.html").read_text()


def test_plan_counts_the_study_by_axis(capsys):
    assert cli.main(["plan", "locatello2019"]) == 0
    printed = " ".join(capsys.readouterr().out.split())
    assert "12,600 runs" in printed
    assert "126 jobs" in printed
    for data_set in ("dsprites 1,800", "shapes3d 1,800"):
        assert data_set in printed
    assert "690,517 to 692,567 5.406 to 6.225" in printed  # of images with 1 channel and with 3


def test_plan_says_whose_a_setting_is_that_not_all_methods_have(capsys):
    methods = "sweep.methods = {'pca': {}, 'beta_vae': {'beta': 1}}"
    own = "beta_vae/train.steps = 50"
    assert (
        cli.main(
            ["plan", "quick", "--gin", methods, "--gin", own, "--gin", "sweep.axes = {'nets.num_latents': [2, 5]}"]
        )
        == 0
    )
    lines = capsys.readouterr().out.splitlines()
    assert "nets.num_latents = 2 5" in lines
    assert "train.steps = 50  (beta_vae)" in lines


def test_what_a_method_keeps_of_a_setting_that_is_changed_for_all_is_said(capsys):
    one = ["plan", "small", "--gin", "train.steps = 7", "--where", "data_set == 'dsprites' and seed == 0"]
    assert cli.main(one) == 0
    change = 'to change it: --gin "factor_vae/train.steps = 7"'
    keeps = f"factor_vae keeps its own train.steps = 20000: train.steps = 7 does not apply to it ({change})"
    assert capsys.readouterr().err.splitlines() == [keeps]
    for nothing_is_kept in (["--gin", "factor_vae/train.steps = 9"], ["--where", "method == 'beta_vae'"]):
        assert cli.main([*one, *nothing_is_kept]) == 0
        assert capsys.readouterr().err == ""


def test_what_a_method_keeps_of_an_option_of_a_net_is_said(tmp_path, capsys):
    sweep = tmp_path / "own.gin"
    sweep.write_text("include 'sweeps/quick.gin'\nfactor_vae/mlp_encoder.widths = [8]\n")
    assert cli.main(["plan", str(sweep), "--gin", "mlp_encoder.widths = [16]"]) == 0
    assert "factor_vae keeps its own mlp_encoder.widths = [8]: " in capsys.readouterr().err


def test_the_help_of_all_commands_names_each(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["--help"])
    assert stop.value.code == 0
    printed = capsys.readouterr().out
    for command in ("plan", "run", "quick", "status", "query", "tables", "figures"):
        assert f"\n  {command} " in printed


def test_the_kept_parameters_give_the_kept_codes_again(finished, dsprites_root):
    import numpy as np

    from disentanglement_study import config, data
    from disentanglement_study.scoring import represent
    from disentanglement_study.store.runs import finished_jobs
    from disentanglement_study.study import loading

    opened = store.open(finished)
    study, data_set = config.load(opened.text), data.load("dsprites", dsprites_root)
    for job in finished_jobs(opened):
        kept = opened.arrays(job, "codes")
        assert len(kept["index"]) == study.evaluate.keep_codes
        assert kept["mean"].shape[0] == len(job.runs)
        learner, batches = loading.learner(job, study, data_set), loading.batches(job, study, data_set)
        params = loading.parameters(opened, job, learner)
        again = represent.encode(job, learner, params, batches, kept["index"], study)
        np.testing.assert_allclose(again.mean, kept["mean"], rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(again.logvar, kept["logvar"], rtol=1e-4, atol=1e-5)


def test_the_help_of_figures_names_every_paper(capsys):
    from disentanglement_study.analysis import figures

    with pytest.raises(SystemExit):
        cli.main(["figures", "--help"])
    printed = capsys.readouterr().out
    assert all(paper in printed for paper in figures.PAPERS)


def test_who_has_seen_enough_of_an_answer_is_told_of_no_error(finished_study):
    query = f"{sys.executable} -m disentanglement_study query {finished_study} 'SELECT * FROM scores a, scores b' --csv"
    ended = subprocess.run(["bash", "-c", f"set -o pipefail; {query} | head -n 1"], capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("run_id,")
