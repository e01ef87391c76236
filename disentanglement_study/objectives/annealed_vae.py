"""AnnealedVAE (capacity)."""

import jax.numpy as jnp
from jax import Array

from disentanglement_study.objectives.terms import variational_terms
from disentanglement_study.types import Nets


def capacity(step: Array, c_max: Array, iteration_threshold: Array) -> Array:
    """C(t) = min(c_max, c_max t / iteration_threshold), nats."""
    return jnp.minimum(c_max, c_max * step / iteration_threshold)


def annealed_vae(nets: Nets, params: dict, batch: Array, rng: Array, hyper: dict) -> tuple[Array, dict]:
    """reconstruction + γ |KL - C(t)| (Burgess et al. 2018, arXiv 1804.03599, eq. 8). Nats, mean over the batch.

    The batch mean of the KL is compared with C, not each image's, as in disentanglement_lib.
    """
    *_, terms = variational_terms(nets, params, batch, rng)
    target = capacity(hyper["step"], hyper["c_max"], hyper["iteration_threshold"])
    penalty = hyper["gamma"] * jnp.abs(terms["kl_loss"] - target)
    return terms["reconstruction_loss"] + penalty, terms
