"""Sources, mixture and codes in a picture: codes are matched as MCC does, and what cannot be drawn is one line."""

import dataclasses
import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from disentanglement_study import cli, data, store
from disentanglement_study.metrics.mcc import mean_correlation
from disentanglement_study.pictures import chosen, unmix
from disentanglement_study.types import Run

pytestmark = pytest.mark.usefixtures("quick_compilation")

SWEEP = """
sweep.data_sets = ['segment_sources']
sweep.methods = ['fast_ica', 'pca']
sweep.seeds = 2
segment_sources.num_sources = 3
segment_sources.num_segments = 10
segment_sources.segment_length = 100
segment_sources.num_layers = [1, 2]
segment_sources.seed = [0, 1]
nets.num_latents = 3
fast_ica.num_points = 900
pca.num_points = 900
evaluate.metrics = ['mcc']
evaluate.num_train = 500
evaluate.num_test = 400
"""


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    (folder / "sweep.gin").write_text(SWEEP)
    assert cli.main(["run", str(folder / "sweep.gin"), str(folder / "study"), "--executor", "inline"]) == 0
    return folder / "study"


def test_codes_are_put_in_the_order_and_sign_of_their_sources():
    draws = np.random.default_rng(0)
    sources = draws.laplace(size=(500, 3))
    codes = np.column_stack([5 - 3 * sources[:, 2], draws.normal(size=500), 0.1 * sources[:, 0], sources[:, 1]])
    found = unmix.matched("planted", sources, codes, "sources")
    np.testing.assert_allclose(found.correlations, 1)
    np.testing.assert_allclose(found.codes, (sources - sources.mean(axis=0)) / sources.std(axis=0))
    of_abs = unmix.matched("planted", sources, -np.abs(sources[:, ::-1]), "abs")
    np.testing.assert_allclose(of_abs.correlations, 1)


def test_they_are_what_mcc_is_the_mean_of():
    draws = np.random.default_rng(0)
    sources = draws.laplace(size=(500, 3))
    codes = np.tanh(sources @ draws.normal(size=(3, 2)))
    found = unmix.matched("fewer", sources, codes, "sources")
    assert found.correlations.mean() == pytest.approx(mean_correlation(sources, codes))
    assert np.isnan(found.codes).all(axis=0).sum() == 1


def test_constant_codes_are_drawn_and_match_nothing():
    sources = np.random.default_rng(0).normal(size=(50, 2))
    found = unmix.matched("constant", sources, np.ones((50, 2)), "sources")
    assert found.correlations.tolist() == [0, 0]
    assert unmix.draw("title", sources, sources, ["s1", "s2"], [found]).axes


def test_sources_are_called_as_the_data_set_names_them():
    sources = np.random.default_rng(0).laplace(size=(50, 2))
    found = unmix.matched("TCL", sources, np.abs(sources), "abs")
    figure = unmix.draw("title", sources, sources, ["salinity", "s2"], [found])
    said = " ".join(axis.get_title(loc="left").replace("\n", " ") for axis in figure.axes)
    assert all(f"against {name}: 1.00" in said for name in ("salinity", "|salinity|", "s2", "|s2|"))
    assert list(figure.numbers)[:2] == ["salinity", "s2"]

    computed = data.load("segment_sources", options={"num_sources": 2, "num_segments": 4, "segment_length": 10})
    assert unmix.source_names(computed) == ["s1", "s2"]
    own = dataclasses.replace(computed, factor_names=("salinity", "source_1"))
    assert unmix.source_names(own) == ["salinity", "s2"]


def test_a_picture_for_each_data_set_has_a_model_of_each_method(study, tmp_path):
    paths = unmix.unmix(study, output=tmp_path)
    assert [path.name for path in paths] == [
        f"segment_sources_{number}.{kind}" for number in (0, 1) for kind in ("pdf", "png", "csv")
    ]
    for path in paths:
        if path.suffix == ".csv":
            points = pd.read_csv(path)
            assert list(points) == [
                "s1", "s2", "Observed: 1", "Observed: 2", "PCA: 1", "PCA: 2", "FastICA: 1", "FastICA: 2",
            ]  # fmt: skip
            assert len(points) == 1000
        if path.suffix == ".png":
            assert min(Image.open(path).size) > 400
    linear = pd.read_csv(tmp_path / "segment_sources_0.csv")
    assert np.corrcoef(linear["s1"], linear["FastICA: 1"])[0, 1] > 0.9


def test_runs_are_chosen_by_id_or_condition(study, tmp_path, capsys):
    where = "`segment_sources.num_layers` == 2 and method == 'pca'"
    assert cli.main(["unmix", str(study), "--where", where, "--output", str(tmp_path)]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {f"segment_sources_0.{kind}" for kind in ("pdf", "png", "csv")}
    assert "PCA: 1" in pd.read_csv(tmp_path / "segment_sources_0.csv")
    assert "FastICA: 1" not in pd.read_csv(tmp_path / "segment_sources_0.csv")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["zzz"], "unknown run 'zzz'"),
        (["--where", "seed > 7"], "--where 'seed > 7' selects no finished run"),
        (["--where", "sed > 7"], "unknown column 'sed': did you mean 'seed'?"),
        (["zzz", "--where", "seed == 0"], "choose runs by RUN_ID or by --where 'seed == 0', not by both"),
    ],
)
def test_what_cannot_be_drawn_is_one_line(study, arguments, message, capsys):
    assert cli.main(["unmix", str(study), *arguments]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert message in line


def run_ids(folder, **of):
    """The runs on the first draw of the data of the plan's rows with these values, of one layer."""
    plan = store.open(folder).plan
    of |= {"segment_sources.seed": 0, "segment_sources.num_layers": 1}
    return plan.loc[(plan[list(of)] == pd.Series(of)).all(axis=1), "run_id"].tolist()


def test_restarts_stand_side_by_side_and_those_without_room_in_a_further_picture(study, tmp_path, monkeypatch):
    monkeypatch.setattr(unmix, "MOST_MODELS", 3)
    chosen = [run_id for method in ("fast_ica", "pca") for run_id in run_ids(study, method=method)]
    assert len(unmix.unmix(study, chosen, output=tmp_path)) == 6
    found = [list(pd.read_csv(tmp_path / f"segment_sources_{number}.csv"))[4::2] for number in (0, 1)]
    assert found == [["PCA, seed = 0: 1", "PCA, seed = 1: 1", "FastICA, seed = 0: 1"], ["FastICA, seed = 1: 1"]]


def test_names_say_in_what_the_runs_of_a_method_differ():
    def run(method, seed=0, hyper=None, **settings):
        named = {name.replace("__", "."): value for name, value in settings.items()}
        return Run("id", "data", method, hyper or {}, seed, "dlib", named)

    assert chosen.labels([run("tcl", 1), run("fast_ica", 2)]) == ["TCL", "FastICA"]
    runs = [run("tcl", 1, tcl__num_layers=2), run("tcl", 2, tcl__num_layers=3), run("pca", train__steps=5)]
    assert chosen.labels(runs) == ["TCL, num_layers = 2", "TCL, num_layers = 3", "PCA"]
    runs = [run("beta_vae", seed, {"beta": beta}) for beta in (1.0, 4.0) for seed in (0, 1)]
    assert chosen.labels(runs) == [f"β-VAE, β = {beta:g}, seed = {seed}" for beta in (1.0, 4.0) for seed in (0, 1)]


def test_codes_of_a_diverged_model_are_not_drawn(study, tmp_path, capsys, monkeypatch):
    models = unmix.trained.models

    def diverged(*arguments):
        found = models(*arguments)
        return [model._replace(mean=np.full_like(model.mean, np.nan)) if "pca" in str(model.run) else model
                for model in found]  # fmt: skip

    monkeypatch.setattr(unmix.trained, "models", diverged)
    (run_id, _) = run_ids(study, method="pca")
    assert cli.main(["unmix", str(study), run_id]) == 2
    assert f"run {run_id} has diverged" in capsys.readouterr().err
    unmix.unmix(study, output=tmp_path)
    assert list(pd.read_csv(tmp_path / "segment_sources_0.csv"))[4:] == ["FastICA: 1", "FastICA: 2"]


def test_what_has_no_sources_or_no_models_is_said(study, tmp_path, monkeypatch, capsys):
    load = unmix.trained.loading.load_data

    def without_sources(*arguments):
        data_set = load(*arguments)  # as a series of one's own is whose truth is not known
        return dataclasses.replace(data_set, sources=data_set.sources[:, :0])

    monkeypatch.setattr(unmix.trained.loading, "load_data", without_sources)
    run_id = run_ids(study, method="pca")[0]
    unfinished = shutil.copytree(study, tmp_path / "unfinished", ignore=shutil.ignore_patterns("jobs"))
    said = {
        (str(study), run_id): f"run {run_id}: segment_sources has no real-valued sources",
        (str(study),): "has no model of a data set with real-valued sources",
        (str(unfinished),): "has no finished run",
        (str(unfinished), run_id): f"run {run_id} is not done yet",
    }
    for arguments, message in said.items():
        assert cli.main(["unmix", *arguments]) == 2
        (line,) = capsys.readouterr().err.strip().splitlines()
        assert message in line
