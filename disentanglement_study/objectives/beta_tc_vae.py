"""β-TC-VAE."""

from jax import Array

from disentanglement_study.objectives.terms import total_correlation, variational_terms
from disentanglement_study.types import Nets


def beta_tc_vae(nets: Nets, params: dict, batch: Array, rng: Array, hyper: dict) -> tuple[Array, dict]:
    """reconstruction + KL + (β - 1) TC (Chen et al. 2018, arXiv 1802.04942, eq. 4 with α = γ = 1). Nats, batch mean.

    The aux `total_correlation` is the estimate without its constants (see `terms.total_correlation`).
    """
    mean, logvar, z, terms = variational_terms(nets, params, batch, rng)
    terms["total_correlation"] = total_correlation(z, mean, logvar)
    penalty = (hyper["beta"] - 1) * terms["total_correlation"]
    return terms["reconstruction_loss"] + terms["kl_loss"] + penalty, terms
