"""Modularity, explicitness and compactness by information: InfoMEC."""

import warnings
from typing import Annotated

import numpy as np
from jaxtyping import Float, Integer, Num

from disentanglement_study.config.declared import OneOf
from disentanglement_study.errors import unknown
from disentanglement_study.metrics.checks import check_split
from disentanglement_study.metrics.estimators.information import discretise, entropy, mutual_information
from disentanglement_study.metrics.estimators.neighbours import neighbour_information
from disentanglement_study.metrics.options import NumBins

ESTIMATORS = ("neighbours", "bins", "values")
ACTIVE_RANGE = 1 / 20
# scikit-learn's log_loss takes no probability for less than the precision of float64: 36.04 nats.
LARGEST_LOSS = -np.log(np.finfo(np.float64).eps)


def info_mec(
    train_codes: Num[np.ndarray, "n d"],
    train_factors: Integer[np.ndarray, "n f"],
    test_codes: Num[np.ndarray, "m d"],
    test_factors: Integer[np.ndarray, "m f"],
    *,
    rng: np.random.Generator | int = 0,
    estimator: Annotated[str, OneOf(lambda: ESTIMATORS)] = "neighbours",
    num_bins: NumBins = 20,
) -> dict[str, float]:
    """Whether codes are about one factor each, factors in one code each, and factors linear in all codes.

    With N_ik = I(c_i; v_k) / H(v_k), of active codes only:

    - InfoM = (mean_i max_k N_ik / Σ_k N_ik - 1/F) / (1 - 1/F);
    - InfoC = (mean_k max_i N_ik / Σ_i N_ik - 1/D) / (1 - 1/D), D the number of active codes;
    - InfoE = mean_k 1 - L_k / L°_k, with L_k the mean log loss of a multinomial logistic regression of factor k on all
      codes, unpenalised and with balanced classes, and L°_k that of one without codes: log(number of values)

    (Hsu, Dorrell, Whittington, Wu and Finn 2023, "Disentanglement via latent quantization"). There is no headline:
    the authors' code returns the three side by side.

    train_codes [N, D], train_factors [N, F], F >= 2, test_codes [M, D], test_factors [M, F]. Returns "info_m" and
    "info_c" of the train points, in [0, 1]; "info_e", fitted on the train points and scored on the test points, and
    "info_e_train", scored on the points that it was fitted on, as the authors' code does: both at most 1, and below 0
    where worse than a guess; and "num_active_dims". Higher is better. Test points with a value that no train point has
    are left out of "info_e".

    The loss of a point is capped at 36.04 nats in "info_e" and "info_e_train": the authors' numbers, those that were
    published, are of scikit-learn's log_loss, which takes no probability for less than 2.2e-16. "info_e_uncapped" and
    "info_e_train_uncapped" are the equation as the paper has it. They differ where the regression is sure of a value
    and wrong: a single outlier in 7,000 points was measured to lower a score from .506 to .484.

    `estimator` of I: "neighbours" is the authors' for continuous codes (10 neighbours), "bins" counts in `num_bins`
    bins of equal width, "values" counts the values of quantised codes, from which one-hot the factors are predicted:
    the authors' for discrete codes. Active are codes whose range is above 1/20 of the largest range, for "values" those
    that are not constant. Hence one code in large units prunes the others. InfoE prunes nothing, and scales a code
    that hardly varies to unit variance.

    InfoM and InfoC are ratios, blind to amounts, and far from 0 on codes of noise: with neighbours about 0.6 and 0.4
    on the factors of dSprites at 10,000 points, because estimates that are cut off at 0 leave a few entries of N; with
    bins, whose bias is shared by all, 0.14 and 0.02. InfoE is 0 there. Live codes of noise beside good ones lower
    InfoM. A code or a factor without any information counts as 0, and a single active code that has some is compact;
    both are 0/0 in the authors' code. Without active codes InfoM and InfoC are 0.

    Of few points scikit-learn's own estimate by neighbours moves by .013 nats from seed to seed, by that noise alone.
    Neighbours of tied codes, rounded or of few values, are decided by noise of 1e-10, from `rng` here, from NumPy's
    global state in the authors' code, whose scores of such codes differ from call to call. The regression stops at 100
    iterations as theirs, before it has converged on factors that are separable. Their call passes scikit-learn an
    argument, multi_class, that it no longer has.
    """
    train_codes, train_factors, test_codes, test_factors = check_split(
        train_codes, train_factors, test_codes, test_factors, min_factors=2
    )
    if estimator not in ESTIMATORS:
        raise unknown("estimator", estimator, ESTIMATORS)
    rng = np.random.default_rng(rng)
    ranges = np.ptp(train_codes, axis=0)
    active = ranges > (0 if estimator == "values" else ranges.max() * ACTIVE_RANGE)
    shared = _information(train_codes[:, active], train_factors, estimator, num_bins, rng) / entropy(train_factors)
    train_inputs, test_inputs = _inputs(train_codes, test_codes, estimator)
    explained = np.array(
        [
            _explained(train_inputs, train_labels, test_inputs, test_labels)
            for train_labels, test_labels in zip(train_factors.T, test_factors.T, strict=True)
        ]
    )
    return {
        "info_m": _preference(shared),
        "info_c": _preference(shared.T),
        "info_e": float(explained[:, 1, 0].mean()),
        "info_e_train": float(explained[:, 0, 0].mean()),
        "info_e_uncapped": float(explained[:, 1, 1].mean()),
        "info_e_train_uncapped": float(explained[:, 0, 1].mean()),
        "num_active_dims": float(active.sum()),
    }


def _information(codes, factors, estimator, num_bins, rng):
    """[D, F]: the mutual informations, nats."""
    if not codes.shape[1]:
        return np.zeros((0, factors.shape[1]))
    if estimator == "bins":
        return mutual_information(discretise(codes, num_bins), factors)
    if estimator == "values":
        return mutual_information(_as_values(codes), factors)
    return neighbour_information(codes, factors, rng=rng)


def _as_values(codes):
    return np.stack([np.unique(code, return_inverse=True)[1] for code in codes.T], axis=1)


def _preference(shared: Float[np.ndarray, "a b"]) -> float:
    """The mean over rows of the share of the largest entry, from 0 for a uniform row to 1 for a row of one entry."""
    num_columns = shared.shape[1]
    if not shared.any():
        return 0.0
    if num_columns == 1:
        return 1.0
    total = shared.sum(axis=1)
    share = np.where(total > 0, shared.max(axis=1) / np.where(total > 0, total, 1.0), 1.0 / num_columns)
    return float((share.mean() - 1.0 / num_columns) / (1.0 - 1.0 / num_columns))


def _inputs(train_codes, test_codes, estimator):
    """What the regression sees: standardised codes, or their values one-hot."""
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    transform = OneHotEncoder(handle_unknown="ignore") if estimator == "values" else StandardScaler()
    return transform.fit_transform(train_codes.astype(np.float64)), transform.transform(test_codes.astype(np.float64))


def _explained(train_inputs, train_labels, test_inputs, test_labels):
    """1 - L / L° on the train and on the test points, with the loss of a point capped and as it is: [2, 2]."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression

    model = LogisticRegression(C=np.inf, class_weight="balanced", max_iter=100)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        model.fit(train_inputs, train_labels)
    losses = [_log_loss(model, *points) for points in ((train_inputs, train_labels), (test_inputs, test_labels))]
    return 1.0 - np.array(losses) / np.log(len(model.classes_))


def _log_loss(model, inputs, labels):
    """-mean log q(label | input), capped and as it is, over the points whose label the model knows.

    If there are none, that of a guess.
    """
    from scipy.special import log_softmax

    known = np.isin(labels, model.classes_)
    if not known.any():
        return [np.log(len(model.classes_))] * 2
    logits = model.decision_function(inputs[known])
    if logits.ndim == 1:
        logits = np.stack([np.zeros_like(logits), logits], axis=1)
    column = np.searchsorted(model.classes_, labels[known])
    losses = -log_softmax(logits, axis=1)[np.arange(len(logits)), column]
    return [np.minimum(losses, LARGEST_LOSS).mean(), losses.mean()]
