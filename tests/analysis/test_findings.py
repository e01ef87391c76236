"""What a study found, in sentences: of planted studies, with the numbers worked out by hand."""

import re

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from figure_study import make_study as make_figure_study
from planted import planted
from report_study import make_study
from test_chosen_by_loss import make_rows
from test_higgins import make_grid, make_systems

from disentanglement_study import cli
from disentanglement_study.analysis import report, tables
from disentanglement_study.analysis.findings import INTERVALS, findings
from disentanglement_study.analysis.models import needed
from disentanglement_study.analysis.rows import checked
from disentanglement_study.cli import summary

# MIG of three methods, two seeds each, at one strength.
MIG = {"beta_vae": [0.2, 0.3], "factor_vae": [0.55, 0.65], "dip_vae_i": [0.1, 0.2]}


def rows_of(values, metric, data_set="dsprites", representation="mean", strength=1.0):
    """Rows of a score of the runs, of which `values` has a list over seeds for each method."""
    return [
        {"run_id": f"{data_set}/{method}/{strength:g}/{seed}", "data_set": data_set, "method": method,
         "strength_name": "beta", "strength": strength, "seed": seed, "representation": representation,
         "metric": metric if representation == "mean" else "training", "score": metric, "value": value, "error": None}
        for method, own in values.items() for seed, value in enumerate(own)
    ]  # fmt: skip


def study(*rows):
    return pd.DataFrame([row for part in rows for row in part])


def mapped(values, function):
    return {method: [function(value) for value in own] for method, own in values.items()}


def test_a_winner_is_named_with_its_lead_and_the_shares_of_the_variance():
    (sentence,) = findings(study(rows_of(MIG, "mig")))
    # Each method has a variance of .005 over seeds, with one degree of freedom: the pooled SD has three.
    half = scipy.stats.t.ppf(0.975, 3) * np.sqrt(0.005)
    values, grand = np.array(list(MIG.values())), np.mean(list(MIG.values()))
    share = 1 - 3 * 0.005 / ((values - grand) ** 2).sum()
    adjusted = 1 - (1 - share) * 5 / 3
    assert sentence.startswith(
        f"FactorVAE (β = 1) is best by MIG on dSprites: mean 0.60 over 2 seeds, "
        f"0.35 [{0.35 - half:.2f}, {0.35 + half:.2f}] above β-VAE; the method explains {100 * adjusted:.0f} % ["
    )
    assert sentence.endswith("] of the variance, and the seed the rest (n = 6 models).")


def test_a_lead_within_the_seeds_makes_no_winner():
    near = MIG | {"beta_vae": [0.5, 0.65]}
    sentence = findings(study(rows_of(near, "mig")))[0]
    assert sentence.startswith(
        "No method is clearly best by MIG on dSprites: FactorVAE (β = 1) has the highest mean, 0.60 over 2 seeds, 0.03"
    )
    low, high = map(float, re.search(r"0\.03 \[(-?[\d.]+), ([\d.]+)\] above β-VAE", sentence).groups())
    assert low < 0 < high


@pytest.mark.parametrize("data_sets", [1, 3])
def test_where_nothing_differs_methods_are_not_told_apart(data_sets):
    nothing = planted(data_sets=data_sets, between=0, within=0).study(5)
    sentence = findings(nothing)[0]
    where = "dSprites" if data_sets == 1 else "3 data sets"
    # The planted metrics are the first two of the study, of which MIG is none.
    assert sentence.startswith(
        f"FactorVAE score does not tell the methods apart on {where}: method and strength explain "
    )
    share, low = map(int, re.search(r"explain (\d+) % \[(\d+), \d+\] of its variance", sentence).groups())
    assert share < 3
    assert low == 0


def test_several_data_sets_are_counted():
    other = {**MIG, "beta_vae": [0.9, 1.0]}
    three = [rows_of(MIG, "mig", name) for name in ("dsprites", "cars3d")] + [rows_of(other, "mig", "shapes3d")]
    sentence = findings(study(*three))[0]
    assert sentence.startswith(
        "No method is best by MIG on all 3 data sets: FactorVAE has the highest mean on 2 and β-VAE on 1, ahead of the "
        "next method by more than the seeds explain on 3 of 3; the method explains "
    )
    assert sentence.endswith("(n = 18 models).")
    same = findings(study(*three[:2]))[0]
    assert same.startswith("FactorVAE has the highest mean MIG on all 2 data sets: ahead of the next method by more ")


class TestSmallStudies:
    def test_one_seed_compares_nothing(self):
        first = mapped(MIG, float) | {method: own[:1] for method, own in MIG.items()}
        said = findings(study(rows_of(first, "mig"), rows_of(mapped(first, np.square), "dci")))
        assert said == [
            "One seed a setting is too few to compare methods: the highest MIG on dSprites is 0.55, of FactorVAE "
            "(β = 1) (n = 3 models).",
            "MIG and DCI rank the models alike: rank correlation 1.00 (n = 3 models).",
        ]

    def test_one_model(self):
        assert findings(study(rows_of({"beta_vae": [0.25]}, "mig"))) == [
            "One model says nothing of others: β-VAE (β = 1) has a MIG of 0.25 on dSprites."
        ]

    def test_one_setting(self):
        assert findings(study(rows_of({"beta_vae": [0.2, 0.4, 0.3]}, "mig"))) == [
            "The study has one setting, so there is nothing to compare: β-VAE (β = 1) has a mean MIG of 0.30 on "
            "dSprites, 0.20 to 0.40 over 3 seeds."
        ]

    def test_one_method_with_strengths(self):
        weak, strong = ({"beta_vae": own} for own in ([0.2, 0.21, 0.19], [0.5, 0.51, 0.49]))
        (sentence,) = findings(study(rows_of(weak, "mig"), rows_of(strong, "mig", strength=4.0)))
        assert sentence.startswith(
            "β-VAE has its highest mean MIG on dSprites at β = 4: 0.50 over 3 seeds; the strength explains 99 % ["
        ) or sentence.startswith(
            "β-VAE has its highest mean MIG on dSprites at β = 4: 0.50 over 3 seeds; the strength explains 100 % ["
        )

    def test_nothing_is_done(self):
        assert findings(study(rows_of(MIG, "mig")).iloc[:0]) == ["No model is done yet, so there is nothing to say."]

    def test_everything_failed(self):
        failed = study(rows_of(MIG, "mig")).assign(value=np.nan, error="it failed")
        assert findings(failed) == ["No model has a score: all 6 models failed."]
        assert findings(failed[:1]) == ["No model has a score: the only model failed."]

    def test_models_without_a_metric_are_judged_by_none(self):
        elbo = {"beta_vae": [-20.0, -22.0], "factor_vae": [-18.0, -19.0]}
        assert findings(study(rows_of(elbo, "elbo", representation="model"))) == [
            "The scores of 4 models need no factors: they do not say how well codes are disentangled.",
            "FactorVAE (β = 1) has the highest median ELBO on dSprites: -18.5 nats (-19 to -18, n = 2 models).",
        ]

    def test_models_that_failed_leave_the_others_their_sentence(self):
        rows = study(rows_of(MIG, "mig"))
        rows.loc[rows["method"] == "factor_vae", ["value", "error"]] = np.nan, "it failed"
        assert "the highest mean is that of β-VAE (β = 1), 0.25 over 2 seeds" in findings(rows)[0]
        assert "FactorVAE" not in findings(rows)[0]


class TestAgreement:
    def test_the_pair_that_agrees_most_and_the_one_that_agrees_least(self):
        turned = mapped(MIG, lambda value: -value)
        rows = study(rows_of(MIG, "mig"), rows_of(mapped(MIG, np.square), "dci"), rows_of(turned, "modularity"))
        sentence = findings(rows)[1]
        assert sentence.startswith("MIG and DCI rank the models most alike, ")
        assert re.search(
            r"(MIG|DCI) and Modularity least: rank correlation 1\.00 \[1\.00, 1\.00\] and -1\.00", sentence
        )
        assert sentence.endswith("; 1 of 3 pairs of metrics has an interval above 0 (n = 6 models).")

    def test_metrics_that_do_not_agree_are_not_said_to(self):
        rng = np.random.default_rng(1)
        metrics = ("mig", "dci", "sap_score")
        rows = study(*(rows_of({method: rng.normal(size=4) for method in MIG}, metric) for metric in metrics))
        pairs = tables.metric_agreement(rows)
        assert (pairs["low"] <= 0).all()
        sentence = findings(rows)[1]
        assert sentence.startswith("No two metrics are seen to rank the models alike: ")
        top = pairs.iloc[0]
        assert f"{top['rank_correlation']:.2f} [{top['low']:.2f}, {top['high']:.2f}] (n = 12 models)" in sentence

    def test_what_judges_no_disentanglement_is_left_out(self):
        rows = study(rows_of(MIG, "mig"), rows_of(MIG, "downstream_boosted_trees"), rows_of(MIG, "fairness"))
        assert len(findings(rows)) == 1


class TestChoice:
    def test_a_score_without_labels_that_would_have_chosen_well(self):
        losses = mapped(MIG, lambda value: 10 - value)  # the lowest is the best by MIG
        worse = mapped(MIG, lambda value: -value)
        rows = study(
            rows_of(MIG, "mig"),
            rows_of(losses, "reconstruction_loss", representation="model"),
            rows_of(worse, "elbo", representation="model"),
        )
        assert findings(rows)[1] == (
            "Without labels, the lowest reconstruction loss is the best guide to a high MIG: rank correlation "
            "1.00 [1.00, 1.00] (n = 6 models)."
        )

    def test_a_score_that_would_have_chosen_badly_is_no_guide(self):
        worse = mapped(MIG, lambda value: -value)
        rows = study(rows_of(MIG, "mig"), rows_of(worse, "elbo", representation="model"))
        assert findings(rows)[1] == (
            "No score without labels is a guide to a high MIG: the highest ELBO has a rank correlation of "
            "-1.00 [-1.00, -1.00] (n = 6 models)."
        )

    def test_a_data_set_on_which_it_goes_the_other_way_is_named(self):
        seeds = {"beta_vae": [0.2, 0.25, 0.3], "factor_vae": [0.5, 0.55, 0.6]}
        rows = [rows_of(seeds, "mig", name) for name in ("dsprites", "cars3d", "shapes3d")]
        rows += [rows_of(seeds, "elbo", name, "model") for name in ("dsprites", "cars3d")]
        rows += [rows_of(mapped(seeds, lambda value: -value), "elbo", "shapes3d", "model")]
        sentence = findings(study(*rows))[1]
        assert "is the best guide to a high MIG: rank correlation 0.33 [" in sentence  # (1 + 1 - 1) / 3
        assert "(mean over 3 data sets, n = 18 models), but negative on Shapes3D; a setting chosen on one" in sentence
        share = tables.transfer(study(*rows)).set_index(["metric", "data_set"]).loc["same", "other"]
        assert f"of another in {100 * share['probability']:.0f} % [" in sentence
        assert sentence.endswith("of cases (chance: 50 %).")


class TestSettings:
    def rows(self, shift):
        parts = [
            study(rows_of(mapped(MIG, lambda value, by=by: value + by * shift), "mig")).assign(
                run_id=lambda rows, by=by: rows["run_id"] + f"/{by}", **{"train.steps": 100 * (1 + by)}
            )
            for by in (0, 1)
        ]
        return pd.concat(parts, ignore_index=True)

    def test_a_setting_that_matters(self):
        rows = self.rows(0.2)
        rows.loc[rows.index[-1], "value"] += 0.01  # seeds differ, so that there is an interval
        sentence = findings(rows)[1]
        assert sentence.startswith("MIG rises from steps = 100 to 200, all else alike: by 0.20 [0.20, 0.21]")
        assert sentence.endswith("(n = 6 pairs of models).")

    def test_a_setting_that_does_not(self):
        rows = self.rows(0.0)
        rows.loc[rows.index[-2:], "value"] += [0.1, -0.1]
        sentence = findings(rows)[1]
        assert sentence.startswith(
            "MIG does not depend on steps beyond the seeds: the difference between 100 and 200 is "
        )


class TestSources:
    def test_the_restart_of_lowest_loss_beside_fast_ica(self):
        own = pd.DataFrame(make_rows())
        assert findings(own) == [
            "TCL finds the sources of segment sources best: MCC 0.750 (0.700 to 0.800 over 2 draws of the data), of "
            "the restart with the lowest loss.",
            "FastICA, the linear baseline, reaches 0.525 on the same data: TCL is 0.225 above it, in the median over "
            "draws.",
            "2 of 4 models did not converge.",
        ]

    def test_it_says_where_a_method_fails(self):
        both = pd.DataFrame(make_rows() + make_rows(layers=3, shift=0.3))
        first, second, third = findings(both)
        assert first.startswith("TCL is above FastICA, the linear baseline, on 1 of 2 data sets: ")
        assert second.startswith("TCL gains most, on segment sources, num_layers = 2: MCC 0.750 ")
        assert third.startswith("TCL is not above FastICA on segment sources, num_layers = 3: MCC 0.450 ")
        assert third.endswith("; FastICA 0.525.")

    def test_without_the_linear_baseline_it_says_so(self):
        own = pd.DataFrame(make_rows())
        said = findings(own[own["method"] == "tcl"])
        assert said[1] == "FastICA was not run, so there is no linear baseline to compare with."

    def test_a_control_finds_nothing(self):
        own = pd.DataFrame(make_rows()).replace({"method": {"tcl": "unconditional_likelihood"}})
        assert not any("finds the sources" in sentence for sentence in findings(own))


def test_systems_are_ordered_by_their_score():
    results = make_systems()
    table = tables.systems(results)
    own = table[~table["method"].isin(["ground_truth"])].sort_values("mean", ascending=False)
    first, second = findings(results)[:2]
    assert first.startswith(
        f"{own['system'].iloc[0]} has the highest Higgins score of {len(own)} systems on dSprites: "
    )
    assert f"{100 * own['mean'].iloc[0]:.1f} %" in first
    places = [second.index(name) for name in own["system"].iloc[1:]]
    assert places == sorted(places)


def test_a_grid_of_beta_and_latents_is_judged_by_its_claims():
    claims = tables.claims_higgins2017(make_grid())
    rises, shape = findings(make_grid())[1:]
    assert claims["holds"].tolist() == ["yes", "yes"]
    rho = claims["measured"].iloc[0]
    assert rises.startswith("The best normalised β rises with the number of latents: ")
    assert f"is {rho:.2f}" in rises
    assert shape.startswith("The score is an inverted U of the normalised β: ")


def test_the_truth_is_no_method_that_wins():
    rows = study(rows_of(MIG | {"ground_truth": [1.0, 1.0]}, "mig"))
    assert findings(rows)[0].startswith("FactorVAE (β = 1) is best by MIG on dSprites: mean 0.60 over 2 seeds, 0.35 [")


def test_there_are_at_most_three_and_the_rows_order_is_nothing():
    results = make_figure_study()
    said = findings(results)
    assert len(said) == 3
    assert findings(results.sample(frac=1, random_state=0)) == said
    assert findings(needed(checked(results))) == said  # as the report and `quick` have them


class TestWhereTheyAreRead:
    def test_the_page_opens_with_them(self, tmp_path):
        store = make_study(tmp_path / "study")
        html = report.write(store).read_text(encoding="utf-8").replace("\u00a0", " ")
        header = html.split("<header>")[1].split("</header>")[0]
        assert "54 models of dSprites: 36 done, 9 failed, 9 missing" in header
        assert "<h2>What this study found so far</h2>" in header
        assert header.index("What this study found") < header.index("<nav")
        said = findings(needed(checked(store.results())))
        shown = [re.sub("<[^>]*>", "", item) for item in re.findall("<li>(.*?)</li>", header)]
        assert shown == said
        assert INTERVALS in header

    def test_the_summary_of_quick_has_them(self, tmp_path, capsys):
        store = make_study(tmp_path / "study")
        summary.found(cli.parser().parse_args(["tables", str(store.root)]))
        printed = capsys.readouterr().out
        assert printed.startswith(f"\nWhat this study found so far. {INTERVALS}\n")
        said = findings(needed(checked(store.results())))
        assert " ".join(printed.split()).endswith(" ".join(f"- {sentence}" for sentence in said))
        assert max(map(len, printed.splitlines())) <= 120
