"""Fully connected nets of smooth units that never saturate: those of iVAE."""

import flax.linen as nn
import jax.numpy as jnp
from jax import Array

from disentanglement_study.nets.initialisers import glorot


class XtanhMlp(nn.Module):
    """Vectors [B,D] -> [B,num_outputs], by `num_layers` matrices with biases, and between them tanh(x) + slope x."""

    num_outputs: int
    num_layers: int = 3
    width: int = 100
    slope: float = 0.1

    @nn.compact
    def __call__(self, x: Array) -> Array:
        for _ in range(self.num_layers - 1):
            x = nn.Dense(self.width, kernel_init=glorot)(x)
            x = jnp.tanh(x) + self.slope * x
        return nn.Dense(self.num_outputs, kernel_init=glorot, name="outputs")(x)
