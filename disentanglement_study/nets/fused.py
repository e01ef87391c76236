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

import jax
from jax import Array
from jax.experimental import pallas as pl

from disentanglement_study.nets import views
from disentanglement_study.nets.products import Factor, Result, Tile, product

LEAST = 16  # rows, columns or depth of a tile
POSITIONS = 2048  # of the small image that a program adds up for the gradient of a kernel


@functools.partial(jax.custom_vjp, nondiff_argnums=(3, 4))
def layer(x: Array, w: Array, bias: Array, transposed: bool, rectified: bool) -> Array:
    """`layers.conv`, or `layers.conv_transpose`, of max(x, 0) if `rectified`, plus a bias [O], or [C]."""
    return (double if transposed else halve)(x, w, rectified, bias)


def _layer_back(transposed: bool, rectified: bool, saved: tuple[Array, Array], out: Array) -> tuple[Array, Array, Array]:
    x, w = saved
    gradient = (halve if transposed else double)(out, w, gate=x if rectified else None)
    large, small = (out, x) if transposed else (x, out)
    return gradient, *_gradients(large, small, w.shape[0], transposed, rectified)


layer.defvjp(lambda x, w, bias, *how: (layer(x, w, bias, *how), (x, w)), _layer_back)


def halve(x: Array, w: Array, rectified: bool = False, bias: Array | None = None, gate: Array | None = None) -> Array:
    """[B,2h,2w,C], [k,k,C,O] -> [B,h,w,O]. The others: see `product`."""
    (b, height, width, _), (k, _, c, o) = x.shape, w.shape
    small, taps = (b, height // 2, width // 2), (k, k, c)
    left, right = Factor(x, views.patches(x.shape, k), rectified), Factor(w, views.matrix(taps, (o,)))
    tile = Tile(rows=128, columns=_size(o, 64), depth=_depth(c))
    return product(left, right, Result((*small, o), views.matrix(small, (o,))), tile, bias=bias, gate=gate).array


def double(y: Array, w: Array, rectified: bool = False, bias: Array | None = None, gate: Array | None = None) -> Array:
    """[B,h,w,O], [k,k,C,O] -> [B,2h,2w,C]. The others: see `product`."""
    (b, h, width, o), (k, _, c, _) = y.shape, w.shape
    large = (b, 2 * h, 2 * width, c)
    left, right = Factor(y, views.windows(y.shape, k), rectified), Factor(w, views.taps(w.shape))
    tile = Tile(rows=64, columns=_size(4 * c, 128), depth=_depth(o))
    return product(left, right, Result(large, views.blocks(large, k)), tile, bias=bias, gate=gate).array


def kernel_gradient(x: Array, y: Array, k: int) -> Array:
    """[B,2h,2w,C], [B,h,w,O] -> [k,k,C,O]."""
    return _gradients(x, y, k, transposed=False, rectified=False)[0]


def _gradients(x: Array, y: Array, k: int, transposed: bool, rectified: bool) -> tuple[Array, Array]:
    """Of a layer's kernel and bias. What went into it is x, and the gradient of what came out y; or the other way round.

    What went in is to be `rectified`, what came out summed.
    """
    (*small, o), taps = y.shape, (k, k, x.shape[-1])
    left = Factor(x, views.transposed(views.patches(x.shape, k)), rectified and not transposed, summed=transposed)
    right = Factor(y, views.matrix(tuple(small), (o,)), rectified and transposed, summed=not transposed)
    tile = Tile(rows=_size(math.prod(taps), 128), columns=_size(o, 64), depth=32)
    steps, most = pl.cdiv(math.prod(small), tile.depth), pl.cdiv(math.prod(small), POSITIONS)
    parts = max(number for number in range(1, most + 1) if steps % number == 0)
    gradient, *sums = product(left, right, Result((*taps, o), views.matrix(taps, (o,))), tile, parts=parts)
    if not transposed:
        return gradient, sums[1]
    middle = slice(k // 2 - 1, k // 2 + 1)  # each pixel is under these four taps once
    return gradient, sums[0][middle, middle].sum((0, 1))


def _size(wanted: int, most: int) -> int:
    """Rows or columns of a tile for so many of the product."""
    return min(max(LEAST, pl.next_power_of_2(wanted)), most)


def _depth(channels: int) -> int:
    """A step along k stays within one pixel, unless channels are few: then what depends on the pixel is a number."""
    return 32 if channels % 32 == 0 else LEAST
