"""BetaVAE score."""

from typing import Annotated

import numpy as np
from jaxtyping import Integer, Num

from disentanglement_study.config.declared import OneOf
from disentanglement_study.errors import unknown
from disentanglement_study.metrics.checks import check_points
from disentanglement_study.metrics.interventions import mean_differences, rows_by_value
from disentanglement_study.metrics.options import BatchSize, NumPoints


def beta_vae_score(
    codes: Num[np.ndarray, "n d"],
    factors: Integer[np.ndarray, "n f"],
    *,
    rng: np.random.Generator | int = 0,
    num_train: NumPoints = 10_000,
    num_test: NumPoints = 5_000,
    batch_size: BatchSize = 64,
    protocol: Annotated[str, OneOf(lambda: PROTOCOLS)] = "dlib",
) -> dict[str, float]:
    """Whether a linear classifier can tell which factor pairs of points have in common.

    A point is z = 1/B Σ_b |c(x_b) - c(x'_b)| [D], where x_b and x'_b agree on factor k and are otherwise independent;
    k is uniform. The score is the accuracy of predicting k from z (Higgins et al. 2017, "beta-VAE", section 3).

    codes [N, D] and factors [N, F], F >= 2, are a whole table: all rows of a factor grid, or any part of them.
    Returns "beta_vae_score", the accuracy on `num_test` points, and "train_accuracy", that on `num_train` points; both
    are in [0, 1], higher is better, and chance is 1/F. Nothing is binned or pruned; a dead code is a feature of 0.
    The regression is regularised and codes are not standardised, so that their scale matters.

    `protocol` "dlib" is what disentanglement_lib did when its scores were published: one logistic regression per
    factor against the rest, which penalises the intercept too (the default of scikit-learn 0.20). "paper" is a single
    multinomial one (the default today). disentanglement_lib renders and encodes anew; rows of a table have the same
    distribution unless rendering or encoding is random. Carbonneau et al. 2022 call this score Z-diff.

    The paper's own numbers are of another score, `higgins_score`: it predicts four of dSprites' five factors, by a
    classifier of few updates, and discards the worse half of its replicas. Do not hold this one against them.
    """
    codes, factors = check_points(codes, factors, min_factors=2)
    if protocol not in PROTOCOLS:
        raise unknown("protocol", protocol, PROTOCOLS)
    rng = np.random.default_rng(rng)
    index = rows_by_value(factors)
    train_labels = rng.integers(factors.shape[1], size=num_train)
    test_labels = rng.integers(factors.shape[1], size=num_test)
    train = mean_differences(codes, index, train_labels, batch_size, rng)
    test = mean_differences(codes, index, test_labels, batch_size, rng)
    classifier = PROTOCOLS[protocol](int(rng.integers(2**31))).fit(train, train_labels)
    return {
        "beta_vae_score": float(np.mean(classifier.predict(test) == test_labels)),
        "train_accuracy": float(np.mean(classifier.predict(train) == train_labels)),
    }


def _one_versus_rest(seed):
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier

    return OneVsRestClassifier(LogisticRegression(solver="liblinear", random_state=seed))


def _multinomial(seed):
    from sklearn.linear_model import LogisticRegression

    return LogisticRegression(random_state=seed)


PROTOCOLS = {"dlib": _one_versus_rest, "paper": _multinomial}
