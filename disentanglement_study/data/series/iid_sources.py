"""Independent sources that are identically distributed over time, mixed by a net.

With one layer this is linear ICA, which all but Gaussian sources allow. With more no method can find the sources
(Hyvärinen and Pajunen 1999, "Nonlinear independent component analysis: existence and uniqueness results"): what one
scores here it owes to something else.
"""

import dataclasses
from pathlib import Path

from disentanglement_study import rng
from disentanglement_study.data.catalogue import Facts
from disentanglement_study.data.series import mixture
from disentanglement_study.data.series.innovations import INNOVATIONS, Distribution
from disentanglement_study.types import DataSet

NAME, VERSION = "iid_sources", 1


@dataclasses.dataclass(frozen=True)
class Options(mixture.Options):
    """Those of `mixture.Options`. distribution: of each source, of variance 1."""

    num_points: mixture.NumPoints = 10_000
    distribution: Distribution = "laplace"


def facts(options: Options) -> Facts:
    source = "Hyvärinen and Pajunen 1999: sources without structure over time, which linear ICA alone can find"
    return mixture.facts(options, options.num_points, source)


def load(options: Options, root: Path | None = None) -> DataSet:
    """The points of these options; nothing is kept in `root`."""
    about, draws = facts(options), rng.generator(options.seed, NAME, "sources")
    sources = INNOVATIONS[options.distribution](draws, (options.num_points, options.num_sources))
    return mixture.data_set(NAME, VERSION, options, about, sources)
