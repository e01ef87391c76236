"""Images and kernels of a convolution of stride 2, rearranged for matrix products."""

import jax.numpy as jnp
from jax import Array, lax


def pad(x: Array, p: int) -> Array:
    return jnp.pad(x, ((0, 0), (p, p), (p, p), (0, 0)))


def column_pairs(x: Array, k: int) -> Array:
    """The padded image with two neighbouring columns, adjacent in memory, as one of twice the channels."""
    b, height, width, c = x.shape
    return pad(x, k // 2 - 1).reshape(b, height + k - 2, width // 2 + k // 2 - 1, 2 * c)


def to_blocks(x: Array, k: int) -> Array:
    """Space to depth: [B,2h,2w,C] -> [B,h+n-1,w+n-1,4C], channels by row, column and channel."""
    pairs = column_pairs(x, k)
    b, height, width, c = pairs.shape
    rows = pairs.reshape(b, height // 2, 2, width, c)
    return jnp.concatenate([rows[:, :, 0], rows[:, :, 1]], axis=-1)


def to_space(blocks: Array, border: int) -> Array:
    """The adjoint of `to_blocks`: [B,h+n-1,w+n-1,2,2,C] -> [B,2h,2w,C], without the border of n-1 pixels."""
    b, h, w, _, _, c = blocks.shape
    image = blocks.transpose(0, 1, 3, 2, 4, 5).reshape(b, 2 * h, 2 * w, c)
    return image[:, border : 2 * h - border, border : 2 * w - border]


def by_taps(w: Array) -> Array:
    """The kernel [k,k,C,O] by taps: [n,n,2,2,C,O], n = k/2."""
    k, _, c, o = w.shape
    return w.reshape(k // 2, 2, k // 2, 2, c, o).transpose(0, 2, 1, 3, 4, 5)


def transposed_product(a: Array, b: Array) -> Array:
    """aᵀ b of tall matrices, as XLA's CPU code is fastest: it would undo the choice of side without the barrier."""
    return lax.optimization_barrier(a.T @ b)
