"""Initial values of kernels."""

import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array


def glorot(key: Array, shape: tuple[int, ...], dtype: Any = jnp.float32) -> Array:
    """U(-l, l) with l = sqrt(6 / (fan_in + fan_out)), fans with the receptive field (Glorot & Bengio 2010, eq. 16).

    The numbers of `flax.linen.initializers.glorot_uniform()`, but drawn flat: XLA compiles draws of small
    multi-dimensional arrays slowly on CPU.
    """
    limit = math.sqrt(6 / (math.prod(shape[:-2]) * (shape[-2] + shape[-1])))
    return jax.random.uniform(key, (math.prod(shape),), dtype, -limit, limit).reshape(shape)
