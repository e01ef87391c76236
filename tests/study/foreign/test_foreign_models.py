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
    assert not [line for line in said if "wrong number" in line]  # a number of another study is none of this


def test_the_configuration_counts_not_the_name_of_a_folder(tmp_path):
    right = dlib_results.files(7, SOME)
    wrong = {name.replace("7/", "4321/", 1): content for name, content in right.items()}
    opened, said = brought(tmp_path, wrong)
    assert opened.plan["dlib_model_num"].tolist() == [7]
    (line,) = [line for line in said if "wrong number" in line]
    assert "4321" in line
    assert "its configuration is that of 7" in line


def test_settings_that_are_not_known_or_not_given_are_said(tmp_path):
    contents = small(my_trick__on="True")
    for content in contents.values():
        del content["train_config.vae/AdamOptimizer.epsilon"]
    opened, said = brought(tmp_path, contents)
    assert "unknown settings, which were ignored: my_trick.on" in said
    assert "missing settings, taken to be those of the study of 2019: vae/AdamOptimizer.epsilon" in said
    assert opened.plan["train.epsilon"].tolist() == [1e-8]


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("model__model", "@s2_vae()", "its model is 's2_vae': expected one of vae, "),
        ("model__random_seed", "'x'", "its model.random_seed is 'x': expected a number"),
        ("vae__beta", "float('nan')", "its vae.beta is"),
        ("vae__beta", None, "its configuration has no vae.beta"),
        ("dataset__name", "'../x'", "its data set is '../x'"),
        ("dataset__name", "'dsprite_full'", "unknown data set 'dsprite_full': did you mean 'dsprites_full'?"),
        ("dataset__name", "'my_robot'", "`disentanglement-study data add FILE` adds one of your own"),
        ("reconstruction_loss__loss_fn", "@l2_loss", "its reconstruction_loss.loss_fn is 'l2_loss': expected"),
        ("encoder__encoder_fn", "@test_encoder", "expected conv_encoder or fc_encoder"),
        ("model__random_seed", "'-4'", "its model.random_seed is '-4'"),
        ("model__random_seed", "-4", "its model.random_seed is -4: expected int (0 or more"),
        ("model__batch_size", "0", "it cannot be a run here: model.batch_size = 0: expected int (1 or more"),
        ("model__training_steps", "-3", "model.training_steps = -3: expected"),
        ("encoder__num_latent", "0", "encoder.num_latent = 0: expected"),
        ("vae__beta", "-1.0", "it cannot be a run here: vae.beta = -1.0: expected float (0 or more)"),
        ("vae/AdamOptimizer__learning_rate", "0.0", "vae/AdamOptimizer.learning_rate = 0.0: expected"),
        ("vae/AdamOptimizer__beta1", "1.5", "vae/AdamOptimizer.beta1 = 1.5: expected"),
    ],
)
def test_a_model_that_cannot_be_understood_is_named_and_the_others_are_there(tmp_path, name, value, words):
    strange = {f"strange/{path}": content for path, content in small(**{name: value}).items()}
    with pytest.raises(Failed) as error:
        brought(tmp_path, dlib_results.files(3, SOME) | strange)
    assert "2 of 6 results could not be imported:\noutput/strange/0/metrics/mean/mig/" in str(error.value)
    assert words in str(error.value)
    assert store.open(tmp_path / "study").plan["dlib_model_num"].tolist() == [3]


def test_all_that_cannot_be_imported_is_named_one_a_line(tmp_path):
    strange = {}
    for seed in range(-9, 0):
        found = small(model__random_seed=str(seed))
        strange |= {f"strange/{seed}/{path}": content for path, content in found.items()}
    with pytest.raises(Failed) as error:
        brought(tmp_path, dlib_results.files(3, SOME) | strange)
    lines = str(error.value).splitlines()
    first = lines.index("18 of 22 results could not be imported:")
    assert len(lines[first + 1 :]) == len(set(lines[first + 1 :])) == 18
    assert all(line.startswith("output/strange/-") for line in lines[first + 1 :])


def test_all_settings_that_are_taken_as_the_studys_are_named(tmp_path):
    contents = small()
    left_out = [f"vae/AdamOptimizer.{name}" for name in ("learning_rate", "beta1", "beta2", "epsilon")]
    left_out += ["encoder.num_latent", "model.batch_size", "model.training_steps"]
    for content in contents.values():
        for name in left_out:
            del content[f"train_config.{name}"]
    _, said = brought(tmp_path, contents)
    (line,) = [line for line in said if line.startswith("missing settings")]
    assert set(line.partition(": ")[2].split(", ")) == set(left_out)


def test_every_data_set_of_disentanglement_lib_is_taken_and_one_of_ones_own_that_was_added(tmp_path, monkeypatch):
    from disentanglement_study.study.foreign import dlib_models

    def read(name):
        return dlib_models.model(dlib_results.train_config(0) | {"dataset.name": f"'{name}'"}).data_set

    assert [read(name) for name in ("dsprites_full", "dsprites_noshape", "mpi3d_real", "shapes3d_rendered")] == [
        "dsprites", "dsprites_noshape", "mpi3d_real", "shapes3d_rendered"
    ]  # fmt: skip
    with pytest.raises(ValueError, match="unknown data set 'my_robot'"):
        read("my_robot")
    monkeypatch.setattr(dlib_models.cache, "has", lambda name: name == "my_robot")
    assert read("my_robot") == "my_robot"
