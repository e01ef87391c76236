"""Couples of points of which the second is a sparse change of the first, mixed by a net: vectors for SlowVAE.

    s ~ N(0, 1),    s' = s + e,    e ~ Laplace(0, scale) for each source,    x = f(s)

Rows 2i and 2i + 1 are a couple, s and then s'. Klindt et al. 2021 (arXiv 2007.10930), equations 1 and 2, whose
transitions have a rate, 1 / scale.
"""

import dataclasses
from pathlib import Path
from typing import Annotated

import numpy as np
from annotated_types import Interval

from disentanglement_study import rng
from disentanglement_study.data.catalogue import Facts
from disentanglement_study.data.series import mixture
from disentanglement_study.types import DataSet

NAME, VERSION = "laplace_pairs", 1


@dataclasses.dataclass(frozen=True)
class Options(mixture.Options):
    """Those of `mixture.Options`. scale: the mean of |e|."""

    num_pairs: Annotated[int, Interval(ge=1, le=5_000_000)] = 10_000
    scale: mixture.Positive = 0.5


def facts(options: Options) -> Facts:
    source = "Klindt et al. 2021: rows 2i and 2i + 1 are a couple, which differs by a Laplace change of each source"
    return mixture.facts(options, 2 * options.num_pairs, source)._replace(together=2)


def load(options: Options, root: Path | None = None) -> DataSet:
    """The points of these options; nothing is kept in `root`."""
    about, shape = facts(options), (options.num_pairs, options.num_sources)
    first = rng.generator(options.seed, NAME, "first").standard_normal(shape)
    change = rng.generator(options.seed, NAME, "change").laplace(0, options.scale, shape)
    sources = np.stack([first, first + change], axis=1).reshape(-1, options.num_sources)
    return mixture.data_set(NAME, VERSION, options, about, sources)
