"""The terms that the objectives are made of. All in nats, batch means; x in [0, 1], D latents, B batch."""

from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from disentanglement_study import gaussian
from disentanglement_study.types import Nets

Scalar = Float[Array, ""]
Codes = Float[Array, "b d"]


def gaussian_sample(rng: Array, mean: Codes, logvar: Codes) -> Codes:
    """z = mean + exp(logvar / 2) ε with one ε ~ N(0, I) an image (Kingma & Welling 2014, eq. 4)."""
    return gaussian.sample(mean, logvar, jax.random.normal(rng, mean.shape))


def gaussian_kl(mean: Codes, logvar: Codes) -> Scalar:
    """KL(N(mean, exp logvar) || N(0, I)), summed over latents, mean over the batch."""
    return jnp.mean(jnp.sum(gaussian.kl(mean, logvar), axis=1))


@jax.custom_jvp
def softplus(x: Array) -> Array:
    """log(1 + exp x) = max(x, 0) - log sigmoid |x|, to the rounding of the larger term; elementwise.

    XLA's CPU code for log1p, of which other forms are made, takes ten times longer than for log and sigmoid.
    """
    return jnp.maximum(x, 0) - jnp.log(jax.nn.sigmoid(jnp.abs(x)))


softplus.defjvps(lambda tangent, _, x: tangent * jax.nn.sigmoid(x))


def bernoulli_loss(logits: Float[Array, "b h w c"], images: Float[Array, "b h w c"]) -> Scalar:
    """-log p(x | z) of a Bernoulli decoder; summed over pixels and channels, mean over the batch.

    Targets between 0 and 1 are allowed, as for the coloured data sets; their entropy is not taken off.
    """
    pixels = (softplus(logits) - logits * images).reshape(len(images), -1)
    # Summed as a matrix product: XLA's CPU code for exp and log inside a reduction is scalar, 20 times slower.
    return jnp.mean(jnp.dot(pixels, jnp.ones(pixels.shape[1]), precision="highest"))


def gaussian_loss(decoded: Float[Array, "b d"], inputs: Float[Array, "b d"], variance: Any) -> Scalar:
    """-log p(x | z) = -log N(x | decoded, variance I), summed over the numbers of a vector, mean over the batch."""
    squares = jnp.mean(jnp.sum((decoded - inputs) ** 2, axis=1))
    return 0.5 * (squares / variance + inputs.shape[1] * jnp.log(2 * jnp.pi * variance))


def aggregate_posterior(z: Codes, mean: Codes, logvar: Codes) -> tuple[Float[Array, " b"], Float[Array, " b"]]:
    """log q(z_i) and Σ_j log q(z_ij) [B], where q(z) is the mean of all q(z | x), estimated from those of the batch.

    logsumexp_k Σ_j log q(z_ij | x_k) and Σ_j logsumexp_k log q(z_ij | x_k), minibatch-weighted sampling of Chen et al.
    2018 (arXiv 1802.04942), eq. S4. Their constant is left out: each logarithm less log of batch times data-set size.
    """
    # The batch last, twice: fast, and the same sums on any number of threads.
    z, mean, logvar = z.T[:, :, None], mean.T[:, None], logvar.T[:, None]
    log_q = -0.5 * ((z - mean) ** 2 * jnp.exp(-logvar) + logvar + jnp.log(2 * jnp.pi))  # [j, i, k]
    log_joint = jax.nn.logsumexp(jnp.sum(log_q, axis=0), axis=1)
    return log_joint, jnp.sum(jax.nn.logsumexp(log_q, axis=2), axis=0)


def total_correlation(z: Codes, mean: Codes, logvar: Codes) -> Scalar:
    """KL(q(z) || Π_j q(z_j)), the mean of log q(z) - Σ_j log q(z_j), both by `aggregate_posterior`.

    As in disentanglement_lib their constants are left out: the value is negative, which is normal, and its gradient is
    the same.
    """
    log_joint, log_marginals = aggregate_posterior(z, mean, logvar)
    return jnp.mean(log_joint - log_marginals)


def covariance(x: Codes) -> Float[Array, "d d"]:
    """E[x xᵀ] - E[x] E[x]ᵀ over the batch, divided by B (biased, as in disentanglement_lib)."""
    mean = jnp.mean(x, axis=0)
    return jnp.matmul(x.T, x, precision="highest") / x.shape[0] - jnp.outer(mean, mean)


def diagonal_penalty(matrix: Float[Array, "d d"], off_diagonal: Any, diagonal: Any) -> Scalar:
    """off_diagonal Σ_{i≠j} C_ij² + diagonal Σ_i (C_ii - 1)² (Kumar et al. 2018, arXiv 1711.00848, eq. 6 and 7)."""
    on = jnp.diagonal(matrix)
    return off_diagonal * (jnp.sum(matrix**2) - jnp.sum(on**2)) + diagonal * jnp.sum((on - 1) ** 2)


def variational_terms(nets: Nets, params: dict, batch: Array, rng: Array) -> tuple[Codes, Codes, Codes, dict]:
    """One pass through encoder and decoder: mean, logvar, a sample z, and the two terms of the ELBO."""
    mean, logvar = nets.encode(params["encoder"], batch)
    z = gaussian_sample(rng, mean, logvar)
    reconstruction = nets.pixels * bernoulli_loss(nets.decode(params["decoder"], z), batch)
    return mean, logvar, z, {"reconstruction_loss": reconstruction, "kl_loss": gaussian_kl(mean, logvar)}
