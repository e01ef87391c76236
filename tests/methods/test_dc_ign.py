"""DC-IGN: what is clamped, what its gradients are, and that latents are of the factors that they are given."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from methods.test_every_method import parts_of, squares, study_of

from disentanglement_study import methods
from disentanglement_study.methods.dc_ign import clamped, shared, varying
from disentanglement_study.study.components import load
from disentanglement_study.study.plan import expand
from disentanglement_study.training.encode import encode
from disentanglement_study.training.learn import learn

pytestmark = pytest.mark.usefixtures("quick_compilation")


def test_the_factor_that_varies_is_found():
    assert int(varying(jnp.array([[1, 2, 0], [1, 2, 3], [1, 2, 0]]))) == 2
    assert int(varying(jnp.array([[1, 2, 0], [1, 0, 0]]))) == 1


def test_what_the_decoder_sees_and_the_gradients_that_are_put_in_place():
    """Kulkarni et al. 2015, section 3.1: forward the mean of the batch, backward w times the difference from it."""
    z = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)
    free, weight = jnp.array([False, True, False]), 0.01
    seen = np.asarray(clamped(z, free))
    np.testing.assert_array_equal(seen[:, 1], z[:, 1])
    np.testing.assert_allclose(seen[:, [0, 2]], np.broadcast_to(z[:, [0, 2]].mean(axis=0), (6, 2)), rtol=1e-5)

    def loss(z):
        of_decoder = jnp.sum(jnp.sin(clamped(z, free)))
        return of_decoder + weight / 2 * jnp.sum(jnp.where(free, 0.0, (z - shared(z)) ** 2))

    gradients = jax.grad(loss)(jnp.asarray(z))
    np.testing.assert_allclose(gradients[:, 1], np.cos(z[:, 1]), rtol=1e-5)
    np.testing.assert_allclose(gradients[:, [0, 2]], weight * (z - z.mean(axis=0))[:, [0, 2]], rtol=1e-4, atol=1e-8)


def test_each_latent_learns_the_factor_that_it_is_given():
    job, _, batches, study = parts_of("dc_ign", "squares", 0)
    study = dataclasses.replace(study, train=dataclasses.replace(study.train, steps=1500, learning_rate=3e-3))
    study = dataclasses.replace(
        study, nets=dataclasses.replace(study.nets, encoder_options={"widths": [64]}, decoder_options={"widths": [64]})
    )
    run = dataclasses.replace(job.runs[0], hyper={"invariance": 10.0})
    job = dataclasses.replace(job, runs=(run,))
    inputs = methods.inputs_of(squares().input_shape, squares().factor_sizes, study.nets.image_size)
    learner = methods.build("dc_ign", inputs, study)
    learnt = learn(job, learner, batches, study)
    codes = encode(learner, learnt.params, 1, batches, np.arange(200), 64)["mean"][0]
    correlations = np.abs(np.corrcoef(codes, squares().factors(np.arange(200)), rowvar=False)[:3, 3:])
    np.testing.assert_array_equal(correlations.argmax(axis=1), [0, 1, 2])
    assert (np.diag(correlations) > 0.9).all()


def test_it_is_not_built_for_what_it_cannot_do():
    inputs = methods.inputs_of((16, 16, 1), (3, 4, 5, 6), 8)
    with pytest.raises(ValueError, match=r"nets\.num_latents = 3: expected at least 4, one for each factor"):
        methods.check("dc_ign", inputs, study_of("dc_ign"))
    study = dataclasses.replace(study_of("dc_ign"), options={"dc_ign": {"intrinsic": 4}})
    study = dataclasses.replace(study, nets=dataclasses.replace(study.nets, num_latents=6))
    with pytest.raises(ValueError, match=r"dc_ign\.intrinsic = 4: expected a factor, 0 to 3"):
        methods.check("dc_ign", inputs, study)


SWEEP = "sweep.data_sets = ['{}']\nsweep.methods = ['dc_ign']\nsweep.seeds = 1\ndc_ign.invariance = 0.01\n"


@pytest.mark.parametrize(
    ("data_set", "sampling", "message"),
    [
        ("dsprites", "iid", "it learns from batches drawn as 'one_varies': set train.sampling, got 'iid'"),
        ("smallnorb", "one_varies", "'one_varies' draws batches that share values: it needs a grid with one image"),
        ("segment_sources", "one_varies", "it needs a grid with one image at each point"),
    ],
)
def test_data_that_cannot_clamp_a_factor_are_refused_while_planning(data_set, sampling, message):
    with pytest.raises(ValueError, match=message):
        expand(load(SWEEP.format(data_set) + f"train.sampling = '{sampling}'"))
