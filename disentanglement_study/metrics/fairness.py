"""Fairness."""

import numpy as np
from jaxtyping import Float, Integer, Num

from disentanglement_study.metrics.checks import check_points
from disentanglement_study.metrics.estimators.predictors import predict_factors
from disentanglement_study.metrics.interventions import draw_each_value, rows_by_value
from disentanglement_study.metrics.options import NumPoints, NumStages, Trees
from disentanglement_study.metrics.points import draw_points, is_complete_grid


def fairness(
    codes: Num[np.ndarray, "n d"],
    factors: Integer[np.ndarray, "n f"],
    *,
    rng: np.random.Generator | int = 0,
    num_train: NumPoints = 10_000,
    num_test: NumPoints | None = None,
    num_test_per_value: NumPoints = 100,
    backend: Trees = "exact",
    num_stages: NumStages = 100,
) -> dict[str, float]:
    """How much predictions of a factor change with another, sensitive factor: 0 is fair, LOWER is better.

    With p(ŷ_i) the predictions that boosted trees make of target i, and TV(p, q) = ½ Σ |p - q|, the unfairness of i to
    a sensitive factor j is the mean over its values c of TV(p(ŷ_i | do(v_j = c)), p(ŷ_i)), p(ŷ_i) being the mixture of
    all c. The score is its mean over all i ≠ j (Locatello, Abbati, Rainforth, Bauer, Schölkopf and Bachem 2019, "On
    the fairness of disentangled representations", section 4).

    codes [N, D] and factors [N, F], F >= 2, are a whole table: all rows of a factor grid, or any part of them. Trees
    are fitted to `num_train` rows; on a part of a grid a third of the rows is tested, and they are fitted to others.
    Returns "fairness" in [0, 1) and, for "mean_fairness" (the mean over c) and "max_fairness" (the largest over c), in
    the same range:

    - "mean_fairness.target_0.sensitive_1", and so on: one pair i, j;
    - "mean_fairness.target_0.mean_sensitive", ".max_sensitive", "mean_fairness.sensitive_1.mean_target", and so on: the
      mean or largest over the other factors;
    - "mean_fairness.mean_target.max_sensitive", and so on: the mean over targets of the latter, and all such;
      "fairness" is "mean_fairness.mean_target.mean_sensitive".

    As in disentanglement_lib, whose names have ":" for ".", "pred0" for "target_0" and "sens" for "sensitive". On a
    complete grid the `num_test_per_value` rows of each value of j agree on all other factors, as there: they are
    counterfactuals. On a part of a grid they agree as far as there are such rows, and the predictions differ the more
    by chance. Accuracy does not count: predictions that never change are fair, and those from noise differ by chance
    alone. `num_test` is not used. Nothing is binned, pruned or standardised.

    `backend` and `num_stages` are those of the trees, see `dci` and `predict_factors`; seeds come from `rng`.
    """
    codes, factors = check_points(codes, factors, min_factors=2)
    rng = np.random.default_rng(rng)
    row_major = np.lexsort(factors.T[::-1])
    codes, factors = codes[row_major], factors[row_major]
    complete, num_factors = is_complete_grid(factors), factors.shape[1]
    train, table = draw_points(len(codes), complete, num_train, 0 if complete else len(codes), rng)
    table = np.arange(len(codes)) if complete else np.sort(table)
    index = rows_by_value(factors[table])
    tests = [draw_each_value(index, j, num_test_per_value, rng) for j in range(num_factors)]
    test = table[np.concatenate([rows.ravel() for rows in tests])]
    predicted = predict_factors(
        codes[train], factors[train], codes[test], rng=rng, backend=backend, num_stages=num_stages
    )
    by_sensitive = np.split(predicted.test, np.cumsum([rows.size for rows in tests])[:-1])
    mean, largest = np.zeros((2, num_factors, num_factors))
    for j, labels in enumerate(by_sensitive):
        for i in range(num_factors):
            groups = labels[:, i].reshape(tests[j].shape)
            counts = np.array([(groups == label).sum(axis=1) for label in np.unique(groups)])
            mean[i, j], largest[i, j] = total_variation(counts)
    scores = aggregates("mean_fairness", mean) | aggregates("max_fairness", largest)
    return {"fairness": scores["mean_fairness.mean_target.mean_sensitive"]} | scores


def total_variation(counts: Integer[np.ndarray, "labels groups"]) -> tuple[float, float]:
    """Mean (weighted by size) and maximum over groups of the total variation from all groups together."""
    sizes = counts.sum(axis=0)
    overall = counts.sum(axis=1) / sizes.sum()
    distances = 0.5 * np.abs(counts / sizes - overall[:, None]).sum(axis=0)
    return float(distances @ sizes / sizes.sum()), float(distances.max())


def aggregates(name: str, distance: Float[np.ndarray, "f f"]) -> dict[str, float]:
    """All that is said of distance [target, sensitive], whose diagonal has no meaning."""
    pairs = ~np.eye(len(distance), dtype=bool)
    scores = {f"{name}.target_{i}.sensitive_{j}": distance[i, j] for i, j in np.argwhere(pairs)}
    for outer, inner, matrix in (("target", "sensitive", distance), ("sensitive", "target", distance.T)):
        others = matrix[pairs].reshape(len(matrix), -1)
        for how, reduced in (("mean", others.mean(axis=1)), ("max", others.max(axis=1))):
            scores |= {f"{name}.{outer}_{k}.{how}_{inner}": value for k, value in enumerate(reduced)}
            scores[f"{name}.mean_{outer}.{how}_{inner}"] = reduced.mean()
            scores[f"{name}.max_{outer}.{how}_{inner}"] = reduced.max()
    return {key: float(score) for key, score in scores.items()}
