"""Studies that were run in several places become one: nothing is lost, doubled or mixed."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from disentanglement_study import cli, store
from disentanglement_study.analysis import tables
from disentanglement_study.store import records
from disentanglement_study.store.runs import finished_jobs
from disentanglement_study.study import job as stages
from disentanglement_study.study import parts
from disentanglement_study.study.training_rows import record_failure

KEY = ["run_id", "representation", "metric", "score"]
CURVE = ["run_id", "step", "term"]


@pytest.fixture(scope="module")
def run(small_sweep, dsprites_root):
    def call(folder, *bindings, where=None):
        over = [part for binding in bindings for part in ("--gin", binding)]
        place = ["--data-dir", str(dsprites_root), "--executor", "inline"]
        return cli.main(["run", small_sweep, str(folder), *place, *over, *(["--where", where] if where else [])])

    return call


@pytest.fixture(scope="module")
def second(run, tmp_path_factory):
    """Seeds 1 and 2 of beta_vae, in one job of 4, of which the finished study has two runs; it has one metric more."""
    folder = tmp_path_factory.mktemp("second") / "study"
    more = "evaluate.metrics = ['mig', 'factor_vae_score', 'beta_vae_score', 'modularity', 'unsupervised', 'sap_score']"
    assert run(folder, "sweep.seeds = [1, 2]", "resources.job_size = 4", more, where="method == 'beta_vae'") == 0
    return folder


@pytest.fixture
def other(second, tmp_path):
    return shutil.copytree(second, tmp_path / "other")


def merge(*arguments):
    return cli.main(["merge", *map(str, arguments)])


def table(folder, name="scores"):
    return store.open(folder).rows(name).set_index(KEY if name == "scores" else CURVE).sort_index()


def arrays(folder, name):
    """{(run, array): its row} of all finished jobs."""
    opened = store.open(folder)
    return {
        (run.run_id, key): array[member]
        for job in finished_jobs(opened)
        for key, array in opened.arrays(job, name).items()
        if key != parts.OF_ALL
        for member, run in enumerate(job.runs)
    }


def assert_rows(found, expected):
    pd.testing.assert_frame_equal(found.loc[expected.index], expected, check_exact=True)


def one_line(capsys):
    (line,) = capsys.readouterr().err.strip().splitlines()
    return line


def test_two_studies_become_one_with_all_that_they_had(finished_study, second, tmp_path, capsys):
    into = tmp_path / "into"
    assert merge(finished_study, second, into) == 0
    shown = " ".join(capsys.readouterr().out.split())
    assert "10 runs of 2 studies, 10 done, 0 failed" in shown
    assert "2 runs in more than one study: each is kept once" in shown
    assert "1 job kept in part: without the runs that an earlier study has" in shown
    one, other = store.open(finished_study), store.open(second)
    assert list(store.open(into).plan["run_id"][:8]) == list(one.plan["run_id"])
    assert store.open(into).run_ids("done") == one.run_ids("done") | other.run_ids("done")

    assert_rows(table(into), table(finished_study))
    new = table(second).drop(index=list(one.run_ids("done")), level="run_id", errors="ignore")
    assert_rows(table(into), new)
    added = table(second).xs("sap_score", level="metric", drop_level=False)  # of runs that both have too
    assert_rows(table(into), added)
    assert len(table(into)) == len(table(finished_study).index.union(table(second).index))

    curves = pd.concat([table(finished_study, "curves"), table(second, "curves")])
    pd.testing.assert_frame_equal(table(into, "curves"), curves[~curves.index.duplicated()].sort_index())
    for name in ("params", "codes"):
        expected = arrays(second, name) | arrays(finished_study, name)
        found = arrays(into, name)
        assert found.keys() == expected.keys()
        assert all(np.array_equal(found[key], expected[key]) for key in expected)
    settings = store.open(into).settings
    assert settings.evaluate.metrics[-1] == "sap_score"
    cut = [job for job in store.open(into).manifests() if len(job["run_ids"]) == 2 and job["population"] == 4]
    assert len(cut) == 1
    records.check_job(into / "jobs" / cut[0]["job_id"])
    assert "has only some of these strengths" in (into / "jobs" / cut[0]["job_id"] / "operative.gin").read_text()


def test_what_is_merged_is_a_study_for_every_command(
    finished_study, second, tmp_path, run, dsprites_root, monkeypatch, capsys
):
    into = tmp_path / "into"
    assert merge(finished_study, second, into) == 0
    place = ["--data-dir", str(dsprites_root), "--executor", "inline"]
    monkeypatch.setattr(stages, "learn", None)  # nothing is trained
    before = table(into)
    assert run(into) == 0
    assert cli.main(["evaluate", str(into), *place]) == 0  # the metrics of both
    assert_rows(table(into)[["value"]], before[["value"]])  # jobs are scored whole: times may be new
    assert (table(into).groupby("metric").size() % 10 == 0).all()
    cut = {job.job_id: job for job in finished_jobs(store.open(into))}
    ids = [job.runs[-1].run_id for job in cut.values() if job.runs[-1].seed == 2]
    assert cli.main(["encode", str(into), ids[0], "--points", "20", "--data-dir", str(dsprites_root)]) == 0
    for command in (["status"], ["tables"]):
        assert cli.main([*command, str(into)]) == 0


def test_logs_come_along_and_a_job_that_was_cut_says_of_what(finished_study, second, tmp_path, capsys):
    into = tmp_path / "into"
    assert merge(finished_study, second, into) == 0
    opened = store.open(into)
    for manifest in store.open(finished_study).manifests():
        name = f"{manifest['job_id']}.log"
        assert (into / "logs" / name).read_text() == (finished_study / "logs" / name).read_text()
    (whole,) = store.open(second).manifests()
    (cut,) = [one for one in opened.manifests() if one["run_ids"] != whole["run_ids"] and one["population"] == 4]
    text = (into / "logs" / f"{cut['job_id']}.log").read_text()
    before = (second / "logs" / f"{whole['job_id']}.log").read_text()
    assert text.startswith(before)
    assert text.endswith(f"all lines above are of job {whole['job_id']}, of whose 4 runs this job has 2\n")
    capsys.readouterr()
    assert cli.main(["logs", str(into), cut["job_id"]]) == 0
    assert capsys.readouterr().out == text
    out = tmp_path / "out"
    assert cli.main(["export", str(into), str(out), "--logs"]) == 0
    assert {path.name: path.read_text() for path in (out / "logs").iterdir()} == {
        path.name: path.read_text() for path in (into / "logs").iterdir()
    }
    assert "`logs/JOB_ID.log`" in (out / "README.md").read_text()
    assert cli.main(["export", str(into), str(tmp_path / "without")]) == 0
    assert not (tmp_path / "without" / "logs").exists()
    assert "logs/" not in (tmp_path / "without" / "README.md").read_text()


def test_a_log_that_is_a_link_is_not_carried(study_copy, other, tmp_path):
    (tmp_path / "secret").write_text("secret")
    job_id = store.open(study_copy).manifests()[0]["job_id"]
    (study_copy / "logs" / f"{job_id}.log").unlink()
    (study_copy / "logs" / f"{job_id}.log").symlink_to(tmp_path / "secret")
    assert merge(study_copy, other, tmp_path / "into") == 0
    assert not (tmp_path / "into" / "logs" / f"{job_id}.log").exists()
    assert cli.main(["export", str(study_copy), str(tmp_path / "out"), "--logs"]) == 0
    assert f"{job_id}.log" not in {path.name for path in (tmp_path / "out" / "logs").iterdir()}


def test_scores_that_the_other_study_computed_say_where_they_come_from(study_copy, other, tmp_path):
    """`sap_score` of two runs that both have comes from the other, which had it from the start."""
    for path in other.glob("jobs/*/manifest.json"):
        manifest = json.loads(path.read_text())
        manifest["provenance"]["host"] = "elsewhere"
        path.write_text(json.dumps(manifest))
    opened = store.open(study_copy)
    for job in finished_jobs(opened):
        opened.write_scored(job, ["mig", "udr"], {"host": "later"})
    assert merge(study_copy, other, tmp_path / "into") == 0
    found = store.open(tmp_path / "into").query(
        "SELECT scores.metric, coalesce(rescored.host, jobs.host) AS host, count(DISTINCT run_id) AS n FROM scores "
        "JOIN runs USING (run_id) JOIN jobs USING (job_id) LEFT JOIN rescored USING (job_id, metric) "
        "WHERE metric IN ('sap_score', 'mig') GROUP BY ALL"
    )
    where = found.set_index(["metric", "host"])["n"].to_dict()
    assert where == {("sap_score", "elsewhere"): 4, ("mig", "later"): 8, ("mig", "elsewhere"): 2}


def test_the_sources_are_not_touched(study_copy, other, tmp_path):
    def state(folder):
        return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in folder.rglob("*")}

    before = state(study_copy), state(other)
    assert merge(study_copy, other, tmp_path / "into") == 0
    assert (state(study_copy), state(other)) == before


def test_a_merge_that_was_stopped_goes_on(finished_study, second, tmp_path, monkeypatch):
    into, write, written = tmp_path / "into", parts.write, []

    def stopped(*arguments):
        if len(written) == 2:
            raise KeyboardInterrupt
        written.append(write(*arguments))

    with monkeypatch.context() as patch:
        patch.setattr(parts, "write", stopped)
        assert merge(finished_study, second, into) == 130
    assert len(store.open(into).manifests()) == 2
    there = {path: path.stat().st_mtime_ns for path in into.glob("jobs/*")}
    assert merge(finished_study, second, into) == 0
    assert {path: path.stat().st_mtime_ns for path in there} == there
    assert len(store.open(into).run_ids("done")) == 10
    assert merge(finished_study, second, into) == 0  # nothing is left to do


def test_the_parts_of_one_sweep_are_the_sweep(run, finished_study, small_sweep, tmp_path):
    """Each part was cut out of the finished study: the seeds of one are not those of the other."""
    opened, halves = store.open(finished_study), []
    for seed in (0, 1):
        half = store.Store(tmp_path / f"seed{seed}")
        plan = opened.plan[opened.plan["seed"] == seed].reset_index(drop=True)
        text = opened.text.replace("sweep.seeds = 2", f"sweep.seeds = [{seed}]")
        half.create(plan, text, json.dumps(opened.evaluation))
        for job in finished_jobs(opened):
            if kept := [one for one in job.runs if one.seed == seed]:
                parts.write(opened.jobs / job.job_id, half, kept)
        halves.append(half.root)
    assert merge(*halves, tmp_path / "whole") == 0
    pd.testing.assert_frame_equal(table(tmp_path / "whole"), table(finished_study), check_exact=True)
    assert store.open(tmp_path / "whole").settings.sweep.seeds == (0, 1)


def test_a_run_that_is_done_is_kept_before_one_that_failed(study_copy, other, tmp_path):
    opened = store.open(study_copy)
    failed = [job for job in finished_jobs(opened) if job.method == "beta_vae"]
    for job in failed:
        record_failure(job, study_copy, RuntimeError("no luck"), 2)
    assert merge(study_copy, other, tmp_path / "into") == 0
    into = store.open(tmp_path / "into")
    assert into.run_ids("failed") == {run.run_id for job in failed for run in job.runs if run.seed == 0}
    assert len(into.run_ids("done")) == 8
    assert_rows(table(into.root), table(other))
    errors = into.rows("scores")
    assert set(errors.loc[errors["error"].notna(), "run_id"]) == into.run_ids("failed")


def test_a_metric_that_failed_in_one_is_taken_from_the_other(study_copy, other, tmp_path):
    job = next(job for job in finished_jobs(store.open(study_copy)) if {run.seed for run in job.runs} == {0, 1})
    opened = store.open(study_copy)
    rows = [
        {
            "run_id": run.run_id,
            "representation": "mean",
            "metric": "mig",
            "score": "mig",
            "value": np.nan,
            "error": "E: x",
        }
        for run in job.runs
    ]
    opened.add_scores(job, rows)
    assert merge(study_copy, other, tmp_path / "into") == 0
    found = table(tmp_path / "into").loc[[run.run_id for run in job.runs]].xs("mig", level="metric")
    errors = found.xs("mean", level="representation")["error"]
    shared = store.open(other).run_ids("done")
    assert {run_id: error is None or pd.isna(error) for (run_id, _), error in errors.items()} == {
        run.run_id: run.run_id in shared for run in job.runs
    }


def change(folder, run_id, factor):
    for path in folder.glob("jobs/*/scores.parquet"):
        rows = pd.read_parquet(path)
        chosen = (rows["run_id"] == run_id) & (rows["score"] == "elbo")
        rows.loc[chosen, "value"] *= factor
        rows.to_parquet(path, index=False)


def test_scores_that_differ_are_refused_by_name_or_the_first_is_kept(study_copy, other, tmp_path, capsys):
    shared = sorted(store.open(study_copy).run_ids("done") & store.open(other).run_ids("done"))[0]
    change(other, shared, 1 + 1e-7)
    into = tmp_path / "rounded"
    assert merge(study_copy, other, into) == 0
    change(other, shared, 1.01)
    capsys.readouterr()
    into = tmp_path / "into"
    assert merge(study_copy, other, into) == 2
    line = one_line(capsys)
    values = [table(folder).loc[shared, "model", "training", "elbo"]["value"] for folder in (other, study_copy)]
    assert line.startswith(f"error: run {shared} has other scores in {other} than in {study_copy}: elbo of training")
    assert f"is {values[0]:.9g} there, {values[1]:.9g} here" in line
    assert "--keep first" in line
    assert not into.exists()
    assert merge(study_copy, other, into, "--keep", "first") == 0
    assert_rows(table(into), table(study_copy))
    added = table(into).xs("sap_score", level="metric").reset_index()
    assert shared not in set(added["run_id"])  # it would be the score of another model


def test_scores_that_compare_models_are_left_out(study_copy, other, tmp_path, dsprites_root, capsys):
    place = ["--data-dir", str(dsprites_root), "--executor", "inline"]
    assert cli.main(["evaluate", str(study_copy), "--metrics", "udr", *place]) == 0
    before = table(study_copy)
    assert merge(study_copy, other, tmp_path / "into") == 0
    assert "udr compares models and was left out" in capsys.readouterr().out
    assert_rows(table(tmp_path / "into"), before.drop(index="udr", level="metric"))
    assert "udr" not in set(table(tmp_path / "into").reset_index()["metric"])


def test_another_data_set_of_this_name_is_refused(study_copy, other, tmp_path, capsys):
    for path in other.glob("jobs/*/manifest.json"):
        manifest = json.loads(path.read_text())
        manifest["data"]["sha256"] = "0" * 64
        path.write_text(json.dumps(manifest))
    assert merge(study_copy, other, tmp_path / "into") == 2
    assert "another data set 'dsprites'" in one_line(capsys)
    assert not (tmp_path / "into").exists()


@pytest.mark.parametrize(
    ("binding", "message"),
    [
        ("evaluate.num_train = 150", "evaluate.num_train is 200 there, 150 here"),
        ("mig.num_bins = 7", "mig.num_bins is not given there, 7 here"),
        ("train.steps = 20", "these are different sweeps: train.steps is 40 in"),
    ],
)
def test_other_settings_are_refused_by_their_names(run, finished_study, tmp_path, capsys, binding, message):
    fewer = "sweep.methods = {'pca': {}}", "sweep.seeds = 1"
    assert run(tmp_path / "other", binding, "evaluate.metrics = ['mig']", *fewer) == 0
    capsys.readouterr()
    assert merge(finished_study, tmp_path / "other", tmp_path / "into") == 2
    assert message in one_line(capsys)
    assert not (tmp_path / "into").exists()


def test_all_settings_that_differ_are_named_and_others_counted(run, finished_study, tmp_path, capsys):
    bindings = [f"train.{name}" for name in ("steps = 20", "batch_size = 8", "learning_rate = 0.5", "beta1 = 0.25")]
    bindings += ["train.beta2 = 0.75", "train.epsilon = 0.125"]
    assert run(tmp_path / "other", *bindings, "sweep.methods = {'pca': {}}", "sweep.seeds = 1") == 0
    capsys.readouterr()
    assert merge(finished_study, tmp_path / "other", tmp_path / "into") == 2
    line = one_line(capsys)
    assert sum(f"{name.partition(' = ')[0]} " in line for name in bindings) == 5
    assert "; train.beta1 0.9 and 0.25; " in line
    assert "; and 1 more: only studies with the same settings can be merged" in line


def test_other_methods_with_the_same_settings_are_one_study(run, finished_study, tmp_path):
    assert run(tmp_path / "pca", "sweep.methods = {'pca': {}}", "sweep.seeds = 1") == 0
    assert merge(finished_study, tmp_path / "pca", tmp_path / "into") == 0
    assert set(store.open(tmp_path / "into").plan["method"]) == {"beta_vae", "factor_vae", "pca"}


def test_a_run_of_a_sweep_with_an_axis_keeps_its_value(run, finished_study, tmp_path):
    """The run with the study's own rate is in both: without a word of it in one, and with its value in the other."""
    rate = store.open(finished_study).settings.train.learning_rate
    axis = f"sweep.axes = {{'train.learning_rate': [{rate}, {2 * rate}]}}"
    assert run(tmp_path / "rates", axis, where="method == 'beta_vae' and seed == 0") == 0
    for order in ([finished_study, tmp_path / "rates"], [tmp_path / "rates", finished_study]):
        into = tmp_path / f"into_{order[0].name}"
        assert merge(*order, into) == 0
        both = store.open(into).results()
        pd.testing.assert_frame_equal(
            tables.paired_differences(both), tables.paired_differences(store.open(tmp_path / "rates").results())
        )


def test_studies_with_other_axes_have_the_axes_of_both(run, finished_study, tmp_path):
    """What is an axis in one study and the same for all runs of the other is said of all runs, in either order."""
    beta, steps = "sweep.methods = {'beta_vae': {'beta': [1]}, 'pca': {}}", 4
    axes = {"precision": "'train.precision': ['float32', 'bfloat16']", "pixels": "'beta_vae.pixels': [1, 4]"}
    for name, axis in axes.items():
        given = [beta, f"sweep.axes = {{{axis}}}", "sweep.seeds = 1", f"train.steps = {steps}"]
        assert run(tmp_path / name, *given) == 0
    expected = {("float32", 1.0), ("float32", 4.0), ("bfloat16", 1.0)}
    for order in (["precision", "pixels"], ["pixels", "precision"]):
        into = tmp_path / "_".join(order)
        assert merge(*(tmp_path / name for name in order), into) == 0
        both = store.open(into)
        results = both.results()
        of_vae = results[results["method"] == "beta_vae"]
        assert set(zip(of_vae["train.precision"], of_vae["beta_vae.pixels"].astype(float), strict=True)) == expected
        assert results.loc[results["method"] == "pca", ["train.precision", "beta_vae.pixels"]].isna().all(axis=None)
        found = tables.paired_differences(results)
        assert set(map(tuple, found[["setting", "a", "b"]].drop_duplicates().to_numpy())) == {
            ("precision", "bfloat16", "float32"),
            ("pixels", "1", "4"),
        }


def test_bad_folders_are_one_line_and_nothing_is_written(study_copy, other, tmp_path, capsys):
    def refused(*folders):
        assert merge(*folders) == 2
        return one_line(capsys)

    assert "one study is named" in refused(study_copy, tmp_path / "into")
    assert "is named twice" in refused(study_copy, study_copy, tmp_path / "into")
    assert "is one of the studies, or in it" in refused(study_copy, other, other)
    assert "is one of the studies, or in it" in refused(study_copy, other, other / "into")
    assert "holds no study" in refused(study_copy, tmp_path, tmp_path / "into")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "thesis.txt").write_text("mine")
    assert "is not empty and holds no study" in refused(study_copy, other, tmp_path / "full")
    shutil.copytree(other, tmp_path / "third")
    assert "holds another study: name a new folder" in refused(study_copy, other, tmp_path / "third")
    with store.open(other).lock():
        assert "another process is running" in refused(study_copy, other, tmp_path / "into")
    path = next(other.glob("jobs/*/params.npz"))
    path.write_bytes(path.read_bytes()[:100])
    assert f"{path}: cannot be read" in refused(study_copy, other, tmp_path / "into")
    assert not (tmp_path / "into").exists()
    assert [path.name for path in (tmp_path / "full").iterdir()] == ["thesis.txt"]
