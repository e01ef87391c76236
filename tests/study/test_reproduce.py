"""A finished run is trained again, and each of its scores is compared with the stored one."""

import json
import re
import shutil

import pandas as pd
import pytest

from disentanglement_study import cli, store
from disentanglement_study.store.runs import finished_jobs
from disentanglement_study.study import compared
from disentanglement_study.study import reproduce as reproducing
from disentanglement_study.study.training_rows import record_failure


@pytest.fixture(scope="module")
def run_id(finished_study):
    """Of a run that is not the first of its job."""
    return finished_jobs(store.open(finished_study))[0].runs[1].run_id


@pytest.fixture(scope="module")
def reproduce(dsprites_root):
    def call(folder, run_id, *options):
        return cli.main(["reproduce", str(folder), run_id, "--data-dir", str(dsprites_root), *options])

    return call


@pytest.fixture(scope="module")
def again(finished_study, run_id, reproduce, tmp_path_factory):
    """The study that a reproduction keeps."""
    folder = tmp_path_factory.mktemp("kept") / "again"
    assert reproduce(finished_study, run_id, "--keep", str(folder)) == 0
    return folder


@pytest.fixture
def trained_already(again, monkeypatch):
    """Saves the training: what it would give is there."""
    monkeypatch.setattr(
        reproducing, "run", lambda study, runs, folder, *rest, **options: shutil.copytree(again, folder)
    )


def change(folder, run_id, metric, **columns):
    """Changes rows of a stored run: a value is added to."""
    (path,) = (
        path.with_name("scores.parquet")
        for path in folder.glob("jobs/*/manifest.json")
        if run_id in json.loads(path.read_text())["run_ids"]
    )
    rows = pd.read_parquet(path)
    chosen = (rows["run_id"] == run_id) & (rows["metric"] == metric)
    for name, value in columns.items():
        rows.loc[chosen, name] = rows.loc[chosen, name] * value if name == "value" else value
    rows.to_parquet(path, index=False)


def test_a_run_of_a_population_is_the_same_alone_and_the_study_is_not_touched(
    finished_study, study_copy, run_id, reproduce, capsys
):
    before = {path: path.stat().st_mtime_ns for path in study_copy.rglob("*")}
    assert reproduce(study_copy, run_id[:6]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    stored = store.open(study_copy).rows("scores")
    number = (stored["run_id"] == run_id).sum()
    assert f"run {run_id}: all {number} scores are equal (to the bit: {number})" in shown
    assert {path: path.stat().st_mtime_ns for path in study_copy.rglob("*")} == before


def test_what_is_kept_is_a_study_of_this_run(again, run_id):
    opened = store.open(again)
    assert opened.run_ids("done") == set(opened.plan["run_id"]) == {run_id}


def test_the_whole_job_is_trained_as_it_was(finished_study, run_id, reproduce, tmp_path):
    assert reproduce(finished_study, run_id, "--whole-job", "--keep", str(tmp_path / "kept")) == 0
    (new,) = store.open(tmp_path / "kept").manifests()
    (old,) = (one for one in store.open(finished_study).manifests() if run_id in one["run_ids"])
    assert [new[name] for name in ("job_id", "run_ids", "population")] == [
        old[name] for name in ("job_id", "run_ids", "population")
    ]


@pytest.mark.usefixtures("trained_already")
@pytest.mark.parametrize(
    ("said", "executor", "claimed", "num_cpus"),
    [
        ({"cores": 3}, "inline", [3], 1),
        ({"cores": 3}, "ray", [], 3),
        ({"cores": "3"}, "inline", [], 1),
        ({"cores": 0}, "inline", [], 1),
        ({}, "ray", [], 1),
    ],
)
def test_it_is_trained_on_as_many_cores_as_then(
    study_copy, run_id, reproduce, monkeypatch, capsys, said, executor, claimed, num_cpus
):
    found, settings, run = [], [], reproducing.run
    monkeypatch.setattr(reproducing.cores, "claim", found.append)
    monkeypatch.setattr(reproducing, "run", lambda study, *rest, **more: (settings.append(study), run(study, *rest)))
    for path in study_copy.glob("jobs/*/manifest.json"):
        manifest = json.loads(path.read_text())
        del manifest["provenance"]["cores"]
        manifest["provenance"] |= said
        path.write_text(json.dumps(manifest))
    assert reproduce(study_copy, run_id, "--executor", executor) == 0
    assert found == claimed
    assert settings[0].resources.num_cpus == num_cpus


@pytest.mark.usefixtures("trained_already")
def test_a_score_that_differs_is_named_with_what_else_is_different(study_copy, run_id, reproduce, capsys):
    change(study_copy, run_id, "mig", value=1.001, metric_version="0", versions="numpy=1.0 scipy=1.0")
    for path in study_copy.glob("jobs/*/manifest.json"):
        path.write_text(re.sub(r'"cores": \d+', '"cores": 1000', path.read_text()))
    assert reproduce(study_copy, run_id) == 3
    shown = capsys.readouterr()
    (line,) = (line for line in shown.err.splitlines() if "differ" in line)
    assert line.startswith(f"run {run_id}: ")
    text = " ".join(shown.out.split())
    assert "what else is different" in text
    assert "version of mig" in text
    assert "numpy (scoring) 1.0" in text
    assert "population 2 1" in text
    assert "cores 1000" in text


@pytest.mark.usefixtures("trained_already")
def test_json_and_csv_have_all_scores(study_copy, run_id, reproduce, capsys):
    stored = store.open(study_copy).rows("scores")
    stored = stored[stored["run_id"] == run_id].set_index(["representation", "metric", "score"])["value"]
    change(study_copy, run_id, "mig", value=1.001)
    assert reproduce(study_copy, run_id, "--json") == 3
    found = json.loads(capsys.readouterr().out)
    assert (found["run_id"], found["equal"], found["left_out"]) == (run_id, False, [])
    assert len(found["scores"]) == len(stored)
    for row in found["scores"]:
        assert row["new"] == stored[row["representation"], row["metric"], row["score"]]
        assert row["equal"] == ("no" if row["metric"] == "mig" and row["new"] else "bit")
    assert {"what": "population", "stored": "2", "new": "1"} in found["different"]
    assert reproduce(study_copy, run_id, "--csv") == 3
    lines = capsys.readouterr().out.strip().splitlines()
    assert lines[0] == "representation,metric,score,stored,new,difference,equal"
    assert len(lines) == len(stored) + 1


@pytest.mark.usefixtures("trained_already")
def test_rounding_of_float32_is_no_difference(study_copy, run_id, reproduce, capsys):
    change(study_copy, run_id, "training", value=1 + 5e-6)
    assert reproduce(study_copy, run_id) == 0
    assert "to a relative 1e-05: " in " ".join(capsys.readouterr().out.split())


@pytest.mark.usefixtures("trained_already")
def test_scores_that_compare_models_are_left_out(study_copy, run_id, reproduce, dsprites_root, capsys):
    place = ["--data-dir", str(dsprites_root), "--executor", "inline"]
    assert cli.main(["evaluate", str(study_copy), "--metrics", "udr", *place]) == 0
    capsys.readouterr()
    assert reproduce(study_copy, run_id) == 0
    assert "left out, because they compare models: udr" in " ".join(capsys.readouterr().out.split())


@pytest.mark.usefixtures("trained_already")
def test_parameters_and_codes_are_not_needed(study_copy, run_id, reproduce):
    for path in [*study_copy.glob("jobs/*/params.npz"), *study_copy.glob("jobs/*/codes.npz")]:
        path.unlink()
    assert reproduce(study_copy, run_id) == 0


def test_bad_input_is_one_line_and_trains_nothing(study_copy, run_id, reproduce, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(reproducing, "run", None)

    def refused(*arguments):
        assert reproduce(study_copy, *arguments) == 2
        (line,) = capsys.readouterr().err.strip().splitlines()
        return line

    assert "unknown run 'zzz'" in refused("zzz")
    assert "did you mean 'inline'" in refused(run_id, "--executor", "inlin")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine.txt").write_text("mine")
    assert "is not empty: name another folder" in refused(run_id, "--keep", str(tmp_path / "full"))

    text = (study_copy / "study.gin").read_text()
    for other in ("import os", "quick"):  # of one line: no name of a sweep
        (study_copy / "study.gin").write_text(other)
        assert str(study_copy / "study.gin") in refused(run_id)
        assert "unknown sweep" not in refused(run_id)
        assert "its id would be" not in refused(run_id)
    (study_copy / "study.gin").write_text(text.replace("train.steps = 40", "train.steps = 41"))
    assert f"does not hold the settings of run {run_id}: with those in it, its id would be " in refused(run_id)
    (study_copy / "study.gin").write_text(text.replace("evaluate.num_train = 200", "evaluate.num_train = 201"))
    assert "was scored with: evaluate.num_train is 200 there, 201 here" in refused(run_id)
    (study_copy / "study.gin").write_text(text)

    opened = store.open(study_copy)
    job = finished_jobs(opened)[0]
    path = opened.jobs / job.job_id / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["data"]["sha256"] = "0" * 64
    path.write_text(json.dumps(manifest))
    assert "its contents have changed" in refused(run_id)
    record_failure(job, study_copy, RuntimeError("no luck"), 2)
    assert f"run {run_id} has failed: RuntimeError: no luck (`retry {study_copy}` does it again)" in refused(run_id)
    assert cli.main(["reproduce", str(tmp_path / "full"), run_id]) == 2
    assert "holds no study" in capsys.readouterr().err


def test_a_run_that_fails_this_time_is_exit_code_3(study_copy, run_id, reproduce, monkeypatch, capsys):
    from disentanglement_study.study import job as stages

    monkeypatch.setattr(stages, "learn", lambda *arguments, **options: 1 / 0)
    assert reproduce(study_copy, run_id) == 3
    assert f"run {run_id} could not be done again: ZeroDivisionError" in " ".join(capsys.readouterr().err.split())


def test_scores_that_only_one_has_and_those_that_are_no_numbers():
    def rows(**values):
        return pd.DataFrame(
            [
                {"representation": "mean", "metric": "mig", "score": name, "value": value}
                for name, value in values.items()
            ]
        )

    nan = float("nan")
    found = compared.scores(rows(a=1.0, b=nan, c=0.0, d=1.0, e=2.0), rows(a=1.0, b=nan, c=1e-9, e=nan, f=3.0))
    assert dict(zip(found["score"], found["equal"], strict=True)) == {
        "a": "bit", "b": "bit", "c": "no", "d": "no", "e": "no", "f": "no"
    }  # fmt: skip
