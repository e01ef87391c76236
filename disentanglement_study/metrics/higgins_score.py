"""The disentanglement metric of Higgins et al. 2017, as published."""

import inspect
import math
from collections.abc import Sequence
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Interval
from jaxtyping import Float, Integer, Num

from disentanglement_study.config import declared
from disentanglement_study.metrics.checks import check_points
from disentanglement_study.metrics.interventions import mean_differences, rows_by_value
from disentanglement_study.metrics.options import BatchSize, NumPoints

INITIAL_ACCUMULATOR = 0.1  # of Adagrad, TensorFlow's default


def higgins_score(
    codes: Num[np.ndarray, "n d"],
    factors: Integer[np.ndarray, "n f"],
    *,
    rng: np.random.Generator | int = 0,
    num_train: NumPoints = 10_000,
    num_test: NumPoints = 5_000,
    num_pairs: BatchSize = 64,
    excluded: Sequence[Annotated[int, Ge(0)]] = (),
    num_classifiers: Annotated[int, Interval(ge=1, le=1000)] = 3,
    discarded: Annotated[float, Interval(ge=0, lt=1)] = 0.5,
    num_updates: Annotated[int, Interval(ge=1, le=100_000_000)] = 10_000,
    learning_rate: Annotated[float, Interval(gt=0, le=1e6)] = 0.01,
    batch_size: BatchSize = 10,
) -> dict[str, float]:
    """How well a linear classifier, trained for long enough to tell a simple rule, names the factor that is fixed.

    A point is z = 1/L Σ_l |c(x_l) - c(x'_l)| [D], where x_l and x'_l agree on factor k and are otherwise independent; k
    is uniform, L is `num_pairs`. The classifier is softmax(W z + b), trained by Adagrad on the cross-entropy for
    `num_updates`, each of `batch_size` out of `num_train` points. The score is the accuracy on `num_test` points
    (Higgins et al. 2017, "beta-VAE", section 3 and appendix; that L is 64, the rate .01 and the batch 10 is recalled,
    and for how long they trained is not known: `analysis/higgins_classifier.py` measures what follows from that).

    codes [N, D] and factors [N, F], F >= 2, are a whole table: all rows of a factor grid, or any part of them.
    `excluded` are the columns of factors that vary but are not asked for: the paper asks for position x, y, scale and
    rotation of dSprites, not for the shape, which is column 0, so that chance is 1/4.

    On the same points `num_classifiers` are trained, of other first weights and batches. Returns "classifier_0",
    "classifier_1", ..., their accuracies; "higgins_score", the mean of these without the worse part, `discarded` of
    them, rounded down; "train_accuracy", the mean of all on the train points; and "chance". All are in [0, 1], higher
    is better. The paper takes 30 accuracies together, of 10 models and 3 classifiers, and discards the lower half of
    those: the table `systems` does. ValueError for an option outside its range.

    `beta_vae_score` is disentanglement_lib's version of the same idea. It asks for all five factors of dSprites (chance
    is 1/5), fits a regularised logistic regression to its optimum on one set of points, and discards nothing. Here the
    scale of the codes decides how far a classifier of so few updates gets.
    """
    codes, factors = check_points(codes, factors, min_factors=2)
    check_options(
        factors.shape[1],
        num_train=num_train, num_test=num_test, num_pairs=num_pairs, excluded=excluded, batch_size=batch_size,
        num_classifiers=num_classifiers, discarded=discarded, num_updates=num_updates, learning_rate=learning_rate,
    )  # fmt: skip
    rng, index = np.random.default_rng(rng), rows_by_value(factors)
    asked = np.setdiff1d(np.arange(factors.shape[1]), excluded)
    classifiers = _Classifiers(rng, num_classifiers, codes.shape[1], len(asked))
    parts = {}
    for part, size in (("train", num_train), ("test", num_test)):
        labels = rng.integers(len(asked), size=size)
        parts[part] = mean_differences(codes, index, asked[labels], num_pairs, rng), labels
    points, labels = parts["train"]
    targets = np.eye(len(asked))[labels]
    for _ in range(num_updates):
        batch = rng.integers(num_train, size=(num_classifiers, batch_size))
        classifiers.update(points[batch], targets[batch], learning_rate)
    accuracies = classifiers.accuracies(*parts["test"])
    kept = np.sort(accuracies)[math.floor(discarded * num_classifiers) :]
    return {
        "higgins_score": float(kept.mean()),
        "train_accuracy": float(classifiers.accuracies(points, labels).mean()),
        "chance": 1 / len(asked),
        **{f"classifier_{place}": float(accuracy) for place, accuracy in enumerate(accuracies)},
    }


def check_options(num_factors: int, **options: Any) -> None:
    """ValueError for an option that is not what it is declared to be, for columns that are not there or leave fewer
    than two factors, and for a part of the classifiers to discard that is less than one."""
    kinds = {name: parameter.annotation for name, parameter in inspect.signature(higgins_score).parameters.items()}
    options = declared.check_options("higgins_score", options, {name: kinds[name] for name in options})
    excluded, classifiers, discarded = (options[name] for name in ("excluded", "num_classifiers", "discarded"))
    if absent := [column for column in excluded if column >= num_factors]:
        raise ValueError(f"excluded names the factor {absent[0]}: expected 0 to {num_factors - 1}")
    if (left := num_factors - len(set(excluded))) < 2:
        raise ValueError(f"excluded = {list(excluded)} leaves {left} of {num_factors} factors: expected 2 or more")
    if discarded and discarded * classifiers < 1:
        least = math.ceil(1 / discarded)
        raise ValueError(
            f"discarded = {discarded:g} of num_classifiers = {classifiers} is less than one: expected {least} "
            "classifiers or more, or discarded = 0"
        )


class _Classifiers:
    """R softmax classifiers of D numbers and K classes that are trained at the same time, each by Adagrad."""

    def __init__(self, rng: np.random.Generator, number: int, size: int, classes: int):
        limit = math.sqrt(6 / (size + classes))  # Glorot and Bengio 2010, eq. 16
        self.weights = rng.uniform(-limit, limit, (number, size, classes))
        self.bias = np.zeros((number, 1, classes))
        self.squares = [np.full_like(array, INITIAL_ACCUMULATOR) for array in (self.weights, self.bias)]

    def logits(self, points: Float[np.ndarray, "_ b d"]) -> Float[np.ndarray, "r b k"]:
        """Of points of each classifier, or of the same for all."""
        return points @ self.weights + self.bias

    def accuracies(self, points: Float[np.ndarray, "b d"], labels: Integer[np.ndarray, " b"]) -> np.ndarray:
        return (self.logits(points[None]).argmax(axis=2) == labels).mean(axis=1)

    def update(self, points: Float[np.ndarray, "r b d"], targets: Float[np.ndarray, "r b k"], rate: float) -> None:
        """targets: the labels, one-hot."""
        logits = self.logits(points)
        exponentials = np.exp(logits - logits.max(axis=2, keepdims=True))
        wrong = (exponentials / exponentials.sum(axis=2, keepdims=True) - targets) / points.shape[1]
        gradients = points.swapaxes(1, 2) @ wrong, wrong.sum(axis=1, keepdims=True)
        for array, squares, gradient in zip((self.weights, self.bias), self.squares, gradients, strict=True):
            squares += gradient**2
            array -= rate * gradient / np.sqrt(squares)
