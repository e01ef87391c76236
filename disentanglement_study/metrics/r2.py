"""Coefficients of determination."""

import numpy as np
from jaxtyping import Num
from threadpoolctl import threadpool_limits

from disentanglement_study.metrics.checks import check_split
from disentanglement_study.metrics.mcc import align
from disentanglement_study.metrics.options import NumStages


def r2(
    train_codes: Num[np.ndarray, "n d"],
    train_factors: Num[np.ndarray, "n f"],
    test_codes: Num[np.ndarray, "m d"],
    test_factors: Num[np.ndarray, "m f"],
    *,
    rng: np.random.Generator | int = 0,
    num_stages: NumStages = 100,
) -> dict[str, float]:
    """How much of the variance of each factor regressions on all codes explain.

    R²_k = 1 - Σ_i (v_ik - v̂_ik)² / Σ_i (v_ik - v̄_k)², with v̂_k fitted to the train points, and the mean v̄_k and both
    sums of the test points. A linear regression asks whether the factors are there up to an affine map (Zimmermann et
    al. 2021, "Contrastive learning inverts the data generating process"), boosted trees whether they are there at all,
    as a non-linear regression does in von Kügelgen et al. 2021 ("Self-supervised learning with data
    augmentations provably isolates content from style").

    train_codes [N, D], train_factors [N, F], test_codes [M, D], test_factors [M, F]; factors may be real. There is no
    headline score; all are at most 1, higher is better, chance is about 0, and below 0 is worse than the mean:

    - r2_linear, r2_boosted: means over factors on the test points;
    - r2_linear_train, r2_boosted_train: on the points that were fitted, which trees do well on codes of noise too;
    - r2_linear.factor_k, r2_boosted.factor_k: of one factor on the test points.

    The value of a factor is taken as a number, whose offset and scale do not matter; a category or an angle cannot
    score well. A factor that is constant in the test points counts as 0. Nothing is pruned; a code that is constant in
    the train points has no weight. The linear regression is unpenalised, the least one where codes depend on each
    other. Trees are scikit-learn's HistGradientBoostingRegressor: `num_stages` trees of at most 31 leaves of 20 points
    or more, learning rate 0.1, no early stop, codes binned into 255 quantiles; its seed comes from `rng`. The papers'
    non-linear regressions are of other kinds (kernel ridge, networks), so that those numbers do not compare.
    """
    train_codes, train_factors, test_codes, test_factors = check_split(
        train_codes, train_factors, test_codes, test_factors, kind="numbers"
    )
    if num_stages < 1:
        raise ValueError(f"num_stages must be 1 or more, got {num_stages}")
    rng = np.random.default_rng(rng)
    with threadpool_limits(1, user_api="openmp"):  # threads for so few points wait for each other
        boosted = [
            _boosted(train_codes, values, test_codes, num_stages, int(rng.integers(2**31)))
            for values in train_factors.T
        ]
    boosted_train, boosted_test = (np.stack(columns, axis=1) for columns in zip(*boosted, strict=True))
    by_factor = {
        "r2_linear": _explained(test_factors, align(train_factors, train_codes, test_codes)),
        "r2_boosted": _explained(test_factors, boosted_test),
    }
    train = {
        "r2_linear_train": _explained(train_factors, align(train_factors, train_codes, train_codes)),
        "r2_boosted_train": _explained(train_factors, boosted_train),
    }
    scores = {name: float(values.mean()) for name, values in (by_factor | train).items()}
    singles = {f"{name}.factor_{k}": float(v) for name, values in by_factor.items() for k, v in enumerate(values)}
    return scores | singles


def _boosted(train_codes, values, test_codes, num_stages, seed):
    """What trees predict for the train and the test points."""
    from sklearn.ensemble import HistGradientBoostingRegressor

    model = HistGradientBoostingRegressor(max_iter=num_stages, early_stopping=False, random_state=seed)
    model.fit(train_codes, values)
    return model.predict(train_codes), model.predict(test_codes)


def _explained(truth, predicted):
    """[F]: R² of each factor."""
    from sklearn.metrics import r2_score

    varies = np.ptp(truth, axis=0) > 0
    explained = np.zeros(len(varies))
    if varies.any() and len(truth) > 1:
        explained[varies] = r2_score(truth[:, varies], predicted[:, varies], multioutput="raw_values")
    return explained
