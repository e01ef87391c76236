"""Noisy dSprites: white sprites on a background of uniform noise (Locatello et al. 2019, arXiv:1811.12359).

    image = min(sprite + noise, 1),    noise ~ U(0, 1) for each pixel and channel

The noise is a multiple of 2^-16 below 1: half the random bits of a float's 2^-23, and a quarter of its time on CPU.
"""

from pathlib import Path
from typing import Any

from jaxtyping import Float, Int, Key, UInt8

from disentanglement_study.data.catalogue import CATALOGUE
from disentanglement_study.data.rendered import dsprites
from disentanglement_study.types import DataSet

FACTS = CATALOGUE["noisy_dsprites"]


def load(root: Path | None = None) -> DataSet:
    """dSprites' own storage, shared with it; the noise is drawn when an image is."""
    storage, nuisance = dsprites.load(root).storage, "the noise of the background"
    names, sizes, shape = FACTS[:3]
    return DataSet("noisy_dsprites", names, sizes, shape, storage, render, nuisance=nuisance, sha256=dsprites.SHA256)


def render(storage: UInt8[Any, "_ 512"], index: Int[Any, " n"], keys: Key[Any, " n"]) -> Float[Any, "n 64 64 3"]:
    """Images in [0, 1]."""
    import jax
    import jax.numpy as jnp

    def draw_noise(key):
        bits = jax.random.bits(key, (64 * 64 * 3 // 2,), jnp.uint32)
        halves = jax.lax.bitcast_convert_type(bits, jnp.uint16)
        return halves.reshape(64, 64, 3).astype(jnp.float32) / 2**16

    sprite = dsprites.unpack(storage, index) > 0
    return jnp.where(sprite, 1.0, jax.vmap(draw_noise)(keys))
