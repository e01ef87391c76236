"""Training a job: in parts, through interruption and lack of memory, with the step of a divergence."""

import functools
import json
import os
import shutil
import signal
import time
import warnings
from unittest import mock

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from chosen import pairs
from learners import learner_of

from disentanglement_study.config import NetConfig, ResourceConfig, TrainConfig
from disentanglement_study.objectives import OBJECTIVES
from disentanglement_study.training import fit as fitting
from disentanglement_study.training.inputs import Batches
from disentanglement_study.types import DataSet, Job, Objective, Run

pytestmark = pytest.mark.usefixtures("quick_compilation")

TRAIN = TrainConfig(steps=60, batch_size=8, learning_rate=1e-3)
NET = NetConfig(
    image_size=8,
    num_latents=3,
    encoder="mlp",
    decoder="mlp",
    encoder_options={"widths": (8,)},
    decoder_options={"widths": (8,)},
    discriminator_options={"widths": (8,)},
)
EACH_CALL = 1e-9  # minutes between checkpoints


@functools.cache
def noise():
    storage = np.random.default_rng(0).integers(0, 256, (50, 8, 8, 1), dtype=np.uint8)
    return DataSet("noise", ("index",), (50,), (8, 8, 1), storage, lambda storage, index, keys: storage[index])


def job_of(method="annealed_vae", **hyper):
    hyper = hyper or {"c_max": 5.0, "gamma": 2.0, "iteration_threshold": 40.0}
    return Job("job", tuple(Run(f"run{seed}", "noise", method, hyper, seed, "paper") for seed in (2, 7, 1)))


def fitted(job=None, *, folder=None, report=lambda stage, fraction: None, **resources):
    settings = ResourceConfig(**{"log_every": 25, "checkpoint_minutes": EACH_CALL, **resources})
    job = job or job_of()
    learner = learner_of(job.method, noise(), NET, TRAIN, job.runs[0].protocol)
    return fitting.fit(job, learner.learn, Batches(noise(), NET.image_size), TRAIN, settings, 2, folder, report)


@functools.cache
def uninterrupted():
    return fitted()


def assert_equal(ours, theirs, rtol=0.0):
    """Models equal bit by bit; means that were added up in other pieces, to rounding."""
    jax.tree.map(np.testing.assert_array_equal, ours.params, theirs.params)
    for name in theirs.terms:
        np.testing.assert_array_equal(ours.terms[name], theirs.terms[name])
    for mine, other in zip(ours.curves, theirs.curves, strict=True):
        assert (mine["step"], mine["term"]) == (other["step"], other["term"])
        np.testing.assert_allclose(mine["values"], other["values"], rtol=1e-6)


class Killed(BaseException):
    """What nothing in the harness catches."""


def killed_at(fraction):
    def report(stage, done):
        if stage == "training" and done >= fraction:
            raise Killed

    return report


def test_the_curves_are_at_fixed_intervals_and_end_with_the_training():
    result = uninterrupted()
    terms = {"loss", "reconstruction_loss", "kl_loss"}
    assert [row["step"] for row in result.curves if row["term"] == "loss"] == [25, 50, 60]
    assert terms <= {row["term"] for row in result.curves}
    for row in result.curves:
        assert row["values"].shape == (3,)
    losses = [row["values"] for row in result.curves if row["term"] == "reconstruction_loss"]
    assert (losses[0] > losses[-1]).all()
    assert result.compile_seconds > 0


def test_the_curves_do_not_depend_on_their_interval():
    once = {row["term"]: row["values"] for row in fitted(log_every=1000).curves}
    weights = {25: 25, 50: 25, 60: 10}
    for term, mean in once.items():
        parts = [weights[row["step"]] * row["values"] for row in uninterrupted().curves if row["term"] == term]
        np.testing.assert_allclose(sum(parts) / 60, mean, rtol=1e-5)


@pytest.mark.parametrize("population", [1, 2])
def test_models_do_not_depend_on_how_many_are_trained_together(population):
    result = fitted(population=population)
    assert result.population == population
    assert_equal(result, uninterrupted())


@pytest.mark.parametrize(("population", "fraction"), pairs([None, 2], [0.3, 0.8], every=2))
def test_a_killed_training_goes_on_where_it_was(population, fraction, tmp_path):
    with pytest.raises(Killed):
        fitted(folder=tmp_path, report=killed_at(fraction), population=population)
    fractions = []
    again = fitted(folder=tmp_path, report=lambda stage, done: fractions.append(done), population=population)
    assert_equal(again, uninterrupted())
    trained = [done for done in fractions if done > 0]
    assert trained == sorted(trained)
    assert trained[0] > 0.1 * fraction


def test_a_training_that_was_killed_while_it_was_scored_is_not_done_again(tmp_path):
    fitted(folder=tmp_path)
    stages = []
    assert_equal(fitted(folder=tmp_path, report=lambda stage, done: stages.append(stage)), uninterrupted())
    assert "training" not in stages


def test_without_checkpoints_a_training_starts_again(tmp_path):
    with pytest.raises(Killed):
        fitted(folder=tmp_path, report=killed_at(0.5), checkpoint_minutes=0.0)
    told = []
    fitted(folder=tmp_path, report=lambda *progress: told.append(progress), checkpoint_minutes=0.0)
    assert ("training", 0.0) in told


def test_the_progress_never_goes_back():
    told = []
    fitted(population=1, report=lambda stage, done: told.append(done))
    assert told == sorted(told)
    assert told[-1] > 0.9


def test_a_resumed_job_keeps_the_population_that_it_had(tmp_path):
    with (
        mock.patch.object(fitting.population, "choose", return_value=2),
        pytest.raises(Killed),
    ):
        fitted(folder=tmp_path, report=killed_at(0.5))
    with mock.patch.object(fitting.population, "choose", side_effect=AssertionError):
        result = fitted(folder=tmp_path)
    assert result.population == 2
    assert_equal(result, uninterrupted())


@pytest.mark.slow
def test_members_that_advance_together_are_measured_and_get_the_same_models():
    with mock.patch.object(jax, "default_backend", return_value="gpu"):
        result = fitted()
    assert result.population in (1, 2, 3)
    close = functools.partial(np.testing.assert_allclose, rtol=1e-3, atol=1e-5)
    jax.tree.map(close, result.params, uninterrupted().params)


def out_of_memory_above(largest, error="RESOURCE_EXHAUSTED: Out of memory"):
    """A device that holds no more than so many models."""
    program = fitting._Fitting.program

    def limited(self, name, size):
        if name == "advance" and size > largest:
            raise jax.errors.JaxRuntimeError(error)
        return program(self, name, size)

    return mock.patch.object(fitting._Fitting, "program", limited)


@pytest.mark.parametrize("largest", [1, 2])
def test_running_out_of_memory_halves_the_population_and_goes_on(largest, tmp_path):
    with out_of_memory_above(largest):
        result = fitted(population=3, folder=tmp_path)
    assert result.population == 1
    assert_equal(result, uninterrupted())


def test_one_model_too_many_and_other_errors_are_raised():
    with out_of_memory_above(0), pytest.raises(jax.errors.JaxRuntimeError, match="RESOURCE_EXHAUSTED"):
        fitted(population=3)
    with out_of_memory_above(2, "INTERNAL: a bug"), pytest.raises(jax.errors.JaxRuntimeError, match="INTERNAL"):
        fitted(population=3)


def test_a_divergence_is_recorded_with_its_update(monkeypatch):
    def breaks(nets, params, batch, rng, hyper):
        weight = jnp.where(hyper["step"] == hyper["at"], jnp.nan, 1.0)
        loss = weight * jnp.sum(params["encoder"]["mean"]["bias"] ** 2)
        return loss, {"reconstruction_loss": loss, "kl_loss": loss}

    monkeypatch.setitem(OBJECTIVES, "breaks", Objective(breaks, hyper=("at",), trains=("encoder", "decoder")))
    runs = [Run(f"at{at}", "noise", "breaks", {"at": at}, 0, "paper") for at in (37.0, 1000.0, 0.0)]
    result = fitted(Job("job", tuple(runs)))
    np.testing.assert_array_equal(result.diverged, [37, -1, 0])
    curves = {row["step"]: row["values"] for row in result.curves if row["term"] == "loss"}
    np.testing.assert_array_equal(np.isfinite(curves[25]), [True, True, False])
    np.testing.assert_array_equal(np.isfinite(curves[50]), [False, True, False])


def test_factor_vae_under_the_published_protocol_gets_half_the_updates():
    job = job_of("factor_vae", gamma=10.0)
    runs = tuple(Run(run.run_id, run.data_set, run.method, run.hyper, run.seed, "dlib") for run in job.runs)
    assert fitted(Job("job", runs)).curves[-1]["step"] == 30


def test_a_training_that_is_told_to_stop_makes_a_checkpoint_first_and_loses_nothing(tmp_path):
    def told(stage, done):
        if stage == "training" and done >= 0.4:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        fitted(folder=tmp_path, report=told, population=3, checkpoint_minutes=60.0)
    fractions = []
    again = fitted(
        folder=tmp_path, report=lambda stage, done: fractions.append(done), population=3, checkpoint_minutes=60.0
    )
    assert_equal(again, uninterrupted())
    assert min(done for done in fractions if done > 0) >= 0.4
    assert again.repeated == 0
    assert again.updates == 3 * TRAIN.steps


def test_what_is_done_twice_is_counted_over_all_attempts(tmp_path):
    for fraction in (0.5, 0.7):  # each from the beginning: there is no checkpoint
        with pytest.raises(Killed):
            fitted(folder=tmp_path, report=killed_at(fraction), population=3, checkpoint_minutes=60.0)
    (reached,) = tmp_path.glob("*.reached")
    before = json.loads(reached.read_text())
    assert before["reached"] >= 0.7 * TRAIN.steps
    assert before["repeated"] >= 0.5 * TRAIN.steps
    again = fitted(folder=tmp_path, population=3, checkpoint_minutes=60.0)
    assert again.repeated == 3 * (before["reached"] + before["repeated"])
    assert_equal(again, uninterrupted())


@pytest.mark.parametrize("content", ["", "[]", "null", '{"reached": "x"}', "\x00\xff", '{"reached": 1e400}'])
def test_a_damaged_note_of_how_far_a_training_was_is_no_harm(content, tmp_path):
    with pytest.raises(Killed):
        fitted(folder=tmp_path, report=killed_at(0.5), population=3)
    (reached,) = tmp_path.glob("*.reached")
    reached.write_text(content)
    again = fitted(folder=tmp_path, population=3)
    assert_equal(again, uninterrupted())
    assert again.repeated == 0


def test_a_training_whose_checkpoints_lack_a_file_goes_on_from_an_older_one_or_begins_anew(tmp_path):
    with pytest.raises(Killed):
        fitted(folder=tmp_path, report=killed_at(0.8), population=3)
    (part,) = (path for path in tmp_path.iterdir() if path.is_dir())
    files = sorted(path.relative_to(part) for path in part.rglob("*") if path.is_file())
    newest = max(int(path.parts[0]) for path in files if path.parts[0].isdigit())
    for missing in (path for path in files if path.parts[0] == str(newest)):
        copy = tmp_path / "copy" / part.name
        shutil.rmtree(copy.parent, ignore_errors=True)
        shutil.copytree(part, copy)
        (copy / missing).unlink()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it says that the checkpoint is skipped
            assert_equal(fitted(folder=copy.parent, population=3), uninterrupted())


def test_a_clock_that_goes_backwards_changes_nothing(tmp_path, monkeypatch):
    now = [2e9]

    def earlier() -> float:
        now[0] -= 100.0
        return now[0]

    monkeypatch.setattr("time.time", earlier)
    with pytest.raises(Killed):
        fitted(folder=tmp_path, report=killed_at(0.5), population=3)
    fractions = []
    again = fitted(folder=tmp_path, report=lambda stage, done: fractions.append(done), population=3)
    assert_equal(again, uninterrupted())
    assert min(done for done in fractions if done > 0) > 0.3


def is_being_written(folder):
    """Whether Orbax writes there: its folders have another name until all is done. What goes meanwhile is no error."""
    inner = [name for _, names, files in os.walk(folder) for name in (*names, *files)]
    return any(name.endswith(".orbax-checkpoint-tmp") for name in inner)


def test_a_folder_that_is_gone_for_a_while_ends_no_training_and_is_not_made_again(tmp_path):
    folder, away = tmp_path / "study" / "checkpoints" / "job", tmp_path / "away"
    seen = []

    def report(stage, done):
        if stage == "training" and done >= 0.3 and not seen:
            while is_being_written(folder):
                time.sleep(0.01)  # what writes just now would make the folder anew
            os.rename(tmp_path / "study", away)
            seen.append("gone")
        elif stage == "training" and done >= 0.7 and seen == ["gone"]:
            assert not (tmp_path / "study").exists()
            os.rename(away, tmp_path / "study")
            seen.append("back")

    with pytest.warns(UserWarning, match="no checkpoint was written, as its folder is gone"):
        result = fitted(folder=folder, report=report, population=3)
    assert seen == ["gone", "back"]
    assert_equal(result, uninterrupted())
    stages = []
    assert_equal(fitted(folder=folder, report=lambda stage, done: stages.append(stage), population=3), uninterrupted())
    assert "training" not in stages
