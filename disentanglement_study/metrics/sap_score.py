"""Separated attribute predictability."""

import numpy as np
from jaxtyping import Float, Integer, Num

from disentanglement_study.metrics.aggregations import gaps
from disentanglement_study.metrics.checks import check_split


def sap_score(
    train_codes: Num[np.ndarray, "n d"],
    train_factors: Num[np.ndarray, "n f"],
    test_codes: Num[np.ndarray, "m d"],
    test_factors: Num[np.ndarray, "m f"],
    *,
    rng: np.random.Generator | int = 0,
    continuous_factors: bool = False,
) -> dict[str, float]:
    """How much better the best single code predicts a factor than the second best does.

    SAP = mean_k (S_(1)k - S_(2)k), with S_ik how well code i alone predicts factor k (Kumar et al. 2018, "Variational
    inference of disentangled latent concepts from unlabeled observations", section 3). Of discrete factors, S is the
    accuracy on the test points of a linear support vector machine (C = 0.01, balanced classes); of continuous ones,
    the squared correlation on the train points.

    train_codes [N, D], train_factors [N, F], test_codes [M, D], test_factors [M, F]; returns "sap_score" in [0, 1],
    higher is better. Nothing is binned or pruned; a single code competes with a dead one. The machine is regularised,
    so that the scale of a code matters. So does an offset: the intercept is penalised too (liblinear's), and a code far
    from 0 compared with its spread cannot be parted where it should be. Good codes of three factors that score .513
    around 0 score .253 with 10 added to each, and .009 with 100: centre codes that have a mean, such as ReLU's.

    As in disentanglement_lib, but that the machine's seed comes from `rng` rather than from NumPy's global state.
    """
    kind = "numbers" if continuous_factors else "categories"
    train_codes, train_factors, test_codes, test_factors = check_split(
        train_codes, train_factors, test_codes, test_factors, kind=kind
    )
    rng = np.random.default_rng(rng)
    if train_codes.shape[1] == 1:
        train_codes, test_codes = (np.hstack([codes, np.zeros_like(codes)]) for codes in (train_codes, test_codes))
    if continuous_factors:
        scores = _squared_correlations(train_codes.astype(np.float64), train_factors)
    else:
        scores = svm_accuracies(train_codes, train_factors, test_codes, test_factors, rng)
    return {"sap_score": float(np.mean(gaps(scores)))}


def svm_accuracies(
    train_codes: Num[np.ndarray, "n d"],
    train_factors: Integer[np.ndarray, "n f"],
    test_codes: Num[np.ndarray, "m d"],
    test_factors: Integer[np.ndarray, "m f"],
    rng: np.random.Generator,
) -> Float[np.ndarray, "d f"]:
    """How often a linear classifier of each factor, given one code, is right on the test points."""
    from sklearn.svm import LinearSVC

    accuracies = np.empty((train_codes.shape[1], train_factors.shape[1]))
    for i, k in np.ndindex(accuracies.shape):
        classifier = LinearSVC(C=0.01, class_weight="balanced", random_state=int(rng.integers(2**31)))
        classifier.fit(train_codes[:, [i]], train_factors[:, k])
        accuracies[i, k] = np.mean(classifier.predict(test_codes[:, [i]]) == test_factors[:, k])
    return accuracies


def _squared_correlations(codes, factors):
    """[D, F]: Cov(c_i, v_k)² / (Var c_i Var v_k), 0 for a code of variance 1e-12 or less."""
    codes = codes - codes.mean(axis=0)
    factors = factors - factors.mean(axis=0)
    covariance = codes.T @ factors / len(codes)
    variance = codes.var(axis=0)[:, None]
    alive = variance > 1e-12
    return np.where(alive, covariance**2 / (np.where(alive, variance, 1.0) * factors.var(axis=0)), 0.0)
