"""Logistic regressions that predict every factor from all codes, their strength chosen by cross-validation."""

import warnings

import numpy as np
from jaxtyping import Integer, Num

from disentanglement_study.errors import unknown


def predict_factors_logistic(
    train_codes: Num[np.ndarray, "n d"],
    train_factors: Integer[np.ndarray, "n f"],
    test_codes: Num[np.ndarray, "m d"],
    *,
    protocol: str = "dlib",
    backend: str = "newton",
) -> tuple[Integer[np.ndarray, "n f"], Integer[np.ndarray, "m f"]]:
    """The values predicted for the train points [N, F] and the test points [M, F], one classifier for each factor.

    Ten strengths C from 1e-4 to 1e4 of the log loss against an L2 penalty, which spares the intercept, compete in five
    folds of consecutive points (as many folds as points if there are fewer). Codes are not standardised. Of a factor
    with one value in the train points that value is predicted.

    `protocol` "dlib" is what disentanglement_lib did when its scores were published, the default of scikit-learn 0.20:
    each value against the rest with a C of its own. "paper" is one multinomial regression with one C, the default
    today; it is always scikit-learn's, and slow. `backend` is for "dlib": "newton" finds the minima of all values of
    all factors at once, see `one_vs_rest`, and "sklearn" does one by one.
    """
    if protocol not in PROTOCOLS:
        raise unknown("protocol", protocol, PROTOCOLS)
    if backend not in BACKENDS:
        raise unknown("backend", backend, BACKENDS)
    predict = BACKENDS[backend] if protocol == "dlib" else _multinomial
    # Codes of a narrower type would overflow where they are squared or summed.
    train_codes, test_codes = train_codes.astype(np.float64), test_codes.astype(np.float64)
    train, test = (np.repeat(train_factors[:1], len(codes), axis=0) for codes in (train_codes, test_codes))
    varies = np.flatnonzero((train_factors != train_factors[:1]).any(axis=0))
    if varies.size:
        train[:, varies], test[:, varies] = predict(train_codes, train_factors[:, varies], test_codes)
    return train, test


def _newton(train_codes, train_factors, test_codes):
    from disentanglement_study.metrics.estimators.one_vs_rest import one_vs_rest

    columns, first, values = [], [0], []
    for labels in train_factors.T:
        value, index = np.unique(labels, return_inverse=True)
        # Two values are one problem, whose positive is the larger one: the smaller would be column -1.
        columns.append(np.where(index > 0, first[-1], -1) if len(value) == 2 else first[-1] + index)
        first.append(first[-1] + (1 if len(value) == 2 else len(value)))
        values.append(value)
    margins = one_vs_rest(train_codes, np.stack(columns), test_codes)
    return (
        np.stack(
            [value[_winners(part)] for value, part in zip(values, np.split(some, first[1:-1]), strict=True)], axis=1
        )
        for some in margins
    )


def _winners(margins):
    return (margins[0] > 0).astype(np.int64) if len(margins) == 1 else margins.argmax(axis=0)


def _sklearn(train_codes, train_factors, test_codes):
    from sklearn.multiclass import OneVsRestClassifier

    # The default solver stops early on one value against the rest: an accuracy of 0.83 was measured where the minimum
    # has 0.998. The default tolerance may change which C is chosen. "liblinear" penalises the intercept.
    classifier = OneVsRestClassifier(_cross_validated(len(train_codes), solver="newton-cholesky", tol=1e-10))
    return _one_by_one(classifier, train_codes, train_factors, test_codes)


def _multinomial(train_codes, train_factors, test_codes):
    return _one_by_one(_cross_validated(len(train_codes)), train_codes, train_factors, test_codes)


def _cross_validated(num_points, **options):
    from sklearn.linear_model import LogisticRegressionCV
    from sklearn.model_selection import KFold

    from disentanglement_study.metrics.estimators.one_vs_rest import NUM_FOLDS

    return LogisticRegressionCV(Cs=10, cv=KFold(min(NUM_FOLDS, num_points)), **options)


def _one_by_one(classifier, train_codes, train_factors, test_codes):
    train, test = [], []
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of names that will change, and of iterations that did not suffice
        for labels in train_factors.T:
            classifier.fit(train_codes, labels)
            train.append(classifier.predict(train_codes))
            test.append(classifier.predict(test_codes))
    return np.stack(train, axis=1), np.stack(test, axis=1)


PROTOCOLS = ("dlib", "paper")
BACKENDS = {"newton": _newton, "sklearn": _sklearn}
