"""A matrix product of arrays that are seen as matrices (`views`), in one kernel for a GPU: Pallas, through Triton.

Under `vmap` it stays one kernel, of more programs. On other devices Pallas interprets it, which is slow: for tests.
Pallas changes from version to version: this is as JAX 0.10 has it.
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
from disentanglement_study.nets.views import Axis, Run, View


class Factor(NamedTuple):
    """An array as a matrix. `rectified`: what is negative counts as zero. `summed`: its sums along k are wanted too."""

    array: Array
    view: View
    rectified: bool = False
    summed: bool = False


class Result(NamedTuple):
    """The shape of an array, and the matrix in it that the product becomes."""

    shape: Axis
    view: View


class Tile(NamedTuple):
    """What one program computes: rows x columns of the product, `depth` of k at a time, by so many warps of 32 threads.

    Powers of two; rows, columns and depth are 16 at least. With more than one of `stages`, loads run steps ahead of the
    product, but go round the cache next to the cores, in which patches that overlap would meet.
    """

    rows: int
    columns: int
    depth: int
    warps: int = 4
    stages: int = 1


class Product(NamedTuple):
    """The array of a product, and sums along k of its factors (None unless wanted); or their shapes, or refs."""

    array: Any
    left_sums: Any
    right_sums: Any


def product(
    left: Factor,
    right: Factor,
    result: Result,
    tile: Tile,
    *,
    parts: int = 1,
    bias: Array | None = None,
    gate: Array | None = None,
) -> Product:
    """The array in which `result.view` is Σ_k left[m, k] right[k, n].

    To it is added `bias`, along the last size of the array; it is zero where `gate`, an array of the same shape, is not
    above zero. Where neither is asked for, k may be cut into `parts`, of as many steps each, which XLA adds up.
    """
    (rows, columns, _), depth = result.view, left.view.columns
    steps = pl.cdiv(math.prod(depth), tile.depth) // parts
    shapes = Product(result.shape, rows if left.summed else None, columns if right.summed else None)
    totals = Product((tile.rows, tile.columns), (tile.rows, tile.depth), (tile.depth, tile.columns))

    def kernel(interpreted: bool, left_ref: Any, right_ref: Any, bias_ref: Any, gate_ref: Any, *out_refs: Any) -> None:
        column, row, part = (pl.program_id(axis) for axis in range(3))
        m = views.run(rows, row * tile.rows, tile.rows)
        n = views.run(columns, column * tile.columns, tile.columns)

        def step(i: Array, total: Product) -> Product:
            k = views.run(depth, (part * steps + i) * tile.depth, tile.depth)
            a, b = _factor(left_ref, left, m, k), _factor(right_ref, right, k, n)
            terms = Product(jnp.dot(a, b, preferred_element_type=jnp.float32), a, b)
            return _each(lambda shape, total, term: total + term, shapes, total, terms)

        # All programs of a row, or column, find the same sums, and all write them.
        zeros = _each(lambda shape, total: jnp.zeros(total, jnp.float32), shapes, totals)
        total = lax.fori_loop(0, steps, step, zeros)
        store = functools.partial(_store, interpreted)
        out, offsets, there = total.array, *views.tile(result.view, m, n)
        if bias is not None:
            out += _load(bias_ref, n.places[-1], n.there)[None]
        if gate is not None:
            out = jnp.where(_load(gate_ref, offsets, there) > 0, out, 0)
        refs = Product(*out_refs)
        store(refs.array, out, offsets, there)
        if left.summed:
            store(refs.left_sums, total.left_sums.sum(1), views.place(m.places, rows), m.there)
        if right.summed:
            store(refs.right_sums, total.right_sums.sum(0), views.place(n.places, columns), n.there)

    def call(interpreted: bool) -> Callable[..., Product]:
        def of_parts(make: Callable[[int], Any]) -> Product:
            return _each(lambda shape: make(math.prod(shape)), shapes)

        return pl.pallas_call(
            functools.partial(kernel, interpreted),
            of_parts(lambda size: jax.ShapeDtypeStruct((parts, size), left.array.dtype)),
            grid=(pl.cdiv(math.prod(columns), tile.columns), pl.cdiv(math.prod(rows), tile.rows), parts),
            out_specs=of_parts(lambda size: pl.BlockSpec((None, size), lambda column, row, part: (part, 0))),
            compiler_params=triton.CompilerParams(num_warps=tile.warps, num_stages=tile.stages),
            interpret=interpreted,
        )

    flat = (left.array.reshape(-1), right.array.reshape(-1), bias, None if gate is None else gate.reshape(-1))
    out = lax.platform_dependent(*flat, cuda=call(False), default=call(True))
    return _each(lambda shape, array: array.sum(0).reshape(shape), shapes, out)


def _each(function: Callable[..., Any], shapes: Product, *others: Product) -> Product:
    """The function of each array that there is."""
    return Product(*(None if one[0] is None else function(*one) for one in zip(shapes, *others, strict=True)))


def _factor(ref: Any, factor: Factor, rows: Run, columns: Run) -> Array:
    """A tile of a factor, zero where there is none."""
    values = _load(ref, *views.tile(factor.view, rows, columns))
    return jnp.maximum(values, 0) if factor.rectified else values


def _load(ref: Any, offsets: Array, there: Array | None) -> Array:
    return triton.load(ref.at[offsets], mask=there, other=None if there is None else 0.0)


def _store(interpreted: bool, ref: Any, values: Array, offsets: Array, there: Array | None) -> None:
    if interpreted and there is not None:  # the interpreter writes what is not there too: it must go nowhere
        offsets = jnp.where(there, offsets, ref.shape[0])
    triton.store(ref.at[offsets], values.astype(ref.dtype), mask=there)
