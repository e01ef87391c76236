"""β-VAE."""

from jax import Array

from disentanglement_study.objectives.terms import variational_terms
from disentanglement_study.types import Nets


def beta_vae(nets: Nets, params: dict, batch: Array, rng: Array, hyper: dict) -> tuple[Array, dict]:
    """reconstruction + β KL (Higgins et al. 2017, eq. 4). Nats, summed over pixels and latents, mean over the batch.

    `normalised_beta` in place of β is β_norm = β M / N, of M latents and N pixels times channels (section 4.2 there).
    It weighs the mean KL of a latent against the mean reconstruction of a pixel, so that nets of different latents and
    images of different sizes can be compared.
    """
    mean, *_, terms = variational_terms(nets, params, batch, rng)
    normalised = "normalised_beta" in hyper
    numbers = nets.pixels * batch[0].size
    beta = hyper["normalised_beta"] * (numbers / mean.shape[1]) if normalised else hyper["beta"]
    return terms["reconstruction_loss"] + beta * terms["kl_loss"], terms
