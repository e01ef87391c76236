"""Fully connected nets: disentanglement_lib's `fc` encoder and decoder, and FactorVAE's discriminator."""

import math

import flax.linen as nn
from jax import Array

from disentanglement_study.nets.initialisers import glorot
from disentanglement_study.nets.options import Widths


class MlpEncoder(nn.Module):
    """The fully connected encoder of disentanglement_lib.

    Image [B,H,W,C] -> mean [B,D], logvar [B,D]. The reference's widths: 1200 1200, ReLU.
    """

    num_latents: int
    widths: Widths = (1200, 1200)

    @nn.compact
    def __call__(self, images: Array) -> tuple[Array, Array]:
        h = images.reshape(images.shape[0], -1)
        for width in self.widths:
            h = nn.relu(nn.Dense(width, kernel_init=glorot)(h))
        mean = nn.Dense(self.num_latents, kernel_init=glorot, name="mean")(h)
        logvar = nn.Dense(self.num_latents, kernel_init=glorot, name="logvar")(h)
        return mean, logvar


class MlpDecoder(nn.Module):
    """The fully connected decoder of disentanglement_lib.

    Latents [B,D] -> logits [B,H,W,C]. The reference's widths: 1200 1200 1200, tanh.
    """

    image_shape: tuple[int, ...]
    widths: Widths = (1200, 1200, 1200)

    @nn.compact
    def __call__(self, z: Array) -> Array:
        h = z
        for width in self.widths:
            h = nn.tanh(nn.Dense(width, kernel_init=glorot)(h))
        h = nn.Dense(math.prod(self.image_shape), kernel_init=glorot)(h)
        return h.reshape(-1, *self.image_shape)


class Discriminator(nn.Module):
    """The discriminator of Kim and Mnih 2018, which tells codes from permuted ones.

    Latents [B,D] -> logits [B,2], class 0 a real draw and class 1 a permuted one (appendix there).

    The paper's widths: six of 1000, leaky ReLU of slope 0.2. 5,018,002 parameters at D=10.
    """

    widths: Widths = (1000,) * 6

    @nn.compact
    def __call__(self, z: Array) -> Array:
        h = z
        for width in self.widths:
            h = nn.leaky_relu(nn.Dense(width, kernel_init=glorot)(h), 0.2)
        return nn.Dense(2, kernel_init=glorot, name="logits")(h)
