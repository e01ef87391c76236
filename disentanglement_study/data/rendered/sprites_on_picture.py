"""dSprites as the negative of their background, a piece of a picture in a random tint.

    background = (crop + tint) / 2    crop: 64 x 64 pixels of the picture, in [0, 1]; tint ~ U(0, 1)^3 for each image
    image      = 1 - background where the sprite is, background elsewhere

(Scream dSprites of Locatello et al. 2019, arXiv:1811.12359.) The corner of the crop is uniform in 0..height - 65 and
0..width - 65, so the picture's last row and column are never seen, as in the study.
"""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Key, UInt8

from disentanglement_study.data.catalogue import CATALOGUE
from disentanglement_study.data.rendered import dsprites
from disentanglement_study.types import DataSet


def load(name: str, picture: UInt8[np.ndarray, "height width 3"], root: Path | None = None) -> DataSet:
    """dSprites' own storage, shared with it, on a picture of more than 64 pixels each way.

    The nuisance names the picture by the SHA-256 of its pixels: another one makes another data set.
    """
    check(name, picture)
    height, width, _ = picture.shape

    def render(storage: UInt8[Any, "_ 512"], index: Int[Any, " n"], keys: Key[Any, " n"]) -> Float[Any, "n 64 64 3"]:
        """Images in [0, 1]."""
        import jax
        import jax.numpy as jnp

        def draw_background(key):
            key_corner, key_tint = jax.random.split(key)
            top, left = jax.random.randint(key_corner, (2,), 0, jnp.array([height - 64, width - 64]))
            crop = jax.lax.dynamic_slice(jnp.asarray(picture), (top, left, 0), (64, 64, 3))
            return (crop.astype(jnp.float32) / 255 + jax.random.uniform(key_tint, (3,))) / 2

        sprite = dsprites.unpack(storage, index) > 0
        background = jax.vmap(draw_background)(keys)
        return jnp.where(sprite, 1 - background, background)

    names, sizes, shape = CATALOGUE[name][:3]
    digest = hashlib.sha256(picture.data).hexdigest()
    nuisance = f"the crop and the tint of the background, a picture of {width} x {height} pixels with SHA-256 {digest}"
    return DataSet(
        name, names, sizes, shape, dsprites.load(root).storage, render, nuisance=nuisance, sha256=dsprites.SHA256
    )


def check(name: str, picture: UInt8[np.ndarray, "height width 3"]) -> None:
    """ValueError for a picture that is too small."""
    height, width, _ = picture.shape
    if min(height, width) <= 64:
        raise ValueError(f"{name} needs a picture of more than 64 x 64 pixels, not {width} x {height}")
