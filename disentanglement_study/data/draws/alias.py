"""Draws from any discrete distribution, in constant time on the device."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Int, Key, UInt32


class AliasTable(NamedTuple):
    """A discrete distribution over N rows, drawn from in constant time (Walker 1977).

    A row is drawn uniformly and kept with probability keep / 2^32, else its alias is taken. keep, alias: [N].
    """

    keep: UInt32[Any, " n"]
    alias: Int[Any, " n"]


def alias_table(weights: Float[np.ndarray, " n"]) -> AliasTable:
    """The table of weights ≥ 0, one of them positive. Each probability is right to 2^-31 of the mean one.

    Probabilities are integers in units of 2^-32 / N, so that nothing is lost on the way and a weight of 0 stays 0.
    """
    unit = 2**32
    total = unit * len(weights)
    mass = np.rint(weights / weights.sum() * total).astype(np.int64)
    missing = total - int(mass.sum())  # by rounding: at most half a unit a row, given to the heaviest rows
    mass[np.argsort(-weights, kind="stable")[: abs(missing)]] += np.sign(missing)

    keep = np.full(len(weights), unit - 1, np.uint32)
    alias = np.arange(len(weights), dtype=np.int32)
    # Vose's loop as cumulative sums. Light rows are filled up in order by the first heavy row that has excess left;
    # a heavy row that has given too much is then itself filled up by the next.
    light, heavy = np.flatnonzero(mass < unit), np.flatnonzero(mass > unit)
    lacking, excess = np.cumsum(unit - mass[light]), np.cumsum(mass[heavy] - unit)
    keep[light] = mass[light]
    alias[light] = heavy[np.searchsorted(excess, lacking - (unit - mass[light]))]
    overdrawn = lacking[np.searchsorted(lacking, excess[:-1], side="right")] - excess[:-1]
    keep[heavy[:-1]] = unit - overdrawn
    alias[heavy[:-1]] = heavy[1:]
    return AliasTable(keep, alias)


def draw(table: AliasTable, key: Key[Array, ""], n: int) -> Int[Array, " n"]:
    """Rows drawn with replacement.

    Not by inverting the cumulative distribution: float32 uniforms have 2^23 values, 11 or 12 for each of the 737,280
    images of dSprites, and rows would be over- or underdrawn by several percent.
    """
    keep, alias = map(jnp.asarray, table)
    key_row, key_keep = jax.random.split(key)
    row = jax.random.randint(key_row, (n,), 0, len(keep))
    return jnp.where(jax.random.bits(key_keep, (n,), jnp.uint32) < keep[row], row, alias[row])
