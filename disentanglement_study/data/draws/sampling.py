"""How the inputs of a batch are drawn: a distribution over single ones, pairs of images, batches that share values of
factors, or neighbours in a series.

A study names one of `samplings()` and gives the options as its sweep file has them; one for training and another for
evaluation is how correlated data, held out combinations and extrapolation are studied.
"""

import functools
import inspect
import math
from collections.abc import Callable

import jax
import numpy as np
from jax import Array
from jaxtyping import Int, Key

from disentanglement_study.config.declared import check_options
from disentanglement_study.data.draws.alias import alias_table, draw
from disentanglement_study.data.draws.clamped import CLAMPED
from disentanglement_study.data.draws.distributions import DISTRIBUTIONS, Names, Sizes, Weights
from disentanglement_study.data.draws.pairs import PAIRS
from disentanglement_study.data.draws.series import SERIES
from disentanglement_study.errors import unknown

LARGEST_GRID = 2**22  # points that are weighed to check a setting
Points = Int[np.ndarray, " n"] | Int[np.ndarray, "n f"]

TO_TRAIN_ON = {
    **dict.fromkeys(PAIRS, "pairs"),
    **dict.fromkeys(CLAMPED, "batches that share values"),
    **dict.fromkeys(SERIES, "neighbours"),
}

__all__ = [
    "CLAMPED", "DISTRIBUTIONS", "LARGEST_GRID", "PAIRS", "SERIES", "TO_TRAIN_ON", "check", "distribution", "options_of",
    "sampler", "samplings",
]  # fmt: skip


def samplings() -> dict[str, Callable]:
    """All of them, by name."""
    return DISTRIBUTIONS | PAIRS | CLAMPED | SERIES


def distribution(name: str, options: dict, names: Names, sizes: Sizes, points: Points | None = None) -> Weights:
    """The weight of each image in a distribution of `DISTRIBUTIONS`.

    points: the grid point of each image (None: image i is at point i), or its bins, as in `DataSet`. Raises ValueError
    for an unknown distribution or option, a missing option, a value that makes no sense, and weights that are all zero.
    """
    if what := TO_TRAIN_ON.get(name):
        raise ValueError(f"sampling {name!r} draws {what}, to train on: expected one of {', '.join(DISTRIBUTIONS)}")
    weigh = _chosen(name, options)
    if points is None:
        factors = np.indices(sizes).reshape(len(sizes), math.prod(sizes)).T
    else:
        factors = points if points.ndim == 2 else np.stack(np.unravel_index(points, sizes), axis=1)
    weights = weigh(factors, sizes, names)
    if not weights.any():
        raise ValueError(f"sampling {name!r} with {options} leaves no image to draw")
    return weights


def sampler(
    name: str, options: dict, names: Names, sizes: Sizes, points: Points | None = None
) -> jax.tree_util.Partial:
    """What draws the batches of a training: `sampler(...)(key, n)` is an image index [n], int32.

    Pairs are at consecutive places, 2i and 2i + 1. The result is a pytree: handed to a jitted function as an argument,
    its table is not a constant of the program. Raises as `distribution` does, for pairs and shared values on a grid
    that has not exactly one image at each point, for pairs in a batch of odd size, and for neighbours of what is no
    series.
    """
    if name in SERIES:
        if points is None or points.ndim == 1:
            raise _no_series(name)
        return jax.tree_util.Partial(functools.partial(_chosen(name, options), number=len(points)))
    if name in PAIRS | CLAMPED:
        if points is not None:
            raise _no_grid(name)
        of_grid = functools.partial(_chosen(name, options), sizes=sizes, names=names)
        return jax.tree_util.Partial(functools.partial(_draw_pairs if name in PAIRS else _draw_points, of_grid, sizes))
    weights = distribution(name, options, names, sizes, points)
    if (weights == weights[0]).all():
        return jax.tree_util.Partial(functools.partial(_draw_uniform, len(weights)))
    return jax.tree_util.Partial(draw, alias_table(weights))


def check(
    name: str,
    options: dict,
    names: Names,
    sizes: Sizes,
    batch_size: int = 2,
    num_points: int | None = None,
    one_each: bool = True,
) -> None:
    """Raises what `sampler`, and its result when called, would raise; needs no images and starts no device.

    num_points: of a series (None: there is a grid of factors). one_each: whether a grid has one image at each point, in
    order. Of a series, and of a grid of more points than
    `LARGEST_GRID`, it is known when it is read whether a distribution leaves something to draw.
    """
    key = jax.eval_shape(lambda: jax.random.key(0))
    if name in SERIES:
        if num_points is None:
            raise _no_series(name)
        jax.eval_shape(functools.partial(_chosen(name, options), n=batch_size, number=num_points), key)
    elif num_points is not None:
        if name in PAIRS | CLAMPED:
            raise _no_grid(name)
        _check_of_a_point(name, options, names, sizes)
    elif name in PAIRS | CLAMPED:
        if not one_each:
            raise _no_grid(name)
        jax.eval_shape(functools.partial(sampler(name, options, names, sizes), n=batch_size), key)
    elif math.prod(sizes) > LARGEST_GRID:
        _check_of_a_point(name, options, names, sizes)
    else:
        distribution(name, options, names, sizes)


def _check_of_a_point(name: str, options: dict, names: Names, sizes: Sizes) -> None:
    """ValueError for factors and values that are not there: no more than one point has to be weighed for that."""
    weigh = _chosen(name, options)
    if names:  # else there is no truth, and nothing to name
        weigh(np.zeros((1, len(sizes)), int), sizes, names)


def _no_grid(name: str) -> ValueError:
    return ValueError(
        f"sampling {name!r} draws {TO_TRAIN_ON[name]}: it needs a grid with one image at each point, in order"
    )


def _no_series(name: str) -> ValueError:
    return ValueError(f"sampling {name!r} draws neighbours in time: it needs a series, whose points are in that order")


def _draw_uniform(number: int, key: Key[Array, ""], n: int) -> Int[Array, " n"]:
    return jax.random.randint(key, (n,), 0, number)


def _draw_pairs(pair: Callable, sizes: Sizes, key: Key[Array, ""], n: int) -> Int[Array, " n"]:
    if n % 2:
        raise ValueError(f"a batch of {n} images cannot be cut into pairs: its size must be even")
    return _indices(pair(key, n // 2), sizes).reshape(n)


def _draw_points(points: Callable, sizes: Sizes, key: Key[Array, ""], n: int) -> Int[Array, " n"]:
    return _indices(points(key, n), sizes)


def _indices(factors: Int[Array, "*n f"], sizes: Sizes) -> Int[Array, "*n"]:
    return factors @ np.cumprod((1, *sizes[:0:-1]))[::-1].astype(np.int32)


def options_of(name: str) -> dict[str, inspect.Parameter]:
    """The options of a sampling, with what each may be and its default."""
    parameters = inspect.signature(samplings()[name]).parameters.values()
    return {p.name: p for p in parameters if p.kind is p.KEYWORD_ONLY}


def _chosen(name: str, options: dict) -> Callable:
    """The function of this name with its options, which are of the types that it declares."""
    functions = samplings()
    if name not in functions:
        raise unknown("sampling", name, functions)
    declared = options_of(name)
    kinds = {option: parameter.annotation for option, parameter in declared.items()}
    required = [option for option, parameter in declared.items() if parameter.default is parameter.empty]
    return functools.partial(functions[name], **check_options(f"sampling {name!r}", options, kinds, required))
