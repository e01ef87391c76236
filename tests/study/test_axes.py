"""Axes of a sweep: any setting that enters a run, and options of methods beside their hyperparameters."""

import json
import re

import pytest

from disentanglement_study import cli, config, store
from disentanglement_study.store import records
from disentanglement_study.store.runs import finished_jobs
from disentanglement_study.study import components, operative, plan

SWEEP = """
sweep.data_sets = ['dsprites']
sweep.methods = {'beta_vae': {'beta': [1, 4]}, 'pca': {}}
sweep.seeds = 2
"""


def load(text):
    return components.load("quick", [SWEEP, text])


def expand(text):
    return plan.expand(load(text))


def test_an_axis_multiplies_the_runs_and_has_a_column_in_the_plan():
    study = load("sweep.axes = {'nets.num_latents': [2, 5, 10], 'train.batch_size': [16, 64]}")
    runs = plan.expand(study)
    assert len(runs) == 6 * 2 * 2 + 3 * 2  # the size of a batch is nothing to PCA
    table = plan.frame(runs, study)
    counts = table.groupby(["method", "nets.num_latents", "train.batch_size"]).size().unstack("method")
    assert (counts["beta_vae"] == 4).all()
    assert counts["pca"].dropna().tolist() == [2, 2, 2]
    assert len(counts) == 6
    assert str(runs[0]) == "dsprites beta_vae beta=1 nets.num_latents=2 train.batch_size=16 seed=0"


def test_a_run_has_one_id_whether_its_settings_are_an_axis_or_the_studys():
    runs = {(run.method, *run.hyper.values(), run.seed): run.run_id for run in expand("nets.num_latents = 5")}
    swept = expand("sweep.axes = {'nets.num_latents': [5, 7]}")
    assert {run.run_id for run in swept} > set(runs.values())
    assert len(swept) == 2 * len(runs)


def test_models_that_compile_to_other_programs_are_in_other_jobs():
    jobs = plan.group(expand("sweep.axes = {'nets.num_latents': [2, 5]}"), 100)
    assert sorted((job.method, job.settings["nets.num_latents"], len(job.runs)) for job in jobs) == [
        ("beta_vae", 2, 4), ("beta_vae", 5, 4), ("pca", 2, 2), ("pca", 5, 2),
    ]  # fmt: skip


def test_an_option_of_a_method_stands_beside_its_hyperparameters_and_is_an_axis_of_this_method_alone():
    default = {run.run_id for run in expand("sweep.methods = {'pca': {}}")}
    for text in ("sweep.methods = {'pca': {'num_points': [500, 10000]}}",
                 "sweep.methods = {'pca': {}}\nsweep.axes = {'pca.num_points': [500, 10000]}"):  # fmt: skip
        runs = expand(text)
        assert [run.settings for run in runs] == [{"pca.num_points": number} for number in (500, 500, 10000, 10000)]
        assert {run.run_id for run in runs[2:]} == default  # the value that it has anyway
        assert not {run.run_id for run in runs[:2]} & default
    both = expand("sweep.axes = {'pca.num_points': [500, 1000]}")
    assert [run.settings for run in both if run.method == "beta_vae"] == [{}] * 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sweep.axes = {'nets.num_latent': [2]}", "unknown axis 'nets.num_latent': did you mean 'nets.num_latents'?"),
        ("sweep.axes = {'net.num_latents': [2]}", "unknown axis 'net.num_latents': did you mean 'nets.num_latents'?"),
        ("sweep.axes = {'num_latents': [2]}", "unknown axis 'num_latents': did you mean 'nets.num_latents'?"),
        ("sweep.axes = {'evaluate.num_train': [10, 20]}", "'evaluate.num_train' is not a setting of runs"),
        ("sweep.axes = {'resources.job_size': [10, 20]}", "'resources.job_size' is not a setting of runs"),
        ("sweep.axes = {'sweep.seeds': [10, 20]}", "'sweep.seeds' is not a setting of runs"),
        ("sweep.axes = {'nets.num_latents': []}", "sweep.axes: nets.num_latents is an empty list"),
        ("sweep.axes = {'nets.num_latents': 3}", "sweep.axes = {'nets.num_latents': 3}: expected"),
        ("sweep.axes = {'nets.num_latents': [2, 0]}", "sweep.axes: nets.num_latents = 0: expected int (1 or more"),
        ("sweep.axes = {'nets.num_latents': [5, 5]}", "sweep.axes: nets.num_latents names 5 twice"),
        ("sweep.axes = {'nets.encoder': ['mlp', 'covn']}", "unknown encoder 'covn': did you mean 'conv'"),
        ("sweep.axes = {'nets.image_size': [16, 48]}", "nets.image_size = 48: dsprites has images of 64 pixels"),
        ("sweep.axes = {'train.sampling': ['iid', 'idd']}", "unknown sampling 'idd': did you mean 'iid'"),
        ("sweep.axes = {'pca.num_point': [5]}", "unknown axis 'pca.num_point': did you mean 'pca.num_points'?"),
        ("sweep.axes = {'fast_ica.num_points': [500]}", "the method 'fast_ica' is not in the sweep"),
        ("sweep.axes = {'beta_vae.beta': [5]}", "'beta_vae.beta' is a hyperparameter: give its values as"),
        (
            "sweep.methods = {'pca': {'num_points': 500}}\nsweep.axes = {'pca.num_points': [500]}",
            "pca.num_points is given twice, once in sweep.axes: give it once",
        ),
        (
            "sweep.methods = {'pca': {'num_point': 500}}",
            "unknown hyperparameter or option of 'pca' 'num_point': did you",
        ),
        ("sweep.methods = {'pca': {'num_points': 1}}", "pca.num_points = 1: expected int (2 or more"),
        ("sweep.methods = {'pca': {'num_points': []}}", "pca.num_points is an empty list: the sweep has no runs"),
        ("sweep.methods = {'fast_ica': {'fun': 'cubed'}}", "fast_ica.fun = 'cubed': expected"),
        ("sweep.methods = {'ground_truth': {'beta': 1}}", "unknown hyperparameter of 'ground_truth' 'beta'"),
        (
            "nets.num_latents = 300",
            "nets.num_latents = 300: expected at most 256 (an input: 256, pca.num_points = 10000)",
        ),
    ],
)
def test_a_bad_axis_is_one_line_while_planning(text, message):
    with pytest.raises(ValueError) as error:  # noqa: PT011
        expand(text)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_an_axis_that_makes_no_difference_to_a_method_is_none_of_its_own():
    text = "sweep.methods = {'ground_truth': {}, 'raw_pixels': {}, 'untrained_vae': {}}\nsweep.seeds = 1\n"
    study = load(
        text + "sweep.axes = {'nets.num_latents': [5, 10], 'nets.image_size': [8, 16], 'train.steps': [9, 10]}"
    )
    runs = plan.expand(study)
    assert [run.method for run in runs] == ["ground_truth", *["raw_pixels"] * 2, *["untrained_vae"] * 4]
    assert [run.settings for run in runs[:3]] == [{}, {"nets.image_size": 8}, {"nets.image_size": 16}]
    axes = records.axes(plan.frame(runs, study))
    assert list(axes) == ["nets.image_size", "nets.num_latents"]
    assert axes["nets.num_latents"].isna().tolist() == [True] * 3 + [False] * 4


def test_a_vae_without_a_discriminator_does_not_differ_by_one():
    text = "sweep.methods = {'beta_vae': {'beta': 1}, 'factor_vae': {'gamma': 5}}\nsweep.seeds = 1\n"
    axes = "sweep.axes = {'train.discriminator_beta1': [0.5, 0.6], 'discriminator.widths': [[5], [6]]}"
    runs = expand(text + axes)
    assert [run.method for run in runs] == ["beta_vae", *["factor_vae"] * 4]
    assert runs[0].settings == {}


def test_options_of_a_net_are_an_axis_of_the_runs_that_choose_it():
    axes = "'nets.encoder': ['mlp', 'conv'], 'mlp_encoder.widths': [[8], [9]], 'conv_encoder.hidden': [4]"
    runs = expand(
        f"sweep.methods = {{'random_encoder': {{}}}}\nsweep.seeds = 1\nsweep.axes = {{{axes}}}\nnets.image_size = 64\n"
        "nets.encoder_options = {}"
    )
    assert [run.settings for run in runs] == [
        {"nets.encoder": "mlp", "mlp_encoder.widths": (8,)},
        {"nets.encoder": "mlp", "mlp_encoder.widths": (9,)},
        {"nets.encoder": "conv", "conv_encoder.hidden": 4},
    ]


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ("{'mlp_encoder.widths': [[8]], 'nets.encoder_options': [{'widths': [4]}]}", "which is an axis too"),
        ("{'mig.num_bins': [3]}", "'mig.num_bins' is an option of a metric, and only settings of runs can be axes"),
        ("{'segment_sources.seed': [3]}", "the data set 'segment_sources' is not in the sweep"),
    ],
)
def test_an_axis_that_is_none_says_why(axes, message):
    with pytest.raises(ValueError, match=r"^sweep\.axes: ") as error:
        expand(f"sweep.axes = {axes}")
    assert message in str(error.value)


def test_two_axes_that_make_the_same_run_are_named():
    axes = "{'nets.encoder_options': [{}, {'widths': [128, 128]}], 'mlp_decoder.widths': [[8]]}"
    assert len(expand(f"sweep.methods = {{'pca': {{}}}}\nsweep.axes = {axes}")) == 2  # which has no net
    with pytest.raises(ValueError, match=r"^sweep.seeds names 3 twice: expected once$"):
        expand("sweep.seeds = [3, 3]")
    with pytest.raises(ValueError, match=r"^beta_vae.beta names 4.0 twice: expected once$"):
        expand("sweep.methods = {'beta_vae': {'beta': [4, 1, 4.0]}}")


def test_a_strength_may_be_given_as_a_normalised_one():
    """β_norm is what the run has, whatever its latents and images are: the loss makes β of it."""
    given = "sweep.methods = {'beta_vae': {'normalised_beta': [0.01, 0.1]}}\n"
    runs = expand(given + "sweep.axes = {'nets.num_latents': [2, 5]}")
    assert [run.hyper for run in runs[::2]] == [{"normalised_beta": 0.01}, {"normalised_beta": 0.1}] * 2
    assert len({run.run_id for run in runs}) == len(runs)
    study = components.load("quick", [given])
    table = plan.frame(runs, study)
    assert set(table["strength_name"]) == {"normalised_beta"}
    assert set(table["strength"]) == {0.01, 0.1}
    (job,) = plan.group(plan.expand(study), 100)
    again = components.load(operative.text(job, study))
    assert {run.run_id for run in plan.expand(again)} == {run.run_id for run in job.runs}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("beta_vae.normalised_beta = 0.1\nbeta_vae.beta = 1", "beta_vae.beta and beta_vae.normalised_beta are given"),
        ("beta_vae.normalised_beta = -1", "beta_vae.normalised_beta = -1: expected float (0 or more)"),
        ("beta_vae.normalized_beta = 1", "did you mean 'normalised_beta'?"),
        ("beta_tc_vae.normalised_beta = 1", "parameter of 'beta_tc_vae' 'normalised_beta'"),
        ("sweep.axes = {'beta_vae.normalised_beta': [1]}", "is a hyperparameter: give its values as"),
        (
            "sweep.methods = {'beta_vae': {'normalised_beta': 1}}\nsweep.data_sets = ['segment_sources']",
            "a VAE of pixels takes images, got vectors of 20 numbers (data set 'segment_sources')",
        ),
    ],
)
def test_a_normalised_strength_that_cannot_be_is_refused(given, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        expand(f"sweep.methods = ['beta_vae']\n{given}")


def test_the_bundled_baselines_are_as_many_models_as_their_file_says():
    assert len(plan.expand(components.load("baselines"))) == 32
    assert "32 models." in config.find_sweep("baselines").read_text().splitlines()[0]


@pytest.mark.parametrize("name", ["pca", "fast_ica"])
def test_an_odd_number_of_points_cannot_be_cut_into_pairs(name):
    with pytest.raises(ValueError, match=f"^method '{name}': 101 points cannot be cut into pairs"):
        expand(f"sweep.methods = {{'{name}': {{'num_points': 101}}}}\ntrain.sampling = 'differ_in_k'")


@pytest.mark.parametrize("name", ["pca", "fast_ica"])
def test_points_that_are_learnt_from_at_once_may_not_fill_windows(name):
    text = f"sweep.data_sets = ['iid_sources']\nsweep.methods = ['{name}']\nnets.num_latents = 5\n"
    windows = "evaluate.metrics = ['mcc']\ntrain.sampling = 'windows'\ntrain.batch_size = 96\nwindows.length = "
    message = rf"^method '{name}': 10000 points cannot be cut into windows of 48 \(windows.length\): give"
    with pytest.raises(ValueError, match=message):
        expand(text + windows + "48")
    assert len(expand(text + windows + "16")) == 2


def test_a_window_of_one_point_has_no_transition():
    text = "sweep.data_sets = ['hidden_markov_sources']\nsweep.methods = ['hidden_markov']\nnets.num_latents = 5\n"
    windows = "evaluate.metrics = ['mcc']\ntrain.sampling = 'windows'\nwindows.length = 1"
    with pytest.raises(ValueError, match=r"^method 'hidden_markov': windows.length = 1: expected 2 or more"):
        expand(text + windows)


def test_settings_of_a_plan_that_are_no_columns_are_named(tmp_path):
    study = load("sweep.axes = {'nets.num_latents': [2, 5]}")
    table = plan.frame(plan.expand(study), study)
    table.to_parquet(tmp_path / "plan.parquet")
    assert len(records.plan(tmp_path / "plan.parquet")) == len(table)
    for settings in ('{"nets.nope": 5}', '{"num": 3}', "[1]", "{"):
        table.assign(settings=settings).to_parquet(tmp_path / "plan.parquet")
        with pytest.raises(ValueError, match=r"plan\.parquet: cannot be read: ") as error:
            records.plan(tmp_path / "plan.parquet")
        assert "\n" not in str(error.value)
    for settings, message in (
        ({"nets.nope": 5}, "unknown setting of 'nets' 'nope'"),
        ({"train.steps": "a"}, "expected int"),
    ):
        with pytest.raises(ValueError, match=message):
            study.of(settings)


def test_the_old_name_of_the_methods_is_read_and_the_last_binding_counts():
    old = components.load("quick", [SWEEP.replace("sweep.methods", "sweep.objectives")])
    assert old.sweep.methods == load("").sweep.methods
    assert [run.run_id for run in plan.expand(old)] == [run.run_id for run in expand("")]
    assert load("sweep.objectives = {'pca': {}}").sweep.methods == {"pca": {}}
    assert "sweep.objectives" not in old.text


SMALL = """
nets.encoder_options = {'widths': [8]}
nets.decoder_options = {'widths': [8]}
train.steps = 10
sweep.axes = {'nets.num_latents': [2, 3]}
sweep.methods = {'beta_vae': {'beta': [1, 4]}, 'pca': {'num_points': [50, 60]}}
evaluate.metrics = ['mig', 'unsupervised']
evaluate.table_rows = 400
evaluate.num_train = 100
evaluate.num_test = 50
evaluate.training_batches = 1
resources.job_size = 2
"""


def test_a_study_with_axes_is_trained_scored_asked_extended_and_drawn(dsprites_root, tmp_path):
    (tmp_path / "axes.gin").write_text("include 'gin_configs/quick.gin'" + SWEEP + SMALL)
    folder, place = tmp_path / "study", ["--executor", "inline", "--data-dir", str(dsprites_root)]
    assert cli.main(["run", str(tmp_path / "axes.gin"), str(folder), *place]) == 0
    opened = store.open(folder)
    results = opened.results()
    assert results["error"].isna().all()
    for job in finished_jobs(opened):
        assert opened.arrays(job, "codes")["mean"].shape[2] == job.settings["nets.num_latents"]
    asked = opened.query(
        'SELECT "nets.num_latents" AS latents, "pca.num_points" AS points, count(DISTINCT run_id) AS n '
        "FROM runs WHERE method = 'pca' AND objective = method GROUP BY ALL ORDER BY ALL"
    )
    assert asked.values.tolist() == [[2, 50, 2], [2, 60, 2], [3, 50, 2], [3, 60, 2]]
    run_id = next(job for job in finished_jobs(opened) if job.method == "pca").runs[0].run_id
    assert cli.main(["traverse", str(folder), run_id, "--data-dir", str(dsprites_root)]) == 0
    assert not (folder / "traversals" / run_id / "samples.png").exists()  # it has no prior
    assert cli.main(["evaluate", str(folder), "--metrics", "modularity,udr", *place]) == 0
    udr = opened.results().query("score == 'udr'")
    assert len(udr) == 2 * 2 * 2
    # Two models are as alike as each other: none is compared with one of another number of latents.
    assert (udr.groupby(["nets.num_latents", "strength"])["value"].nunique() == 1).all()
    metrics = opened.query("SELECT DISTINCT metric FROM results WHERE method = 'pca' ORDER BY 1")["metric"]
    assert metrics.tolist() == ["mig", "modularity", "training", "unsupervised"]
    before = {path.name: path.stat().st_mtime_ns for path in folder.glob("jobs/*")}
    longer = ["--gin", "sweep.axes = {'nets.num_latents': [2, 3, 4]}"]
    assert cli.main(["run", str(tmp_path / "axes.gin"), str(folder), *place, *longer]) == 0
    assert before.items() <= {path.name: path.stat().st_mtime_ns for path in folder.glob("jobs/*")}.items()
    assert set(opened.plan["nets.num_latents"]) == {2, 3, 4}
    assert json.loads(opened.plan["settings"].iloc[0]) == {"nets.num_latents": 2}
    for command in ("tables", "report"):
        assert cli.main([command, str(folder)]) == 0


def test_more_runs_than_any_study_are_refused_before_they_are_listed():
    many = {f"train.{name}": [0.1 + step / 1e4 for step in range(1000)] for name in ("beta1", "beta2", "learning_rate")}
    with pytest.raises(ValueError, match=r"^the sweep names [\d,]+ runs: expected at most 1,000,000$"):
        expand(f"sweep.axes = {many | {'mlp_encoder.widths': [[8], [9]]}}")


def test_of_what_is_crossed_a_sweep_may_want_a_part():
    where = "method == 'pca' and seed == 0\n or strength > 1 and `nets.num_latents` == 5"
    text = f'sweep.axes = {{"nets.num_latents": [2, 5]}}\nsweep.where = """{where}"""'
    runs, every = expand(text), expand("sweep.axes = {'nets.num_latents': [2, 5]}")
    assert [str(run) for run in runs] == [
        "dsprites beta_vae beta=4 nets.num_latents=5 seed=0",
        "dsprites beta_vae beta=4 nets.num_latents=5 seed=1",
        "dsprites pca nets.num_latents=2 seed=0",
        "dsprites pca nets.num_latents=5 seed=0",
    ]
    assert {run.run_id for run in runs} < {run.run_id for run in every}


def test_what_a_sweep_does_not_want_need_not_be_possible():
    text = "sweep.data_sets = ['dsprites', 'segment_sources']\nsweep.methods = ['tcl', 'beta_vae']\nbeta_vae.beta = 1\n"
    text += "nets.num_latents = 5\nevaluate.metrics = ['mcc']\n"
    with pytest.raises(ValueError, match="method 'tcl': it"):
        expand(text)
    only = expand(f"{text}sweep.where = \"(method == 'tcl') == (data_set == 'segment_sources')\"")
    assert {(run.data_set, run.method) for run in only} == {("dsprites", "beta_vae"), ("segment_sources", "tcl")}


@pytest.mark.parametrize(
    ("where", "message"),
    [
        ("strenth > 1", "sweep.where 'strenth > 1': unknown column 'strenth': did you mean 'strength'?"),
        ("strength > 1", "sweep.where 'strength > 1' leaves no run of the method 'pca'"),
        ("data_set == 'cars3d'", "leaves no run of the data set 'dsprites'"),
    ],
)
def test_a_condition_that_leaves_out_a_method_or_data_set_is_refused(where, message):
    with pytest.raises(ValueError, match=message):
        expand(f'sweep.where = "{where}"')
