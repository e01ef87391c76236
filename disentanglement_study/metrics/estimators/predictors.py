"""Boosted trees that predict every factor from all codes: what DCI, downstream tasks and fairness are made of."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Integer, Num

from disentanglement_study.errors import unknown
from disentanglement_study.metrics.estimators.boosting_arrays import presort


class Predictions(NamedTuple):
    """Of every factor, for both sets of points, and the importance of each code to each factor."""

    train: np.ndarray  # [N, F]
    test: np.ndarray  # [M, F]
    importance: np.ndarray  # [D, F], each column sums to 1 (or is all 0)


def predict_factors(
    train_codes: Num[np.ndarray, "n d"],
    train_factors: Integer[np.ndarray, "n f"],
    test_codes: Num[np.ndarray, "m d"],
    *,
    rng: np.random.Generator,
    backend: str = "exact",
    num_stages: int = 100,
) -> Predictions:
    """One classifier for each factor: `num_stages` stages of trees of depth 3, learning rate 0.1.

    `backend` "sklearn" is GradientBoostingClassifier(); "exact" is the same algorithm in a small part of the time, see
    `boosting`. The seeds, which break ties, come from `rng`. Of a factor with one value in the train points that value
    is predicted, and no code is important to it. As in scikit-learn no tree cuts between values nearer than 1e-7: a
    code that varies by less is dead, and one that varies by 1e-3 loses some of its cuts. Trees compute in float32: a
    code that is far from 0 beside its range is moved there first.
    """
    if backend not in BACKENDS:
        raise unknown("backend", backend, BACKENDS)
    train_codes, test_codes = _near_zero(train_codes, test_codes)
    fit = BACKENDS[backend](train_codes, test_codes, num_stages)
    columns = []
    for labels in train_factors.T:
        seed = int(rng.integers(2**31))
        if (labels == labels[0]).all():
            train, test = (np.full(len(codes), labels[0]) for codes in (train_codes, test_codes))
            columns.append(Predictions(train, test, np.zeros(train_codes.shape[1])))
        else:
            columns.append(Predictions(*fit(labels, seed)))
    return Predictions(*(np.stack(parts, axis=1) for parts in zip(*columns, strict=True)))


def _near_zero(train_codes, test_codes):
    offset = np.median(train_codes, axis=0).astype(np.float64)
    offset[np.abs(offset) < 1e3 * np.ptp(train_codes, axis=0)] = 0  # float32 keeps four digits of the range, or more
    if not offset.any():
        return train_codes, test_codes
    return train_codes - offset, test_codes - offset


def _exact(train_codes, test_codes, num_stages):
    from disentanglement_study.metrics.estimators.boosting import boosted_trees

    train = presort(train_codes)

    def fit(labels, seed):
        fitted = boosted_trees(train, labels, test_codes, seed=seed, num_stages=num_stages)
        return fitted.train_predictions, fitted.test_predictions, fitted.importances

    return fit


def _sklearn(train_codes, test_codes, num_stages):
    from sklearn.ensemble import GradientBoostingClassifier

    def fit(labels, seed):
        model = GradientBoostingClassifier(n_estimators=num_stages, random_state=seed).fit(train_codes, labels)
        return model.predict(train_codes), model.predict(test_codes), model.feature_importances_

    return fit


BACKENDS = {"exact": _exact, "sklearn": _sklearn}
