"""Models that differ by an axis of the sweep are named, and never taken together, and figures show what it does."""

import pandas as pd
import pytest

from disentanglement_study.analysis import figures, names, tables
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
    message = "models of β-VAE differ by num_latents, and the claims are about one setting"
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


def test_values_are_in_their_order():
    keys = [f"pca [rate={rate}; kind={kind}]" for rate in ("0.001", "0.003", "0.01", "1e-05") for kind in ("k9", "k10")]
    expected = [keys[place] for place in (6, 7, 0, 1, 2, 3, 4, 5)]
    assert names.in_order(reversed(keys), names.METHODS) == expected
    pairs = pd.DataFrame({"a": ["100", "50", "50"], "b": ["200", "200", "100"]})
    assert names.sort(pairs, ["a", "b"]).to_numpy().tolist() == [["50", "100"], ["50", "200"], ["100", "200"]]


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


def precision(value, seeds, shift=0.0, **columns):
    """Models of two strengths at a precision; a score is the strength, the seed and what is added."""
    return [
        {"run_id": f"{value}{strength}{seed}", "data_set": "dsprites", "method": "beta_vae", "strength_name": "beta",
         "strength": strength, "seed": seed, "representation": "mean", "metric": "mig", "score": "mig",
         "value": strength + seed / 100 + shift * (1 + seed), "error": None, "train.precision": value, **columns}
        for strength in (0.1, 0.4)
        for seed in seeds
    ]  # fmt: skip


def test_what_a_setting_changes_is_told_from_the_seed_and_the_strength_in_pairs():
    rows = precision("float32", range(4)) + precision("tf32", range(4), 0.001) + precision("bfloat16", range(1, 5), 0.1)
    table = tables.paired_differences(pd.DataFrame(rows)).set_index(["a", "b"])
    assert set(table.index) == {("bfloat16", "float32"), ("bfloat16", "tf32"), ("float32", "tf32")}
    tf32, bfloat16 = table.loc[("float32", "tf32")], table.loc[("bfloat16", "float32")]
    # Seeds 0 to 3, so that the differences are .001, .002, .003 and .004 of each of two strengths.
    assert tf32["difference"] == pytest.approx(0.0025)
    # Student's t of 8 - 2 degrees of freedom: 2.4469.
    assert tf32["low"] == pytest.approx(0.0025 - 2.4469 * 0.0012910 / 8**0.5, rel=1e-4)
    assert tf32["high"] == pytest.approx(0.0025 + 2.4469 * 0.0012910 / 8**0.5, rel=1e-4)
    assert tf32["n"] == 8
    # The seeds 0 .. 3 over 100, and 1.1 times as far apart: a mean of two variances.
    assert tf32["spread"] == pytest.approx((0.0129099**2 * (1 + 1.1**2) / 2) ** 0.5, rel=1e-4)
    # Seeds 1 to 3 are in both.
    assert bfloat16["difference"] == pytest.approx(-0.3)
    assert bfloat16["n"] == 6
    assert (table[["failed", "missing"]] == 0).all(axis=None)
    text = tables.render(tables.paired_differences(pd.DataFrame(rows)))
    assert "Difference of scores by precision: dSprites, mean representation, n = 6–8 pairs of models" in text
    assert "bfloat16, tf32     MIG    -0.297 [-0.409, -0.185]" in text
    assert "0.003 [0.001, 0.004]" in text


def test_a_pair_of_which_one_failed_is_counted_and_not_compared():
    rows = precision("float32", range(3)) + precision("tf32", range(3), 0.001)
    rows[0] |= {"value": float("nan"), "error": "it diverged"}
    whole = pd.DataFrame(rows)
    other = whole.assign(metric="sap_score", score="sap_score", error=None, value=1.0)[1:-1]
    table = tables.paired_differences(pd.concat([whole, other], ignore_index=True)).set_index("score")
    assert table.loc["mig", ["n", "failed", "missing"]].tolist() == [5, 1, 0]
    assert table.loc["sap_score", ["n", "failed", "missing"]].tolist() == [4, 0, 2]
    assert table.loc["sap_score", "difference"] == 0


def test_settings_are_compared_one_at_a_time():
    rows = [
        row
        for latents in (5, 10)
        for value, shift in (("float32", 0.0), ("tf32", 0.01))
        for row in precision(f"{value}", range(2), shift, **{"nets.num_latents": latents})
    ]
    results = pd.DataFrame(rows).assign(run_id=[f"run{place}" for place in range(len(rows))])
    table = tables.paired_differences(results).set_index("setting")
    assert table.loc["precision", ["a", "b", "n"]].tolist() == ["float32", "tf32", 8]
    assert table.loc["num_latents", ["a", "b", "n"]].tolist() == ["5", "10", 8]
    assert table.loc["num_latents", "difference"] == 0


def test_without_an_axis_there_is_nothing_to_compare(results):
    message = "no two models differ only in one setting: the sweep has no axis besides strength and seed"
    plain = results[results["nets.num_latents"] == 5].drop(columns=["nets.num_latents", "pca.num_points"])
    with pytest.raises(NothingToDraw, match=message):
        tables.paired_differences(plain)
    # Of one seed each, and none of both.
    apart = pd.DataFrame(precision("float32", [0]) + precision("tf32", [1]))
    with pytest.raises(NothingToDraw, match=message):
        tables.paired_differences(apart)


def test_of_one_seed_a_difference_has_no_interval():
    table = tables.paired_differences(pd.DataFrame(precision("float32", [0]) + precision("tf32", [0], 0.001)))
    assert table["difference"].tolist() == [pytest.approx(0.001)]
    assert table[["low", "high", "spread"]].isna().all(axis=None)


def test_the_figure_of_an_axis_has_its_values_in_their_order_and_a_line_for_each_method(results):
    figure = figures.FIGURES["score_by_setting"](with_method(results))
    table = figure.numbers.set_index(["method", "value"])
    assert set(figure.numbers["setting"]) == {"num_latents"}
    assert table.loc[("beta_vae", "5"), ["median", "n"]].tolist() == [pytest.approx(0.11), 3]
    assert table.loc[("pca", "10"), ["lower_quartile", "median"]].tolist() == [
        pytest.approx(0.505),
        pytest.approx(0.51),
    ]
    (axis,) = figure.axes
    assert [label.get_text() for label in axis.get_xticklabels()] == ["5", "10"]  # numbers by their size
    assert [list(line.get_ydata()) for line in axis.lines] == [[pytest.approx(0.11), pytest.approx(0.51)]] * 2
    assert "bars: quartiles, n = 3 models per point" in " ".join(figure.get_suptitle().split())
    assert figure.get_supxlabel() == "num latents"


def test_words_are_no_scale_and_no_line_joins_them():
    figure = figures.FIGURES["score_by_setting"](
        with_method(pd.DataFrame(precision("float32", range(2)) + precision("tf32", range(2), 0.1)))
    )
    (axis,) = figure.axes
    assert [label.get_text() for label in axis.get_xticklabels()] == ["float32", "tf32"]
    assert [line.get_linestyle() for line in axis.lines] == ["None"]


def test_an_axis_is_shown_over_the_others(results):
    """Two axes: a row of panels for each, whose medians are of the models of all values of the other."""
    both = pd.concat(
        [results, results.assign(run_id=results["run_id"] + "fast", value=results["value"] + 0.2)], ignore_index=True
    )
    both = both.assign(**{"train.steps": [100] * len(results) + [2000] * len(results)})
    table = figures.FIGURES["score_by_setting"](with_method(both)).numbers
    assert table.groupby("setting", sort=False)["n"].unique().map(list).to_dict() == {"num_latents": [6], "steps": [6]}
    of_steps = table[(table["setting"] == "steps") & (table["method"] == "pca")].set_index("value")["median"]
    assert of_steps.to_dict() == {"100": pytest.approx(0.31), "2000": pytest.approx(0.51)}


def test_a_study_without_an_axis_has_no_such_figure(results):
    alone = with_method(results[results["nets.num_latents"] == 5])
    with pytest.raises(NothingToDraw, match="the sweep has no axis"):
        figures.FIGURES["score_by_setting"](alone)
