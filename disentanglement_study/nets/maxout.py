"""Fully connected nets of maxout units: the feature extractors of contrastive non-linear ICA."""

from collections.abc import Callable

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from disentanglement_study.nets.initialisers import glorot
from disentanglement_study.nets.options import Widths


class MaxoutMlp(nn.Module):
    """Vectors [B,D] -> features [B,num_features].

    A unit of a hidden layer is the larger of two linear functions (Goodfellow et al. 2013, arXiv 1302.4389, section 3);
    the last layer is linear. No widths: the whole net is. bias: of the last layer.
    """

    num_features: int
    widths: Widths
    bias: bool = True
    kernel_init: Callable[..., Array] = glorot

    @nn.compact
    def __call__(self, x: Array) -> Array:
        for width in self.widths:
            pieces = nn.Dense(2 * width, kernel_init=self.kernel_init)(x)
            x = pieces.reshape(-1, width, 2).max(axis=2)
        return nn.Dense(self.num_features, use_bias=self.bias, kernel_init=self.kernel_init, name="features")(x)


def initial(net: nn.Module, size: int) -> Callable[[Array], dict]:
    """The function from a key to the first parameters of a net that takes vectors of `size` numbers."""
    return lambda key: net.init(key, jnp.zeros((1, size)))["params"]
