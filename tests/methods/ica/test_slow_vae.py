"""SlowVAE: its terms against sums over draws, and what it takes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from contrastive import mcc_of
from scipy import stats

from disentanglement_study import data, methods
from disentanglement_study.methods.ica import slow_vae
from disentanglement_study.study import components, loading, plan
from disentanglement_study.training.encode import encode
from disentanglement_study.training.learn import learn
from disentanglement_study.types import Job

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
LEARNT = """
slow_vae.variance = 0.03
laplace_pairs.num_layers = 1
train.steps = 3000
mlp_encoder.widths = [64, 64]
mlp_decoder.widths = [64, 64]
train.batch_size = 256
train.learning_rate = 3e-3
train.schedule = 'cosine'
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


@pytest.mark.parametrize(
    ("sampled", "shown"),
    [
        ("successive.every = 1", "'every': 1}: in laplace_pairs, every 2 points are a series of their own"),
        ("successive.every = 3", "expected 'successive' with train.sampling_options = {'every': 2}"),
        ("successive.every = 2\nsuccessive.lag = 2", "'lag': 2"),
        ("train.sampling = 'windows'\nwindows.length = 16", "train.sampling = 'windows' with {'length': 16}"),
    ],
)
def test_neighbours_of_two_couples_are_not_taken_for_one(sampled, shown):
    text = STUDY.replace("successive.every = 2", sampled).replace("['slow_vae']", "['slow_vae', 'pca']")
    with pytest.raises(ValueError) as error:  # noqa: PT011
        plan.expand(components.load(text))
    assert shown in str(error.value)
    assert "\n" not in str(error.value)


@pytest.mark.slow
def test_it_unmixes_linearly_mixed_couples():
    """By the loss with its last term; without it, any rotation of the codes is as good."""
    mixed = data.load("laplace_pairs", options={"num_layers": 1})
    found, text = {}, STUDY.replace("rate = 6", "rate = 2") + LEARNT
    for gamma in (10, 0):
        study = components.load(text.replace("gamma = 10", f"gamma = {gamma}"))
        job = Job("job", tuple(plan.expand(study)))
        learner, batches = loading.learner(job, study, mixed), loading.batches(job, study, mixed)
        params = learn(job, learner, batches, study).params
        codes = encode(learner, params, 1, batches, np.arange(mixed.num_images), 4096)["mean"][0]
        found[gamma] = mcc_of(codes, mixed.sources)
    assert found[10] > 0.98
    assert found[0] < 0.9
