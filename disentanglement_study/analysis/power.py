"""How large a difference of two means is found with n seeds each, and how many seeds a difference needs.

Two groups of n, normal with the same SD σ, and a difference of their means of δ: the t of Student's test has a
noncentral t distribution with 2n - 2 degrees of freedom and noncentrality (δ / σ) √(n / 2). Its power is the chance
that |t| is beyond what it exceeds in 5 % of cases without a difference (Cohen 1988, "Statistical Power Analysis for the
Behavioral Sciences", chapter 2). Exact, where the normal distribution would ask for too few seeds. With as many in both
groups Welch's t is the same number, and has a few degrees of freedom less where the SDs differ.
"""

from functools import cache
from typing import NamedTuple

import numpy as np
from scipy.optimize import brentq
from scipy.stats import chi2, nct, norm
from scipy.stats import t as student

POWER, SIGNIFICANCE, LEVEL = 0.8, 0.05, 0.95
# More seeds than anyone trains: what needs more is "not within 1,000 seeds".
MOST = 1000
# A noncentrality that is always found, whatever n.
SURE = 30.0


class Spread(NamedTuple):
    """The SD within cells, the ends of its 95 % interval, and what it rests on; `effective` where SDs differ."""

    sd: float
    low: float
    high: float
    cells: int
    n: int
    degrees_of_freedom: int
    effective: float


def power(effect: float, n: int) -> float:
    """The chance that two groups of n whose means differ by `effect` SDs are told apart, two-sided at 5 %."""
    return _beyond(effect * np.sqrt(n / 2), 2 * n - 2)


def _beyond(noncentrality: float, degrees_of_freedom: float) -> float:
    critical = student.ppf(1 - SIGNIFICANCE / 2, degrees_of_freedom)
    noncentrality = min(noncentrality, SURE)
    right, wrong = (
        nct.sf(critical, degrees_of_freedom, noncentrality),
        nct.cdf(-critical, degrees_of_freedom, noncentrality),
    )
    return float(right + np.nan_to_num(wrong))  # SciPy's is NaN where it is below 1e-17


@cache
def detectable(n: int) -> float:
    """The least difference, in SDs, that two groups of n find with a power of 80 %."""
    noncentrality = brentq(lambda value: _beyond(value, 2 * n - 2) - POWER, 0, SURE)
    return float(noncentrality / np.sqrt(n / 2))


def needed(effect: float) -> float:
    """The least n, from 2, that finds a difference of `effect` SDs with a power of 80 %; NaN if 1,000 are too few."""
    if not effect > 0:
        return np.nan
    # As many as the normal distribution would need are never too many.
    n = max(2, np.ceil(2 * (norm.ppf([1 - SIGNIFICANCE / 2, POWER]).sum() / effect) ** 2))
    while n <= MOST and power(effect, n) < POWER:
        n += 1
    return float(n) if n <= MOST else np.nan


def spread(values: np.ndarray, cells: np.ndarray) -> Spread | None:
    """The SD of values [n] within their cells [n]: the root of the pooled, unbiased variance. None if all are of one.

    Σ (n_c - 1) s_c² / Σ (n_c - 1). Its interval is of χ², with as many degrees of freedom as are left where the
    variances of cells differ (Satterthwaite 1946): (Σ ν σ²)² / Σ ν σ⁴, both of which are estimated without bias.
    """
    _, cell, count = np.unique(cells, return_inverse=True, return_counts=True)
    means = np.bincount(cell, values) / count
    squares = np.bincount(cell, (values - means[cell]) ** 2)[count > 1]
    free = count[count > 1] - 1
    if not len(free):
        return None
    fourth = (squares**2 / (free + 2)).sum()
    effective = np.clip(squares.sum() ** 2 / fourth - 2, 1, free.sum()) if fourth > 0 else free.sum()
    sd = np.sqrt(squares.sum() / free.sum())
    low, high = sd * np.sqrt(effective / chi2.ppf([(1 + LEVEL) / 2, (1 - LEVEL) / 2], effective))
    return Spread(
        float(sd), float(low), float(high), len(free), int(count[count > 1].sum()), int(free.sum()), float(effective)
    )
