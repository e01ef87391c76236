"""Populations: how a function of one model becomes a function of many, and how many fit a device."""

import math
import os
from collections.abc import Callable
from typing import Any

import jax
from jax import lax

# Of a device's memory, what a program may plan for: the rest is for other programs and fragments.
USABLE = 0.85
# A smaller population must be this much faster a model to be chosen: less is within the noise of a short measurement.
WORTH = 0.95


def takes_turns() -> bool:
    """Whether the members of a population are computed one after the other, as on CPU, or together."""
    return jax.default_backend() == "cpu"


def over_members(function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` of one member, applied along the leading axis of every argument.

    On an accelerator all members advance together (`vmap`). On CPU they take turns inside the compiled program
    (`lax.map`): a member's working set stays in the cache, and its result is the same bit for bit in any population.
    """
    if takes_turns():
        return lambda *members: lax.map(lambda member: function(*member), members)
    return jax.vmap(function)


def even(num_runs: int, largest: int) -> int:
    """The size of the fewest equal parts of `num_runs` that are not larger than `largest`."""
    return math.ceil(num_runs / math.ceil(num_runs / max(min(largest, num_runs), 1)))


def smaller(num_runs: int, size: int) -> int:
    """The size after running out of memory with `size`: half of it, in equal parts."""
    return even(num_runs, max(size // 2, 1))


def choose(num_runs: int, num_bytes: Callable[[int], float], seconds: Callable[[int], float]) -> int:
    """The number of models to train together, at most `num_runs`: the largest that fits, or a faster half of it.

    num_bytes: device memory that a program of so many models needs. seconds: measured, a step of so many. Either may
    raise an error of the device being out of memory, which counts as not fitting. Members that take turns gain nothing
    from being fewer, and are not measured.
    """
    size, limit = num_runs, device_bytes()
    while size > 1 and not _fits(lambda: num_bytes(size) <= USABLE * limit):  # noqa: B023
        size = smaller(num_runs, size)
    if takes_turns():
        return size
    best: tuple[int, float] | None = None
    while best is None or size < best[0]:
        try:
            rate = seconds(size) / size
        except Exception as error:
            if not out_of_memory(error) or size == 1:
                raise
        else:
            if best is not None and rate > WORTH * best[1]:
                break
            best = (size, rate)
        size = smaller(num_runs, size)
    return best[0]


def _fits(test: Callable[[], bool]) -> bool:
    try:
        return test()
    except Exception as error:
        if out_of_memory(error):
            return False
        raise


def out_of_memory(error: BaseException) -> bool:
    """Whether a device ran out of memory while compiling or running."""
    return isinstance(error, jax.errors.JaxRuntimeError) and "RESOURCE_EXHAUSTED" in str(error)


def device_bytes() -> float:
    """Memory that a population may use: of the first device, or on CPU what the machine has free."""
    statistics = jax.local_devices()[0].memory_stats() or {}
    if "bytes_limit" in statistics:
        return statistics["bytes_limit"]
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (ValueError, OSError):  # a platform that does not say
        return math.inf
