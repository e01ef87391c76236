"""Strong downstream task."""

from typing import Annotated, Any

import numpy as np
from annotated_types import Interval
from jaxtyping import Integer, Num

from disentanglement_study.metrics.checks import check_points
from disentanglement_study.metrics.estimators.predictors import predict_factors
from disentanglement_study.metrics.options import NumPoints, NumStages, Trees
from disentanglement_study.metrics.points import draw_points, is_complete_grid


def strong_downstream(
    codes: Num[np.ndarray, "n d"],
    factors: Integer[np.ndarray, "n f"],
    *,
    rng: np.random.Generator | int = 0,
    num_train: NumPoints = 10_000,
    num_test: NumPoints = 5_000,
    num_experiments: Annotated[int, Interval(ge=1, le=10_000)] = 10,
    backend: Trees = "exact",
    num_stages: NumStages = 100,
) -> dict[str, float]:
    """How well a factor is predicted where another factor takes values that were never seen with it.

    For each factor, `num_experiments` times: another factor and a value of it, both uniform, are drawn; boosted trees
    are fitted to points with that value and tested on points with any other. The score is the mean test accuracy. The
    baseline is that of trees fitted to, and tested on, points of all values, once for each factor, and
    gap = 1 - score / baseline. The task and its scores are disentanglement_lib's.

    codes [N, D] and factors [N, F], F >= 2, are a whole table: all rows of a factor grid, or any part of them. Returns
    "strong_downstream" in [0, 1], higher is better, chance about the mean of 1 / values of a factor; for the same fits
    "mean_strong_train_accuracy"; "mean_train_accuracy" and "mean_test_accuracy", the baseline; and
    "strong_generalisation_gap" <= 1, lower is better, below 0 where the shift helps, and 0 if the baseline is 0. Codes
    that know nothing have no gap: read it beside the baseline.

    Rows are drawn with replacement, but for the baseline on a part of a grid: there its train and test points are
    disjoint (see `metrics.points`), as they always are for the score. On a part of a grid a target may take fewer
    values, or one, in the train points; those that are missing there are never predicted. Nothing is binned, pruned or
    standardised.

    disentanglement_lib changes the fixed factor in one draw of points; on a complete grid that is the same
    distribution. It chooses factor and value from NumPy's global state. `backend` and `num_stages` are those of the
    trees, see `dci` and `predict_factors`; seeds come from `rng`.
    """
    codes, factors = check_points(codes, factors, min_factors=2)
    if num_experiments < 1:
        raise ValueError(f"num_experiments must be 1 or more, got {num_experiments}")
    rng = np.random.default_rng(rng)
    trees: dict[str, Any] = {"rng": rng, "backend": backend, "num_stages": num_stages}

    def accuracies(train, test, targets):
        labels = factors[:, targets]
        predicted = predict_factors(codes[train], labels[train], codes[test], **trees)
        return [np.mean(predicted.train == labels[train]), np.mean(predicted.test == labels[test])]

    num_factors = factors.shape[1]
    values = [np.unique(column) for column in factors.T]
    iid = draw_points(len(codes), is_complete_grid(factors), num_train, num_test, rng)
    mean_train, mean_test = accuracies(*iid, np.arange(num_factors))
    strong = []
    for target in np.repeat(np.arange(num_factors), num_experiments):
        fixed = rng.choice(np.delete(np.arange(num_factors), target))
        seen = factors[:, fixed] == rng.choice(values[fixed])
        shifted = rng.choice(np.flatnonzero(seen), num_train), rng.choice(np.flatnonzero(~seen), num_test)
        strong.append(accuracies(*shifted, [target]))
    strong_train, strong_test = np.mean(strong, axis=0)
    return {
        "strong_downstream": float(strong_test),
        "mean_strong_train_accuracy": float(strong_train),
        "mean_train_accuracy": float(mean_train),
        "mean_test_accuracy": float(mean_test),
        "strong_generalisation_gap": float(1.0 - strong_test / mean_test) if mean_test > 0 else 0.0,
    }
