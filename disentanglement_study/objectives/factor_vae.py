"""FactorVAE."""

import jax
import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Float

from disentanglement_study.objectives.terms import variational_terms
from disentanglement_study.types import Nets


def density_ratio(logits: Float[Array, "b 2"]) -> Float[Array, ""]:
    """mean_b (logit_0 - logit_1), the discriminator's estimate of the total correlation; nats."""
    return jnp.mean(logits[:, 0] - logits[:, 1])


def discriminator_loss(real: Float[Array, "b 2"], permuted: Float[Array, "b 2"]) -> Float[Array, ""]:
    """-½ mean log p_0(z) - ½ mean log p_1(z_perm); probabilities are clipped to [1e-6, 1 - 1e-6]."""
    p_real = jnp.clip(jax.nn.softmax(real)[:, 0], 1e-6, 1 - 1e-6)
    p_permuted = jnp.clip(jax.nn.softmax(permuted)[:, 1], 1e-6, 1 - 1e-6)
    return -0.5 * (jnp.mean(jnp.log(p_real)) + jnp.mean(jnp.log(p_permuted)))


def factor_vae(nets: Nets, params: dict, batch: Array, rng: Array, hyper: dict) -> tuple[Array, dict]:
    """reconstruction + KL + γ TC_D(z), plus the loss of D (Kim & Mnih 2018, arXiv 1802.05983, eq. 2 and algorithm 1).

    One scalar for both players: the VAE's loss sees D's parameters as constants and D's loss sees z as a constant, so
    each parameter group receives the gradient of its own loss. Nats, batch means. As in disentanglement_lib, z_perm
    permutes each latent over the same minibatch (the paper draws a second one). Not in the loss but in the training:
    under protocol "dlib" it gets half the updates (see `methods.vae.num_updates`).
    """
    rng_sample, rng_permute = jax.random.split(rng)
    _, _, z, terms = variational_terms(nets, params, batch, rng_sample)
    permuted = jax.random.permutation(rng_permute, lax.stop_gradient(z), axis=0, independent=True)

    # D sees both halves at once, as its weights are most of what is read. The calls differ in what is constant, and are
    # one when compiled, but for their gradients.
    seen = jnp.concatenate([z, permuted])
    by_constants, _ = jnp.split(nets.discriminate(lax.stop_gradient(params["discriminator"]), seen), 2)
    real, fake = jnp.split(nets.discriminate(params["discriminator"], lax.stop_gradient(seen)), 2)
    terms["total_correlation"] = density_ratio(by_constants)
    terms["discriminator_loss"] = discriminator_loss(real, fake)
    vae_loss = terms["reconstruction_loss"] + terms["kl_loss"] + hyper["gamma"] * terms["total_correlation"]
    return vae_loss + terms["discriminator_loss"], terms
