"""What a Gaussian posterior N(mean, exp logvar) with a diagonal covariance is used for, on NumPy or JAX arrays."""

import math
from typing import Any


def kl(mean: Any, logvar: Any) -> Any:
    """The KL divergence of each latent from N(0, 1), in nats: ½ (mean² + exp logvar - logvar - 1), elementwise.

    (Kingma & Welling 2014, arXiv 1312.6114, appendix B.)
    """
    xp = logvar.__array_namespace__()
    return 0.5 * (mean**2 + xp.exp(logvar) - logvar - 1)


def entropy(logvar: Any) -> Any:
    """Of N(·, exp logvar), elementwise, in nats: ½ (logvar + log 2πe)."""
    return 0.5 * (logvar + math.log(2 * math.pi * math.e))


def sample(mean: Any, logvar: Any, noise: Any) -> Any:
    """mean + exp(logvar / 2) ε, elementwise, of noise ε ~ N(0, I) (the same, eq. 10)."""
    xp = logvar.__array_namespace__()
    return mean + xp.exp(logvar / 2) * noise
