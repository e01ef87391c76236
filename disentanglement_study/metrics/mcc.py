"""Mean correlation coefficient."""

import numpy as np
from jaxtyping import Float, Num

from disentanglement_study.errors import unknown
from disentanglement_study.metrics.checks import check_split
from disentanglement_study.metrics.estimators.dependence import dependence


def mcc(
    train_codes: Num[np.ndarray, "n d"],
    train_factors: Num[np.ndarray, "n f"],
    test_codes: Num[np.ndarray, "m d"],
    test_factors: Num[np.ndarray, "m f"],
    *,
    rng: np.random.Generator | int | None = None,
    rdc: bool = False,
) -> dict[str, float]:
    """How well each factor correlates with the one code that is assigned to it.

    MCC = 1/F Σ_k |corr(v_k, c_π(k))|, with π the one-to-one assignment of codes to factors of the largest sum on the
    train points (Hyvärinen and Morioka 2016, "Unsupervised feature extraction by time-contrastive learning and
    nonlinear ICA"; Khemakhem et al. 2020, "Variational autoencoders and nonlinear ICA: a unifying framework").

    train_codes [N, D], train_factors [N, F], test_codes [M, D], test_factors [M, F]; all scores are in [0, 1], higher
    is better, and codes of noise score about 0.8/√M:

    - mcc: the strong MCC (up to permutation, sign, scale and offset), Pearson's correlations on the test points;
    - spearman: the same of ranks, which forgives any monotone map of a code;
    - weak: 1/F Σ_k |corr(v_k, a_k + B_k c)| on the test points, after a linear regression on the train points: an
      invertible affine mixture of the factors scores 1;
    - in_sample, spearman_in_sample, weak_in_sample: the same, scored on the train points, as most papers do;
    - rdc, rdc_in_sample, if `rdc` is asked for: the same of the randomised dependence coefficient, which forgives
      nearly any map of a single code and scores linear mixtures .05 to .15 higher than Pearson's does. It is the
      default of ICE-BeeM's code: never compare the two. Its random features are drawn from `rng`.

    Factors may be real. The value of one is taken as a number, whose offset and scale do not matter: a category whose
    values have no order, or an angle, cannot score well. A constant code or factor correlates 0 with everything. With
    fewer codes than factors a factor without a code counts as 0. Nothing is binned or pruned.
    `mean_correlation` is the same for continuous sources, and says how the papers differ.
    """
    from scipy.optimize import linear_sum_assignment

    train_codes, train_factors, test_codes, test_factors = check_split(
        train_codes, train_factors, test_codes, test_factors, kind="numbers"
    )
    strong = {"train": (train_factors, train_codes), "test": (test_factors, test_codes)}
    weak = {
        "train": (train_factors, align(train_factors, train_codes, train_codes)),
        "test": (test_factors, align(train_factors, train_codes, test_codes)),
    }
    scores = {
        "mcc": mean_correlation(*strong["train"], test=strong["test"]),
        "in_sample": mean_correlation(*strong["train"]),
        "spearman": mean_correlation(*strong["train"], test=strong["test"], method="spearman"),
        "spearman_in_sample": mean_correlation(*strong["train"], method="spearman"),
        "weak": mean_correlation(*weak["train"], test=weak["test"]),
        "weak_in_sample": mean_correlation(*weak["train"]),
    }
    if rdc:
        train, test = (dependence(*strong[part], np.random.default_rng(rng)) for part in ("train", "test"))
        pairs = linear_sum_assignment(train, maximize=True)
        scores |= {"rdc": test[pairs].sum() / len(test), "rdc_in_sample": train[pairs].sum() / len(train)}
    return scores


def mean_correlation(
    sources: Num[np.ndarray, "n s"],
    estimates: Num[np.ndarray, "n d"],
    *,
    test: tuple[Num[np.ndarray, "m s"], Num[np.ndarray, "m d"]] | None = None,
    method: str = "pearson",
) -> float:
    """The mean over sources of the absolute correlation with the estimate assigned to each, in [0, 1].

    Estimates are assigned one to one so that the sum is largest; with `test`, other points of the same sources and
    estimates, the correlations are those of the test points. `method` is "pearson" or "spearman".

    Sources without an estimate (D < S) count as 0; surplus estimates (D > S) are left out. The papers differ: TCL, PCL
    and iVAE use Pearson's correlation and D = S, in sample, TCL of |s|; SlowVAE (Klindt et al. 2021) uses Spearman's,
    in sample, with noise as further sources up to S = D, and the mean over the true ones, which is the same but for
    what the noise is assigned; the code of ICE-BeeM (Khemakhem et al. 2020) chooses the assignment on one half of the
    points and scores the other, with the mean over min(S, D) pairs.
    """
    from scipy.optimize import linear_sum_assignment

    if method not in METHODS:
        raise unknown("method", method, METHODS)
    matrix = _correlations(sources, estimates, method)
    pairs = linear_sum_assignment(matrix, maximize=True)
    scored = matrix if test is None else _correlations(*test, method)
    if scored.shape != matrix.shape:
        raise ValueError(f"{list(matrix.shape)} sources and estimates to choose from, {list(scored.shape)} to score")
    return float(scored[pairs].sum() / len(matrix))


def align(
    sources: Num[np.ndarray, "n s"], estimates: Num[np.ndarray, "n d"], others: Num[np.ndarray, "m d"]
) -> Float[np.ndarray, "m s"]:
    """The sources of `others`, by the least-squares affine map that takes `estimates` to `sources`.

    What a weak MCC does first, for sources that are known up to an affine map. Regression keeps the sources apart, as
    in Zimmermann et al. 2021 ("Contrastive learning inverts the data generating process"); ICE-BeeM compares two
    learnt representations, neither of which is the truth, by canonical correlations, which mix both sides.
    """
    sources, offset = _centred(sources), np.mean(sources, axis=0)
    mean, centred = np.mean(estimates, axis=0, dtype=np.float64), _centred(estimates)
    scale = np.abs(centred).max(axis=0)
    scale = np.where(scale > 0, scale, 1.0)
    weights = np.linalg.lstsq(centred / scale, sources, rcond=None)[0]
    # A code that is constant in `estimates` has no weight, whatever it is in `others`.
    return offset + ((others - mean) / scale) @ weights


def _correlations(sources, estimates, method):
    """[S, D]: the absolute correlations, 0 where either is constant."""
    sources, estimates = np.asarray(sources), np.asarray(estimates)
    if sources.ndim != 2 or estimates.ndim != 2 or len(sources) != len(estimates):
        raise ValueError(
            f"sources [points, sources] and estimates [points, estimates] of the same points, got shapes "
            f"{list(sources.shape)} and {list(estimates.shape)}"
        )
    for what, columns in (("sources", sources), ("estimates", estimates)):
        if not np.isfinite(columns).all():
            raise ValueError(f"{what} must be finite: column {np.argwhere(~np.isfinite(columns))[0, 1]} is not")
    left, right = (_unit(_centred(METHODS[method](columns))) for columns in (sources, estimates))
    return np.minimum(np.abs(left.T @ right), 1.0)


def _centred(columns):
    """Each column less its mean; a constant one is exactly 0, though the mean of a constant is rounded."""
    columns = np.asarray(columns, np.float64)
    return np.where(np.ptp(columns, axis=0) > 0, columns - columns.mean(axis=0), 0.0)


def _unit(columns):
    """Each column over its norm, safe for tiny and huge ones; a column of 0s stays."""
    largest = np.abs(columns).max(axis=0)
    columns = columns / np.where(largest > 0, largest, 1.0)
    norm = np.linalg.norm(columns, axis=0)
    return columns / np.where(norm > 0, norm, 1.0)


def _ranks(columns):
    from scipy.stats import rankdata

    return rankdata(columns, axis=0)


METHODS = {"pearson": lambda columns: columns, "spearman": _ranks}
