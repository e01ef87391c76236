"""Downstream task: logistic regressions that predict the factors from the codes."""

import functools

import numpy as np
from jaxtyping import Integer, Num

from disentanglement_study.metrics.checks import check_split
from disentanglement_study.metrics.downstream import TRAIN_SIZES, downstream_scores
from disentanglement_study.metrics.estimators.logistic_regression import predict_factors_logistic
from disentanglement_study.metrics.options import LogisticBackend, LogisticProtocol, TrainSizes


def downstream_logistic_regression(
    train_codes: Num[np.ndarray, "n d"],
    train_factors: Integer[np.ndarray, "n f"],
    test_codes: Num[np.ndarray, "m d"],
    test_factors: Integer[np.ndarray, "m f"],
    *,
    rng: np.random.Generator | int | None = None,
    train_sizes: TrainSizes = TRAIN_SIZES,
    protocol: LogisticProtocol = "dlib",
    backend: LogisticBackend = "newton",
) -> dict[str, float]:
    """How well cross-validated logistic regressions predict the factors, and from how few points.

    Accuracy_k(n) = 1/M Σ_i [ŷ_ik = y_ik], with ŷ_k fitted to the first n train points (Locatello et al. 2019,
    "Challenging common assumptions", section 5.5); statistical efficiency = mean accuracy(100) / mean accuracy(10,000).

    train_codes [N, D], train_factors [N, F], test_codes [M, D], test_factors [M, F]. For each n in `train_sizes` of at
    most N, "mean_test_accuracy.n_100" and "min_test_accuracy.n_100" over factors, "test_accuracy.n_100.factor_2" of
    one, and the same of the n train points; "downstream_logistic_regression" is the mean test accuracy at the largest
    n. All are in [0, 1], higher is better; chance is how common the most common value is. "statistical_efficiency", if
    both sizes are there, may exceed 1. `rng` is not used.

    Codes are neither standardised nor pruned, so that their scale matters. `protocol` "dlib" is what
    disentanglement_lib did when its scores were published (scikit-learn 0.20): each value against the rest, with a
    strength of its own, chosen in five folds of consecutive points. No plane parts a middle value from smaller and
    larger ones: perfect codes score low on factors with more than two values. "paper" is one multinomial regression,
    the default of scikit-learn today, for which perfect codes score about 1; it is slow. `backend` "sklearn" fits the
    regressions of "dlib" one by one, "newton" all at once in a small part of the time, see `one_vs_rest`.

    Here a larger train set contains the smaller ones; disentanglement_lib draws train and test points anew for each.
    """
    arrays = check_split(train_codes, train_factors, test_codes, test_factors)
    predict = functools.partial(predict_factors_logistic, protocol=protocol, backend=backend)
    return downstream_scores("downstream_logistic_regression", predict, *arrays, train_sizes)
