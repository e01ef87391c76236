"""Scores of disentanglement_lib: every number is there, under the name that ours has."""

from pathlib import Path

import dlib_results
import numpy as np
import pandas as pd
import pytest
from dlib_results import MIG, brought, small

from disentanglement_study import cli, store
from disentanglement_study.study.foreign.disentanglement_lib import import_results
from disentanglement_study.study.foreign.dlib_scores import of_evaluation

ROOT = Path(__file__).parents[3]


def test_every_number_of_their_study_is_there(imported, contents):
    for root in imported:
        results = store.open(root).results()
        assert results["error"].isna().all()
        found = results.set_index(["dlib_model_num", "representation", "metric", "score"])["value"].sort_index()
        for path, content in contents.items():
            number, _, representation, metric = path.split("/")[:4]
            own = found.loc[int(number), representation]
            evaluated = {k: v for k, v in content.items() if k.startswith("evaluation_results.")}
            for name, value in evaluated.items():
                key = name.removeprefix("evaluation_results.")
                if key in ("uuid", "elapsed_time"):
                    continue
                of = expected_name(metric, key)
                assert own[of] == pytest.approx(value, abs=1e-9), (path, key)
            losses = found.loc[int(number), "model"]
            for key in ("loss", "kl_loss", "reconstruction_loss"):
                assert losses["training", key] == pytest.approx(content[f"train_results.{key}"], abs=1e-9)


def expected_name(metric: str, key: str) -> tuple[str, str]:
    """As metrics of ours call it, written out once more."""
    task = {"downstream_task_boosted_trees": "downstream_boosted_trees",
            "downstream_task_logistic_regression": "downstream_logistic_regression"}.get(metric)  # fmt: skip
    if task:
        size, _, name = key.partition(":")
        name, _, factor = name.partition("_factor_")
        return task, f"{name}.n_{size}" + (f".factor_{factor}" if factor else "")
    return {
        ("beta_vae_sklearn", "eval_accuracy"): ("beta_vae_score", "beta_vae_score"),
        ("beta_vae_sklearn", "train_accuracy"): ("beta_vae_score", "train_accuracy"),
        ("factor_vae_metric", "eval_accuracy"): ("factor_vae_score", "factor_vae_score"),
        ("factor_vae_metric", "train_accuracy"): ("factor_vae_score", "train_accuracy"),
        ("factor_vae_metric", "num_active_dims"): ("evaluation_results.factor_vae_score", "num_active_dims"),
        ("mig", "discrete_mig"): ("mig", "mig"),
        ("dci", "disentanglement"): ("dci", "dci"),
        ("sap_score", "SAP_score"): ("sap_score", "sap_score"),
        ("modularity_explicitness", "modularity_score"): ("modularity", "modularity"),
        ("modularity_explicitness", "explicitness_score_test"): ("explicitness", "explicitness"),
        ("modularity_explicitness", "explicitness_score_train"): ("explicitness", "explicitness_train"),
        ("unsupervised", "gaussian_wasserstein_correlation_norm"):
            ("unsupervised", "gaussian_wasserstein_correlation_normalised"),
        ("unsupervised", "mutual_info_score"): ("unsupervised", "mutual_information"),
    }.get((metric, key), (metric, key))  # fmt: skip


def test_the_names_are_those_that_our_metrics_give(imported):
    quick = pd.read_parquet(ROOT / "results/quick/results.parquet")
    ours = set(zip(quick["metric"], quick["score"].str.replace(r"n_\d+|factor_\d", "", regex=True), strict=True))
    results = store.open(imported[0]).results()
    named = results["metric"].str.startswith(("evaluation_results", "train_results"))
    short = results["score"].str.replace(r"n_\d+|factor_\d", "", regex=True)
    theirs = set(zip(results["metric"][~named], short[~named], strict=True))
    assert theirs == ours - {("factor_vae_score", "num_active_dims")}
    downstream = results[results["metric"] == "downstream_boosted_trees"].set_index(["run_id", "representation"])
    headline = downstream.loc[downstream["score"] == "downstream_boosted_trees", "value"].sort_index()
    largest = downstream.loc[downstream["score"] == "mean_test_accuracy.n_10000", "value"].sort_index()
    pd.testing.assert_series_equal(headline, largest)
    assert set(results.loc[results["metric"] == "mig", "n"]) == {10_000}


def test_their_unfairness_has_the_names_of_ours():
    from disentanglement_study.metrics.fairness import aggregates

    both = [name for prefix in ("mean_fairness", "max_fairness") for name in aggregates(prefix, np.zeros((3, 3)))]
    keys = [
        f"{p}:pred{i}:sens{j}" for p in ("mean_fairness", "max_fairness") for i in range(3) for j in range(3) if i != j
    ]
    for prefix in ("mean_fairness", "max_fairness"):
        keys += [f"{prefix}:pred{i}:{how}_sens" for i in range(3) for how in ("mean", "max")]
        keys += [f"{prefix}:sens{i}:{how}_pred" for i in range(3) for how in ("mean", "max")]
        for outer, inner in (("pred", "sens"), ("sens", "pred")):
            keys += [f"{prefix}:{a}_{outer}:{b}_{inner}" for a in ("mean", "max") for b in ("mean", "max")]
    found = of_evaluation(keys, "fairness", "gradient_boosting_classifier")
    assert {one.metric for one in found} == {"fairness"}
    assert sorted(one.score for one in found) == sorted([*both, "fairness"])


def test_a_row_of_several_metrics_is_told_apart_where_names_tell():
    keys = ["discrete_mig", "eval_accuracy", "beta_vae_sklearn.eval_accuracy", "1:mean_test_accuracy",
            "downstream_task_boosted_trees.10:mean_test_accuracy"]  # fmt: skip
    assert [one[:2] for one in of_evaluation(keys)] == [
        ("mig", "mig"),
        ("evaluation_results", "eval_accuracy"),
        ("beta_vae_score", "beta_vae_score"),
        ("evaluation_results", "1:mean_test_accuracy"),
        ("downstream_boosted_trees", "mean_test_accuracy.n_10"),
        ("downstream_boosted_trees", "downstream_boosted_trees"),
    ]


def test_scores_without_a_counterpart_keep_their_names(tmp_path):
    contents = small()
    contents[MIG.replace("/mig/", "/unsupervised/")] |= {"evaluation_results.matrix": [[3, 4]]}
    contents[MIG] |= {
        "evaluation_results.my_score": 0.25,
        "evaluation_results.matrix": [[1, 2]],
        "extra.column": "x",
    }
    opened, said = brought(tmp_path, contents)
    results = opened.results().set_index(["metric", "score"])["value"]
    assert results["evaluation_results.mig", "my_score"] == 0.25
    assert results["train_results", "global_step"] == 300_000
    assert any(line.startswith("3 scores that have no counterpart here keep their names: ") for line in said)
    assert "values that are not single numbers were left out: matrix (in 2 results)" in said


@pytest.mark.parametrize("value", [None, "0.5", [0.5], float("nan"), 10**400, True])
def test_without_any_score_no_study_is_made(tmp_path, value, capsys):
    contents = small()
    for content in contents.values():
        content.update({key: value for key in content if "_results." in key})
    path = dlib_results.write(tmp_path / "output", contents)
    assert cli.main(["import", "disentanglement_lib", str(path), str(tmp_path / "study")]) == 2
    said = " ".join(capsys.readouterr().err.split())
    assert f"{path} holds no score of 1 model that can be used" in said
    assert not (tmp_path / "study").exists()


@pytest.mark.parametrize("value", [None, float("nan"), float("inf")])
@pytest.mark.parametrize("in_one_file", [False, True])
def test_a_score_that_is_no_number_is_a_failure(tmp_path, value, in_one_file):
    contents = small()
    contents[MIG]["evaluation_results.discrete_mig"] = value
    path = (dlib_results.aggregated if in_one_file else dlib_results.write)(tmp_path / "output", contents)
    import_results(path, tmp_path / "study")
    results = store.open(tmp_path / "study").results().set_index("score")
    assert np.isnan(results.loc["mig", "value"])
    assert "no number: discrete_mig is" in results.loc["mig", "error"]
    assert results.drop("mig")["error"].isna().all()
