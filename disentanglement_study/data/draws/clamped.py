"""Batches in which most factors are the same for all images, as weak supervision by groups.

Each is `name(key, n, sizes, names) -> factors [n,F]`, int32: points of a complete factor grid. They work inside jit and
vmap; ValueError for a grid that does not allow it.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Int, Key

from disentanglement_study.data.draws.distributions import Names, Sizes


def one_varies(key: Key[Array, ""], n: int, sizes: Sizes, names: Names) -> Int[Array, "n f"]:
    """Batches in which one factor varies and the others have one value.

    The factor is drawn uniformly for the batch, and is uniform in each image.

    The clamped mini-batches of Kulkarni et al. 2015 (arXiv:1503.03167, section 3.1), who draw the batches of intrinsic
    factors ten times as often as the others.
    """
    if n < 2:
        raise ValueError(f"a batch of {n} image: expected 2 or more, so that a factor can vary")
    if min(sizes) < 2:
        raise ValueError(f"factor {names[sizes.index(min(sizes))]!r} has one value: it cannot vary")
    key_factor, key_shared, key_varying = jax.random.split(key, 3)
    varies = jax.random.randint(key_factor, (), 0, len(sizes)) == jnp.arange(len(sizes))
    shared = jax.random.randint(key_shared, (len(sizes),), 0, np.array(sizes))
    return jnp.where(varies, jax.random.randint(key_varying, (n, len(sizes)), 0, np.array(sizes)), shared)


CLAMPED: dict[str, Callable[..., Array]] = {"one_varies": one_varies}
