"""Disentanglement, completeness and informativeness."""

import numpy as np
from jaxtyping import Integer, Num

from disentanglement_study.metrics.aggregations import concentration
from disentanglement_study.metrics.checks import check_split
from disentanglement_study.metrics.estimators.predictors import predict_factors
from disentanglement_study.metrics.options import NumStages, Trees


def dci(
    train_codes: Num[np.ndarray, "n d"],
    train_factors: Integer[np.ndarray, "n f"],
    test_codes: Num[np.ndarray, "m d"],
    test_factors: Integer[np.ndarray, "m f"],
    *,
    rng: np.random.Generator | int = 0,
    backend: Trees = "exact",
    num_stages: NumStages = 100,
) -> dict[str, float]:
    """Whether each code matters to one factor only, and each factor needs one code only, in predicting factors.

    With R_ik the importance of code i to boosted trees that predict factor k from all codes, and ρ_i the share of code
    i in ΣΣ R: disentanglement = Σ_i ρ_i (1 - H_F(R_i. / Σ_k R_ik)), H_F the entropy to base F; completeness is the
    same of R transposed, to base D; informativeness is the accuracy of the predictions (Eastwood and Williams 2018,
    "A framework for the quantitative evaluation of disentangled representations", section 2).

    train_codes [N, D], train_factors [N, F], F >= 2, test_codes [M, D], test_factors [M, F]. Returns "dci", which is
    the disentanglement, "completeness", "informativeness_train" and "informativeness_test", all in [0, 1], higher is
    better. Nothing is binned or pruned: a dead code has no importance, hence no weight. A single code is complete.

    `backend` "sklearn" is GradientBoostingClassifier() as in disentanglement_lib: `num_stages` of trees of depth 3.
    "exact" is the same algorithm in a small part of the time, see `boosting`. Seeds, which break ties, come from `rng`
    rather than from NumPy's global state. The papers' informativeness is an error, disentanglement_lib's an accuracy
    as here.
    """
    train_codes, train_factors, test_codes, test_factors = check_split(
        train_codes, train_factors, test_codes, test_factors, min_factors=2
    )
    rng = np.random.default_rng(rng)
    predicted = predict_factors(train_codes, train_factors, test_codes, rng=rng, backend=backend, num_stages=num_stages)
    return {
        "dci": concentration(predicted.importance),
        "completeness": concentration(predicted.importance.T),
        "informativeness_train": float(np.mean(predicted.train == train_factors)),
        "informativeness_test": float(np.mean(predicted.test == test_factors)),
    }
