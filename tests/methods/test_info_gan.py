"""InfoGAN: which parameters each loss trains, and that its codes come to be read."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from methods.test_every_method import parts_of, squares, study_of

from disentanglement_study import methods
from disentanglement_study.config import NetConfig
from disentanglement_study.methods.info_gan import RANGE
from disentanglement_study.methods.vae import build_nets
from disentanglement_study.nets.layers import FORMS
from disentanglement_study.training.learn import learn

pytestmark = pytest.mark.usefixtures("quick_compilation")

HYPER = {"lambda_info": 0.7, "gradient_penalty": 3.0}
CODES, NOISE, SIZE = 3, 2, 8


def inputs():
    return methods.inputs_of((16, 16, 1), (2, 10, 10), 8)


def test_each_player_has_the_gradient_of_its_own_loss():
    """Against the two losses written apart, with the learner's draws."""
    study = study_of("info_gan")
    learner = methods.build(
        "info_gan", inputs(), dataclasses.replace(study, options={"info_gan": {"num_noise": NOISE}})
    )
    reader, _ = build_nets(inputs(), dataclasses.replace(study.nets, num_latents=CODES + 1))
    maker, _ = build_nets(inputs(), dataclasses.replace(study.nets, num_latents=CODES + NOISE))
    params, key = learner.learn.params(learner.learn.init(0)), jax.random.key(1)
    x = jax.random.uniform(jax.random.key(2), (SIZE, 8, 8, 1))
    key_code, key_noise = jax.random.split(key)
    code = jax.random.uniform(key_code, (SIZE, CODES), minval=-RANGE, maxval=RANGE)
    noise = jax.random.normal(key_noise, (SIZE, NOISE))

    def made(decoder):
        return jax.nn.sigmoid(maker.decode(decoder, jnp.concatenate([code, noise], axis=1)))

    def read(encoder, images):
        mean, _ = reader.encode(encoder, images)
        return mean[:, 0], mean[:, 1:]

    def information(encoder, decoder):
        missed = jnp.sum((code - read(encoder, made(decoder))[1]) ** 2, axis=1)
        return HYPER["lambda_info"] * jnp.mean(missed) / 2

    def of_generator(decoder, encoder):
        return -jnp.mean(jax.nn.log_sigmoid(read(encoder, made(decoder))[0])) + information(encoder, decoder)

    def of_reader(encoder, decoder):
        real, fake = read(encoder, x)[0], read(encoder, made(decoder))[0]
        slopes = jax.vmap(jax.grad(lambda image: read(encoder, image[None])[0][0]))(x)
        penalty = HYPER["gradient_penalty"] / 2 * jnp.mean(jnp.sum(slopes**2, axis=(1, 2, 3)))
        likely = jnp.mean(jax.nn.log_sigmoid(real) + jax.nn.log_sigmoid(-fake))
        return -likely + penalty + information(encoder, decoder)

    def whole(params):
        return learner.learn.terms(params, {"x": x}, key, HYPER)["loss"]

    gradients = jax.grad(whole)(params)
    apart = {
        "decoder": jax.grad(of_generator)(params["decoder"], params["encoder"]),
        "encoder": jax.grad(of_reader)(params["encoder"], params["decoder"]),
    }
    jax.tree.map(lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-4, atol=2e-6), gradients, apart)


@pytest.mark.parametrize("form", FORMS)
def test_the_penalty_is_the_same_in_every_form_of_the_convolutions(form):
    """It is a gradient of a gradient, and some forms have gradients of their own."""
    net = NetConfig(
        image_size=16,
        num_latents=2,
        encoder_options={"channels": [4, 6], "kernels": [4, 2]},
        decoder="mlp",
        decoder_options={"widths": [4]},
        discriminator_options={"widths": [4]},
    )
    x = jax.random.uniform(jax.random.key(0), (3, 16, 16, 1))

    def penalty(form):
        functions, init = build_nets(methods.inputs_of((16, 16, 1), (), 16), net, form)

        def of(params):
            slopes = jax.grad(lambda images: functions.encode(params, images)[0][:, 0].sum())(x)
            return jnp.sum(slopes**2)

        return jax.jit(jax.value_and_grad(of))(init["encoder"](jax.random.key(1)))

    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=2e-3, atol=1e-5 * np.abs(b).max()),
        penalty(form),
        penalty("xla"),
    )


def test_its_codes_come_to_be_read_from_its_images():
    job, _, batches, study = parts_of("info_gan", "squares", 0)
    train = dataclasses.replace(
        study.train, steps=800, learning_rate=3e-3, discriminator_learning_rate=3e-3, batch_size=32
    )
    study = dataclasses.replace(study, train=train, nets=dataclasses.replace(study.nets, num_latents=2))
    data = squares()
    learner = methods.build("info_gan", methods.inputs_of(data.input_shape, data.factor_sizes, 8), study)
    learnt = learn(job, learner, batches, study)
    # Half the variance for each code, 1 nat, if nothing is read, beside the constant.
    missed = learnt.terms["code_loss"][0] - np.log(2 * np.pi)
    assert missed < 0.5
    assert "loss" not in learner.scores(learnt.terms)
    assert not learner.reconstructs
