"""SlowVAE: its terms against sums over draws, and what it takes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import stats

from disentanglement_study import methods
from disentanglement_study.methods.ica import slow_vae
from disentanglement_study.study import components, plan

STUDY = """
sweep.data_sets = ['laplace_pairs']
sweep.methods = ['slow_vae']
slow_vae.gamma = 10
slow_vae.beta = 1
slow_vae.rate = 6
train.sampling = 'successive'
successive.every = 2
nets.encoder = 'mlp'
nets.decoder = 'mlp'
mlp_encoder.widths = [16]
mlp_decoder.widths = [16]
nets.num_latents = 5
sweep.seeds = 1
evaluate.metrics = ['mcc']
"""


@pytest.mark.parametrize(("offset", "deviation", "rate"), [(0.0, 1.0, 1.0), (0.7, 0.4, 6.0), (-2.0, 1.5, 0.5)])
def test_the_cross_entropy_with_a_laplace_is_its_integral(offset, deviation, rate):
    z = np.linspace(offset - 12 * deviation, offset + 12 * deviation, 400_001)
    density = stats.norm.pdf(z, offset, deviation)
    expected = -np.trapezoid(density * stats.laplace.logpdf(z, scale=1 / rate), z)
    found = slow_vae.laplace_cross_entropy(jnp.array(offset), jnp.array(deviation**2), jnp.array(rate))
    assert found == pytest.approx(expected, rel=1e-5)


def learner(shape=(5,)):
    study = components.load(STUDY)
    return methods.build("slow_vae", methods.inputs_of(shape, (), 64), study), study


def test_the_loss_is_the_sum_of_its_weighted_terms_and_neighbours_may_change_places():
    built, _ = learner()
    state, key = built.learn.init(0), jax.random.key(1)
    x, pair = jax.random.normal(key, (2, 8, 5))
    hyper = {"gamma": jnp.float32(10), "beta": jnp.float32(2), "rate": jnp.float32(6)}
    terms = built.learn.terms(state[0], {"x": x, "pair": pair}, key, hyper)
    sums = 2 * terms["reconstruction_loss"] + 2 * terms["kl_loss"] + 10 * terms["transition_loss"]
    assert terms["loss"] == pytest.approx(float(sums), rel=1e-5)
    swapped = built.learn.terms(state[0], {"x": pair, "pair": x}, key, hyper)
    assert swapped["transition_loss"] == pytest.approx(float(terms["transition_loss"]), rel=1e-5)
    # Of a pair that does not change the cross-entropy is least.
    same = built.learn.terms(state[0], {"x": x, "pair": x}, key, hyper)
    assert same["transition_loss"] < terms["transition_loss"]


def test_it_needs_pairs():
    text = STUDY.replace("train.sampling = 'successive'\nsuccessive.every = 2", "")
    with pytest.raises(ValueError, match=r"it learns from pairs: set train.sampling to .*successive"):
        plan.expand(components.load(text))
    assert len(plan.expand(components.load(STUDY))) == 1
