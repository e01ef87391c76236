"""What the downstream tasks share: accuracies of predicted factors at several numbers of train points."""

from collections.abc import Callable, Sequence

import numpy as np
from jaxtyping import Integer, Num

TRAIN_SIZES = (10, 100, 1000, 10_000)


def downstream_scores(
    name: str,
    predict: Callable[..., tuple[np.ndarray, np.ndarray]],
    train_codes: Num[np.ndarray, "n d"],
    train_factors: Integer[np.ndarray, "n f"],
    test_codes: Num[np.ndarray, "m d"],
    test_factors: Integer[np.ndarray, "m f"],
    train_sizes: Sequence[int],
) -> dict[str, float]:
    """The scores of both downstream tasks; `name` is that of the headline.

    `predict(train_codes, train_factors, test_codes)` gives the values predicted for the train and the test points. It
    is called with the first n train points for each n in `train_sizes` that is at most their number.
    """
    scores, means = {}, {}
    for n in _that_fit(train_sizes, len(train_codes)):
        predicted = predict(train_codes[:n], train_factors[:n], test_codes)
        for split, guess, truth in zip(("train", "test"), predicted, (train_factors[:n], test_factors), strict=True):
            accuracies = np.mean(guess == truth, axis=0)
            scores[f"mean_{split}_accuracy.n_{n}"] = means[split, n] = float(accuracies.mean())
            scores[f"min_{split}_accuracy.n_{n}"] = float(accuracies.min())
            for k, accuracy in enumerate(accuracies):
                scores[f"{split}_accuracy.n_{n}.factor_{k}"] = float(accuracy)
    if ("test", 100) in means and ("test", 10_000) in means:
        scores["statistical_efficiency"] = means["test", 100] / means["test", 10_000] if means["test", 10_000] else 0.0
    return {name: means["test", n], **scores}


def _that_fit(train_sizes, num_points):
    for n in train_sizes:
        if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 1:
            raise ValueError(f"train_sizes must be positive integers, got {n!r}")
    fitting = sorted({int(n) for n in train_sizes if n <= num_points})
    if not fitting:
        raise ValueError(f"none of train_sizes {list(train_sizes)} fits: there are {num_points} train points")
    return fitting
