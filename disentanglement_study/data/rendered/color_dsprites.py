"""Color dSprites: each sprite in one random colour, on black (Locatello et al. 2019, arXiv:1811.12359).

image = sprite * color,    color ~ U(0.5, 1)^3, one for each image
"""

from pathlib import Path
from typing import Any

from jaxtyping import Float, Int, Key, UInt8

from disentanglement_study.data.catalogue import CATALOGUE
from disentanglement_study.data.rendered import dsprites
from disentanglement_study.types import DataSet

FACTS = CATALOGUE["color_dsprites"]


def load(root: Path | None = None) -> DataSet:
    """dSprites' own storage, shared with it; the colour is drawn when an image is."""
    storage, nuisance = dsprites.load(root).storage, "the colour of the sprite"
    names, sizes, shape = FACTS[:3]
    return DataSet("color_dsprites", names, sizes, shape, storage, render, nuisance=nuisance, sha256=dsprites.SHA256)


def render(storage: UInt8[Any, "_ 512"], index: Int[Any, " n"], keys: Key[Any, " n"]) -> Float[Any, "n 64 64 3"]:
    """Images in [0, 1]."""
    import jax
    import jax.numpy as jnp

    sprite = dsprites.unpack(storage, index) > 0
    color = jax.vmap(lambda key: jax.random.uniform(key, (1, 1, 3), minval=0.5))(keys)
    return jnp.where(sprite, color, 0.0)
