"""Codes as files: those that the study has scored, with the truth beside them, readable by `evaluate`."""

import dataclasses

import numpy as np
import pytest

from disentanglement_study import cli, data, store
from disentanglement_study.pictures import encode as encoding
from disentanglement_study.pictures import trained
from disentanglement_study.pictures.encode import encode
from disentanglement_study.store.runs import finished_jobs

pytestmark = pytest.mark.usefixtures("quick_compilation")


def kept(root, run_id):
    """The codes that the study keeps of a run: index, mean and logvar."""
    opened = store.open(root)
    job = next(job for job in finished_jobs(opened) if run_id in [run.run_id for run in job.runs])
    arrays = opened.arrays(job, "codes")
    place = [run.run_id for run in job.runs].index(run_id)
    return arrays["index"], arrays["mean"][place], arrays["logvar"][place]


def first_run(root):
    return store.open(root).plan["run_id"].iloc[0]


def test_the_codes_are_those_that_were_scored(finished_study, dsprites_root, tmp_path):
    run_id = first_run(finished_study)
    index, mean, logvar = kept(finished_study, run_id)
    ((run, path),) = encode(finished_study, [run_id], output=tmp_path, data_dir=dsprites_root)
    assert run.run_id == run_id
    arrays = np.load(path)
    rows = np.searchsorted(arrays["index"], index)
    np.testing.assert_array_equal(arrays["index"][rows], index)
    np.testing.assert_allclose(arrays["codes"][rows], mean, atol=1e-5)
    np.testing.assert_allclose(arrays["logvar"][rows], logvar, atol=1e-5)
    sizes = 3, 6, 40, 32, 32
    np.testing.assert_array_equal(arrays["factors"], np.stack(np.unravel_index(arrays["index"], sizes), axis=1))
    assert arrays["factor_names"].tolist() == ["shape", "scale", "orientation", "position_x", "position_y"]


def test_it_says_how_many_jobs_there_are_before_each(finished_study, dsprites_root, tmp_path):
    runs, said = store.open(finished_study).plan["run_id"].tolist(), []
    options = {"output": tmp_path, "points": 10, "data_dir": dsprites_root}
    for _ in encode(finished_study, runs, begins=lambda name, total: said.append((name, total)), **options):
        pass
    assert said == [("jobs", 4), ("batches", 1)] * 4


def test_what_it_writes_is_what_evaluate_reads(finished_study, dsprites_root, tmp_path, capsys):
    command = ["encode", str(finished_study), first_run(finished_study)[:8], "--points", "2000"]
    assert cli.main([*command, "--output", str(tmp_path), "--data-dir", str(dsprites_root)]) == 0
    path, _, run = capsys.readouterr().out.strip().partition(": ")
    assert run.startswith("dsprites ")
    assert len(np.load(path)["codes"]) == 2000
    assert cli.main(["evaluate", path, "--metrics", "mig,mcc"]) == 0
    assert {line.split()[0] for line in capsys.readouterr().out.splitlines()} >= {"mig", "mcc"}


@pytest.fixture(scope="module")
def own_series(tmp_path_factory):
    """A study of a series of one's own, whose sources nobody knows."""
    folder = tmp_path_factory.mktemp("own")
    x = np.random.default_rng(0).laplace(size=(900, 3))
    np.savez(folder / "mine.npz", x=x)
    assert cli.main(["data", "add", str(folder / "mine.npz"), "--data-dir", str(folder / "data")]) == 0
    (folder / "sweep.gin").write_text("""
sweep.data_sets = ['mine']
sweep.methods = ['fast_ica', 'pca']
sweep.seeds = 2
nets.num_latents = 3
fast_ica.num_points = 900
pca.num_points = 900
evaluate.metrics = ['unsupervised']
evaluate.num_train = 500
evaluate.num_test = 300
""")
    command = ["run", str(folder / "sweep.gin"), str(folder / "study"), "--executor", "inline"]
    assert cli.main([*command, "--data-dir", str(folder / "data")]) == 0
    return folder


def test_of_a_series_without_truth_there_are_the_codes_of_every_point(own_series, capsys):
    root = own_series / "study"
    assert cli.main(["encode", str(root), "--data-dir", str(own_series / "data")]) == 0
    paths = [line.partition(": ")[0] for line in capsys.readouterr().out.splitlines()]
    plan = store.open(root).plan
    assert {plan.set_index("run_id").loc[path.split("/")[-1][:-4], "method"] for path in paths} == {"fast_ica", "pca"}
    for path in paths:
        arrays = np.load(path)
        assert set(arrays) == {"codes", "index"}
        np.testing.assert_array_equal(arrays["index"], np.arange(900))
        assert np.linalg.matrix_rank(arrays["codes"]) == 3


def test_its_tables_say_how_training_went_and_there_is_nothing_to_draw(own_series, capsys):
    root, place = own_series / "study", ["--data-dir", str(own_series / "data")]
    assert cli.main(["tables", str(root)]) == 0
    out = capsys.readouterr().out
    assert "Training scores: mine, n = 2 models per row" in out
    assert any(line.split() == ["FastICA", "Converged", "1", "[1,", "1]", "2"] for line in out.splitlines())
    assert cli.main(["unmix", str(root), *place]) == 2
    assert "`disentanglement-study encode` writes codes" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["zzz"], "unknown run 'zzz'"),
        (["--where", "seed > 7"], "--where 'seed > 7' selects no finished run"),
        (["zzz", "--where", "seed == 0"], "choose runs by RUN_ID or by --where 'seed == 0', not by both"),
    ],
)
def test_what_cannot_be_encoded_is_one_line(own_series, arguments, message, capsys):
    assert cli.main(["encode", str(own_series / "study"), *arguments]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert message in line


def test_a_model_that_diverged_is_named(own_series, monkeypatch):
    models = trained.models

    def diverged(*arguments):
        return [model._replace(mean=np.nan * model.mean) for model in models(*arguments)]

    monkeypatch.setattr(trained, "models", diverged)
    with pytest.raises(ValueError, match="its codes are not finite"):
        list(encode(own_series / "study", data_dir=own_series / "data"))


def test_real_factors_are_what_the_method_identifies():
    sources = np.random.default_rng(0).laplace(size=(50, 2)).astype(np.float32)
    computed = data.load("segment_sources", options={"num_sources": 2, "num_segments": 5, "segment_length": 10})
    known = dataclasses.replace(computed, sources=sources)
    of_tcl, of_pca = (encoding._truth(known, np.arange(20), method) for method in ("tcl", "pca"))
    np.testing.assert_array_equal(of_tcl["factors"], np.abs(sources[:20]))
    np.testing.assert_array_equal(of_pca["factors"], sources[:20])
    assert (of_tcl["target"], of_pca["target"]) == ("abs", "sources")


def test_more_points_than_there_are_and_a_file_as_folder_are_one_line(own_series, tmp_path, capsys):
    given = ["encode", str(own_series / "study"), "--data-dir", str(own_series / "data")]
    (tmp_path / "file").write_text("")
    for arguments, message in (
        (["--points", "901"], "901 points: expected at most 900, those of mine"),
        (["--output", str(tmp_path / "file")], f"cannot write to the folder {tmp_path / 'file'}: it is a file"),
    ):
        assert cli.main([*given, *arguments]) == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert message in line
    assert cli.main(["encode", str(own_series / "study"), "--data-dir", str(tmp_path)]) == 2
    assert f"has models of 'mine', and {tmp_path} has no such data set" in capsys.readouterr().err


def test_the_number_of_points_is_one_or_more(own_series, capsys):
    with pytest.raises(SystemExit) as stopped:
        cli.main(["encode", str(own_series / "study"), "--points", "0"])
    assert stopped.value.code == 2
    assert "argument --points: 0: expected int (1 or more)" in capsys.readouterr().err
