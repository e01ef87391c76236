"""Downstream task: boosted trees that predict the factors from the codes."""

import numpy as np
from jaxtyping import Integer, Num

from disentanglement_study.metrics.checks import check_split
from disentanglement_study.metrics.downstream import TRAIN_SIZES, downstream_scores
from disentanglement_study.metrics.estimators.predictors import predict_factors
from disentanglement_study.metrics.options import TrainSizes, Trees


def downstream_boosted_trees(
    train_codes: Num[np.ndarray, "n d"],
    train_factors: Integer[np.ndarray, "n f"],
    test_codes: Num[np.ndarray, "m d"],
    test_factors: Integer[np.ndarray, "m f"],
    *,
    rng: np.random.Generator | int = 0,
    train_sizes: TrainSizes = TRAIN_SIZES,
    backend: Trees = "exact",
) -> dict[str, float]:
    """How well boosted trees predict the factors, and from how few points.

    Accuracy_k(n) = 1/M Σ_i [ŷ_ik = y_ik], with ŷ_k fitted to the first n train points (Locatello et al. 2019,
    "Challenging common assumptions", section 5.5); statistical efficiency = mean accuracy(100) / mean accuracy(10,000).

    train_codes [N, D], train_factors [N, F], test_codes [M, D], test_factors [M, F]. For each n in `train_sizes` of at
    most N, "mean_test_accuracy.n_100" and "min_test_accuracy.n_100" over factors, "test_accuracy.n_100.factor_2" of
    one, and the same of the n train points; "downstream_boosted_trees" is the mean test accuracy at the largest n. All
    are in [0, 1], higher is better; chance is how common the most common value is. "statistical_efficiency", if both
    sizes are there, may exceed 1.

    Nothing is binned or pruned. `backend` "sklearn" is GradientBoostingClassifier() as in disentanglement_lib: 100
    stages of trees of depth 3. "exact" is the same algorithm in a small part of the time, see `boosting`. Seeds, which
    break ties, come from `rng` rather than from NumPy's global state. Few points make many ties: from 10 of them
    scores depend on the seed.

    Here a larger train set contains the smaller ones; disentanglement_lib draws train and test points anew for each.
    """
    arrays = check_split(train_codes, train_factors, test_codes, test_factors)
    rng = np.random.default_rng(rng)

    def predict(*arrays):
        predicted = predict_factors(*arrays, rng=rng, backend=backend)
        return predicted.train, predicted.test

    return downstream_scores("downstream_boosted_trees", predict, *arrays, train_sizes)
