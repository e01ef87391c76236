"""Settings of components: where each goes, which binding counts, and one line for what is wrong."""

import dataclasses
from collections import Counter

import pytest

from disentanglement_study import cli, config, data
from disentanglement_study.study import components, plan
from disentanglement_study.study.components import KINDS

START = """
sweep.data_sets = ['dsprites']
sweep.methods = ['pca', 'beta_vae']
sweep.seeds = 2
beta_vae.beta = [1, 4]
nets.image_size = 16
nets.encoder = 'mlp'
nets.decoder = 'mlp'
"""
LINEAR = "sweep.methods = ['pca']\n"  # quick to plan


def load(text="", *bindings):
    return components.load(START + text + "\n", bindings)


def ids(study):
    return [run.run_id for run in plan.expand(study)]


def test_no_component_has_the_name_of_another_of_a_section_or_of_a_data_set():
    names = [*config.SECTIONS, *data.CATALOGUE, *(name for kind in KINDS for name in kind.names())]
    assert [name for name, count in Counter(names).items() if count > 1] == []


@pytest.mark.parametrize(
    ("component", "nested"),
    [
        ("mig.num_bins = 50", "evaluate.options = {'mig': {'num_bins': 50}}"),
        ("mcc.num_train = 500\nmcc.num_test = 9", "evaluate.options = {'mcc': {'num_train': 500, 'num_test': 9}}"),
        ("pca.num_points = 50", "sweep.methods = {'pca': {'num_points': 50}, 'beta_vae': {'beta': [1, 4]}}"),
        (
            "factor_vae.gamma = 1\nsweep.methods = ['factor_vae', 'pca']",
            "sweep.methods = {'factor_vae': {'gamma': 1}, 'pca': {}}",
        ),
        ("mlp_encoder.widths = [128, 128]", "nets.encoder_options = {'widths': [128, 128]}"),
        ("mlp_decoder.widths = [8]\nconv_decoder.channels = [4]", "nets.decoder_options = {'widths': [8]}"),
        ("discriminator.widths = [8]", "nets.discriminator_options = {'widths': [8]}"),
        (
            "train.sampling = 'differ_in_k'\ntrain/differ_in_k.k = 1\nevaluate/differ_in_k.k = 2",
            "train.sampling = 'differ_in_k'\ntrain.sampling_options = {'k': 1}",
        ),
        (
            "evaluate.sampling = 'random_split'\nevaluate/random_split.part = 'test'",
            "evaluate.sampling = 'random_split'\nevaluate.sampling_options = {'part': 'test'}",
        ),
        (
            "train.sampling = 'random_split'\nevaluate.sampling = %train_on\ntrain_on = 'random_split'\n"
            "random_split:\n    share = 0.4\n    seed = 3\nevaluate/random_split.part = 'test'",
            "train.sampling = 'random_split'\ntrain.sampling_options = {'share': 0.4, 'seed': 3}\n"
            "evaluate.sampling = 'random_split'\n"
            "evaluate.sampling_options = {'share': 0.4, 'seed': 3, 'part': 'test'}",
        ),
        (
            "beta_vae/train.learning_rate = 1e-3\nbeta_vae/mlp_encoder.widths = [64]",
            "sweep.own = {'beta_vae': {'train.learning_rate': 1e-3, 'mlp_encoder.widths': [64]}}",
        ),
    ],
)
def test_a_component_is_another_way_to_write_what_a_section_holds(component, nested):
    lowered = load(component)
    assert dataclasses.replace(lowered, text="") == dataclasses.replace(load(nested), text="")
    assert dataclasses.replace(config.load(lowered.text), text="") == dataclasses.replace(lowered, text="")


def test_what_a_study_does_not_use_changes_nothing():
    unused = "factor_vae.gamma = [1, 2]\nconv_encoder.hidden = 9\ndiffer_in_k.k = 3\nfactor_vae/train.steps = 5\n"
    assert load(unused).text == load().text
    assert ids(load(unused + LINEAR)) == ids(load(LINEAR))
    # A metric may be asked for when the study is finished, and has its options then.
    assert load("evaluate.metrics = ['mig']\nirs.num_bins = 9").evaluate.options == {"irs": {"num_bins": 9}}


@pytest.mark.parametrize(
    ("text", "bindings", "options"),
    [
        ("mig.num_bins = 50\nmig.num_bins = 40", (), {"mig": {"num_bins": 40}}),
        ("mig.num_bins = 50", ("mig.num_bins = 5",), {"mig": {"num_bins": 5}}),
        ("evaluate.options = {'mig': {'num_bins': 20}}", ("mig.num_bins = 5",), {"mig": {"num_bins": 5}}),
        (
            "evaluate.options = {'mig': {'num_bins': 20}, 'dci': {'num_stages': 3}}",
            ("dci.backend = 'sklearn'",),
            {"mig": {"num_bins": 20}, "dci": {"num_stages": 3, "backend": "sklearn"}},
        ),
        ("mig.num_bins = 50\ndci.num_stages = 3", ("evaluate.options = {'mig': {'num_bins': 20}}",),
         {"mig": {"num_bins": 20}}),
        ("mig.num_bins = 50", ("evaluate.options = {}",), {}),
    ],
)  # fmt: skip
def test_the_later_binding_counts_and_a_dictionary_replaces_all_that_it_holds(text, bindings, options):
    assert load(text, *bindings).evaluate.options == options


def test_a_list_of_methods_keeps_their_options_and_a_dictionary_replaces_them():
    assert load("", "sweep.methods = ['beta_vae']").sweep.methods == {"beta_vae": {"beta": [1, 4]}}
    assert load("", "sweep.objectives = ['beta_vae']").sweep.methods == {"beta_vae": {"beta": [1, 4]}}
    assert load("", "sweep.methods = {'beta_vae': {'beta': 3}}").sweep.methods == {"beta_vae": {"beta": 3}}
    assert load("", "sweep.methods = {'beta_vae': {}}", "beta_vae.beta = 2").sweep.methods == {"beta_vae": {"beta": 2}}
    message = r"^beta_vae: the sweep gives no value for beta \(such as beta_vae.beta = 4\)$"
    with pytest.raises(ValueError, match=message):
        plan.expand(load("", "sweep.methods = {'beta_vae': {}}"))


def test_a_scope_wins_over_none_whatever_their_order():
    text = "train.sampling = 'random_split'\nevaluate.sampling = 'random_split'\n"
    study = load(text + "train/random_split.share = 0.2\nrandom_split.share = 0.5")
    assert (study.train.sampling_options, study.evaluate.sampling_options) == ({"share": 0.2}, {"share": 0.5})
    assert load(text + "train/random_split.share = 0.2", "train.sampling_options = {}").train.sampling_options == {}
    runs = plan.expand(load("beta_vae/nets.num_latents = 3\nnets.num_latents = 4"))
    assert {(run.method, run.settings.get("nets.num_latents")) for run in runs} == {("pca", None), ("beta_vae", 3)}


def test_a_scope_of_a_method_gives_its_runs_the_ids_of_a_study_with_this_setting():
    text = "beta_vae/train.learning_rate = 1e-3\nbeta_vae/mlp_encoder.widths = [64]"
    study = load(text)
    runs = plan.expand(study)
    of_pca, of_vae = ([run for run in runs if run.method == name] for name in ("pca", "beta_vae"))
    assert [run.run_id for run in of_pca] == ids(load(LINEAR))
    whole = load(text.replace("beta_vae/", "") + "\nsweep.methods = ['beta_vae']")
    assert [run.run_id for run in of_vae] == ids(whole)
    assert all(run.settings == {"train.learning_rate": 1e-3, "mlp_encoder.widths": (64,)} for run in of_vae)
    table = plan.frame(runs, study).groupby("method")
    assert table["mlp_encoder.widths"].unique().map(list)["beta_vae"] == ["[64]"]
    assert table["train.learning_rate"].unique().map(list).to_dict() == {"beta_vae": [1e-3], "pca": [1e-4]}


def test_runs_that_choose_another_net_or_sampling_have_its_options():
    nets = "mlp_encoder.widths = [8]\nconv_encoder.hidden = 9\nsweep.methods = ['beta_vae']\n"
    convs = ids(load(nets + "nets.encoder = 'conv'\nconv_encoder.kernels = [2, 2, 2, 2]"))
    mlps = ids(load(nets))
    both = load(nets + "conv_encoder.kernels = [2, 2, 2, 2]\nsweep.axes = {'nets.encoder': ['mlp', 'conv']}")
    assert set(ids(both)) == {*convs, *mlps}
    assert ids(config.load(both.text)) == ids(both)
    scoped = load(nets + "beta_vae/nets.encoder = 'conv'\nbeta_vae/conv_encoder.kernels = [2, 2, 2, 2]")
    assert ids(scoped) == convs
    alone = load("mlp_encoder.widths = [8]\nsweep.methods = ['beta_vae']\nsweep.axes = {'nets.encoder': ['conv']}")
    assert ids(alone) == ids(load("nets.encoder = 'conv'\nsweep.methods = ['beta_vae']"))
    drawn = load(LINEAR + "train.batch_size = 64\nrandom_split.seed = 3\ndiffer_in_k.k = 2\n"
                 "sweep.axes = {'train.sampling': ['random_split', 'differ_in_k']}")  # fmt: skip
    for sampling in ("random_split.seed = 3\ntrain.sampling = 'random_split'", "differ_in_k.k = 2\n"
                     "train.sampling = 'differ_in_k'"):  # fmt: skip
        assert set(ids(load(LINEAR + "train.batch_size = 64\n" + sampling))) < set(ids(drawn))


def test_an_axis_over_an_option_of_a_component_gives_the_ids_of_the_study_with_it():
    axes = "sweep.axes = {'mlp_encoder.widths': [[64], [128]], 'differ_in_k.k': [1, 2]}"
    study = load("mlp_encoder.widths = [32]\ntrain.sampling = 'differ_in_k'\n" + axes)
    runs = plan.expand(study)
    for widths, k in ((64, 1), (64, 2), (128, 1), (128, 2)):
        whole = load(f"train.sampling = 'differ_in_k'\nmlp_encoder.widths = [{widths}]\ndiffer_in_k.k = {k}")
        settings = {"mlp_encoder.widths": (widths,), "differ_in_k.k": k}
        vaes = [run for run in plan.expand(whole) if run.method == "beta_vae"]
        assert [run.run_id for run in runs if run.settings == settings] == [run.run_id for run in vaes]
    # PCA has no net; what images it sees does matter to it.
    assert [run.settings for run in runs if run.method == "pca"] == [{"differ_in_k.k": k} for k in (1, 1, 2, 2)]
    table = plan.frame(runs, study)
    assert set(table["mlp_encoder.widths"].dropna()) == {"[64]", "[128]"}
    assert {str(value) for value in table["differ_in_k.k"]} == {"1", "2"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("migg.num_bins = 3", "{file}: unknown section or component 'migg': did you mean 'mig'?"),
        ("trian.steps = 3", "{file}: unknown section or component 'trian': did you mean 'train'?"),
        ("train.num_bins = 3", "{file}: unknown setting of 'train' 'num_bins'"),
        ("mig.num_bin = 3", "{file}: unknown parameter of 'mig' 'num_bin': did you mean 'num_bins'?"),
        ("factor_vae.gama = 3", "{file}: unknown parameter of 'factor_vae' 'gama': did you mean 'gamma'?"),
        ("mig.num_test = 3", "{file}: unknown parameter of 'mig' 'num_test'"),
        ("random_encoder.widths = [3]", "{file}: unknown parameter of 'random_encoder' 'widths': there are none"),
        ("conv_encoder.form = 'patches'", "{file}: unknown parameter of 'conv_encoder' 'form'"),
        ("mig.num_bins = 1", "{file}: mig.num_bins = 1: expected int (2 or more"),
        ("mig.num_bins = 'ten'", "{file}: mig.num_bins = 'ten': expected int"),
        ("irs.num_train = 0", "{file}: irs.num_train = 0: expected int (1 or more"),
        ("factor_vae.gamma = [1, -1]", "{file}: factor_vae.gamma = -1: expected float (0 or more)"),
        ("factor_vae.gamma = True", "{file}: factor_vae.gamma = True: expected float"),
        ("conv_encoder.channels = [0]", "{file}: conv_encoder.channels = [0]: expected"),
        ("train/random_split.part = 'tset'", "{file}: train/random_split.part = 'tset': expected"),
        ("tarin/random_split.share = 0.2", "{file}: unknown scope of 'random_split' 'tarin': did you mean 'train'?"),
        ("beta_ave/train.steps = 2", "{file}: unknown scope of 'train' 'beta_ave': did you mean 'beta_vae'?"),
        ("a/beta_vae/train.steps = 2", "{file}: unknown scope of 'train' 'a/beta_vae'"),
        ("beta_vae/mig.num_bins = 3", "{file}: beta_vae/mig.num_bins: metric 'mig' cannot have the scope 'beta_vae'"),
        ("train/mig.num_bins = 3", "{file}: train/mig.num_bins: metric 'mig' cannot have the scope 'train'"),
        ("beta_vae/pca.num_points = 3", "method 'pca' cannot have the scope 'beta_vae'"),
        ("train/mlp_encoder.widths = [3]", "encoder 'mlp_encoder' cannot have the scope 'train' (it can have"),
        ("beta_vae/evaluate.num_train = 3", "section 'evaluate' cannot have the scope 'beta_vae'"),
        ("beta_vae/train.stepz = 3", "{file}: unknown setting of 'train' 'stepz': did you mean 'steps'?"),
        ("beta_vae/train.steps = 'a'", "{file}: beta_vae/train.steps = 'a': expected int"),
        ("pca/train.steps = 3", "pca/train.steps makes no difference to pca"),
        ("pca/mlp_encoder.widths = [3]", "pca/mlp_encoder.widths makes no difference to pca"),
        (
            "beta_vae/train.steps = 3\nsweep.axes = {'train.steps': [3, 4]}",
            "beta_vae/train.steps is given, and train.steps is in sweep.axes too: give it once",
        ),
        ("sweep.methods = ['pca', 'pca']", "sweep.methods names 'pca' twice"),
        ("sweep.methods = ['pcaa']", "unknown method 'pcaa': did you mean 'pca'?"),
        ("sweep.methods = ['factor_vae']", "factor_vae: the sweep gives no value for gamma"),
        ("sweep.methods = 3\npca/nets.num_latents = 3", "sweep.methods = 3: expected"),
        ("sweep.methods = 'pca'", "sweep.methods = 'pca': expected a list of names, or a dictionary with names"),
        ("beta_vae/discriminator.widths = [3]", "beta_vae/discriminator.widths makes no difference to beta_vae"),
        ("sweep.methods = [3]", "sweep.methods = [3]: expected names"),
        ("sweep.methods = []", "sweep.methods is empty: at least one method is needed"),
        ("sweep.methods = {'pca': 1}\npca.num_points = 9", "sweep.methods = {'pca': 1}: expected"),
        ("sweep.own = {'pac': {'nets.num_latents': 3}}", "sweep.own: unknown method, net or sampling 'pac': did you"),
        ("sweep.own = {'pca': {'nets.num_latent': 3}}", "pca/nets.num_latent: unknown setting of runs"),
        ("sweep.own = 3", "sweep.own = 3: expected"),
        ("sweep.own = 3\npca/nets.num_latents = 3", "sweep.own = 3: expected"),
        ("nets.encoder_options = 3\nmlp_encoder.widths = [3]", "nets.encoder_options = 3: expected a dictionary"),
        ("sweep.axes = {'mlp_encoder.width': [[3]]}", "unknown axis 'mlp_encoder.width': did you mean 'mlp_encoder.wi"),
        ("sweep.axes = {'mlp_encoder.widths': [3]}", "sweep.axes: mlp_encoder.widths = 3: expected"),
        ("sweep.axes = {'mig.num_bins': [3, 4]}", "sweep.axes: 'mig.num_bins' is an option of a metric"),
        ("sweep.axes = {'conv_encoder.hidden': [3]}", "conv_encoder.hidden has no effect on runs with nets.encoder"),
        (
            "sweep.axes = {'nets.encoder': ['conv'], 'mlp_encoder.widths': [[3]]}",
            "mlp_encoder.widths has no effect on runs with nets.encoder = ",
        ),
        ("mlp_encoder.widths = %wide", "unknown macro 'wide'"),
        ("mlp_encoder.widths = @wide", "cannot refer to a function"),
        (
            "evaluate.table_rows = 9000\nmig.num_train = 9001\nevaluate.metrics = ['mig']",
            "mig.num_train = 9001: expected at most 9000, the points of dsprites",
        ),
        (
            "evaluate.metrics = ['downstream_boosted_trees']\ndownstream_boosted_trees.num_train = 9",
            "expected one of at most 9 (downstream_boosted_trees.num_train)",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_one_line_that_names_the_file_or_the_option(text, message, tmp_path, capsys):
    (tmp_path / "mine.gin").write_text(START + text + "\n")
    (tmp_path / "start.gin").write_text(START)
    for place, arguments in (
        (tmp_path / "mine.gin", [str(tmp_path / "mine.gin")]),
        ("--gin", [str(tmp_path / "start.gin"), "--gin", text]),
    ):
        assert cli.main(["plan", *arguments]) == 2
        error = " ".join(capsys.readouterr().err.split("\n")).strip()
        assert message.replace("{file}", str(place)) in error
        assert "Traceback" not in error


def test_points_of_one_metric_are_its_own():
    rows = "evaluate.table_rows = 1000\nevaluate.num_train = 900\nevaluate.num_test = 900\n"
    rows += "evaluate.metrics = ['mig', 'mcc']"
    with pytest.raises(ValueError, match=r"^evaluate\.num_train \+ evaluate\.num_test = 1800: expected at most 1000"):
        plan.expand(load(LINEAR + rows))
    assert plan.expand(load(LINEAR + rows + "\nmcc.num_test = 100"))
    with pytest.raises(ValueError, match=r"^evaluate\.num_train \+ mcc\.num_test = 1001: expected at most 1000"):
        plan.expand(load(LINEAR + rows + "\nmcc.num_test = 101"))


@pytest.mark.parametrize("data_set", ["dsprites", "lin"])
@pytest.mark.parametrize(
    "text", ["{0}.seed = 3", "sweep.data_sets = {{'{0}': {{'seed': 3}}}}", "sweep.axes = {{'{0}.seed': [1]}}"]
)
def test_a_data_set_without_options_says_so(data_set, text):
    """Whether it is of the package or of the user, whom the sweep names alone."""
    with pytest.raises(ValueError, match=f"data set '{data_set}' has no options: leave out {data_set}.seed$"):
        plan.expand(load(f"sweep.data_sets = ['{data_set}']", text.format(data_set)))
