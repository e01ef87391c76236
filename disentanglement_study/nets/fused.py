"""Strided convolution whose patches are never written: each of the three maps of `layers` is one kernel, by Pallas.

Each map is a matrix product, out[m, n] = Σ_k left[m, k] right[k, n], and each matrix a view of an array as it is:

    halve             y[(b,i,j), o]        = Σ over (r,s,c)  x[(b,i,j), (r,s,c)] w[(r,s,c), o]
    double            x[(b,i,j), (r,s,c)]  = Σ over (p,q,o)  y[(b,i,j), (p,q,o)] w[(p,q,o), (r,s,c)]
    kernel_gradient   w[(r,s,c), o]        = Σ over (b,i,j)  x[(r,s,c), (b,i,j)] y[(b,i,j), o]

A program computes a tile of a product, which it keeps in registers while it goes along k. A pixel is in k*k/4 patches;
it is read from memory once, and from a cache for the others.

The sizes of tiles are in `_halve`, `_double` and `_gradients`. Any shape is right with any tile; those here were chosen
by what the compiler says of the study's nets (enough registers, 16 bytes a load), and no GPU has timed them yet.

Products are of float32 or TF32 operands, as JAX's default precision has it. `runtime.precision` does not reach into a
kernel: with `train.precision = 'bfloat16'` these are of TF32.
"""

import functools
import math
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array
from jax.experimental import pallas as pl

from disentanglement_study.nets import views
from disentanglement_study.nets.products import Factor, Result, Tile, product

LEAST = 16  # rows, columns or depth of a tile, for tensor cores
POSITIONS = 2048  # of the small image that a program adds up for the gradient of a kernel


@functools.partial(jax.custom_vjp, nondiff_argnums=(3, 4))
def layer(x: Array, w: Array, bias: Array, transposed: bool, rectified: bool) -> Array:
    """`halve`, or `double` if `transposed`, of max(x, 0) if `rectified`, plus a bias [O], or [C]."""
    return (_double if transposed else _halve)(x, w, rectified, bias)


@functools.partial(jax.custom_vjp, nondiff_argnums=(3, 4))
def _pull_back(x: Array, w: Array, out: Array, transposed: bool, rectified: bool) -> tuple[Array, Array, Array]:
    """The gradients of a layer's x, w and bias, of that of what it gives."""
    gradient = (_halve if transposed else _double)(out, w, gate=x if rectified else None)
    large, small = (out, x) if transposed else (x, out)
    return gradient, *_gradients(large, small, w.shape[0], transposed, rectified)


def _pull_back_apart(x: Array, w: Array, out: Array, transposed: bool, rectified: bool) -> tuple[Array, Array, Array]:
    """`_pull_back` by maps that have gradients, for gradients of gradients."""

    def apart(x: Array, w: Array, bias: Array) -> Array:
        return (double if transposed else halve)(jax.nn.relu(x) if rectified else x, w) + bias

    return jax.vjp(apart, x, w, jnp.zeros_like(out, shape=out.shape[-1:]))[1](out)


def _pull_back_twice(transposed: bool, rectified: bool, saved: tuple[Array, ...], gradients: tuple[Array, ...]) -> Any:
    apart = functools.partial(_pull_back_apart, transposed=transposed, rectified=rectified)
    return jax.vjp(apart, *saved)[1](gradients)


layer.defvjp(
    lambda x, w, bias, transposed, rectified: (layer(x, w, bias, transposed, rectified), (x, w)),
    lambda transposed, rectified, saved, out: _pull_back(*saved, out, transposed, rectified),
)
_pull_back.defvjp(
    lambda x, w, out, transposed, rectified: (_pull_back(x, w, out, transposed, rectified), (x, w, out)),
    _pull_back_twice,
)


@jax.custom_vjp
def halve(x: Array, w: Array) -> Array:
    """[B,2h,2w,C], [k,k,C,O] -> [B,h,w,O]."""
    return _halve(x, w)


@jax.custom_vjp
def double(y: Array, w: Array) -> Array:
    """[B,h,w,O], [k,k,C,O] -> [B,2h,2w,C]."""
    return _double(y, w)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def kernel_gradient(x: Array, y: Array, k: int) -> Array:
    """[B,2h,2w,C], [B,h,w,O] -> [k,k,C,O]."""
    return _gradients(x, y, k, transposed=False, rectified=False)[0]


halve.defvjp(
    lambda x, w: (halve(x, w), (x, w)),
    lambda saved, y: (double(y, saved[1]), kernel_gradient(saved[0], y, saved[1].shape[0])),
)
double.defvjp(
    lambda y, w: (double(y, w), (y, w)),
    lambda saved, x: (halve(x, saved[1]), kernel_gradient(x, saved[0], saved[1].shape[0])),
)
kernel_gradient.defvjp(
    lambda x, y, k: (kernel_gradient(x, y, k), (x, y)),
    lambda k, saved, w: (double(saved[1], w), halve(saved[0], w)),
)


def _halve(x: Array, w: Array, rectified: bool = False, bias: Array | None = None, gate: Array | None = None) -> Array:
    """`halve` of max(x, 0) if `rectified`, and more: see `product`."""
    (b, height, width, _), (k, _, c, o) = x.shape, w.shape
    small, taps = (b, height // 2, width // 2), (k, k, c)
    left, right = Factor(x, views.patches(x.shape, k), rectified), Factor(w, views.matrix(taps, (o,)))
    tile = Tile(rows=128, columns=_size(o, 64), depth=_depth(c))
    return product(left, right, Result((*small, o), views.matrix(small, (o,))), tile, bias=bias, gate=gate).array


def _double(y: Array, w: Array, rectified: bool = False, bias: Array | None = None, gate: Array | None = None) -> Array:
    """`double` of max(y, 0) if `rectified`, and more: see `product`."""
    (b, h, width, o), (k, _, c, _) = y.shape, w.shape
    large = (b, 2 * h, 2 * width, c)
    left, right = Factor(y, views.windows(y.shape, k), rectified), Factor(w, views.taps(w.shape))
    tile = Tile(rows=64, columns=_size(4 * c, 128), depth=_depth(o))
    return product(left, right, Result(large, views.blocks(large, k)), tile, bias=bias, gate=gate).array


def _gradients(x: Array, y: Array, k: int, transposed: bool, rectified: bool) -> tuple[Array, Array]:
    """Those of a layer's kernel and bias. x went into it, and y is the gradient of what came out; if `transposed`, y
    went in, and x is the gradient. What went in is to be `rectified`, and for the bias the gradient is summed.
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
