"""A sweep file becomes settings, or one clear line."""

import dataclasses

import gin
import pytest

from disentanglement_study import config
from disentanglement_study.study import components

SWEEP = """
sweep.data_sets = ['dsprites']
sweep.methods = {'beta_vae': {'beta': [1, 4]}}
sweep.seeds = 2
"""


def test_bindings_reach_their_sections_and_defaults_are_the_study_s():
    study = config.load(SWEEP + "train.steps = 12\nnets.encoder_options = {'hidden': 8}\n")
    assert study.sweep.methods == {"beta_vae": {"beta": [1, 4]}}
    assert study.train == config.TrainConfig(steps=12)
    assert study.nets == config.NetConfig(encoder_options={"hidden": 8})
    assert (config.TrainConfig().steps, config.TrainConfig().batch_size) == (300_000, 64)


def test_bindings_of_the_command_line_win_over_the_file():
    assert config.load(SWEEP + "train.steps = 12\n", ["train.steps = 13"]).train.steps == 13


def test_the_kept_text_gives_the_same_settings_again():
    study = components.load("quick", ["train.steps = 77"])
    again = config.load(study.text)
    assert dataclasses.replace(again, text="") == dataclasses.replace(study, text="")


def test_nothing_stays_bound_in_gin_after_a_load_or_a_failure():
    config.load(SWEEP + "train.steps = 12\n")
    assert config.load(SWEEP).train.steps == 300_000
    with pytest.raises(ValueError, match="stepz"):
        config.load(SWEEP + "train.steps = 12\ntrain.stepz = 1\n")
    assert config.load(SWEEP).train.steps == 300_000
    assert gin.config_str().strip() == ""


@pytest.mark.parametrize("sweep", ["quick", "locatello2019"])
def test_bundled_sweeps_are_found_by_name_from_any_folder(sweep, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert components.load(sweep).sweep.data_sets


@pytest.mark.parametrize(
    ("binding", "message"),
    [
        ("trian.steps = 3", "unknown section 'trian': did you mean 'train'"),
        ("train.stpes = 3", "unknown setting of 'train' 'stpes': did you mean 'steps'"),
        ("vae.beta = 4", "unknown section 'vae'"),
        ("train.steps = 'many'", "train.steps = 'many': expected int"),
        ("train.steps = 1.5", "train.steps = 1.5: expected int"),
        ("train.steps = -1", "train.steps = -1: expected int (1 or more, at most 2147483647)"),
        ("train.learning_rate = True", "train.learning_rate = True: expected float"),
        ("sweep.protocol = 'papre'", "sweep.protocol = 'papre': expected 'dlib' or 'paper'"),
        ("sweep.seeds = 'a'", "sweep.seeds = 'a': expected"),
        ("sweep.methods = ['beta_vae']", "sweep.methods = "),
        ("sweep.data_sets = 'dsprites'", "sweep.data_sets = 'dsprites': expected a list of names"),
        ("evaluate.representations = ['median']", "evaluate.representations = ['median']"),
        ("train.steps = (3", "bad.gin: not gin: EOF in multi-line statement, in line {last}: 'train.steps = (3'"),
        ("train.learning_rate = nan", "bad.gin: not gin: no value: 'nan', in line {last}"),
        ("train.steps = ", "in line {last}: 'train.steps ='"),
        ("train.steps", "in line {last}: 'train.steps' (a setting is section.name = value)"),
        ("include 'nowhere.gin'", "nowhere.gin"),
        ("import os", "a sweep holds settings only, and cannot import"),
        ("this is not gin", "not gin"),
    ],
)
def test_bad_text_is_one_line_that_names_it(binding, message, tmp_path):
    sweep = tmp_path / "bad.gin"
    sweep.write_text(SWEEP + binding + "\n")
    with pytest.raises(ValueError) as error:  # noqa: PT011
        config.load(str(sweep))
    assert message.replace("{last}", str(len(sweep.read_text().splitlines()))) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_missing_axis_a_missing_file_and_a_misspelt_name_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"must set .*seeds"):
        config.load(SWEEP.replace("sweep.seeds = 2", ""))
    with pytest.raises(ValueError, match=r"no sweep file .nowhere"):
        config.load("nowhere.gin")
    with pytest.raises(ValueError, match=r"no sweep file 'quik\.gin': did you mean 'quick'\?"):
        config.load("quik.gin")
    with pytest.raises(ValueError, match="did you mean 'quick'"):
        config.load("quik")
    binary = tmp_path / "binary.gin"
    binary.write_bytes(b"\x80\x00\xff")
    with pytest.raises(ValueError, match=r"binary\.gin"):
        config.load(str(binary))
