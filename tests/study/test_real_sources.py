"""A study of mixtures of real-valued sources: vectors, options of the data set as axes, and which truth metrics see."""

import numpy as np
import pytest

from disentanglement_study import cli, data, store
from disentanglement_study.analysis import figures, rows
from disentanglement_study.methods import METHODS
from disentanglement_study.methods.kinds import Given, Learner, Method
from disentanglement_study.scoring import represent
from disentanglement_study.store.runs import finished_jobs
from disentanglement_study.study import components, plan

SETS = "sweep.data_sets = {'segment_sources': {'num_sources': 3, 'num_segments': 10, 'segment_length': 300}}\n"
SWEEP = (
    SETS
    + """
sweep.methods = {'fast_ica': {'num_points': 2000}, 'ground_truth': {}, 'raw_pixels': {}}
sweep.axes = {'segment_sources.num_layers': [1, 3]}
sweep.seeds = 1
nets.num_latents = 3
evaluate.metrics = ['mcc', 'mig', 'sap_score', 'factor_vae_score']
evaluate.num_train = 1500
evaluate.num_test = 1000
evaluate.options = {'factor_vae_score': {'num_variance': 500}}
"""
)
INLINE = ["--executor", "inline"]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sources")
    (folder / "sources.gin").write_text(SWEEP)
    assert cli.main(["run", str(folder / "sources.gin"), str(folder / "study"), *INLINE]) == 0
    return folder / "study"


def expand(text):
    return plan.expand(components.load(SWEEP + text))


def scores(study, metric, score=None):
    results = store.open(study).results()
    assert results["error"].isna().all()
    chosen = results[(results["metric"] == metric) & (results["score"] == (score or metric))]
    return chosen.set_index(["method", "segment_sources.num_layers"])["value"]


def test_linear_mixtures_are_unmixed_by_fast_ica_and_others_are_not(study):
    mcc = scores(study, "mcc")
    # Measured on 4 such series with 5 sources: 1.00 of one layer, .58 (at most .64) of three; the mixtures .61 and .53.
    assert mcc["fast_ica", 1] > 0.99
    assert mcc["fast_ica", 3] < 0.9
    assert mcc["raw_pixels", 1] < 0.9
    np.testing.assert_allclose(mcc["ground_truth"], 1, atol=1e-6)
    np.testing.assert_allclose(scores(study, "mcc", "weak")["raw_pixels", 1], 1, atol=1e-4)


def test_metrics_of_categories_see_bins_and_those_of_either_real_numbers(study):
    assert scores(study, "sap_score")["ground_truth", 1] > 0.95  # R^2 of real numbers: accuracies of 20 bins are lower
    factor_vae = scores(study, "factor_vae_score")
    assert factor_vae["ground_truth", 1] > 0.85 > factor_vae["raw_pixels", 3]
    mig = scores(study, "mig")
    assert mig["ground_truth", 1] > mig["raw_pixels", 1] + 0.1


def test_an_option_of_the_data_set_names_the_data_set_in_tables_and_not_the_method(study):
    shown = rows.with_method(store.open(study).results())
    assert set(shown["data_set"]) == {"segment_sources [num_layers=1]", "segment_sources [num_layers=3]"}
    assert set(shown["method"]) == {"fast_ica", "ground_truth", "raw_pixels"}
    assert cli.main(["tables", str(study)]) == 0
    assert cli.main(["report", str(study)]) == 0


def test_rows_of_a_figure_say_which_option_they_are_of(study):
    figure = figures.score_by_method(store.open(study).results())
    labels = {text.get_text() for axis in figure.axes for text in axis.texts if text.get_rotation() == 270}
    whole = {label.replace("\n", " ").replace("\N{NO-BREAK SPACE}", " ") for label in labels}
    assert whole == {"segment sources, num_layers = 1", "segment sources, num_layers = 3"}


def test_a_finished_study_is_scored_on_more_and_each_job_on_its_own_series(study):
    assert cli.main(["evaluate", str(study), "--metrics", "r2", *INLINE]) == 0
    r2 = scores(study, "r2", "r2_linear")
    np.testing.assert_allclose(r2["ground_truth"], 1, atol=1e-6)
    assert r2["raw_pixels", 1] > 0.999 > r2["raw_pixels", 3]


def test_vectors_are_not_drawn(study, capsys):
    job = next(job for job in finished_jobs(store.open(study)) if job.method == "fast_ica")
    assert cli.main(["traverse", str(study), job.runs[0].run_id]) == 2
    assert "segment_sources has vectors, not images" in capsys.readouterr().err.replace("\n", " ")


def test_the_options_enter_the_ids_where_they_are_not_the_defaults():
    given = {run.settings["segment_sources.num_layers"]: run.run_id for run in expand("") if run.method == "fast_ica"}
    assert len(set(given.values())) == 2
    (one,) = [run for run in expand("sweep.axes = {}\n") if run.method == "fast_ica"]
    assert one.run_id not in given.values()
    (default,) = [run for run in expand("sweep.axes = {'segment_sources.num_layers': [5]}") if run.method == "fast_ica"]
    assert default.run_id == one.run_id


def test_codes_are_held_against_what_their_method_identifies_or_the_same_of_both(monkeypatch):
    options = {"num_sources": 2, "num_segments": 2, "segment_length": 50, "num_bins": 10}
    loaded, index = data.load("segment_sources", options=options), np.arange(100)
    monkeypatch.setitem(METHODS, "toy", METHODS["pca"]._replace(target="abs"))
    for method, shown, target, make in (
        ("toy", "mean", "abs", np.abs),
        ("pca", "mean", "sources", lambda sources: sources),
        ("pca", "abs", "abs", np.abs),
        ("pca", "square", "square", np.square),
    ):
        truth = represent.truth(loaded, index, method, shown)
        expected = make(loaded.sources.astype(float))
        assert truth.target == target
        np.testing.assert_allclose(truth.sources, expected)
        for values, binned in zip(expected.T, truth.factors.T, strict=True):
            assert np.bincount(binned).tolist() == [10] * 10
            assert (np.diff(binned[np.argsort(values, kind="stable")]) >= 0).all()


def test_baselines_are_scored_on_the_same_target_beside_a_method_of_absolute_values(monkeypatch, tmp_path):
    monkeypatch.setitem(METHODS, "toy", METHODS["fast_ica"]._replace(target="abs"))
    text = SWEEP.replace("sweep.methods = {", "sweep.methods = {'toy': {}, 'fast_ica': {}} # {")
    more = "evaluate.metrics = ['mcc']\nsweep.axes = {}\nevaluate.representations = ['mean', 'abs']\n"
    more += "segment_sources.num_layers = 1\n"
    (tmp_path / "toy.gin").write_text(text + more)
    assert cli.main(["run", str(tmp_path / "toy.gin"), str(tmp_path / "study"), *INLINE]) == 0
    rows = store.open(tmp_path / "study").results()
    rows = rows[(rows["metric"] == "mcc") & (rows["score"] == "mcc")]
    value = rows.set_index(["method", "representation", "target"])["value"].groupby(level=[0, 1, 2]).first()
    assert {*value.index} == {("toy", "mean", "abs"), ("fast_ica", "mean", "sources"), ("fast_ica", "abs", "abs")}
    # Of linear mixtures |FastICA(x)| is |s|, and s itself is not.
    assert value["fast_ica", "abs", "abs"] > 0.98
    assert value["fast_ica", "mean", "sources"] > 0.98
    assert value["toy", "mean", "abs"] < 0.3


def test_a_method_that_needs_segments_gets_them(monkeypatch, tmp_path):
    def build(inputs, settings):
        assert inputs.auxiliary == {"segment": 10}
        return Learner(Given(lambda seed: {}), lambda params, batch: {"mean": batch["segment"][:, None] + batch["x"]})

    monkeypatch.setitem(METHODS, "toy", Method(build, needs=frozenset({"segment"})))
    text = SWEEP.replace("sweep.methods = {", "sweep.methods = {'toy': {}} # {") + "evaluate.metrics = ['mcc']\n"
    (tmp_path / "toy.gin").write_text(text + "sweep.axes = {}\n")
    assert cli.main(["run", str(tmp_path / "toy.gin"), str(tmp_path / "study"), *INLINE]) == 0
    opened = store.open(tmp_path / "study")
    (job,) = finished_jobs(opened)
    kept, loaded = (
        opened.arrays(job, "codes"),
        data.load("segment_sources", options=opened.settings.of(job.settings).options["segment_sources"]),
    )
    segment = loaded.auxiliary["segment"][kept["index"]]
    np.testing.assert_allclose(kept["mean"][0], segment[:, None] + loaded.storage[kept["index"]], rtol=1e-6)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sweep.methods = {'beta_vae': {'beta': 1}}", "method 'beta_vae': a VAE of pixels takes images, got vectors"),
        ("sweep.methods = {'random_encoder': {}}", "nets.encoder = 'conv' takes images, got vectors of 3"),
        ("sweep.axes = {'segment_sources.layers': [1]}", "unknown axis 'segment_sources.layers': did you mean"),
        ("sweep.axes = {'dsprites.num_layers': [1]}", "unknown axis 'dsprites.num_layers'"),
        ("sweep.axes = {'segment_sources.num_layers': [0]}", "sweep.axes: segment_sources.num_layers = 0: expected"),
        ("sweep.axes = {'segment_sources.num_sources': [3]}", "is given twice, once in sweep.axes: give it once"),
        ("sweep.axes = {'segment_sources.num_layers': [1, 1]}", "num_layers names 1 twice"),
        ("sweep.data_sets = {'segment_sources': {'layers': 1}}\nsweep.axes = {}", "unknown option of data set"),
        ("sweep.data_sets = {'segment_sources': {'num_layers': []}}\nsweep.axes = {}", "num_layers is an empty list"),
        ("sweep.data_sets = {'dsprites': {'num_layers': 1}}\nsweep.axes = {}", "data set 'dsprites' has no options"),
        ("sweep.data_sets = ['dsprites']\nsweep.axes = {}\nevaluate.representations = ['abs']", "'abs' needs real"),
        ("evaluate.representations = ['absolute']", "evaluate.representations = ['absolute']"),
        ("train.sampling = 'transitions'", "'transitions' draws pairs: it needs a grid"),
        ("train.sampling = 'extrapolate'", "unknown sampling 'extrapolate': did you mean 'extrapolation'"),
        ("train.sampling = 'correlated_pair'\ntrain.sampling_options = {'first': 'source_0', 'second': 'sourc_1', "
         "'sigma': 0.2}", "unknown factor 'sourc_1': did you mean 'source_1'"),
        ("evaluate.sampling = 'held_out_combinations'\nevaluate.sampling_options = {'held_out': [{'source_1': [20]}]}",
         "source_1"),
        ("evaluate.sampling = 'windows'", "'windows' draws neighbours, to train on: expected one of iid"),
        ("evaluate.num_train = 2500", "= 3500: expected at most 3000, the points of segment_sources"),
        ("sweep.data_sets = {'segment_sources': {'num_segments': 1, 'segment_length': 9}}", "9 points in 20 bins"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line_while_planning(text, message):
    with pytest.raises(ValueError) as error:  # noqa: PT011
        expand(text)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_options_of_a_data_set_are_set_by_name():
    names = "sweep.data_sets = ['segment_sources', 'dsprites']\nsweep.methods = ['raw_pixels']\nsweep.axes = {}\n"
    runs = expand(names + "segment_sources.num_layers = [1, 3]\nnets.image_size = 16")
    assert [run.settings for run in runs] == [*({"segment_sources.num_layers": n} for n in (1, 3)), {}]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("segment_sources.layers = 1", "unknown parameter of 'segment_sources' 'layers': did you mean 'num_layers'"),
        ("segment_sources.num_layers = 0", "num_layers = 0: expected int"),
        ("sweep.data_sets = ['dsprites']\nsegment_sources.num_layers = [0]", "num_layers = 0: expected int"),
        ("train/segment_sources.num_layers = 1", "cannot have the scope 'train'"),
    ],
)
def test_a_bad_option_set_by_name_is_one_line(text, message):
    with pytest.raises(ValueError) as error:  # noqa: PT011
        expand(text)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_pair_that_does_not_fit_is_named_with_what_leaves_it_out():
    text = """
sweep.data_sets = ['segment_sources', 'iid_sources']
sweep.methods = ['tcl', 'pca']
sweep.seeds = 1
sweep.axes = {}
nets.num_latents = 3
evaluate.metrics = ['mcc']
evaluate.num_train = 500
evaluate.num_test = 400
pca.num_points = 500
"""
    with pytest.raises(ValueError, match="method 'tcl': it needs 'segment'") as error:
        plan.expand(components.load(text))
    where = "sweep.where = \"method != 'tcl' or data_set != 'iid_sources'\""
    assert str(error.value).endswith(f"(data set 'iid_sources'; to leave it out: {where})")
    assert len(plan.expand(components.load(text + where))) == 3
    with pytest.raises(ValueError, match=r"\(data set 'iid_sources'\)$"):
        plan.expand(components.load(text.replace("'segment_sources', ", "")))
    # Of other settings that do not fit, and of a method that none fits, no pair is to be left out.
    for wrong in ("nets.num_latents = 30", "sweep.data_sets = ['fourier_sources', 'iid_sources']"):
        with pytest.raises(ValueError, match=r"^method 'tcl': .*\(data set '\w+'\)$"):
            plan.expand(components.load(text + wrong))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            "windows.length = 6000\nhidden_markov/train.batch_size = 6000",
            "windows.length = 6000: expected at most 3000",
        ),
        ("windows.length = 7", "a batch of 64 points cannot be cut into windows of 7 (windows.length)"),
    ],
)
def test_windows_that_do_not_fit_name_the_method_and_the_setting(settings, message):
    text = f"hidden_markov/train.sampling = 'windows'\n{settings}\nsweep.axes = {{}}\n"
    with pytest.raises(ValueError, match=r"^method 'hidden_markov': ") as error:
        expand(text + "sweep.methods = ['pca', 'hidden_markov']")
    assert message in str(error.value)
    assert str(error.value).endswith("(data set 'segment_sources')")
