"""Convolution of stride 2 with a 4 x 4 kernel at 9/16 of the operations.

On 2 x 2 blocks of 4C channels such a convolution has 2 x 2 taps and stride 1. Two outputs of two taps in one dimension
take three products, not four (Winograd 1980, "Arithmetic complexity of computations", F(2, 2)):

    a0 = d0 g0 + d1 g1 = m0 + m1        m0 = (d0 - d1) g0    m1 = d1 (g0 + g1)    m2 = (d2 - d1) g1
    a1 = d1 g0 + d2 g1 = m1 + m2

so in two dimensions nine matrix products give four outputs (Lavin & Gray 2016, arXiv 1509.09308): Aᵀ[(G g Gᵀ)(Bᵀ d B)]A
for each tile d of 3 x 3 blocks. The matrices hold but 0, 1 and -1: no more rounding than by other ways.
"""

import functools
from collections.abc import Callable, Sequence

import jax.numpy as jnp
from jax import Array

from disentanglement_study.nets.rearrange import by_taps, to_blocks, to_space, transposed_product

KERNEL = 4  # pixels of a side of the kernel, and of the part of a large image that is a tile's own
TILE = 4
Matrix = Sequence[Sequence[int]]
INPUT: Matrix = ((1, -1, 0), (0, 1, 0), (0, -1, 1))  # Bᵀ
WEIGHT: Matrix = ((1, 0), (1, 1), (0, 1))  # G
OUTPUT: Matrix = ((1, 1, 0), (0, 1, 1))  # Aᵀ


def _transform(matrix: Matrix, entry: Callable[[int, int], Array]) -> list[Array]:
    """The entries of M X Mᵀ by rows, where X[i, j] is the array `entry(i, j)`: each one sum, which XLA fuses."""

    def add(total: Array, term: tuple[int, Array]) -> Array:
        return total + term[1] if term[0] > 0 else total - term[1]

    results = []
    for row in matrix:
        for column in matrix:
            terms = [(a * b, entry(i, j)) for i, a in enumerate(row) for j, b in enumerate(column) if a * b]
            (_, first), *others = sorted(terms, key=lambda term: -term[0])
            results.append(functools.reduce(add, others, first))
    return results


def _transposed(matrix: Matrix) -> Matrix:
    return tuple(zip(*matrix, strict=True))


def _inputs(d: Array) -> list[Array]:
    """Bᵀ d B of each tile: [B,2h+1,2w+1,C] -> nine [B*h*w,C]."""
    _, height, width, c = d.shape
    tiles = _transform(INPUT, lambda i, j: d[:, i : height - 2 + i : 2, j : width - 2 + j : 2])
    return [tile.reshape(-1, c) for tile in tiles]


def _weights(g: Array) -> list[Array]:
    """G g Gᵀ: [2,2,C,O] -> nine [C,O]."""
    return _transform(WEIGHT, lambda i, j: g[i, j])


def _outputs(products: list[Array], b: int, h: int, w: int) -> Array:
    """Aᵀ m A of each tile: nine [B*h*w,O] -> [B,2h,2w,O]."""
    m = [product.reshape(b, h, w, -1) for product in products]
    one, two, three, four = _transform(OUTPUT, lambda i, j: m[3 * i + j])
    rows = jnp.stack([jnp.stack([one, two], axis=3), jnp.stack([three, four], axis=3)], axis=2)
    return rows.reshape(b, 2 * h, 2 * w, -1)


def halve(x: Array, w: Array) -> Array:
    """[B,4h,4w,C], [4,4,C,O] -> [B,2h,2w,O]."""
    b, height, width, c = x.shape
    weights = _weights(by_taps(w).reshape(2, 2, 4 * c, -1))
    products = [d @ g for d, g in zip(_inputs(to_blocks(x, KERNEL)), weights, strict=True)]
    return _outputs(products, b, height // TILE, width // TILE)


def double(y: Array, w: Array) -> Array:
    """[B,h,w,O], [4,4,C,O] -> [B,2h,2w,C], as a convolution of stride 1 that gives blocks."""
    b, height, width, o = y.shape
    c, h, v = w.shape[2], height // 2 + 1, width // 2 + 1
    weights = _weights(by_taps(w)[::-1, ::-1].transpose(0, 1, 5, 2, 3, 4).reshape(2, 2, o, 4 * c))
    padded = jnp.pad(y, ((0, 0), (1, 2 * h - height), (1, 2 * v - width), (0, 0)))
    products = [d @ g for d, g in zip(_inputs(padded), weights, strict=True)]
    blocks = _outputs(products, b, h, v)[:, : height + 1, : width + 1]
    return to_space(blocks.reshape(b, height + 1, width + 1, 2, 2, c), border=1)


def kernel_gradient(x: Array, y: Array) -> Array:
    """[B,4h,4w,C], [B,2h,2w,O] -> [4,4,C,O]: Gᵀ[Σ (Bᵀ d B)(A y Aᵀ)]G, the sum over tiles."""
    b, height, width, o = y.shape
    c, phases = x.shape[-1], y.reshape(b, height // 2, 2, width // 2, 2, o)
    tiles = _transform(_transposed(OUTPUT), lambda i, j: phases[:, :, i, :, j])
    products = [
        transposed_product(tile.reshape(-1, o), d) for tile, d in zip(tiles, _inputs(to_blocks(x, KERNEL)), strict=True)
    ]
    taps = jnp.stack(_transform(_transposed(WEIGHT), lambda i, j: products[3 * i + j]))
    return taps.reshape(2, 2, o, 2, 2, c).transpose(0, 3, 1, 4, 5, 2).reshape(KERNEL, KERNEL, c, o)
