"""A sweep expands to the right runs, and what is wrong in it is found before anything is run."""

import dataclasses
import hashlib
import itertools
import sys
from pathlib import Path

import pytest

from disentanglement_study import methods
from disentanglement_study.config import identity
from disentanglement_study.study import components, plan
from disentanglement_study.study.locatello2019 import DATA_SETS

SWEEP = """
sweep.data_sets = ['dsprites']
sweep.methods = {'beta_vae': {'beta': [1, 4]}}
sweep.seeds = 2
"""


def expand(text: str):
    return plan.expand(components.load(SWEEP + text + "\n"))


@pytest.fixture(scope="module")
def study_2019():
    study = components.load("locatello2019")
    return study, plan.expand(study)


def test_locatello2019_is_the_12600_models_with_their_numbers(study_2019):
    study, runs = study_2019
    table = plan.frame(runs, study)
    assert len(runs) == 12_600
    assert table["run_id"].nunique() == 12_600
    assert sorted(table["dlib_model_num"]) == list(range(12_600))


def digest(runs):
    return hashlib.sha256("\n".join(run.run_id for run in runs).encode()).hexdigest()


# Of the ids of the 12,600 runs. It may never change: studies that were begun could not be gone on with.
STUDY_2019 = "1e0601250ce4b2898aa5163981f0aea1bb74b74f1bcd76823a60b207f91bc1f4"


def test_the_ids_of_the_12600_runs_are_as_they_were(study_2019):
    assert digest(study_2019[1]) == STUDY_2019


def with_a_new_field(section, value):
    """The section as a later version has it, in which it has one field more, with 3 as its default."""
    longer = dataclasses.make_dataclass(
        "Longer", [("added", int, dataclasses.field(default=3))], bases=(type(section),), frozen=True
    )
    return longer(**vars(section), added=value)


def test_a_field_that_is_added_later_enters_an_id_only_where_it_differs_from_its_default(study_2019, monkeypatch):
    study, runs = study_2019
    monkeypatch.setattr(methods, "check", lambda *arguments: True)  # ids do not depend on it, and it takes seconds
    for name in ("nets", "train"):
        section = getattr(study, name)
        assert digest(plan.expand(dataclasses.replace(study, **{name: with_a_new_field(section, 3)}))) == STUDY_2019
        others = plan.expand(dataclasses.replace(study, **{name: with_a_new_field(section, 4)}))
        assert not {run.run_id for run in others} & {run.run_id for run in runs}


def test_a_field_of_scoring_that_is_added_later_is_recorded_only_where_it_differs_from_its_default():
    study = components.load("quick")
    recorded = identity.scored_with(study)
    assert recorded["num_train"] == 1000
    for value, expected in ((3, recorded), (4, {**recorded, "added": 4})):
        later = dataclasses.replace(study, evaluate=with_a_new_field(study.evaluate, value))
        assert identity.scored_with(later) == expected


@pytest.mark.parametrize(
    ("number", "data_set", "objective", "strength", "seed"),
    [
        # By the layout: 1800 data set + 300 objective + 50 strength + seed.
        (0, "dsprites", "beta_vae", 1, 0),
        (349, "dsprites", "factor_vae", 10, 49),
        (1800 + 600 + 5 * 50 + 3, "color_dsprites", "dip_vae_i", 50, 3),
        (7312, "smallnorb", "beta_vae", 4, 12),
        (10_800 + 1200 + 4 * 50 + 7, "shapes3d", "beta_tc_vae", 8, 7),
        (12_599, "shapes3d", "annealed_vae", 100, 49),
    ],
)
def test_a_published_model_number_names_its_configuration(study_2019, number, data_set, objective, strength, seed):
    study, runs = study_2019
    table = plan.frame(runs, study).set_index("dlib_model_num")
    row = table.loc[number]
    assert (row["data_set"], row["method"], row["strength"], row["seed"]) == (data_set, objective, strength, seed)


def test_the_study_groups_into_the_jobs_of_42_data_sets_and_objectives(study_2019):
    _, runs = study_2019
    jobs = plan.group(runs, 300)
    assert len(jobs) == 42
    assert len(plan.group(runs, 50)) == 252
    assert {job.data_set for job in jobs} == set(DATA_SETS)
    assert all(len({(run.data_set, run.method) for run in job.runs}) == 1 for job in jobs)


def test_a_model_that_differs_from_the_study_has_no_number():
    for text in ("train.steps = 10", "nets.num_latents = 6", "sweep.protocol = 'paper'"):
        study = components.load(SWEEP + text + "\n")
        assert plan.frame(plan.expand(study), study)["dlib_model_num"].isna().all()


def test_expanding_hashing_and_grouping_the_study_is_linear_work(study_2019):
    # No bound on the clock (that is what benchmarks are for): counted are the calls in files of the package, and of
    # the functions of its dataclasses.
    whole, _ = study_2019
    ours = (str(Path(plan.__file__).parent), "<string>")

    def calls(seeds):
        study = dataclasses.replace(whole, sweep=dataclasses.replace(whole.sweep, seeds=seeds))
        counted = itertools.count()
        sys.setprofile(lambda frame, event, _: frame.f_code.co_filename.startswith(ours) and next(counted))
        try:
            runs = len([run for job in plan.group(plan.expand(study), 50) for run in job.runs])
        finally:
            sys.setprofile(None)
        return runs, next(counted)

    (few, of_few), (many, of_many) = calls(1), calls(4)
    assert (few, many) == (252, 1008)
    assert of_few > 10 * few  # they were counted
    assert of_many <= 4 * of_few


def test_a_run_id_depends_on_what_the_run_is_and_on_nothing_else():
    ids = {run.run_id for run in expand("")}
    for text in ("train.steps = 10", "nets.image_size = 32", "sweep.protocol = 'paper'"):
        assert not ids & {run.run_id for run in expand(text)}
    for text in ("evaluate.num_train = 10", "resources.job_size = 1", "resources.log_every = 7", "sweep.seeds = 3"):
        assert ids <= {run.run_id for run in expand(text)}
    reordered = "sweep.methods = {'beta_tc_vae': {'beta': 1}, 'beta_vae': {'beta': [4.0, 1.0]}}\nsweep.seeds = [1, 0]"
    assert ids <= {run.run_id for run in expand(reordered)}


def test_lists_of_one_objective_are_multiplied_out():
    runs = expand("sweep.methods = {'dip_vae_i': {'lambda_od': [1, 2], 'lambda_d_factor': [1, 10, 100]}}")
    assert len(runs) == 2 * 3 * 2
    assert list(runs[0].hyper) == ["lambda_od", "lambda_d_factor"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("sweep.methods = {'beta_ave': {'beta': 1}}", "unknown method 'beta_ave': did you mean 'beta_vae'"),
        ("sweep.data_sets = ['dsprite']", "unknown data set 'dsprite': did you mean 'dsprites'"),
        ("evaluate.metrics = ['udr']", "'udr' compares models: `evaluate DIR --metrics udr` adds it to a study"),
        ("evaluate.metrics = ['migg']", "unknown metric 'migg': did you mean 'mig'"),
        ("evaluate.options = {'dcii': {}}", "unknown metric 'dcii': did you mean 'dci'"),
        ("evaluate.options = {'mig': {'num_bin': 5}}", "unknown option of metric 'mig' 'num_bin': did you mean"),
        (
            "sweep.methods = {'beta_vae': {'bta': 1}}",
            "unknown hyperparameter or option of 'beta_vae' 'bta': did you mean 'beta'",
        ),
        ("sweep.methods = {'beta_vae': {}}", "beta_vae: the sweep gives no value for beta"),
        ("sweep.methods = {'beta_vae': {'beta': ['four']}}", "beta_vae.beta = 'four': a strength is a number"),
        ("sweep.methods = {'beta_vae': {'beta': [True]}}", "beta_vae.beta = True: a strength is a number"),
        ("sweep.methods = {'beta_vae': {'beta': []}}", "beta_vae.beta is an empty list"),
        ("sweep.methods = {}", "sweep.methods is empty: at least one method is needed"),
        ("sweep.data_sets = []", "sweep.data_sets is empty"),
        ("sweep.seeds = 0", "sweep.seeds = 0: expected int (1 or more, at most 1000000)"),
        ("sweep.seeds = [1, 1]", "sweep.seeds names 1 twice: expected once"),
        ("sweep.methods = {'beta_vae': {'beta': [4, 4.0]}}", "beta_vae.beta names 4.0 twice"),
        (
            "nets.image_size = 48",
            "dsprites has images of 64 pixels: expected a divisor of 64: 1, 2, 4, 8, 16, 32 or 64",
        ),
        ("train.steps = 0", "train.steps = 0: expected int (1 or more"),
        ("nets.encoder = 'covn'", "unknown encoder 'covn': did you mean 'conv'"),
        ("nets.encoder_options = {'hiden': 3}", "unknown option of encoder 'conv' 'hiden': did you mean 'hidden'"),
        ("nets.image_size = 8", "cannot be halved so often"),
        ("nets.encoder_options = {'kernels': [3, 3, 3, 3]}", "all of an even size"),
        ("nets.encoder_options = {'channels': [8, 8]}", "as many kernels as channels"),
        ("nets.num_latents = 0", "nets.num_latents = 0: expected int (1 or more, at most 4096)"),
        ("train.sampling = 'corelated_pair'", "unknown sampling 'corelated_pair': did you mean 'correlated_pair'"),
        (
            "train.sampling = 'extrapolation'\ntrain.sampling_options = {'on': ['scal']}",
            "unknown factor 'scal': did you mean 'scale'",
        ),
        ("evaluate.sampling = 'random_split'\nevaluate.sampling_options = {'part': 'tests'}", "did you mean 'test'"),
        ("evaluate.sampling = 'transitions'", "'transitions' draws pairs"),
        ("train.sampling = 'differ_in_k'\ntrain.batch_size = 63", "a batch of 63 images cannot be cut into pairs"),
    ],
)
def test_a_bad_sweep_is_refused_by_name_while_planning(text, message):
    with pytest.raises(ValueError) as error:  # noqa: PT011
        expand(text)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
