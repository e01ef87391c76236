"""The convolutional encoder and decoder of Locatello et al. 2019 (arXiv 1811.12359, appendix)."""

import math
from collections.abc import Sequence

import flax.linen as nn
from jax import Array

from disentanglement_study.nets import layers
from disentanglement_study.nets.initialisers import glorot


class Conv(nn.Module):
    """Stride-2 convolution that halves the image; kernel [k,k,in,out], Glorot-uniform, zero bias."""

    features: int
    kernel: int

    @nn.compact
    def __call__(self, x: Array) -> Array:
        w = self.param("kernel", glorot, (self.kernel, self.kernel, x.shape[-1], self.features))
        return layers.conv(x, w) + self.param("bias", nn.initializers.zeros, (self.features,))


class ConvTranspose(nn.Module):
    """Stride-2 transposed convolution that doubles the image; kernel [k,k,out,in], Glorot-uniform, zero bias."""

    features: int
    kernel: int

    @nn.compact
    def __call__(self, x: Array) -> Array:
        w = self.param("kernel", glorot, (self.kernel, self.kernel, self.features, x.shape[-1]))
        return layers.conv_transpose(x, w) + self.param("bias", nn.initializers.zeros, (self.features,))


class ConvEncoder(nn.Module):
    """Image [B,H,W,C] -> mean [B,D], logvar [B,D]; each layer halves the image, so 2**len(channels) divides H and W.

    The paper's: channels 32 32 64 64 and kernels 4 4 2 2 (2x2 in layers 3 and 4, as in the code that made the
    published models; its docstring and the paper's table say 4x4), hidden 256. 309,204 parameters at 64x64x1, D=10.
    """

    num_latents: int
    channels: Sequence[int] = (32, 32, 64, 64)
    kernels: Sequence[int] = (4, 4, 2, 2)
    hidden: int = 256

    @nn.compact
    def __call__(self, images: Array) -> tuple[Array, Array]:
        if len(self.channels) != len(self.kernels) or any(kernel % 2 for kernel in self.kernels):
            raise ValueError(
                f"encoder {self.channels=}, {self.kernels=}: as many kernels as channels, all of an even size"
            )
        h = images
        for features, kernel in zip(self.channels, self.kernels, strict=True):
            h = nn.relu(Conv(features, kernel)(h))
        h = nn.relu(nn.Dense(self.hidden, kernel_init=glorot)(h.reshape(h.shape[0], -1)))
        mean = nn.Dense(self.num_latents, kernel_init=glorot, name="mean")(h)
        logvar = nn.Dense(self.num_latents, kernel_init=glorot, name="logvar")(h)
        return mean, logvar


class ConvDecoder(nn.Module):
    """Latents [B,D] -> logits [B,H,W,C]; mirrors the encoder, 4x4 kernels throughout.

    The paper's: channels 64 64 32 32 (the first is that of the small image), hidden 256. 381,313 parameters at 64x64x1.
    """

    image_shape: tuple[int, int, int]
    channels: Sequence[int] = (64, 64, 32, 32)
    hidden: int = 256

    @nn.compact
    def __call__(self, z: Array) -> Array:
        height, width, colours = self.image_shape
        shrink = 2 ** len(self.channels)
        small = (height // shrink, width // shrink, self.channels[0])
        h = nn.relu(nn.Dense(self.hidden, kernel_init=glorot)(z))
        h = nn.relu(nn.Dense(math.prod(small), kernel_init=glorot)(h))
        h = h.reshape(-1, *small)
        for features in self.channels[1:]:
            h = nn.relu(ConvTranspose(features, 4)(h))
        return ConvTranspose(colours, 4)(h)
