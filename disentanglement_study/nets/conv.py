"""The convolutional encoder and decoder of Locatello et al. 2019 (arXiv 1811.12359, appendix)."""

import math

import flax.linen as nn
from jax import Array

from disentanglement_study.nets import layers
from disentanglement_study.nets.initialisers import glorot
from disentanglement_study.nets.options import Channels, Kernels, Width


class Kernel(nn.Module):
    """The kernel [k,k,large,small] of a convolution, Glorot-uniform, and its bias [outputs], zero."""

    shape: tuple[int, int, int, int]
    outputs: int

    @nn.compact
    def __call__(self) -> tuple[Array, Array]:
        return self.param("kernel", glorot, self.shape), self.param("bias", nn.initializers.zeros, (self.outputs,))


def layer(x: Array, w: Array, bias: Array, form: str, *, transposed: bool, rectified: bool) -> Array:
    """`layers.conv`, or `conv_transpose`, of max(x, 0) if `rectified`, and a bias."""
    if (fused := layers.FORMS[form].layer) is not None:
        return fused(x, w, bias, transposed, rectified)
    convolution = layers.conv_transpose if transposed else layers.conv
    return convolution(layers.relu(x) if rectified else x, w, form) + bias


class ConvEncoder(nn.Module):
    """The convolutional encoder of Locatello et al. 2019.

    Image [B,H,W,C] -> mean [B,D], logvar [B,D]; each layer halves the image, so 2**len(channels) divides H and W.

    The paper's: channels 32 32 64 64 and kernels 4 4 2 2 (2x2 in layers 3 and 4, as in the code that made the
    published models; its docstring and the paper's table say 4x4), hidden 256. 309,204 parameters at 64x64x1, D=10.
    """

    num_latents: int
    channels: Channels = (32, 32, 64, 64)
    kernels: Kernels = (4, 4, 2, 2)
    hidden: Width = 256
    form: str = "patches"

    @nn.compact
    def __call__(self, images: Array) -> tuple[Array, Array]:
        if len(self.channels) != len(self.kernels) or any(kernel % 2 for kernel in self.kernels):
            raise ValueError(
                f"encoder {self.channels=}, {self.kernels=}: as many kernels as channels, all of an even size"
            )
        inputs = (images.shape[-1], *self.channels)
        kernels = [
            Kernel((k, k, large, small), small, name=f"Conv_{i}")()
            for i, (k, large, small) in enumerate(zip(self.kernels, inputs, self.channels, strict=False))
        ]

        def convolve(kernels: list, x: Array) -> Array:
            for i, (w, bias) in enumerate(kernels):
                x = layer(x, w, bias, self.form, transposed=False, rectified=i > 0)
            return layers.relu(x)

        h = layers.in_microbatches(convolve, kernels, images, self.form)
        h = nn.relu(nn.Dense(self.hidden, kernel_init=glorot)(h.reshape(h.shape[0], -1)))
        mean = nn.Dense(self.num_latents, kernel_init=glorot, name="mean")(h)
        logvar = nn.Dense(self.num_latents, kernel_init=glorot, name="logvar")(h)
        return mean, logvar


class ConvDecoder(nn.Module):
    """The convolutional decoder of Locatello et al. 2019.

    Latents [B,D] -> logits [B,H,W,C]; mirrors the encoder, 4x4 kernels throughout.

    The paper's: channels 64 64 32 32 (the first is that of the small image), hidden 256. 381,313 parameters at 64x64x1.
    """

    image_shape: tuple[int, ...]
    channels: Channels = (64, 64, 32, 32)
    hidden: Width = 256
    form: str = "patches"

    @nn.compact
    def __call__(self, z: Array) -> Array:
        height, width, colours = self.image_shape
        shrink = 2 ** len(self.channels)
        small = (height // shrink, width // shrink, self.channels[0])
        h = nn.relu(nn.Dense(self.hidden, kernel_init=glorot)(z))
        h = nn.relu(nn.Dense(math.prod(small), kernel_init=glorot)(h))
        outputs = (*self.channels[1:], colours)
        kernels = [
            Kernel((4, 4, large, small), large, name=f"ConvTranspose_{i}")()
            for i, (small, large) in enumerate(zip(self.channels, outputs, strict=True))
        ]

        def convolve(kernels: list, y: Array) -> Array:
            for i, (w, bias) in enumerate(kernels):
                y = layer(y, w, bias, self.form, transposed=True, rectified=i > 0)
            return y

        return layers.in_microbatches(convolve, kernels, h.reshape(-1, *small), self.form)
