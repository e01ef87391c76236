"""Random streams that do not depend on order: each is named, so adding one leaves the others as they were."""

import hashlib
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from jax import Array


def stable_hash(*names: str) -> int:
    """A 32-bit hash of the names, the same in every process and on every platform."""
    return int.from_bytes(hashlib.sha256("/".join(names).encode()).digest()[:4], "big")


def generator(seed: int, *names: str) -> np.random.Generator:
    """The NumPy generator of (seed, stage, name...)."""
    return np.random.default_rng([seed, stable_hash(*names)])


def key(seed: Any, *names: str) -> "Array":
    """The JAX key of (seed, stage, name...); `seed` may be traced."""
    import jax

    return jax.random.fold_in(jax.random.key(seed), stable_hash(*names))


def keys(seed: Any, index: Any, *names: str) -> "Array":
    """JAX keys [n] of (seed, stage, name...) and each of `index` [n]: the same whatever is beside it."""
    import jax

    return jax.vmap(jax.random.fold_in, (None, 0))(key(seed, *names), index)
