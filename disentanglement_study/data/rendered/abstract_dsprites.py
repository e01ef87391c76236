"""AbstractDSprites: sprites of six colours on five greys (van Steenkiste et al. 2019, arXiv:1905.12506).

The orientation is no factor: each image has one of dSprites' 40 at random.
"""

from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int, Key, UInt8

from disentanglement_study.data.catalogue import CATALOGUE
from disentanglement_study.data.rendered import dsprites
from disentanglement_study.types import DataSet

FACTS = CATALOGUE["abstract_dsprites"]
BACKGROUND_COLORS = np.repeat(np.linspace(0, 1, 5)[:, None], 3, axis=1)
OBJECT_COLORS = np.array(  # seaborn.husl_palette(6, h=0.1, s=0.7, l=0.7): equally bright to the eye
    [
        (0.9096231780824386, 0.5883403686424795, 0.3657680693481871),
        (0.6350181801577739, 0.6927729880940552, 0.3626904230371999),
        (0.3764832455369271, 0.7283900430001952, 0.5963114605342514),
        (0.39548987063404156, 0.7073922557810771, 0.7874577552076919),
        (0.6963644829189117, 0.6220697032672371, 0.899716387820763),
        (0.90815966835861, 0.5511103319168646, 0.7494337214212151),
    ]
)


def load(root: Path | None = None) -> DataSet:
    """dSprites' own storage, shared with it; the orientation is drawn when an image is."""
    storage, nuisance = dsprites.load(root).storage, "the orientation of the sprite"
    names, sizes, shape = FACTS[:3]
    return DataSet("abstract_dsprites", names, sizes, shape, storage, render, nuisance=nuisance, sha256=dsprites.SHA256)


def render(storage: UInt8[Any, "_ 512"], index: Int[Any, " n"], keys: Key[Any, " n"]) -> Float[Any, "n 64 64 3"]:
    """Images in [0, 1]."""
    import jax
    import jax.numpy as jnp

    background, color, shape, scale, x, y = jnp.unravel_index(index, FACTS.factor_sizes)
    orientation = jax.vmap(lambda key: jax.random.randint(key, (), 0, len(dsprites.ORIENTATIONS)))(keys)
    # Clipping is of no effect here; the default mode cannot be compiled.
    row = jnp.ravel_multi_index((shape, scale, orientation, x, y), dsprites.FACTS.factor_sizes, mode="clip")
    sprite = dsprites.unpack(storage, row) > 0
    palette = jnp.asarray(OBJECT_COLORS, jnp.float32), jnp.asarray(BACKGROUND_COLORS, jnp.float32)
    return jnp.where(sprite, palette[0][color][:, None, None], palette[1][background][:, None, None])
