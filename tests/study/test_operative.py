"""What a job used is kept with it, and is a sweep that names the same runs again."""

import dataclasses

import numpy as np
import pytest
from small_study import SMALL

from disentanglement_study import cli, store
from disentanglement_study.metrics import METRICS
from disentanglement_study.metrics.settings import metric_options, options_with
from disentanglement_study.store.runs import finished_jobs
from disentanglement_study.study import components, operative, plan

SWEEP = """
sweep.data_sets = ['dsprites']
sweep.methods = ['pca', 'factor_vae', 'dip_vae_i']
sweep.seeds = [3, 5]
dip_vae_i.lambda_od = [1, 2]
dip_vae_i.lambda_d_factor = [10, 20]
factor_vae/mlp_encoder.widths = [8]
factor_vae/train.batch_size = 32
dci.num_train = 99
evaluate.sampling = 'random_split'
random_split.share = 0.4
evaluate/random_split.part = 'test'
"""
CHANGES = [
    "sweep.protocol = 'paper'",
    "sweep.axes = {'nets.num_latents': [2, 5], 'pca.num_points': [500, 10000]}",
    "sweep.axes = {'nets.encoder': ['mlp', 'conv']}\nconv_encoder.hidden = 32\nconv_encoder.channels = [8]\n"
    "conv_encoder.kernels = [2]\nsweep.methods = ['dip_vae_i']",
    "nets.encoder = 'conv'\nnets.image_size = 64\nsweep.methods = ['pca']",  # a net that is given no option
    "train.sampling = 'differ_in_k'\nsweep.axes = {'differ_in_k.k': [1, 2], 'mlp_decoder.widths': [[8], [9, 9]]}",
    f"evaluate.metrics = {[*METRICS]}",
]


def jobs_of(study, size=100):
    return plan.group(plan.expand(study), size)


@pytest.mark.parametrize("text", CHANGES)
def test_it_expands_to_the_runs_of_the_job_and_scores_as_it_did(text):
    study = components.load("quick", [SWEEP, text])
    for job in jobs_of(study):
        own = study.of(job.settings)
        kept = operative.text(job, own)
        again = components.load(kept)
        assert {run.run_id for run in plan.expand(again)} == {run.run_id for run in job.runs}
        assert operative.SOME not in kept
        assert dataclasses.replace(again.evaluate, options={}) == dataclasses.replace(own.evaluate, options={})
        assert again.resources == own.resources
        for name in own.evaluate.metrics:
            defaults = {key: option.default for key, option in metric_options(name).items()}
            used = defaults | options_with(name, own.evaluate, study.sweep.protocol)
            assert again.evaluate.options[name] == used
            assert options_with(name, again.evaluate, study.sweep.protocol) == used


def test_options_of_a_data_set_are_there_and_metrics_of_real_numbers_are_said_to_be():
    sources = (
        "sweep.data_sets = ['segment_sources']\nsweep.methods = ['pca']\nevaluate.representations = ['mean', 'abs']\n"
    )
    layers = "segment_sources.num_layers = [1, 5]\nsweep.axes = {'segment_sources.seed': [0, 3]}"
    study = components.load("quick", [sources + layers])
    jobs = jobs_of(study)
    assert len(jobs) == 4
    for job in jobs:
        again = components.load(operative.text(job, study.of(job.settings), has_sources=True))
        assert {run.run_id for run in plan.expand(again)} == {run.run_id for run in job.runs}
        assert again.evaluate.representations == ("mean", "abs")
        assert again.evaluate.options["sap_score"]["continuous_factors"] is True
    kept = operative.text(jobs[0], study.of(jobs[0].settings)).splitlines()
    assert {"segment_sources.num_layers = 1", "segment_sources.num_segments = 256"} <= {*kept}


def test_defaults_are_there_as_bindings_or_where_they_would_change_an_id_as_comments():
    study = components.load("quick", [SWEEP, "nets.encoder = 'conv'\nnets.image_size = 64\nsweep.methods = ['pca']"])
    kept = operative.text(jobs_of(study)[0], study)
    for line in (
        "pca.num_points = 10000",
        "train.beta1 = 0.9",
        "mig.num_train = 1000",
        "dci.num_train = 99",
        "dci.num_stages = 100",
        "mlp_decoder.widths = [128, 128]",
        "# conv_encoder.channels = (32, 32, 64, 64)",
        "evaluate/random_split.share = 0.4",
        "# evaluate/random_split.seed = 0",
        "sweep.methods = ['pca']",
        "sweep.seeds = [3, 5]",
    ):
        assert line in kept.splitlines(), line
    assert "train/iid" not in kept  # it has no options
    assert "{" not in kept.replace("resources.by_device = {}", "")


def test_a_job_that_is_a_part_of_what_its_study_crosses_says_so():
    study = components.load("quick", [SWEEP])
    jobs = [job for job in jobs_of(study, 3) if job.method == "dip_vae_i"]
    assert [len(job.runs) for job in jobs] == [3, 3, 2]
    said = [operative.SOME in operative.text(job, study) for job in jobs]
    assert said == [True, True, False]
    for job in jobs:
        again = {run.run_id for run in plan.expand(components.load(operative.text(job, study)))}
        assert again >= {run.run_id for run in job.runs}


def test_each_job_of_a_study_keeps_it_and_has_a_metric_that_is_scored_later(dsprites_root, tmp_path):
    (tmp_path / "small.gin").write_text(
        SMALL + "sweep.methods = ['pca', 'beta_vae']\nbeta_vae.beta = 1\nevaluate.metrics = ['mig']\nirs.num_bins = 5\n"
        "mig.num_train = 77\n"
    )
    folder, place = tmp_path / "study", ["--executor", "inline", "--data-dir", str(dsprites_root)]
    assert cli.main(["run", str(tmp_path / "small.gin"), str(folder), *place]) == 0
    opened = store.open(folder)
    jobs = finished_jobs(opened)
    for job in jobs:
        kept = components.load(str(folder / "jobs" / job.job_id / "operative.gin"))
        assert {run.run_id for run in plan.expand(kept)} == {run.run_id for run in job.runs}
        assert kept.evaluate.metrics == ("mig",)
    assert set(opened.results().query("metric == 'mig'")["n"]) == {77}
    assert cli.main(["evaluate", str(folder), "--metrics", "irs", *place]) == 0
    for job in jobs:
        kept = components.load(str(folder / "jobs" / job.job_id / "operative.gin"))
        assert sorted(kept.evaluate.metrics) == ["irs", "mig"]
        assert kept.evaluate.options["irs"]["num_bins"] == 5
    before = {path: path.stat().st_mtime_ns for path in folder.glob("jobs/*/*")}
    assert cli.main(["run", str(tmp_path / "small.gin"), str(folder), *place]) == 0
    assert before == {path: path.stat().st_mtime_ns for path in folder.glob("jobs/*/*")}


def test_a_job_on_a_series_whose_sources_are_known_keeps_that_they_are_numbers(tmp_path):
    sources = np.random.default_rng(0).laplace(size=(400, 2))
    np.savez(tmp_path / "known.npz", x=sources @ [[1.0, 0.5], [0.2, 1.0]], sources=sources)
    data = ["--data-dir", str(tmp_path / "data")]
    assert cli.main(["data", "add", str(tmp_path / "known.npz"), *data]) == 0
    (tmp_path / "sweep.gin").write_text("""
sweep.data_sets = ['known']
sweep.seeds = 1
sweep.methods = ['pca']
nets.num_latents = 2
pca.num_points = 400
evaluate.metrics = ['mcc', 'sap_score']
evaluate.num_train = 200
evaluate.num_test = 100
""")
    command = ["run", str(tmp_path / "sweep.gin"), str(tmp_path / "study"), "--executor", "inline"]
    assert cli.main([*command, *data]) == 0
    (kept,) = (tmp_path / "study" / "jobs").glob("*/operative.gin")
    assert "sap_score.continuous_factors = True" in kept.read_text().splitlines()
