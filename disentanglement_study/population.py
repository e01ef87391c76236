"""How a function of one model becomes a function of a population: the only place that knows."""

from collections.abc import Callable
from typing import Any

import jax
from jax import lax


def over_members(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` of one member, applied along the leading axis of every argument.

    On an accelerator all members advance together (`vmap`). On CPU they take turns inside the compiled program
    (`lax.map`): a member's working set stays in the cache, and its result is the same bit for bit in any population.
    """
    if jax.default_backend() == "cpu":
        return lambda *members: lax.map(lambda member: function(*member), members)
    return jax.vmap(function)
