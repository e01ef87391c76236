"""Images and kernels of a convolution of stride 2 as matrices whose elements stay where they are.

The kernels of `products` load and store by such addresses, and nothing is rearranged in memory. With k x k pixels in a
kernel, the large image [B,2h,2w,C] has a border of n - 1 pixels (SAME padding), n = k/2.
"""

import functools
import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.experimental import pallas as pl

Axis = tuple[int, ...]  # an axis of a matrix: its index counts through these sizes, the last one fastest
Index = Sequence[Any]  # where a run of rows is along each of these sizes; a scalar where all of the run agree


class View(NamedTuple):
    """A matrix in an array: where in memory the element (row, column) lies, and whether it is there (None: each is)."""

    rows: Axis
    columns: Axis
    at: Callable[[Index, Index], tuple[Array, Array | None]]


class Run(NamedTuple):
    """A run of rows or columns, and which of it the matrix has (None: all)."""

    places: Index
    there: Array | None


def matrix(rows: Axis, columns: Axis) -> View:
    """An array [*rows, *columns]."""
    stride = math.prod(columns)
    return View(rows, columns, lambda row, column: (place(row, rows) * stride + place(column, columns), None))


def transposed(view: View) -> View:
    return View(view.columns, view.rows, lambda row, column: view.at(column, row))


def patches(shape: Axis, k: int) -> View:
    """A large image: a row for each small pixel (b,i,j), in it the k x k pixels (r,s,c) under the kernel."""
    b, height, width, c = shape
    border = k // 2 - 1

    def at(row: Index, column: Index) -> tuple[Array, Array | None]:
        b, i, j = row
        return _pixels(shape, (b, 2 * i - border, 2 * j - border), column, border)

    return View((b, height // 2, width // 2), (k, k, c), at)


def blocks(shape: Axis, k: int) -> View:
    """A large image with its border: a row for each block (b,i,j), in it the 2 x 2 pixels (r,s,c)."""
    b, height, width, c = shape
    border = k // 2 - 1
    return patches(shape, k)._replace(rows=(b, height // 2 + border, width // 2 + border), columns=(2, 2, c))


def windows(shape: Axis, k: int) -> View:
    """A small image [B,h,w,O]: a row for each block (b,i,j), in it the n x n pixels (p,q,o) that it takes part in."""
    b, h, w, o = shape
    border = k // 2 - 1

    def at(row: Index, column: Index) -> tuple[Array, Array | None]:
        p, q, o = column
        return _pixels(shape, row, (-p, -q, o), border)

    return View((b, h + border, w + border), (k // 2, k // 2, o), at)


def taps(shape: Axis) -> View:
    """A kernel [k,k,C,O]: a row for each pixel (p,q,o) of a window, a column for each pixel (r,s,c) of a block."""
    k, _, c, o = shape

    def at(row: Index, column: Index) -> tuple[Array, None]:
        (p, q, o), (r, s, c) = row, column
        return place([2 * p, 2 * q, 0, o], shape) + place([r, s, c, 0], shape), None

    return View((k // 2, k // 2, o), (2, 2, c), at)


def run(axis: Axis, start: Array, size: int) -> Run:
    """`size` rows or columns from `start`, a multiple of `size`. Who knows that can load 16 bytes at once."""
    inner = next((i for i in reversed(range(len(axis))) if math.prod(axis[i:]) % size == 0), 0)
    period = math.prod(axis[inner:])
    along = pl.multiple_of(lax.rem(start, period) if inner else start, size) + lax.iota(jnp.int32, size)
    index = [*_index(lax.div(start, period), axis[:inner]), *_index(along, axis[inner:])]
    return Run(index, None if period % size == 0 else along < period)


def tile(view: View, rows: Run, columns: Run) -> tuple[Array, Array | None]:
    """Where in memory the elements of some rows and columns lie, and which are there (None: all)."""
    down, across = (_spread(one, new_axis) for one, new_axis in ((rows, 1), (columns, 0)))
    offsets, there = view.at(down.places, across.places)
    conditions = [condition for condition in (there, down.there, across.there) if condition is not None]
    return offsets, functools.reduce(jnp.logical_and, conditions) if conditions else None


def place(index: Index, axis: Axis) -> Array:
    """The number that counts through `axis` to `index`: it is linear in the index."""
    number: Any = 0
    for one, size in zip(index, axis, strict=True):
        number = number * size + one
    return number


def _pixels(shape: Axis, start: Index, step: Index, border: int) -> tuple[Array, Array | None]:
    """The pixels at `start` (b,row,column) + `step` (row,column,c) of an image. All are in it if there is no border."""
    (b, top, left), (down, right, c), (_, height, width, _) = start, step, shape
    offsets = place([b, top, left, 0], shape) + place([0, down, right, c], shape)
    if not border:
        return offsets, None
    row, column = top + down, left + right
    return offsets, (row >= 0) & (row < height) & (column >= 0) & (column < width)


def _index(number: Array, axis: Axis) -> Index:
    """The inverse of `place`."""
    index = []
    for size in reversed(axis[1:]):
        index.append(lax.rem(number, size))
        number = lax.div(number, size)
    return [number, *reversed(index)] if axis else []


def _spread(run: Run, new_axis: int) -> Run:
    """Along one dimension of a tile."""
    return jax.tree.map(lambda array: jnp.expand_dims(array, new_axis) if array.ndim else array, run)
