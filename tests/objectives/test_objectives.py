"""Objectives: a contract over the registry, each loss against its equation, and TensorFlow's values.

The latter are measurements, golden/tf_objectives.
"""

import functools
import json
import os
import subprocess
import sys
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy.special import expit, log_expit, logsumexp, softmax
from scipy.stats import norm

from disentanglement_study import nets
from disentanglement_study.objectives import OBJECTIVES, terms
from disentanglement_study.objectives.annealed_vae import capacity
from disentanglement_study.objectives.factor_vae import density_ratio, discriminator_loss
from disentanglement_study.types import Nets

GOLDEN = Path(__file__).parent / "golden"
MEASURED = json.loads((GOLDEN / "tf_objectives.json").read_text())
BATCH, LATENTS, MEMBERS = 12, 4, 3


pytestmark = pytest.mark.usefixtures("quick_compilation")


@pytest.fixture(scope="module")
def measured():
    with np.load(GOLDEN / "tf_objectives.npz") as arrays:
        return {name: jnp.asarray(arrays[name]) for name in arrays}


@functools.cache
def tiny_nets():
    widths = {"widths": (6,)}
    return nets.build(
        (4, 4, 2),
        encoder="mlp",
        decoder="mlp",
        num_latents=LATENTS,
        encoder_options=widths,
        decoder_options=widths,
        discriminator_options=widths,
    )


def arguments(name, seed):
    """Parameters of the groups that an objective trains, a batch, a key and hyperparameters: all of them random."""
    draws = np.random.default_rng(seed)
    _, init = tiny_nets()
    shapes = {group: jax.eval_shape(init[group], jax.random.key(0)) for group in OBJECTIVES[name].trains}
    params = jax.tree.map(lambda leaf: draws.normal(scale=0.5, size=leaf.shape).astype(np.float32), shapes)
    batch = draws.uniform(size=(BATCH, 4, 4, 2)).astype(np.float32)
    hyper = {hyper: np.float32(draws.uniform(2, 5)) for hyper in OBJECTIVES[name].hyper}
    return params, batch, jax.random.key(seed), {**hyper, "step": np.float32(1)}


def recording(functions):
    """The nets, and a record of what each call of them was given and gave."""
    record = {field: [] for field in Nets._fields}

    def recorded(field):
        def call(params, inputs):
            outputs = getattr(functions, field)(params, inputs)
            record[field].append((inputs, outputs))
            return outputs

        return call

    return Nets(*map(recorded, ("encode", "decode", "discriminate"))), record


@functools.cache
def program(name):
    """The compiled objective: ((loss, (aux, record)), gradients of the parameters and of the hyperparameters)."""

    def loss(params, hyper, batch, key):
        functions, record = recording(tiny_nets()[0])
        value, aux = OBJECTIVES[name].loss(functions, params, batch, key, hyper)
        return value, (aux, record)

    gradients = jax.value_and_grad(loss, argnums=(0, 1), has_aux=True)
    return jax.jit(lambda params, batch, key, hyper: gradients(params, hyper, batch, key))


@functools.cache
def computed(name, seed=0):
    (loss, (aux, record)), (gradients, hyper_gradients) = program(name)(*arguments(name, seed))
    return jax.tree.map(np.asarray, {"loss": loss, "aux": aux, "record": record, "gradients": gradients}) | {
        "hyper_gradients": hyper_gradients
    }


objectives = pytest.mark.parametrize("name", OBJECTIVES)


@objectives
def test_loss_and_its_terms_are_finite_scalars(name):
    result = computed(name)
    assert {"reconstruction_loss", "kl_loss"} <= set(result["aux"])
    for value in (result["loss"], *result["aux"].values()):
        assert value.shape == ()
        assert np.isfinite(value)


@objectives
def test_every_parameter_of_a_trained_group_gets_a_finite_gradient(name):
    gradients = computed(name)["gradients"]
    assert set(gradients) == set(OBJECTIVES[name].trains)
    for path, gradient in jax.tree_util.tree_leaves_with_path(gradients):
        assert np.isfinite(gradient).all(), path
        assert np.abs(gradient).max() > 0, path


@objectives
def test_every_declared_hyperparameter_moves_the_loss(name):
    gradients = computed(name)["hyper_gradients"]
    for hyper in OBJECTIVES[name].hyper:
        assert np.isfinite(gradients[hyper]), hyper
        assert gradients[hyper] != 0, hyper


@objectives
def test_loss_depends_on_the_key_and_on_nothing_hidden(name):
    params, batch, key, hyper = arguments(name, 0)
    again = program(name)(params, batch, key, hyper)[0][0]
    other = program(name)(params, batch, jax.random.key(99), hyper)[0][0]
    assert again == computed(name)["loss"]
    assert other != again


@objectives
def test_a_population_gets_what_each_member_gets_alone(name):
    members = [arguments(name, seed) for seed in range(MEMBERS)]
    population = jax.tree.map(lambda *leaves: jnp.stack(leaves), *members)
    (loss, (aux, _)), (gradients, _) = jax.jit(jax.vmap(program(name)))(*population)
    for seed in range(MEMBERS):
        alone = computed(name, seed)
        np.testing.assert_allclose(loss[seed], alone["loss"], rtol=1e-5)
        for term, value in alone["aux"].items():
            np.testing.assert_allclose(aux[term][seed], value, rtol=1e-5, err_msg=term)
        together, by_itself = jax.tree.leaves(gradients), jax.tree.leaves(alone["gradients"])
        for ours, theirs in zip(together, by_itself, strict=True):
            np.testing.assert_allclose(ours[seed], theirs, rtol=0, atol=1e-5 * np.abs(theirs).max())


def posterior(record):
    (_, (mean, logvar)), (z, _) = record["encode"][0], record["decode"][0]
    return mean.astype(np.float64), logvar.astype(np.float64), z.astype(np.float64)


def elbo_terms(record):
    """The reconstruction loss and the KL, which make up the negative ELBO."""
    (images, _), (_, logits) = record["encode"][0], record["decode"][0]
    images, logits = images.astype(np.float64), logits.astype(np.float64)
    mean, logvar, _ = posterior(record)
    log_likelihood = images * log_expit(logits) + (1 - images) * log_expit(-logits)
    kl = (mean**2 + np.exp(logvar) - 1 - logvar).sum() / 2
    return -log_likelihood.sum() / BATCH, kl / BATCH


def beta_vae(record, hyper):
    reconstruction, kl = elbo_terms(record)
    return reconstruction + hyper["beta"] * kl


def annealed_vae(record, hyper):
    reconstruction, kl = elbo_terms(record)
    target = min(hyper["c_max"], hyper["c_max"] * hyper["step"] / hyper["iteration_threshold"])
    return reconstruction + hyper["gamma"] * abs(kl - target)


def total_correlation(mean, logvar, z):
    """log q(z) - Σ_j log q(z_j) of each z under the mixture of all posteriors, constants left out; mean over z."""
    estimates = []
    for point in z:
        log_q = norm.logpdf(point, loc=mean, scale=np.exp(logvar / 2))
        estimates.append(logsumexp(log_q.sum(axis=1)) - sum(logsumexp(column) for column in log_q.T))
    return np.mean(estimates)


def beta_tc_vae(record, hyper):
    return sum(elbo_terms(record)) + (hyper["beta"] - 1) * total_correlation(*posterior(record))


def dip_penalty(matrix, hyper):
    diagonal = np.diag(matrix)
    off_diagonal = matrix - np.diag(diagonal)
    return hyper["lambda_od"] * ((off_diagonal**2).sum() + hyper["lambda_d_factor"] * ((diagonal - 1) ** 2).sum())


def dip_vae_i(record, hyper):
    return sum(elbo_terms(record)) + dip_penalty(np.cov(posterior(record)[0], rowvar=False, bias=True), hyper)


def dip_vae_ii(record, hyper):
    mean, logvar, _ = posterior(record)
    matrix = np.cov(mean, rowvar=False, bias=True) + np.diag(np.exp(logvar).mean(axis=0))
    return sum(elbo_terms(record)) + dip_penalty(matrix, hyper)


def cross_entropies(real, permuted):
    """The discriminator's loss on logits [B,2] of real draws (class 0) and of permuted ones (class 1)."""
    real, permuted = (softmax(logits.astype(np.float64), axis=1) for logits in (real, permuted))
    chosen = np.clip([real[:, 0], permuted[:, 1]], 1e-6, 1 - 1e-6)
    return -np.log(chosen).mean(axis=1).sum() / 2


def factor_vae(record, hyper):
    (_, by_vae), (_, by_discriminator) = record["discriminate"]
    real, _ = np.split(by_vae.astype(np.float64), 2)
    ratio = np.mean(real[:, 0] - real[:, 1])
    return sum(elbo_terms(record)) + hyper["gamma"] * ratio + cross_entropies(*np.split(by_discriminator, 2))


EQUATIONS = {
    "annealed_vae": annealed_vae,
    "beta_tc_vae": beta_tc_vae,
    "beta_vae": beta_vae,
    "dip_vae_i": dip_vae_i,
    "dip_vae_ii": dip_vae_ii,
    "factor_vae": factor_vae,
}


@pytest.mark.parametrize("seed", range(MEMBERS))
@pytest.mark.parametrize("name", EQUATIONS)
def test_loss_is_what_its_equation_says(name, seed):
    hyper = {hyper: float(value) for hyper, value in arguments(name, seed)[3].items()}
    result = computed(name, seed)
    np.testing.assert_allclose(result["loss"], EQUATIONS[name](result["record"], hyper), rtol=1e-5)
    reconstruction, kl = elbo_terms(result["record"])
    np.testing.assert_allclose(result["aux"]["reconstruction_loss"], reconstruction, rtol=1e-5)
    np.testing.assert_allclose(result["aux"]["kl_loss"], kl, rtol=1e-5)


GRADIENTS = """
import os, sys
os.sched_setaffinity(0, set(sorted(os.sched_getaffinity(0))[:int(sys.argv[1])]))
import jax, numpy as np
from disentanglement_study.objectives import terms

draws = np.random.default_rng(0)
codes = draws.normal(size=(3, 64, 10)).astype(np.float32)
functions = {
    "total correlation": terms.total_correlation,
    "covariance": lambda z, mean, logvar: terms.covariance(mean).sum() + terms.covariance(z).sum(),
    "KL": lambda z, mean, logvar: terms.gaussian_kl(mean, logvar),
}
for name, function in functions.items():
    gradients = jax.jit(jax.value_and_grad(function, (0, 1, 2)))(*codes)
    print(name, [np.asarray(one).tobytes().hex() for one in jax.tree.leaves(gradients)])
"""


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity") or len(os.sched_getaffinity(0)) < 2, reason="one core")
def test_the_number_of_threads_changes_no_bit_of_a_regulariser():
    one, two = (
        subprocess.run([sys.executable, "-c", GRADIENTS, count], capture_output=True, text=True, check=True).stdout
        for count in "12"
    )
    for first, second in zip(one.splitlines(), two.splitlines(), strict=True):
        assert first == second, first.partition(" [")[0]


def test_gaussian_sample_has_the_posteriors_moments_and_a_noise_of_its_own_for_each_entry():
    mean, logvar = jnp.array([[0.0, 3.0]]), jnp.array([[0.0, -2.0]])
    n = 4000
    z = jax.jit(terms.gaussian_sample)(jax.random.key(0), jnp.repeat(mean, n, axis=0), jnp.repeat(logvar, n, axis=0))
    noise = np.asarray((z - mean) / jnp.exp(logvar / 2))
    np.testing.assert_allclose(noise.mean(axis=0), 0, atol=4 / np.sqrt(n))
    np.testing.assert_allclose(noise.std(axis=0), 1, atol=4 / np.sqrt(2 * n))
    assert abs(np.corrcoef(noise.T)[0, 1]) < 4 / np.sqrt(n)


def test_gaussian_sample_is_the_references_for_the_same_noise(measured, monkeypatch):
    monkeypatch.setattr(jax.random, "normal", lambda key, shape: measured["noise"].reshape(shape))
    z = terms.gaussian_sample(jax.random.key(0), measured["mean"], measured["logvar"])
    np.testing.assert_allclose(z, measured["z"], rtol=1e-5, atol=1e-6)


def test_gaussian_kl_is_the_references(measured):
    kl = terms.gaussian_kl(measured["mean"], measured["logvar"])
    np.testing.assert_allclose(kl, MEASURED["gaussian_kl"], rtol=1e-5)


def test_total_correlation_is_the_references(measured):
    estimate = jax.jit(terms.total_correlation)(measured["z"], measured["mean"], measured["logvar"])
    np.testing.assert_allclose(estimate, MEASURED["total_correlation"], rtol=1e-5)


def test_covariance_is_the_references(measured):
    ours = terms.covariance(measured["mean"])
    np.testing.assert_allclose(ours, measured["covariance"], rtol=0, atol=1e-5 * np.abs(measured["covariance"]).max())


def test_bernoulli_loss_of_each_image_is_the_references(measured):
    of_image = jax.jit(jax.vmap(lambda logits, image: terms.bernoulli_loss(logits[None], image[None])))
    ours = of_image(measured["logits"], measured["images"])
    np.testing.assert_allclose(ours, measured["bernoulli_loss"], rtol=1e-5)
    together = jax.jit(terms.bernoulli_loss)(measured["logits"], measured["images"])
    np.testing.assert_allclose(together, np.mean(measured["bernoulli_loss"]), rtol=1e-5)


@pytest.mark.parametrize("step", MEASURED["capacity_c25_threshold100000"])
def test_capacity_is_the_references(step):
    ours = capacity(jnp.int32(step), jnp.float32(25), jnp.float32(100_000))
    np.testing.assert_allclose(ours, MEASURED["capacity_c25_threshold100000"][step], rtol=1e-5)


@pytest.mark.parametrize(
    ("name", "hyper", "regulariser"),
    [
        ("beta_vae", {"beta": 4}, "beta_vae_reg_beta4"),
        ("beta_tc_vae", {"beta": 6}, "beta_tc_reg_beta6"),
        ("dip_vae_i", {"lambda_od": 10, "lambda_d_factor": 10}, "dip_i_reg_od10_d10"),
        ("dip_vae_ii", {"lambda_od": 10, "lambda_d_factor": 1}, "dip_ii_reg_od10_d1"),
    ],
)
def test_regulariser_is_the_references_for_the_same_posteriors(name, hyper, regulariser, measured, monkeypatch):
    monkeypatch.setattr(terms, "gaussian_sample", lambda rng, mean, logvar: measured["z"])
    posteriors = (measured["mean"], measured["logvar"])
    fixed = Nets(lambda params, images: posteriors, lambda params, z: jnp.zeros((64, 1, 1, 1)), None)

    @jax.jit
    def regularised(images):
        loss, aux = OBJECTIVES[name].loss(fixed, {"encoder": {}, "decoder": {}}, images, jax.random.key(0), hyper)
        return loss - aux["reconstruction_loss"]

    np.testing.assert_allclose(regularised(jnp.zeros((64, 1, 1, 1))), MEASURED[regulariser], rtol=1e-5)


def test_bernoulli_loss_and_its_gradient_stand_extreme_logits():
    logits = np.array([-200, -20, -1, 0, 1, 20, 200], np.float32).repeat(3)
    images = np.tile(np.array([0, 0.3, 1], np.float32), 7)
    as_images = (1, 1, -1, 1)
    value_and_gradient = jax.jit(jax.value_and_grad(terms.bernoulli_loss))
    value, gradient = value_and_gradient(logits.reshape(as_images), images.reshape(as_images))
    exact = -(images * log_expit(logits.astype(np.float64)) + (1 - images) * log_expit(-logits.astype(np.float64)))
    np.testing.assert_allclose(value, exact.sum(), rtol=1e-6)
    np.testing.assert_allclose(gradient.ravel(), expit(logits.astype(np.float64)) - images, atol=1e-6)


@pytest.mark.parametrize(("scale", "clips"), [(1, False), (60, True)])
def test_discriminator_loss_is_a_clipped_cross_entropy(scale, clips):
    real, permuted = np.random.default_rng(0).normal(scale=scale, size=(2, 50, 2)).astype(np.float32)
    assert (softmax(real.astype(np.float64), axis=1).min() < 1e-6) == clips
    ours = discriminator_loss(jnp.asarray(real), jnp.asarray(permuted))
    np.testing.assert_allclose(ours, cross_entropies(real, permuted), rtol=1e-5)


def test_discriminator_that_is_sure_and_wrong_loses_what_clipping_leaves():
    sure = jnp.tile(jnp.array([[100.0, -100.0]]), (8, 1))
    np.testing.assert_allclose(discriminator_loss(-sure, sure), -np.log(1e-6), rtol=1e-5)
    np.testing.assert_allclose(discriminator_loss(sure, -sure), 1e-6, atol=1e-7)


def test_density_ratio_is_the_log_odds_of_being_real():
    logits = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    odds = softmax(logits.astype(np.float64), axis=1)
    expected = np.mean(np.log(odds[:, 0] / odds[:, 1]))
    np.testing.assert_allclose(density_ratio(jnp.asarray(logits)), expected, rtol=1e-5)


def test_factor_vae_permutes_each_latent_by_itself_within_the_batch():
    (of_vae, _), (of_discriminator, _) = computed("factor_vae")["record"]["discriminate"]
    np.testing.assert_array_equal(of_vae, of_discriminator)
    real, permuted = np.split(of_vae, 2)
    np.testing.assert_array_equal(real, posterior(computed("factor_vae")["record"])[2])
    np.testing.assert_array_equal(np.sort(permuted, axis=0), np.sort(real, axis=0))
    sources = [[int(np.flatnonzero(real[:, d] == value)[0]) for value in permuted[:, d]] for d in range(LATENTS)]
    assert len({tuple(source) for source in sources}) == LATENTS


def test_factor_vaes_one_scalar_gives_each_player_the_gradient_of_its_own_loss():
    params, batch, key, hyper = jax.tree.map(jnp.asarray, arguments("factor_vae", 0))
    functions, _ = tiny_nets()
    real, permuted = jnp.split(jnp.asarray(computed("factor_vae")["record"]["discriminate"][1][0]), 2)

    def vae_loss(vae_params):
        *_, z, losses = terms.variational_terms(functions, vae_params, batch, jax.random.split(key)[0])
        logits = functions.discriminate(params["discriminator"], z)
        return losses["reconstruction_loss"] + losses["kl_loss"] + hyper["gamma"] * density_ratio(logits)

    def loss_of_discriminator(discriminator):
        return discriminator_loss(
            functions.discriminate(discriminator, real), functions.discriminate(discriminator, permuted)
        )

    vae_params = {group: params[group] for group in ("encoder", "decoder")}
    expected = {
        **jax.jit(jax.grad(vae_loss))(vae_params),
        "discriminator": jax.jit(jax.grad(loss_of_discriminator))(params["discriminator"]),
    }
    ours = computed("factor_vae")["gradients"]
    for (path, mine), theirs in zip(jax.tree_util.tree_leaves_with_path(ours), jax.tree.leaves(expected), strict=True):
        np.testing.assert_allclose(mine, theirs, rtol=0, atol=1e-5 * np.abs(theirs).max(), err_msg=str(path))


def test_a_normalised_beta_is_beta_times_latents_over_pixels():
    """Higgins et al. 2017, section 4.2; here 4 latents and 4 x 4 x 2 numbers of an image."""
    params, batch, key, _ = jax.tree.map(jnp.asarray, arguments("beta_vae", 0))
    functions, _ = tiny_nets()
    loss, _ = OBJECTIVES["beta_vae"].loss(functions, params, batch, key, {"normalised_beta": 0.5})
    other, _ = OBJECTIVES["beta_vae"].loss(functions, params, batch, key, {"beta": 0.5 * 32 / 4})
    np.testing.assert_allclose(loss, other, rtol=1e-6)
    of_sixteen = functions._replace(pixels=16.0)
    loss, _ = OBJECTIVES["beta_vae"].loss(of_sixteen, params, batch, key, {"normalised_beta": 0.5})
    other, _ = OBJECTIVES["beta_vae"].loss(of_sixteen, params, batch, key, {"beta": 0.5 * 16 * 32 / 4})
    np.testing.assert_allclose(loss, other, rtol=1e-6)


@pytest.mark.parametrize("name", OBJECTIVES)
def test_a_pixel_that_stands_for_sixteen_weighs_as_sixteen_of_a_larger_image_do(name):
    """The loss of images of 4x4 pixels, averaged down from 16x16, is that of the large ones and of logits that are the
    same for each 4x4 of their pixels."""
    params, batch, key, hyper = jax.tree.map(jnp.asarray, arguments(name, 0))
    functions, _ = tiny_nets()
    large = jnp.clip(
        jnp.repeat(jnp.repeat(batch, 4, axis=1), 4, axis=2) + 0.1 * jnp.sin(jnp.arange(16.0))[:, None], 0, 1
    )
    small = large.reshape(len(batch), 4, 4, 4, 4, -1).mean(axis=(2, 4))
    enlarged = functions._replace(
        encode=lambda params, images: functions.encode(params, small),
        decode=lambda params, z: jnp.repeat(jnp.repeat(functions.decode(params, z), 4, axis=1), 4, axis=2),
    )
    loss, terms = OBJECTIVES[name].loss(functions._replace(pixels=16.0), params, small, key, hyper)
    expected, of_large = OBJECTIVES[name].loss(enlarged, params, large, key, hyper)
    np.testing.assert_allclose(loss, expected, rtol=1e-5)
    np.testing.assert_allclose(terms["reconstruction_loss"], of_large["reconstruction_loss"], rtol=1e-5)


def test_what_may_be_given_instead_is_of_a_hyperparameter_and_trains_alike():
    for name, objective in OBJECTIVES.items():
        for other, replaced in objective.instead.items():
            params, batch, key, hyper = jax.tree.map(jnp.asarray, arguments(name, 0))
            assert other not in objective.hyper
            given = {other: hyper.pop(replaced), **hyper}
            loss, _ = objective.loss(tiny_nets()[0], params, batch, key, given)
            assert np.isfinite(loss)
