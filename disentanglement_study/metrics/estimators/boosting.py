"""Gradient-boosted trees by exact search: scikit-learn's GradientBoostingClassifier() in a small part of the time.

The model is scikit-learn's. Each stage fits K trees (one for two classes) to the residuals y_k - p_k of the
multinomial (binomial) likelihood. A cut is the one of largest variance gain among all midpoints of neighbouring values
of all features, a leaf is (K-1)/K Σr / Σp(1-p) (Σr / Σp(1-p) for two classes), and the importance of a feature is the
share of its cuts in the total gain. The two differ in how exact ties between cuts are drawn. LightGBM and XGBoost are
no substitute: they weigh the points of a cut by curvature, which changes the importances however many bins they use.

`boosting_kernel` says why the search is exact and fast.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Integer, Num
from scipy.special import expit

from disentanglement_study.metrics.estimators.boosting_arrays import Presorted, empty_tree
from disentanglement_study.metrics.estimators.boosting_kernel import grow_stage

CACHED = 1 << 15  # numbers at a time that stay in a core's cache


class Boosted(NamedTuple):
    """Feature importances, which sum to 1 (or are all 0), and the labels predicted for both sets of points."""

    importances: np.ndarray  # [D]
    train_predictions: np.ndarray  # [N]
    test_predictions: np.ndarray  # [M]


def boosted_trees(
    train: Presorted,
    train_labels: Integer[np.ndarray, " n"],
    test_codes: Num[np.ndarray, "m d"],
    *,
    seed: int,
    num_stages: int = 100,
    learning_rate: float = 0.1,
    max_depth: int = 3,
) -> Boosted:
    """Fit trees to labels [N] of presorted codes; predict those and the labels of test codes [M, D].

    Deterministic for a seed, which only breaks ties. The labels may be any integers, of two values or more. Several
    threads may fit at once: most of the time is spent without Python's lock.
    """
    classes, labels = np.unique(train_labels, return_inverse=True)
    if len(classes) < 2:
        raise ValueError(f"a classifier needs 2 classes or more, got {len(classes)} ({classes[0]})")
    by_class = np.argsort(labels, kind="stable").astype(np.uint32)
    class_sizes = np.bincount(labels)
    class_start = np.concatenate([[0], np.cumsum(class_sizes)])
    scores = np.log(class_sizes / len(labels))
    shrinkage = learning_rate * (len(classes) - 1) / len(classes)
    if len(classes) == 2:
        class_start, scores, shrinkage = class_start[1:], scores[1:] - scores[:1], learning_rate
    test = (
        np.ascontiguousarray(np.transpose(test_codes), np.float32),
        np.repeat(scores[:, None], len(test_codes), axis=1),
    )
    scores = np.repeat(scores[:, None], len(labels), axis=1)
    tree, gains, rng = empty_tree(train, max_depth), np.zeros(len(train.codes)), np.random.default_rng(seed)
    for _ in range(num_stages):
        feature_orders = rng.random((len(scores), 2**max_depth - 1, len(gains))).argsort(axis=-1)
        probabilities = _probabilities(scores)
        grow_stage(train, tree, by_class, class_start, probabilities, shrinkage, feature_orders, gains, scores, test)
    return Boosted(
        importances=gains / gains.sum() if gains.sum() > 0 else gains,
        train_predictions=classes[_predictions(scores)],
        test_predictions=classes[_predictions(test[1])],
    )


def _probabilities(scores):
    """[K, N]: the softmax of K rows of scores, the logistic function of one."""
    if len(scores) == 1:
        return expit(scores)
    probabilities = np.empty_like(scores)
    block = max(CACHED // len(scores), 1)
    for start in range(0, scores.shape[1], block):
        exponentials = scores[:, start : start + block]
        exponentials = np.exp(exponentials - exponentials.max(axis=0))
        np.divide(exponentials, exponentials.sum(axis=0), out=probabilities[:, start : start + block])
    return probabilities


def _predictions(scores):
    return (scores[0] >= 0).astype(np.int64) if len(scores) == 1 else scores.argmax(axis=0)
