"""β-VAE."""

from jax import Array

from disentanglement_study.objectives.terms import variational_terms
from disentanglement_study.types import Nets


def beta_vae(nets: Nets, params: dict, batch: Array, rng: Array, hyper: dict) -> tuple[Array, dict]:
    """reconstruction + β KL (Higgins et al. 2017, eq. 4). Nats, summed over pixels and latents, mean over the batch."""
    *_, terms = variational_terms(nets, params, batch, rng)
    return terms["reconstruction_loss"] + hyper["beta"] * terms["kl_loss"], terms
