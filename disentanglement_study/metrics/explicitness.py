"""Explicitness."""

import functools
import warnings
from collections.abc import Callable
from typing import Annotated

import numpy as np
from jaxtyping import Integer, Num

from disentanglement_study.config.declared import OneOf
from disentanglement_study.errors import unknown
from disentanglement_study.metrics.checks import check_split


def explicitness(
    train_codes: Num[np.ndarray, "n d"],
    train_factors: Integer[np.ndarray, "n f"],
    test_codes: Num[np.ndarray, "m d"],
    test_factors: Integer[np.ndarray, "m f"],
    *,
    rng: np.random.Generator | int | None = None,
    protocol: Annotated[str, OneOf(lambda: PROTOCOLS)] = "dlib",
    backend: Annotated[str, OneOf(lambda: BACKENDS)] = "exact",
) -> dict[str, float]:
    """How well a linear classifier of all codes tells each value of a factor from the others.

    explicitness = mean_k mean_v AUC_kv, the area under the ROC curve of the classifier's probability that factor k has
    value v (Ridgeway and Mozer 2018, "Learning deep disentangled embeddings with the F-statistic loss").

    train_codes [N, D], train_factors [N, F], test_codes [M, D], test_factors [M, F]. Returns "explicitness", of the
    test points, and "explicitness_train", both in [0, 1], higher is better, chance is 0.5. Codes are standardised by
    the train points; nothing is binned; a code that is constant there becomes 0. A value that none or all of the points
    have has no curve and is left out of the mean; if none has one, the mean is 0.5. `rng` is not used.

    `protocol` "dlib" is what disentanglement_lib did when its scores were published: a logistic regression of each
    value against the rest, which penalises the intercept too, and their probabilities scaled to a sum of 1. "paper" is
    what the authors' code does: the same with hardly a penalty (C = 1e10), LogisticRegression as it was in 2018.
    "multinomial" is a single regression of all values, what disentanglement_lib does under scikit-learn of today: there
    a value in the middle of a linear code is explicit too, for one against the rest it is not. `backend` is of "dlib":
    "sklearn" is liblinear, as published; "exact" solves the same problem to its optimum, all values at once, in a third
    of the time; scores of the test representations (2,000 points) differ by less than 2e-6. disentanglement_lib fails
    where a code is constant; the authors score the points that they fitted, here "explicitness_train".
    """
    train_codes, train_factors, test_codes, test_factors = check_split(
        train_codes, train_factors, test_codes, test_factors
    )
    if protocol not in PROTOCOLS:
        raise unknown("protocol", protocol, PROTOCOLS)
    if backend not in BACKENDS:
        raise unknown("backend", backend, BACKENDS)
    fit = BACKENDS[backend] if protocol == "dlib" else PROTOCOLS[protocol]
    train_codes, test_codes = _standardise(train_codes.astype(np.float64), test_codes.astype(np.float64))
    areas = []
    for train_labels, test_labels in zip(train_factors.T, test_factors.T, strict=True):
        log_probabilities = fit(train_codes, train_labels)
        values = np.unique(train_labels)
        train = _mean_area(log_probabilities(train_codes), train_labels[:, None] == values)
        areas.append((train, _mean_area(log_probabilities(test_codes), test_labels[:, None] == values)))
    train, test = np.mean(areas, axis=0)
    return {"explicitness": float(test), "explicitness_train": float(train)}


def _standardise(train_codes, test_codes):
    alive = np.ptp(train_codes, axis=0) > 0
    mean, deviation = train_codes.mean(axis=0), np.where(alive, train_codes.std(axis=0), 1.0)
    return [np.where(alive, (codes - mean) / deviation, 0.0) for codes in (train_codes, test_codes)]


def _mean_area(scores, is_value):
    """The mean over columns of the area under the ROC curve: the share of pairs of points in the right order."""
    from scipy.stats import rankdata

    count = is_value.sum(axis=0)
    defined = (count > 0) & (count < len(is_value))
    if not defined.any():
        return 0.5
    scores, is_value, count = scores[:, defined], is_value[:, defined], count[defined]
    ranks = np.sum(rankdata(scores, axis=0) * is_value, axis=0)
    return np.mean((ranks - count * (count + 1) / 2) / (count * (len(is_value) - count)))


def _one_versus_rest(codes, labels, strength=1.0):
    """The function that gives the log probability of each value at points [n, D], by scikit-learn."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier

    model = OneVsRestClassifier(LogisticRegression(C=strength, solver="liblinear", random_state=0))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # without a penalty separable values have no optimum
        model.fit(codes, labels)
    return lambda points: _normalised(_both(model.decision_function(points)))


def _multinomial(codes, labels):
    from scipy.special import log_softmax
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression().fit(codes, labels)
    return lambda points: log_softmax(_both(model.decision_function(points)), axis=1)


def _one_versus_rest_exact(codes, labels, max_steps=100):
    """The same as `_one_versus_rest`, by Newton steps for all values at once: w minimises |w|²/2 + Σ log-loss."""
    from scipy.special import expit

    inputs = _with_intercept(codes)
    is_value = labels[:, None] == np.unique(labels)
    rows, columns = np.triu_indices(inputs.shape[1])
    products = inputs[:, rows] * inputs[:, columns]
    weights = np.zeros((inputs.shape[1], is_value.shape[1]))
    hessian = np.empty((is_value.shape[1], *2 * inputs.shape[1:]))
    for _ in range(max_steps):
        probability = expit(inputs @ weights)
        gradient = inputs.T @ (probability - is_value) + weights
        curvature = (products.T @ (probability * (1.0 - probability))).T
        hessian[:, rows, columns] = hessian[:, columns, rows] = curvature
        hessian[:, np.arange(len(weights)), np.arange(len(weights))] += 1.0
        step = np.linalg.solve(hessian, gradient.T[:, :, None])[:, :, 0].T
        # Far from the optimum a whole step may overshoot: no point's log odds move by more than 4.
        furthest = np.abs(inputs @ step).max(axis=0)
        weights -= step * np.minimum(1.0, 4.0 / np.maximum(furthest, 1e-300))
        if np.sum(step * gradient, axis=0).max() < 1e-10:
            break
    return lambda points: _normalised(_with_intercept(points) @ weights)


def _with_intercept(codes):
    return np.hstack([codes, np.ones((len(codes), 1))])


def _both(decision):
    """[n, K]: of two values scikit-learn gives the log odds of the second only."""
    return np.stack([-decision, decision], axis=1) if decision.ndim == 1 else decision


def _normalised(log_odds):
    from scipy.special import log_expit, logsumexp

    log_probabilities = log_expit(log_odds)
    return log_probabilities - logsumexp(log_probabilities, axis=1, keepdims=True)


PROTOCOLS: dict[str, Callable] = {
    "dlib": _one_versus_rest,
    "paper": functools.partial(_one_versus_rest, strength=1e10),
    "multinomial": _multinomial,
}
BACKENDS: dict[str, Callable] = {"exact": _one_versus_rest_exact, "sklearn": _one_versus_rest}
