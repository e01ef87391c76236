"""Is it the matrix or the aggregation that makes two metrics differ?"""

import pandas as pd

from disentanglement_study.analysis import names, stats
from disentanglement_study.analysis.rows import NothingToDraw, checked, scored, with_method

METRIC = "unified_scores"
MATRICES = {
    "importance_gbt": "GBT importance",
    "mutual_information": "Mutual information",
    "accuracy_svm": "SVM accuracy",
}
AGGREGATIONS = {
    "dci_disentanglement": "DCI disentanglement",
    "dci_completeness": "DCI completeness",
    "mig": "MIG",
    "sap": "SAP",
    "modularity": "Modularity",
}
SCORES = {
    f"{matrix}.{aggregation}": f"{aggregation_label} of {matrix_label}"
    for matrix, matrix_label in MATRICES.items()
    for aggregation, aggregation_label in AGGREGATIONS.items()
}
COLUMNS = ["data_set", "representation", "score_a", "score_b", "rank_correlation", "n", "failed", "missing"]


def unified_rank_correlation(results: pd.DataFrame, representation: str = "mean") -> pd.DataFrame:
    """Spearman rank correlation of every aggregation of every matrix (Locatello et al. 2020, arXiv:2010.14766).

    A row per data_set, score_a and score_b, both orders and the diagonal; scores are "matrix.aggregation", those of
    the metric `unified_scores`. n models have both, failed could not be scored, missing were not.
    """
    results = with_method(results)
    own = checked(results[(results["metric"] == METRIC) & (results["representation"] == representation)])
    rows = scored(own[own["score"].isin(SCORES)])
    if rows.empty:
        raise NothingToDraw(f"no model has the metric {METRIC} of the {representation} representation")
    methods = results.loc[results["representation"] == representation, "method"].unique()
    models = results[results["method"].isin(methods)].drop_duplicates("run_id")["data_set"].value_counts()
    tables = []
    for data_set, part in rows.groupby("data_set", sort=False):
        wide = part.pivot(index="run_id", columns="score", values="value")
        wide = wide[[score for score in SCORES if score in wide]]
        matrix = stats.spearman_matrix(wide.to_numpy())
        pairs = pd.MultiIndex.from_product([wide.columns, wide.columns], names=["score_a", "score_b"])
        values = {"rank_correlation": matrix.rank_correlation.ravel(), "n": matrix.n.ravel()}
        failed = own.loc[(own["data_set"] == data_set) & ~own["run_id"].isin(wide.index), "run_id"].nunique()
        table = pd.DataFrame(values, index=pairs).reset_index().assign(data_set=data_set, failed=failed)
        tables.append(table.assign(missing=models[data_set] - failed - table["n"]))
    table = pd.concat(tables, ignore_index=True).assign(representation=representation)
    return names.sort(table[COLUMNS], ["data_set", "representation"])
