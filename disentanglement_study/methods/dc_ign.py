"""DC-IGN: a VAE that is told which factor varies in a batch."""

import dataclasses
from typing import Annotated

import jax
import jax.numpy as jnp
from annotated_types import Ge, Interval
from jax import Array
from jaxtyping import Bool, Float, Int

from disentanglement_study.methods.gradient import by_gradient, optimiser_of
from disentanglement_study.methods.kinds import Inputs, Learner, Method, Settings
from disentanglement_study.methods.vae import WITHOUT_ADVERSARY, build_nets, check_images, coder, scores
from disentanglement_study.objectives.terms import bernoulli_loss, gaussian_kl, gaussian_sample


@dataclasses.dataclass(frozen=True)
class Options:
    """intrinsic: the factor, counted from 0, that has the latents that are left over beside one of its own: the
    identity of what is seen, such as dSprites' shape."""

    intrinsic: Annotated[int, Interval(ge=0, le=1000)] = 0


def build(inputs: Inputs, settings: Settings) -> Learner:
    """Codes [B,D], D = `nets.num_latents`, and their log variances: latent k is of factor k.

    Kulkarni, Whitney, Kohli and Tenenbaum 2015 (arXiv:1503.03167), section 3.1. In a batch one factor varies, which is
    drawn by `train.sampling = 'one_varies'`. The decoder sees the latents of this factor as they are, and of each other
    latent its mean over the batch. Backwards, the gradient of these others is replaced by w (z - mean z): they are
    drawn to their mean, and learn nothing from what they did not cause. As a loss,

        reconstruction + KL + w / 2 mean Σ_clamped (z - mean z)²,    the means held constant,

    has these gradients. w is `invariance`, 0.01 in the paper. The labels are which factor varies, never its values.

    Latents beyond the number of factors are of the factor `intrinsic`. Nets are those of `nets`, in place of the
    authors' convolutions. Nats. ValueError for vectors, for fewer latents than factors, and for a factor that is not
    there.
    """
    check_images(inputs)
    factors, latents, intrinsic = len(inputs.factor_sizes), settings.nets.num_latents, settings.options.intrinsic
    if latents < factors:
        raise ValueError(f"nets.num_latents = {latents}: expected at least {factors}, one for each factor")
    if intrinsic >= factors:
        raise ValueError(f"dc_ign.intrinsic = {intrinsic}: expected a factor, 0 to {factors - 1}")
    functions, init = build_nets(inputs, settings.nets, settings.form)
    of_factor = jnp.where(jnp.arange(latents) < factors, jnp.arange(latents), intrinsic)

    def loss(params, batch, key, hyper):
        mean, logvar = functions.encode(params["encoder"], batch["x"])
        z = gaussian_sample(key, mean, logvar)
        free = of_factor == varying(batch["factors"])
        decoded = functions.decode(params["decoder"], clamped(z, free))
        terms = {
            "reconstruction_loss": bernoulli_loss(decoded, batch["x"]),
            "kl_loss": gaussian_kl(mean, logvar),
            "invariance_loss": jnp.mean(jnp.sum(jnp.where(free, 0.0, (z - shared(z)) ** 2), axis=1)) / 2,
        }
        weighted = hyper["invariance"] * terms["invariance_loss"]
        return terms["reconstruction_loss"] + terms["kl_loss"] + weighted, terms

    updates = settings.train.steps
    groups = {group: init[group] for group in ("encoder", "decoder")}
    steps = by_gradient(loss, groups, optimiser_of(settings.train, updates), updates)
    return Learner(steps, *coder(functions), scores=scores)


def varying(factors: Int[Array, "b f"]) -> Int[Array, ""]:
    """The factor that is not the same in all images of a batch."""
    return jnp.argmax(jnp.any(factors != factors[0], axis=0))


def shared(z: Float[Array, "b d"]) -> Float[Array, "1 d"]:
    """The mean of each latent over the batch, a constant."""
    return jax.lax.stop_gradient(jnp.mean(z, axis=0, keepdims=True))


def clamped(z: Float[Array, "b d"], free: Bool[Array, " d"]) -> Float[Array, "b d"]:
    """The latents that are free as they are, of the others their mean over the batch."""
    return jnp.where(free, z, shared(z))


DC_IGN = Method(
    build,
    hyper={"invariance": Annotated[float, Ge(0)]},
    options=Options,
    needs=frozenset({"factors"}),
    draws=("one_varies",),
    uses=WITHOUT_ADVERSARY,
    usual={"invariance": 0.01},
    about="A VAE that is told which factor varies in each batch.",
    source="Kulkarni et al. 2015, arXiv:1503.03167",
)
