"""Distributions over the images of a factor grid: the iid one, correlated factors, and parts that are held out.

Each is `name(factors [N,F], sizes, names, *, options) -> weights [N]`: the probability of each image, not normalised;
an image of weight 0 is never drawn. It is a function of the factors alone, so the grid may have holes, or several
images at a point. Options are what a sweep file can hold: strings, numbers, lists and dicts. A held out part is drawn
uniformly with part="test", and everything else with part="train".

All raise ValueError for a factor that does not exist or is named twice and a value outside a factor's range; what the
other options may be is declared (see `declared`) and checked in `sampling`.
"""

import math
from collections.abc import Callable, Collection
from typing import Annotated

import numpy as np
from annotated_types import Ge, Gt, Interval
from jaxtyping import Bool, Float, Int

from disentanglement_study import rng
from disentanglement_study.config.declared import OneOf
from disentanglement_study.errors import unknown

Factors = Int[np.ndarray, "n f"]
Weights = Float[np.ndarray, " n"]
Sizes = tuple[int, ...]
Names = tuple[str, ...]
Sigma = Annotated[float, Gt(0)]  # large: independent
Share = Annotated[float, Interval(gt=0, lt=1)]
Seed = Annotated[int, Ge(0)]
LARGEST_SPLIT = 2**26  # points of a grid, all of which are permuted: half a GB
Part = Annotated[str, OneOf(lambda: ("train", "test"))]


def iid(factors: Factors, sizes: Sizes, names: Names) -> Weights:
    """All images are drawn alike."""
    return np.ones(len(factors))


def correlated_pair(
    factors: Factors, sizes: Sizes, names: Names, *, first: str, second: str, sigma: Sigma, inverse: bool = False
) -> Weights:
    """Two factors near a line through their values, the others uniform and independent.

        p(c1, c2) ∝ exp(-(c2 - α c1)^2 / (2 σ^2)),   with `inverse` c2 - (1 - c1) in place of c2 - c1

    Träuble et al. 2021 (arXiv:2006.07886). Factors are scaled to [0, 1], so α, the ratio of their largest
    values, is 1 and σ is a share of their range, as in the code of Roth et al. 2023 (arXiv:2210.07347), where
    `inverse` is from. A large σ gives `iid`, an infinite one exactly.
    """
    return correlated_pairs(factors, sizes, names, pairs=[[first, second]], sigma=sigma, inverse=inverse)


def correlated_pairs(
    factors: Factors, sizes: Sizes, names: Names, *, pairs: list, sigma: Sigma, inverse: bool = False
) -> Weights:
    """Several pairs of factors that go together: the product of `correlated_pair` over `pairs`.

    pairs: a list of [first, second]. With pairs that share a factor, these are the settings of Roth et al. 2023 in
    which one factor is confounded with others.
    """
    exponent = np.zeros(len(factors))
    for pair in pairs:
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise ValueError(f"pairs: {pair!r}: expected two factors, [first, second]")
        pair_columns = columns(names, pair)
        for column in pair_columns:
            if sizes[column] < 2:
                raise ValueError(f"factor {names[column]!r} has one value: it cannot be correlated")
        c1, c2 = (factors[:, column] / (sizes[column] - 1) for column in pair_columns)
        exponent -= ((c2 - (1 - c1 if inverse else c1)) / sigma) ** 2 / 2
    return np.exp(exponent)


def held_out_combinations(
    factors: Factors, sizes: Sizes, names: Names, *, held_out: list, part: Part = "train"
) -> Weights:
    """Combinations of factor values that are never trained on; part "test" is exactly those.

    held_out: a list of dicts {factor: list of values}; an image is held out if it matches every entry of any of them.
    Montero et al. 2021 (The role of disentanglement in generalisation): on dSprites, recombination to range
    is [{"shape": [1], "position_x": [16, ..., 31]}], extrapolation [{"position_x": [16, ..., 31]}], and recombination
    to element one dict that names all the factors.
    """
    held = np.zeros(len(factors), bool)
    for box in held_out:
        if not isinstance(box, dict) or not box:
            raise ValueError(f"held_out: {box!r}: expected {{factor: list of values}}")
        inside = np.ones(len(factors), bool)
        for column, values in zip(columns(names, box), box.values(), strict=True):
            allowed = range(sizes[column])
            if not isinstance(values, list | tuple):
                raise ValueError(f"held_out: {names[column]} = {values!r}: expected a list of values")
            for value in values:
                if isinstance(value, bool) or value not in allowed:
                    raise ValueError(f"held_out: {names[column]} = {value!r}: values are 0 to {sizes[column] - 1}")
            inside &= np.isin(factors[:, column], values)
        held |= inside
    return _part(held, part)


def extrapolation(
    factors: Factors, sizes: Sizes, names: Names, *, on: list, share: Share = 0.3, part: Part = "train"
) -> Weights:
    """Held out are the highest values of the factors `on`.

    These are the images at which one or more of the factors are among the top `share` of their values.

    With `interpolation`, `composition` and `random_split`: the splits of Schott et al. 2022 (arXiv:2107.08221).
    The paper's lists of values were not at hand: that `share` of the values, and which, is ours.
    """
    return _part(_num_held(factors, sizes, names, on, share, _top) >= 1, part)


def interpolation(
    factors: Factors, sizes: Sizes, names: Names, *, on: list, share: Share = 0.3, part: Part = "train"
) -> Weights:
    """Held out are values in the midst of the range of the factors `on`.

    These are the images at which one or more of the factors have one of `share` of their values, evenly spread between
    the first and the last, which are trained on. Schott et al. 2022; see `extrapolation`.
    """
    return _part(_num_held(factors, sizes, names, on, share, _between) >= 1, part)


def composition(
    factors: Factors, sizes: Sizes, names: Names, *, on: list, share: Share = 0.3, part: Part = "train"
) -> Weights:
    """Held out are combinations of high values of the factors `on`.

    These are the images at which two or more of the factors are among the top `share` of their values: all values are
    trained on, these combinations are not. Schott et al. 2022; see `extrapolation`.
    """
    if len(on) < 2:
        raise ValueError(f"on = {on!r}: expected two factors or more")
    return _part(_num_held(factors, sizes, names, on, share, _top) >= 2, part)


def random_split(
    factors: Factors,
    sizes: Sizes,
    names: Names,
    *,
    share: Share = 0.3,
    seed: Seed = 0,
    part: Part = "train",
) -> Weights:
    """Held out is a random `share` of the points of the grid: no shift, for comparison. Schott et al. 2022.

    Images at the same point are on the same side.
    """
    number = math.prod(sizes)
    if number > LARGEST_SPLIT:
        raise ValueError(
            f"sampling 'random_split' splits the grid of factors, or bins of sources, which has {number:,} points: "
            f"expected at most {LARGEST_SPLIT:,}"
        )
    held = rng.generator(seed, "sampling", "random_split").permutation(number) < round(share * number)
    return _part(held[np.ravel_multi_index(tuple(factors.T), sizes)], part)


def _num_held(
    factors: Factors, sizes: Sizes, names: Names, on: list, share: float, choose: Callable
) -> Int[np.ndarray, " n"]:
    """How many of the factors `on` have, at each image, one of the values that `choose` takes out."""
    if not on:
        raise ValueError(f"on is empty: name factors (there are: {', '.join(names)})")
    count = np.zeros(len(factors), int)
    for column in columns(names, on):
        values = choose(sizes[column], share)
        if len(values) == 0:
            raise ValueError(f"factor {names[column]!r} has {sizes[column]} values: too few to hold out {share} of")
        count += np.isin(factors[:, column], values)
    return count


def _top(size: int, share: float) -> Int[np.ndarray, " k"]:
    """The last values of a factor: `share` of them, one at least, not all."""
    return np.arange(size - min(max(round(share * size), 1), size - 1), size)


def _between(size: int, share: float) -> Int[np.ndarray, " k"]:
    """Values evenly spread between the first and the last, which are not among them."""
    gaps = min(max(round(share * size), 1), max(size - 2, 0)) + 1
    return (2 * np.arange(1, gaps) * (size - 1) + gaps) // (2 * gaps)  # rounded half up: no two are the same


def _part(held: Bool[np.ndarray, " n"], part: str) -> Weights:
    return (held if part == "test" else ~held).astype(float)


def columns(names: Names, factors: Collection) -> list[int]:
    """Where the named factors stand; ValueError for one that does not exist or is named twice."""
    for factor in factors:
        if factor not in names:
            raise unknown("factor", factor, names)
    if len(set(factors)) < len(factors):
        raise ValueError(f"a factor is named twice: {', '.join(factors)}")
    return [names.index(factor) for factor in factors]


DISTRIBUTIONS: dict[str, Callable[..., np.ndarray]] = {
    "iid": iid,
    "correlated_pair": correlated_pair,
    "correlated_pairs": correlated_pairs,
    "held_out_combinations": held_out_combinations,
    "random_split": random_split,
    "composition": composition,
    "interpolation": interpolation,
    "extrapolation": extrapolation,
}
