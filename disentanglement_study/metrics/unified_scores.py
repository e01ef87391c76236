"""Every matrix of codes and factors with every aggregation."""

import numpy as np
from jaxtyping import Float, Integer, Num

from disentanglement_study.metrics.aggregations import (
    area_of_groups,
    concentration,
    concentrations,
    gaps,
    independent_groups,
    merges,
    modularities,
)
from disentanglement_study.metrics.checks import check_split
from disentanglement_study.metrics.estimators.information import discretise, entropy, mutual_information
from disentanglement_study.metrics.estimators.predictors import predict_factors
from disentanglement_study.metrics.options import NumBins, Trees
from disentanglement_study.metrics.sap_score import svm_accuracies


def unified_scores(
    train_codes: Num[np.ndarray, "n d"],
    train_factors: Integer[np.ndarray, "n f"],
    test_codes: Num[np.ndarray, "m d"],
    test_factors: Integer[np.ndarray, "m f"],
    *,
    rng: np.random.Generator | int = 0,
    backend: Trees = "exact",
    num_bins: NumBins = 20,
) -> dict[str, float]:
    """What DCI, MIG, SAP and modularity would be, had each of them used the matrix of the others.

    Three matrices [D, F]: "importance_gbt" (of `dci`), "mutual_information" (of `mig` and `modularity`) and
    "accuracy_svm" (of `sap_score`). Each is scored by, with the names of the scores after the matrix's own and a dot:

    - dci_disentanglement, dci_completeness: `concentration` of the matrix and of its transpose, in [0, 1];
    - mig, the mean gap between the best two codes of a factor over the factor's entropy, and sap, the mean gap;
    - modularity: the mean of `modularities`, in [0, 1];
    - area_precision, max_precision: area and maximum of the number of `independent_groups` over the threshold;
    - merge.factors_0_1 and so on: the threshold at which `merges` the two factors.

    The first five are also there by code or factor: dci_disentanglement.code_0, dci_completeness.factor_0,
    mig.factor_0, sap.factor_0, modularity.code_0. Higher is better, except for the merges. There is no headline.

    train_codes [N, D], train_factors [N, F], F >= 2, test_codes [M, D], test_factors [M, F]. Accuracies are of the test
    points, all else of the train points. Nothing is pruned. Gaps, areas and merges are in units of the matrix: shares
    of 1, nats, accuracies; mig is those per nat, and a true gap of information only with "mutual_information". A single
    code is ahead of 0 (in `sap_score` it is ahead of a dead code). The accuracy of a useless code is not 0 but chance,
    so that with "accuracy_svm" no code is far from uniform.

    As in disentanglement_lib, which calls dci_completeness.factor_0 .code_0, repeats dci_disentanglement as dci, and
    gives the ranks of the merges, under names that depend on their order. `backend` is that of `dci`.
    """
    train_codes, train_factors, test_codes, test_factors = check_split(
        train_codes, train_factors, test_codes, test_factors, min_factors=2
    )
    rng = np.random.default_rng(rng)
    matrices = {
        "importance_gbt": predict_factors(train_codes, train_factors, test_codes, rng=rng, backend=backend).importance,
        "mutual_information": mutual_information(discretise(train_codes, num_bins), train_factors),
        "accuracy_svm": svm_accuracies(train_codes, train_factors, test_codes, test_factors, rng),
    }
    entropies = entropy(train_factors)
    return {
        f"{name}.{score}": float(value)
        for name, matrix in matrices.items()
        for score, value in aggregate(matrix, entropies).items()
    }


def aggregate(matrix: Float[np.ndarray, "d f"], entropies: Float[np.ndarray, " f"]) -> dict[str, float]:
    """All scores of one matrix; `entropies` are those of the factors, in nats."""
    curve, merged = independent_groups(matrix), merges(matrix)
    by_code = {"dci_disentanglement": concentrations(matrix), "modularity": modularities(matrix)}
    by_factor = {"dci_completeness": concentrations(matrix.T), "mig": gaps(matrix) / entropies, "sap": gaps(matrix)}
    return {
        "dci_disentanglement": concentration(matrix),
        "dci_completeness": concentration(matrix.T),
        "mig": by_factor["mig"].mean(),
        "sap": by_factor["sap"].mean(),
        "modularity": by_code["modularity"].mean(),
        "area_precision": area_of_groups(curve),
        "max_precision": curve.groups.max(),
        **{f"{score}.code_{i}": value for score, values in by_code.items() for i, value in enumerate(values)},
        **{f"{score}.factor_{k}": value for score, values in by_factor.items() for k, value in enumerate(values)},
        **{f"merge.factors_{a}_{b}": merged[a, b] for a, b in zip(*np.triu_indices(len(merged), 1), strict=True)},
    }
