"""Models that differ by an axis of the sweep are named, and never taken together."""

import pandas as pd
import pytest

from disentanglement_study.analysis import names, tables
from disentanglement_study.analysis.rows import NothingToDraw, with_method


def rows(latents, shift):
    return [
        {"run_id": f"{latents}{method}{seed}", "data_set": "dsprites", "method": method, "strength_name": "",
         "seed": seed, "strength": 0.0, "representation": "mean", "metric": "mig", "score": "mig",
         "value": shift + seed / 100,
         "error": None,
         "nets.num_latents": latents, "pca.num_points": 500 if method == "pca" else None}
        for method in ("beta_vae", "pca")
        for seed in range(3)
    ]  # fmt: skip


@pytest.fixture
def results():
    return pd.DataFrame(rows(10, 0.5) + rows(5, 0.1))


def test_a_method_with_other_settings_is_a_method_of_its_own(results):
    named = with_method(results)
    assert list(names.in_order(named["method"], names.METHODS)) == [
        "beta_vae [num_latents=5]",
        "beta_vae [num_latents=10]",
        "pca [num_latents=5]",  # whose number of points is the same in all
        "pca [num_latents=10]",
    ]
    assert not [column for column in named if "." in column]
    assert with_method(named) is named
    assert names.label("pca [num_latents=5; num_points=500]", names.METHODS) == "PCA, num_latents = 5, num_points = 500"


def test_the_claims_of_one_setting_are_not_of_models_that_differ_by_an_axis(results):
    message = "models of β-VAE differ by num_latents, and the claims are of one setting"
    with pytest.raises(NothingToDraw, match=message):
        tables.paper_vs_measured(results)


def test_values_that_differ_have_names_that_differ(results):
    rates = [0.00123456, 0.001234561] * 6
    assert with_method(results.assign(**{"train.learning_rate": rates}))["method"].nunique() == 8
    names_of = set(with_method(results.assign(**{"pca.num_points": [1e6, None] * 6}))["method"])
    assert "pca [num_latents=5; num_points=1000000]" in names_of


def test_a_table_has_a_row_for_each(results):
    table = tables.scores_by_method(results)
    medians = table.set_index("method")["median"]
    assert medians["beta_vae [num_latents=5]"] == pytest.approx(0.11)
    assert medians["beta_vae [num_latents=10]"] == pytest.approx(0.51)
    assert len(medians) == 4
    assert "β-VAE, num_latents = 5" in tables.render(table)


def test_a_plan_names_them_as_the_results_do(results):
    plan = results.drop_duplicates("run_id").assign(
        settings=['{"nets.num_latents": 10}'] * 3
        + ['{"nets.num_latents": 10, "pca.num_points": 500}'] * 3
        + ['{"nets.num_latents": 5}'] * 3
        + ['{"nets.num_latents": 5, "pca.num_points": 500}'] * 3,
        **{"train.steps": 1000},
    )
    assert set(with_method(plan)["method"]) == set(with_method(results)["method"])
    assert "train.steps" in with_method(plan)


def test_a_study_without_axes_is_as_it_was(results):
    plain = results[results["nets.num_latents"] == 5].drop(columns=["nets.num_latents", "pca.num_points"])
    assert with_method(plain) is plain


def test_codes_that_are_absolute_values_stand_beside_those_of_other_methods_and_not_beside_their_sources(results):
    tcl = results.assign(method="tcl", run_id="t" + results["run_id"], target="abs")
    linear = results.assign(method="fast_ica", target="sources")
    absolute = linear.assign(representation="abs", target="abs", value=linear["value"] / 2)
    table = tables.scores_by_method(pd.concat([tcl, linear, absolute], ignore_index=True))
    shown = table.groupby("representation")["method"].agg(lambda methods: {one.partition(" ")[0] for one in methods})
    assert shown.to_dict() == {"mean": {"fast_ica"}, "abs": {"tcl", "fast_ica"}}
    categories = pd.concat([tcl, linear], ignore_index=True).astype(
        {"representation": "category", "target": "category"}
    )
    assert set(with_method(categories)["representation"]) == {"mean", "abs"}
