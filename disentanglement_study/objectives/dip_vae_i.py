"""DIP-VAE-I."""

from jax import Array

from disentanglement_study.objectives.terms import covariance, diagonal_penalty, variational_terms
from disentanglement_study.types import Nets


def dip_vae_i(nets: Nets, params: dict, batch: Array, rng: Array, hyper: dict) -> tuple[Array, dict]:
    """reconstruction + KL + λ_od Σ_{i≠j} C_ij² + λ_d Σ_i (C_ii - 1)² with C = Cov[mean(x)].

    Kumar et al. 2018 (arXiv 1711.00848), eq. 6; λ_d = lambda_d_factor λ_od (10 in the study). Nats, batch mean;
    the covariance is that of the batch.
    """
    mean, _, _, terms = variational_terms(nets, params, batch, rng)
    lambda_od = hyper["lambda_od"]
    penalty = diagonal_penalty(covariance(mean), lambda_od, hyper["lambda_d_factor"] * lambda_od)
    return terms["reconstruction_loss"] + terms["kl_loss"] + penalty, terms
