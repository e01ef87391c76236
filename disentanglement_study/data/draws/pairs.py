"""Pairs of images for weak supervision and temporal data.

Each is `name(key, n, sizes, names, *, options) -> factors [n,2,F]`, int32: n pairs of points of a complete factor grid.
They work inside jit and vmap. Options are what a sweep file can hold; ValueError for those that make no sense.
"""

from collections.abc import Callable
from typing import Annotated

import jax
import jax.numpy as jnp
import numpy as np
from annotated_types import Ge, Interval
from jax import Array
from jaxtyping import Int, Key

from disentanglement_study.data.draws.distributions import Names, Sizes, columns

Rate = Annotated[float, Interval(gt=0, le=1e300)]  # finite, and so is its product with a distance


def differ_in_k(
    key: Key[Array, ""],
    n: int,
    sizes: Sizes,
    names: Names,
    *,
    k: Annotated[int, Ge(-1)] = -1,
    may_repeat: bool = False,
    often_one: bool = False,
) -> Int[Array, "n 2 f"]:
    """Pairs of images that differ in k factors.

    The first image is uniform; in the second, k factors drawn without replacement have another value, uniform
    among the others. k = -1: uniform in 1..F-1 for each pair.

    Locatello et al. 2020 (arXiv:2002.02886); with k = -1 also "UNI" of Klindt et al. 2021 (see `transitions`). The
    published code, disentanglement_lib, draws as with both `may_repeat` (a chosen factor is drawn among all its values,
    the old one too) and `often_one` (half of the pairs have one chosen factor, whatever k).
    """
    if k != -1 and not 1 <= k < len(sizes):
        raise ValueError(f"k = {k}: pairs differ in 1 to {len(sizes) - 1} factors (-1: a random number of them)")
    if min(sizes) < 2:
        raise ValueError(f"factor {names[sizes.index(min(sizes))]!r} has one value: it cannot change")
    bounds = np.array(sizes)
    keys = jax.random.split(key, 5)
    first = jax.random.randint(keys[0], (n, len(sizes)), 0, bounds)
    numbers = jax.random.randint(keys[1], (n, 1), 1, len(sizes)) if k == -1 else jnp.full((n, 1), k)
    if often_one:
        numbers = jnp.where(jax.random.bernoulli(keys[2], shape=(n, 1)), 1, numbers)
    chosen = jnp.argsort(jax.random.uniform(keys[3], first.shape), axis=1) < numbers
    step = jax.random.randint(keys[4], first.shape, 0 if may_repeat else 1, bounds)
    return jnp.stack([first, jnp.where(chosen, (first + step) % bounds, first)], axis=1)


def transitions(
    key: Key[Array, ""], n: int, sizes: Sizes, names: Names, *, rate: Rate = 1.0, categorical: list | None = None
) -> Int[Array, "n 2 f"]:
    """Pairs of images as two frames of a film, between which few factors change.

    Temporally sparse transitions: the first image is uniform, and each factor of the second follows

        p(c' | c) ∝ exp(-rate |c' - c| / log(size)),   c' in 0..size-1: cut off at the borders, no wrapping,

    but for the `categorical` factors, which stay. If nothing changed, one of the other factors, drawn uniformly, is
    drawn again from p without c' = c. This is "LAP" of SlowVAE, Klindt et al. 2021 (arXiv:2007.10930), as in the
    authors' code. Theirs has rate 1 and as categorical factors the shape of dSprites and 3D Shapes, the object of
    Cars3D and the category of SmallNORB.
    """
    still = columns(names, categorical or [])
    moving = np.array([column for column, size in enumerate(sizes) if size > 1 and column not in still])
    if len(moving) == 0:
        raise ValueError("every factor is categorical or has one value: none can change")
    laplace = [np.exp(-rate * _distance(size) / np.log(max(size, 2))) for size in sizes]
    steps = [np.eye(len(p)) if column in still else p for column, p in enumerate(laplace)]
    changes = [p * (_distance(len(p)) > 0) for p in laplace]

    key_first, key_step, key_change, key_forced = jax.random.split(key, 4)
    first = jax.random.randint(key_first, (n, len(sizes)), 0, np.array(sizes))
    second, changed = _next(key_step, first, steps), _next(key_change, first, changes)
    forced = jax.random.choice(key_forced, moving, (n, 1)) == np.arange(len(sizes))
    unchanged = (second == first).all(axis=1, keepdims=True)
    return jnp.stack([first, jnp.where(unchanged & forced, changed, second)], axis=1)


def _distance(size: int) -> Int[np.ndarray, "k k"]:
    return np.abs(np.subtract.outer(np.arange(size), np.arange(size)))


def _next(key: Key[Array, ""], values: Int[Array, "n f"], weights: list) -> Int[Array, "n f"]:
    """Each factor's next value, drawn with the weights [value, next value] of that factor."""
    largest = max(map(len, weights))
    cumulative = np.ones((len(weights), largest, largest), np.float32)
    for column, weight in enumerate(weights):
        total = np.cumsum(weight, axis=1)
        cumulative[column, : len(weight), : len(weight)] = total / np.maximum(total[:, -1:], np.finfo(float).tiny)
    u = jax.random.uniform(key, (*values.shape, 1))
    return (u >= jnp.asarray(cumulative)[np.arange(len(weights)), values]).sum(axis=2, dtype=jnp.int32)


PAIRS: dict[str, Callable[..., Array]] = {"differ_in_k": differ_in_k, "transitions": transitions}
