"""InfoGAN: a generator whose codes can be read from its images."""

import dataclasses
import math
from typing import Annotated

import jax
import jax.numpy as jnp
from annotated_types import Ge, Interval

from disentanglement_study.methods.gradient import adversarial, by_gradient
from disentanglement_study.methods.kinds import Inputs, Learner, Method, Settings
from disentanglement_study.methods.vae import build_nets, check_images

RANGE = math.sqrt(3)  # of the codes, which have variance 1


@dataclasses.dataclass(frozen=True)
class Options:
    """num_noise: numbers that the generator gets beside the codes, N(0, 1), and that nothing recognises."""

    num_noise: Annotated[int, Interval(ge=0, le=4096)] = 5


def build(inputs: Inputs, settings: Settings) -> Learner:
    """Codes [B,D], D = `nets.num_latents`: those that Q reads from an image.

        generator      mean softplus(-D(G(c, e))) + λ I,    I = -E log Q(c | G(c, e))
        D and Q        mean [softplus(-D(x)) + softplus(D(G(c, e)))] + λ I + γ / 2 mean |∇_x D(x)|²

    Chen, Duan, Houthooft, Schulman, Sutskever and Abbeel 2016 (arXiv:1606.03657, eq. 6 and section 5), with the
    non-saturating loss of Goodfellow et al. 2014. c is uniform (as theirs, scaled to variance 1), e is N(0, I), and
    Q(c | x) = N(m(x), I). With a variance that is learnt, as theirs, G hides codes in differences of pixels that nobody
    sees, for the likelihood has no bound. λ and γ are `lambda_info` and `gradient_penalty`. Nats, batch means. There
    are no categorical codes.

    G is the decoder of `nets`, of codes and noise. D and Q are one encoder of `nets`, of a code more: of its means the
    first is D and the others are m, its log variances are of no use. The penalty on real images keeps the game from
    turning in circles (Mescheder, Geiger and Nowozin 2018, arXiv:1801.04406, eq. 9); the authors of InfoGAN have batch
    normalisation in its place, which would tie the images of a batch to each other.

    Adam of the settings trains G, that of `train.discriminator_*` trains D and Q. G makes images of codes, but the
    noise of an image is not known, so that none is reconstructed: what it decodes has noise 0. The losses of a game do
    not say how good a model is, and "loss" is no score of the training. ValueError for vectors.
    """
    check_images(inputs, "a GAN of pixels")
    codes, noise = settings.nets.num_latents, settings.options.num_noise
    reader, readers = build_nets(inputs, dataclasses.replace(settings.nets, num_latents=codes + 1), settings.form)
    maker, makers = build_nets(inputs, dataclasses.replace(settings.nets, num_latents=codes + noise), settings.form)

    def read(params, images):
        """D's logit [B], and the mean of Q [B,D]."""
        mean, _ = reader.encode(params, images)
        return mean[:, 0], mean[:, 1:]

    def generate(params, codes, drawn):
        return jax.nn.sigmoid(maker.decode(params, jnp.concatenate([codes, drawn], axis=1)))

    def loss(params, batch, key, hyper):
        key_code, key_noise = jax.random.split(key)
        size = len(batch["x"])
        code = jax.random.uniform(key_code, (size, codes), minval=-RANGE, maxval=RANGE)
        made = generate(params["decoder"], code, jax.random.normal(key_noise, (size, noise)))
        # Three times the same pass, which is made once: what differs is which parameters each loss is of.
        fixed = jax.lax.stop_gradient(params["encoder"])
        fooled = jnp.mean(jax.nn.softplus(-read(fixed, made)[0]))
        told, slopes = jax.vjp(lambda images: read(params["encoder"], images)[0], batch["x"])
        of_made = read(params["encoder"], jax.lax.stop_gradient(made))[0]
        _, mean = read(params["encoder"], made)
        terms = {
            "generator_loss": fooled,
            "discriminator_loss": jnp.mean(jax.nn.softplus(-told) + jax.nn.softplus(of_made)),
            "code_loss": jnp.mean(jnp.sum((code - mean) ** 2 + math.log(2 * math.pi), axis=1)) / 2,
            "gradient_norm": jnp.mean(jnp.sum(slopes(jnp.ones(size))[0] ** 2, axis=(1, 2, 3))),
        }
        return (
            terms["generator_loss"]
            + terms["discriminator_loss"]
            + hyper["lambda_info"] * terms["code_loss"]
            + hyper["gradient_penalty"] / 2 * terms["gradient_norm"]
        ), terms

    updates = settings.train.steps
    return Learner(
        by_gradient(
            loss,
            {"encoder": readers["encoder"], "decoder": makers["decoder"]},
            adversarial(settings.train, updates, ("encoder", "decoder"), "encoder"),
            updates,
        ),
        lambda params, batch: {"mean": read(params["encoder"], batch["x"])[1]},
        lambda params, code: generate(params["decoder"], code, jnp.zeros((len(code), noise))),
        scores=lambda terms: {name: value for name, value in terms.items() if name != "loss"},
        reconstructs=False,
    )


INFO_GAN = Method(
    build,
    hyper={"lambda_info": Annotated[float, Ge(0)], "gradient_penalty": Annotated[float, Ge(0)]},
    options=Options,
    usual={"lambda_info": 1, "gradient_penalty": 1},
    about="A GAN whose codes can be read from its images.",
    source="Chen et al. 2016, arXiv:1606.03657",
)
