"""The values that a latent takes in an animated traversal: the five families of ranges of disentanglement_lib.

Each is `name(base [D], mean [N,D], logvar [N,D], frames) -> values [D,frames]`: for each latent one cycle that begins
at the base point, rises to the upper end of the range, falls to the lower one and comes back. The last frame is one
step before the first, so that the animation can be repeated. `mean` and `logvar` are codes of a sample of images; the
Gaussian fitted to latent d has the moments of the aggregate posterior,

    loc_d = mean_n mean_nd,   scale_d² = mean_n exp(logvar_nd) + var_n mean_nd.

A base point beyond its range starts at the nearer end (disentanglement_lib: reflected, and out of range if far).
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float
from scipy.stats import norm

from disentanglement_study.errors import unknown

Base = Float[np.ndarray, " d"]
Sample = Float[np.ndarray, "n d"]
Values = Float[np.ndarray, "d frames"]

HALF_WIDTH = 2.0
# Quantiles are not followed further than this: those of 0 and 1 are infinite.
TAIL = 0.001


def std_gaussian_cycle(base: Base, mean: Sample, logvar: Sample, frames: int) -> Values:
    """Quantiles of the prior N(0, 1), at equal steps of probability."""
    return _quantiles(base, np.zeros_like(base), np.ones_like(base), frames)


def fitted_gaussian_cycle(base: Base, mean: Sample, logvar: Sample, frames: int) -> Values:
    """Quantiles of the fitted Gaussian, at equal steps of probability."""
    return _quantiles(base, *_fitted(mean, logvar), frames)


def fixed_interval_cycle(base: Base, mean: Sample, logvar: Sample, frames: int) -> Values:
    """-2 to 2, at equal steps."""
    return _interval(base, np.full_like(base, -HALF_WIDTH), np.full_like(base, HALF_WIDTH), frames)


def conf_interval_cycle(base: Base, mean: Sample, logvar: Sample, frames: int) -> Values:
    """Two standard deviations of the fitted Gaussian on both sides of its mean, at equal steps."""
    loc, scale = _fitted(mean, logvar)
    return _interval(base, loc - HALF_WIDTH * scale, loc + HALF_WIDTH * scale, frames)


def minmax_interval_cycle(base: Base, mean: Sample, logvar: Sample, frames: int) -> Values:
    """The least to the greatest posterior mean in the sample, at equal steps."""
    return _interval(base, mean.min(axis=0), mean.max(axis=0), frames)


FAMILIES: dict[str, Callable[[Base, Sample, Sample, int], Values]] = {
    function.__name__: function
    for function in (
        std_gaussian_cycle,
        fitted_gaussian_cycle,
        fixed_interval_cycle,
        conf_interval_cycle,
        minmax_interval_cycle,
    )
}


def families(name: str) -> tuple[str, ...]:
    """The family of that name, or "all" of them; ValueError for one that does not exist."""
    if name not in (*FAMILIES, "all"):
        raise unknown("family of ranges", name, (*FAMILIES, "all"))
    return tuple(FAMILIES) if name == "all" else (name,)


def _fitted(mean: Sample, logvar: Sample) -> tuple[Base, Base]:
    return mean.mean(axis=0), np.sqrt(np.exp(logvar).mean(axis=0) + mean.var(axis=0))


def _quantiles(base: Base, loc: Base, scale: Base, frames: int) -> Values:
    scale = np.maximum(scale, np.finfo(float).tiny)  # a code that is always the same stays so
    probability = _cycle(norm.cdf(base, loc, scale), frames).clip(TAIL, 1 - TAIL)
    return norm.ppf(probability, loc[:, None], scale[:, None])


def _interval(base: Base, low: Base, high: Base, frames: int) -> Values:
    width = high - low
    start = np.divide(base - low, width, out=np.zeros_like(base), where=width > 0)  # a dead latent stays where it is
    return low[:, None] + width[:, None] * _cycle(start, frames)


def _cycle(start: Base, frames: int) -> Values:
    """Positions in [0, 1] of a triangle wave of period `frames` that rises from `start`."""
    way = start.clip(0, 1)[:, None] + 2 * np.arange(frames) / frames
    return np.abs(1 - np.abs(1 - way))
