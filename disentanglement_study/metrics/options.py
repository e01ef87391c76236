"""What the options that several metrics have may be; `plan` checks them (see `declared`). Upper bounds are generous."""

from collections.abc import Sequence
from typing import Annotated

from annotated_types import Ge, Interval, MinLen

from disentanglement_study.config.declared import OneOf

NumBins = Annotated[int, Interval(ge=2, le=100_000)]  # a table of counts has bins x values of a factor x codes
NumPoints = Annotated[int, Interval(ge=1, le=2**20 - 1)]  # exact boosting takes no more: `boosting_arrays.MAX_POINTS`
BatchSize = Annotated[int, Interval(ge=1, le=100_000)]  # rows for one point, of which 10,000 are drawn
VarianceBatch = Annotated[int, Interval(ge=2, le=100_000)]  # the same: one row has no variance
NumVariance = Annotated[int, Interval(ge=2, le=100_000_000)]  # one row has no variance; of 10 codes these are 8 GB
NumStages = Annotated[int, Interval(ge=1, le=10_000)]  # a hundred times the study's: hours a model
Threshold = Annotated[float, Ge(0)]
TrainSizes = Annotated[Sequence[Annotated[int, Ge(1)]], MinLen(1)]


def _trees() -> Sequence[str]:
    from disentanglement_study.metrics.estimators.predictors import BACKENDS

    return tuple(BACKENDS)


def _logistic_protocols() -> Sequence[str]:
    from disentanglement_study.metrics.estimators.logistic_regression import PROTOCOLS

    return tuple(PROTOCOLS)


def _logistic_backends() -> Sequence[str]:
    from disentanglement_study.metrics.estimators.logistic_regression import BACKENDS

    return tuple(BACKENDS)


Trees = Annotated[str, OneOf(_trees)]
LogisticProtocol = Annotated[str, OneOf(_logistic_protocols)]
LogisticBackend = Annotated[str, OneOf(_logistic_backends)]
