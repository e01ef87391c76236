"""Strided convolution whose patches are never written: each of the three maps of `layers` is one kernel, by Pallas.

Each map is a matrix product, out[m, n] = Σ_k left[m, k] right[k, n], and each matrix a view of an array as it is:

    halve             y[(b,i,j), o]        = Σ over (r,s,c)  x[(b,i,j), (r,s,c)] w[(r,s,c), o]
    double            x[(b,i,j), (r,s,c)]  = Σ over (p,q,o)  y[(b,i,j), (p,q,o)] w[(p,q,o), (r,s,c)]
    kernel_gradient   w[(r,s,c), o]        = Σ over (b,i,j)  x[(r,s,c), (b,i,j)] y[(b,i,j), o]

A program computes a tile of a product, which it keeps in registers while it goes along k. A pixel is in k*k/4 patches;
it is read from memory once, and from a cache for the others.

The sizes of tiles are in `halve`, `double` and `kernel_gradient`: powers of two, `LEAST` or more.
"""

import functools
import math
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.experimental import pallas as pl
from jax.experimental.pallas import triton

from disentanglement_study.nets import views
from disentanglement_study.nets.views import Run, View

LEAST = 16  # rows, columns or depth that tensor cores take
POSITIONS = 2048  # of the small image that a program adds up for the gradient of a kernel


class Tile(NamedTuple):
    """What a program computes of a product: rows x columns, `depth` of k at a time, by so many warps of 32 threads.

    `stages`: for how many steps along k operands are on their way at once.
    """

    rows: int
    columns: int
    depth: int
    warps: int = 4
    stages: int = 1


class Seen(NamedTuple):
    """How a product sees its arrays: out = left right."""

    left: View
    right: View
    out: View


def halve(x: Array, w: Array) -> Array:
    """[B,2h,2w,C], [k,k,C,O] -> [B,h,w,O]."""
    (b, height, width, _), (k, _, c, o) = x.shape, w.shape
    small, taps = (b, height // 2, width // 2), (k, k, c)
    tile = Tile(rows=128, columns=_size(o, 64), depth=_depth(c))
    seen = Seen(views.patches(x.shape, k), views.matrix(taps, (o,)), views.matrix(small, (o,)))
    return _product(x, w, (*small, o), seen, tile)


def double(y: Array, w: Array) -> Array:
    """[B,h,w,O], [k,k,C,O] -> [B,2h,2w,C]."""
    (b, h, width, o), (k, _, c, _) = y.shape, w.shape
    large = (b, 2 * h, 2 * width, c)
    tile = Tile(rows=64, columns=_size(4 * c, 128), depth=_depth(o))
    seen = Seen(views.windows(y.shape, k), views.taps(w.shape), views.blocks(large, k))
    return _product(y, w, large, seen, tile)


def kernel_gradient(x: Array, y: Array, k: int) -> Array:
    """[B,2h,2w,C], [B,h,w,O] -> [k,k,C,O]."""
    (*small, o), taps = y.shape, (k, k, x.shape[-1])
    tile = Tile(rows=_size(math.prod(taps), 128), columns=_size(o, 64), depth=32)
    steps = pl.cdiv(math.prod(small), tile.depth)
    parts = max(n for n in range(1, 1 + pl.cdiv(math.prod(small), POSITIONS)) if steps % n == 0)
    x_seen, y_seen = views.transposed(views.patches(x.shape, k)), views.matrix(tuple(small), (o,))
    return _product(x, y, (*taps, o), Seen(x_seen, y_seen, views.matrix(taps, (o,))), tile, parts)


def _size(wanted: int, most: int) -> int:
    """Rows or columns of a tile for so many of the product."""
    return min(max(LEAST, pl.next_power_of_2(wanted)), most)


def _depth(channels: int) -> int:
    """A step along k stays within one pixel, unless channels are few: what the pixel's place asks for is asked once."""
    return 32 if channels % 32 == 0 else LEAST


def _product(a: Array, b: Array, shape: tuple[int, ...], seen: Seen, tile: Tile, parts: int = 1) -> Array:
    """The array of this shape that, seen as `out`, is the product of `a` and `b`. Of `parts`, along k, it is the sum."""
    left, right, out = seen
    m, n, k = (math.prod(axis) for axis in (out.rows, out.columns, left.columns))
    size, steps = math.prod(shape), pl.cdiv(k, tile.depth) // parts

    def kernel(a_ref: Any, b_ref: Any, out_ref: Any, interpret: bool) -> None:
        column, row, part = (pl.program_id(axis) for axis in range(3))
        columns = views.run(out.columns, column * tile.columns, tile.columns)
        rows = views.run(out.rows, row * tile.rows, tile.rows)

        def step(i: Array, total: Array) -> Array:
            depth = views.run(left.columns, (part * steps + i) * tile.depth, tile.depth)
            a, b = _load(a_ref, left, rows, depth), _load(b_ref, right, depth, columns)
            return total + jnp.dot(a, b, preferred_element_type=jnp.float32)

        total = lax.fori_loop(0, steps, step, jnp.zeros((tile.rows, tile.columns), jnp.float32))
        offsets, there = views.tile(out, rows, columns)
        offsets += part * size
        if interpret and there is not None:  # the interpreter also writes what is not there: that must go nowhere
            offsets = jnp.where(there, offsets, parts * size)
        triton.store(out_ref.at[offsets], total.astype(out_ref.dtype), mask=there)

    def call(interpret: bool) -> Callable[[Array, Array], Array]:
        return pl.pallas_call(
            functools.partial(kernel, interpret=interpret),
            jax.ShapeDtypeStruct((parts * size,), a.dtype),
            grid=(pl.cdiv(n, tile.columns), pl.cdiv(m, tile.rows), parts),
            compiler_params=triton.CompilerParams(num_warps=tile.warps, num_stages=tile.stages),
            interpret=interpret,
        )

    results = lax.platform_dependent(a.reshape(-1), b.reshape(-1), cuda=call(False), default=call(True))
    return results.reshape(parts, *shape).sum(0)


def _load(ref: Any, view: View, rows: Run, columns: Run) -> Array:
    """The elements of some rows and columns, zero where there are none."""
    offsets, there = views.tile(view, rows, columns)
    return triton.load(ref.at[offsets], mask=there, other=None if there is None else 0.0)
