"""Reduced downstream task."""

from typing import Annotated, Any

import numpy as np
from annotated_types import Ge
from jaxtyping import Integer, Num

from disentanglement_study.metrics.checks import check_split
from disentanglement_study.metrics.estimators.predictors import predict_factors
from disentanglement_study.metrics.options import NumStages, Trees


def reduced_downstream(
    train_codes: Num[np.ndarray, "n d"],
    train_factors: Integer[np.ndarray, "n f"],
    test_codes: Num[np.ndarray, "m d"],
    test_factors: Integer[np.ndarray, "m f"],
    *,
    rng: np.random.Generator | int = 0,
    num_removed: Annotated[int, Ge(0)] = 2,
    backend: Trees = "exact",
    num_stages: NumStages = 100,
) -> dict[str, float]:
    """How much more a factor suffers than the others when the codes that matter most to it are taken away.

    For each factor f, `num_removed` times: fit boosted trees to f and remove the code of largest importance. Then fit
    trees to every factor i on the codes that are left, with accuracies a_fi: reduced_downstream is the mean over f of
    mean_{i ≠ f} a_fi - a_ff, on the test points. The task is disentanglement_lib's, which has no headline; this one is
    the difference of its two aggregates, because either alone is low for codes that know nothing, whose difference is
    about 0.

    train_codes [N, D], train_factors [N, F], F >= 2, test_codes [M, D], test_factors [M, F]. Returns, for "train" and
    "test" each, with "reduced_downstream" in [-1, 1], higher is better, and accuracies in [0, 1]:

    - "mean_test_accuracy_reduced_factor", the mean of a_ff, low where no other code knows the factor;
    - "mean_test_accuracy_other_factors", that of a_fi, i ≠ f, high where the removed codes knew nothing else;
    - "mean_test_accuracy_other_factors.reduced_factor_0", and so on: the latter for one f;
    - "test_accuracy.reduced_factor_0.factor_1", and so on: a_fi.

    One code for each factor scores 1 minus chance if `num_removed` is 1; the second removal takes a code of another
    factor if no code is to spare. If no code is left, the most frequent value is predicted. Nothing is binned, pruned
    or standardised. disentanglement_lib fits trees to all factors at each removal, of which it uses one.

    `backend` and `num_stages` are those of the trees, see `dci` and `predict_factors`; seeds come from `rng`.
    """
    train_codes, train_factors, test_codes, test_factors = check_split(
        train_codes, train_factors, test_codes, test_factors, min_factors=2
    )
    if num_removed < 0:
        raise ValueError(f"num_removed must be 0 or more, got {num_removed}")
    rng = np.random.default_rng(rng)
    trees: dict[str, Any] = {"rng": rng, "backend": backend, "num_stages": num_stages}
    train, test = np.empty((2, train_factors.shape[1], train_factors.shape[1]))
    for f, labels in enumerate(train_factors.T):
        left = _least_important(train_codes, labels, num_removed, trees)
        predicted = predict_factors(_only(train_codes, left), train_factors, _only(test_codes, left), **trees)
        train[f] = np.mean(predicted.train == train_factors, axis=0)
        test[f] = np.mean(predicted.test == test_factors, axis=0)
    scores = _scores("train", train) | _scores("test", test)
    difference = scores["mean_test_accuracy_other_factors"] - scores["mean_test_accuracy_reduced_factor"]
    return {"reduced_downstream": difference} | scores


def _least_important(codes, labels, num_removed, trees):
    """The codes that are left when that of largest importance to the labels is removed again and again."""
    left = list(range(codes.shape[1]))
    for _ in range(min(num_removed, len(left))):
        predicted = predict_factors(codes[:, left], labels[:, None], codes[:1, left], **trees)
        del left[predicted.importance[:, 0].argmax()]
    return left


def _only(codes, left):
    """Some of the codes; a dead one, from which only the most frequent value can be predicted, in place of none."""
    return codes[:, left] if left else np.zeros_like(codes[:, :1])


def _scores(split, accuracy):
    """What is said of accuracy [F, F], of each factor once the codes of each are removed."""
    own = np.eye(len(accuracy), dtype=bool)
    others = accuracy[~own].reshape(len(accuracy), -1).mean(axis=1)
    scores = {
        f"mean_{split}_accuracy_reduced_factor": accuracy[own].mean(),
        f"mean_{split}_accuracy_other_factors": others.mean(),
    }
    scores |= {f"mean_{split}_accuracy_other_factors.reduced_factor_{f}": other for f, other in enumerate(others)}
    scores |= {f"{split}_accuracy.reduced_factor_{f}.factor_{i}": value for (f, i), value in np.ndenumerate(accuracy)}
    return {name: float(score) for name, score in scores.items()}
