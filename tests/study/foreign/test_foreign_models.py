"""Models that disentanglement_lib has trained: which runs they are."""

from pathlib import Path

import dlib_results
import pandas as pd
import pytest
from dlib_results import SOME, brought, small

from disentanglement_study import store
from disentanglement_study.errors import Failed
from disentanglement_study.study import components, plan
from disentanglement_study.study.foreign.dlib_models import model

ROOT = Path(__file__).parents[3]


def test_models_of_the_study_are_the_runs_of_our_own_sweep():
    study = components.load(str(ROOT / "sweeps/locatello2019.gin"))
    runs = plan.expand(study)
    table = plan.frame(runs, study)
    assert len(table) == 12_600
    for number, run_id in list(zip(table["dlib_model_num"], table["run_id"], strict=True))[::97]:
        run = runs[number]
        read = model(dlib_results.train_config(number))
        assert read[:4] == (run.data_set, run.method, run.hyper, run.seed)
        assert run.run_id == run_id


def test_imported_models_have_the_ids_and_numbers_of_our_own_sweep(imported, numbers):
    study = components.load(str(ROOT / "sweeps/locatello2019.gin"))
    ours = plan.frame(plan.expand(study), study).set_index("dlib_model_num").loc[list(numbers)].reset_index()
    for root in imported:
        theirs = store.open(root).plan.set_index("dlib_model_num").loc[list(numbers)].reset_index()
        pd.testing.assert_frame_equal(theirs[ours.columns], ours, check_dtype=False)


def test_other_models_have_an_id_and_no_number(tmp_path):
    contents = small() | {f"other/{name}": one for name, one in small(encoder__num_latent="5").items()}
    contents |= {f"steps/{name}": one for name, one in small(model__training_steps="1000").items()}
    opened, said = brought(tmp_path, contents)
    table = opened.plan.set_index(["nets.num_latents", "train.steps"])
    assert table["run_id"].nunique() == 3
    assert table["dlib_model_num"].fillna(-1).to_dict() == {(10, 300_000): 0, (5, 300_000): -1, (10, 1000): -1}
    assert "3 models from 6 results: 1 of the study" in said[0]
    assert not [line for line in said if "another number" in line]  # a number of another study is none of this


def test_the_configuration_counts_not_the_name_of_a_folder(tmp_path):
    right = dlib_results.files(7, SOME)
    wrong = {name.replace("7/", "4321/", 1): content for name, content in right.items()}
    opened, said = brought(tmp_path, wrong)
    assert opened.plan["dlib_model_num"].tolist() == [7]
    (line,) = [line for line in said if "another number" in line]
    assert "4321" in line
    assert "by its configuration is 7" in line


def test_settings_that_are_not_known_or_not_given_are_said(tmp_path):
    contents = small(my_trick__on="True")
    for content in contents.values():
        del content["train_config.vae/AdamOptimizer.epsilon"]
    opened, said = brought(tmp_path, contents)
    assert "settings that are not known here and were not looked at: my_trick.on" in said
    assert "settings that are not given are taken to be those of the study: vae/AdamOptimizer.epsilon" in said
    assert opened.plan["train.epsilon"].tolist() == [1e-8]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("model__model", "@s2_vae()", "its model is 's2_vae': known are vae, "),
        ("model__random_seed", "'x'", "its model.random_seed is 'x': expected a number"),
        ("vae__beta", "float('nan')", "its vae.beta is"),
        ("vae__beta", None, "its configuration has no vae.beta"),
        ("dataset__name", "'../x'", "its data set is '../x'"),
        ("reconstruction_loss__loss_fn", "@l2_loss", "its reconstruction_loss.loss_fn is 'l2_loss': known here is"),
        ("encoder__encoder_fn", "@test_encoder", "known here is conv_encoder or fc_encoder"),
        ("model__random_seed", "'-4'", "its model.random_seed is '-4'"),
        ("model__random_seed", "-4", "it cannot be a run here: sweep.seeds = [-4]: expected"),
        ("model__batch_size", "0", "it cannot be a run here: train.batch_size = 0: expected int (1 or more"),
        ("model__training_steps", "-3", "train.steps = -3: expected"),
        ("encoder__num_latent", "0", "nets.num_latents = 0: expected"),
        ("vae__beta", "-1.0", "it cannot be a run here: beta_vae.beta = -1.0: expected float (0 or more)"),
        ("vae/AdamOptimizer__learning_rate", "0.0", "train.learning_rate = 0.0: expected"),
        ("vae/AdamOptimizer__beta1", "1.5", "train.beta1 = 1.5: expected"),
    ],
)
def test_a_model_that_cannot_be_understood_is_named_and_the_others_are_there(tmp_path, name, value, words):
    strange = {f"strange/{path}": content for path, content in small(**{name: value}).items()}
    with pytest.raises(Failed) as error:
        brought(tmp_path, dlib_results.files(3, SOME) | strange)
    assert "2 of 6 results could not be imported: output/strange/0/metrics/mean/mig/" in str(error.value)
    assert words in str(error.value)
    assert store.open(tmp_path / "study").plan["dlib_model_num"].tolist() == [3]
