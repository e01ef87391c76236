"""Samplings of a series: its points are in the order of time, and neighbours are drawn together.

Each is `name(key, n, number, *, options) -> index [n]`, int32: n out of `number` points. They work inside jit and vmap.
"""

from collections.abc import Callable
from typing import Annotated

import jax
import jax.numpy as jnp
from annotated_types import Interval
from jax import Array
from jaxtyping import Int, Key

Length = Annotated[int, Interval(ge=1, le=2**20)]
WINDOW = 100  # points of a window of which no length is given


def successive(key: Key[Array, ""], n: int, number: int, *, lag: Length = 1, every: Length = 1) -> Int[Array, " n"]:
    """Pairs of a point of a series and the one `lag` before it.

    t is at place 2i, t - lag at 2i + 1, with t uniform.

    every: of the earlier points only every such one is drawn, the first among them; 2 keeps apart a series of couples.
    """
    if n % 2:
        raise ValueError(f"a batch of {n} points cannot be cut into pairs: its size must be even")
    if number <= lag:
        raise ValueError(f"successive.lag = {lag}: expected less than {number}, the points of the series")
    starts = (number - lag - 1) // every + 1
    earlier = every * jax.random.randint(key, (n // 2,), 0, starts)
    return jnp.stack([earlier + lag, earlier], axis=1).reshape(n)


def windows(key: Key[Array, ""], n: int, number: int, *, length: Length = WINDOW) -> Int[Array, " n"]:
    """Windows of `length` points of a series that follow one another.

    Each is at a uniform place; one window stands after the other.
    """
    if n % length:
        raise ValueError(
            f"a batch of {n} points cannot be cut into windows of {length} (windows.length): expected a multiple"
        )
    if number < length:
        raise ValueError(f"windows.length = {length}: expected at most {number}, the points of the series")
    starts = jax.random.randint(key, (n // length, 1), 0, number - length + 1)
    return (starts + jnp.arange(length)).reshape(n)


SERIES: dict[str, Callable[..., Int[Array, " n"]]] = {"successive": successive, "windows": windows}
