"""The pages on the papers say what the committed scores give, and name the sweeps that there are."""

import re

import pages
import pandas as pd
import pytest

from disentanglement_study.analysis import figures, promises, tables
from disentanglement_study.analysis.rows import with_method
from disentanglement_study.study import components, plan

RESULTS = pages.ROOT / "results"
HIGGINS, LOCATELLO, HYVARINEN = (
    pages.read(f"docs/papers/{name}.md") for name in ("higgins2017", "locatello2019", "hyvarinen2023")
)
SYSTEMS = {
    "VAE, β_norm = 0.00244141": "VAE",
    "β-VAE, β_norm = 0.00976562": "β-VAE",
    "DC-IGN, invariance = 0.01": "DC-IGN",
    "InfoGAN, lambda_info = 1": "InfoGAN",
}


def rows(page, width):
    """The cells of the rows of the tables of a page that have so many columns, by the first."""
    lines = [line.strip("|").split("|") for line in page.splitlines() if line.startswith("| ")]
    return {cells[0].strip(): [cell.strip() for cell in cells] for cells in lines if len(cells) == width}


def scores(study, file="results"):
    return pd.read_parquet(RESULTS / study / f"{file}.parquet")


def interval(value, low, high, form=".2f"):
    return f"{value:{form}} [{low:{form}}, {high:{form}}]"


def planned(*texts):
    return len(plan.expand(components.load(*texts)))


# Higgins et al. 2017.


@pytest.mark.parametrize(("file", "column"), [("full", 2), ("small", 4)])
def test_the_systems_are_those_that_were_scored(file, column):
    said = rows(HIGGINS, 7)
    table = tables.systems(scores("beta_vae2017", file))
    for row in table.itertuples():
        cells = said[SYSTEMS.get(row.system, row.system)]
        assert cells[column] == interval(100 * row.mean, 100 * row.low, 100 * row.high, ".1f")
        assert cells[column + 1] == row.holds
        assert cells[6] == str(row.n)
        assert float(cells[1].replace("*", "").split(" ± ")[0]) == pytest.approx(100 * row.published, abs=0.051)
    not_run = [name for name, cells in said.items() if cells[2] == "not run"]
    assert not_run == ["DC-IGN", "InfoGAN", "VAE", "β-VAE"]
    assert not set(not_run) & set(tables.systems(scores("beta_vae2017", "full"))["system"].replace(SYSTEMS))


def test_the_effect_of_beta_is_that_which_was_measured():
    results = scores("beta_vae2017", "grid")
    claims = tables.claims_higgins2017(results).set_index("claim")
    rises = claims.loc["The best normalised β rises with the number of latents"]
    assert rises["holds"] == "yes"
    assert (
        f"rank correlation {interval(rises['measured'], rises['low'], rises['high'])}, {rises['n']} models" in HIGGINS
    )
    shape = claims.loc["The score is an inverted U of the normalised β"]
    assert (shape["holds"], shape["measured"]) == ("no", 0)
    best = tables.best_normalised_beta(results).query("score == 'higgins_score'")
    for row in best.itertuples():
        of_score = interval(row.best_score, row.best_score_low, row.best_score_high)
        beta = interval(row.best_normalised_beta, row.low, row.high, "g")
        assert f"| {row.num_latents} | {beta} | {of_score} | {row.n} |" in HIGGINS


def test_what_the_classifier_leaves_open_is_that_which_was_measured():
    table = pd.read_csv(RESULTS / "beta_vae2017" / "classifier.csv").set_index(["method", "updates", "scale", "pairs"])
    mean = (100 * table["mean"]).map("{:.1f}".format)
    pca = [mean["pca", updates, 1.0, 64] for updates in (1000, 10_000, 100_000)]
    text = " ".join(HIGGINS.split())
    assert "PCA scores {} after 1,000 updates, {} after 10,000 and {} after 100,000".format(*pca) in text
    near = [mean[method, 100_000, 1.0, 20] for method in ("raw_pixels", "pca", "untrained_vae")]
    assert "raw pixels ({}), PCA ({}) and the untrained VAE ({})".format(*near) in text
    assert f"it scores {mean['fast_ica', 10_000, 0.1, 64]}" in text


@pytest.mark.slow
def test_the_sweeps_of_higgins_have_the_models_that_the_page_counts():
    small = "include 'gin_configs/beta_vae2017_small.gin'"
    assert f"has {planned('beta_vae2017')} models of the nine systems" in HIGGINS
    assert f" {planned('beta_vae2017_beta')} models of five numbers of latents and eight β" in HIGGINS
    assert (
        planned("beta_vae2017_beta", [small, "sweep.seeds = 5"]) == scores("beta_vae2017", "grid")["run_id"].nunique()
    )


# Locatello et al. 2019.


@pytest.fixture(scope="module")
def small():
    return with_method(scores("small"))


@pytest.mark.slow
def test_the_claims_are_those_that_were_judged(small):
    table = tables.paper_vs_measured(small)
    said = rows(LOCATELLO, 5)
    for number, row in enumerate(table.itertuples(), 1):
        (first,) = [first for first in said if first.startswith(f"{number}. {row.claim} (")]
        section = row.source.partition(", section ")[2].removesuffix(" and its appendix")
        assert first == f"{number}. {row.claim} ({section})"
        known = row.low == row.low
        measured = interval(row.measured, row.low, row.high) if known else f"{row.measured:.2f}".replace("nan", "–")
        published = "–" if row.published != row.published else f"{row.published:.3f}".removesuffix("0")
        assert said[first][1:] == [published, measured, str(row.n), row.holds]
    assert len(table) == 16


def test_the_claims_are_those_of_the_results_page():
    results = pages.read("results/small/README.md")
    said = [(first, cells) for first, cells in rows(LOCATELLO, 5).items() if re.match(r"\d+\. ", first)]
    assert len(said) == 16
    for first, cells in said:
        claim = re.sub(r"^\d+\. | \([^()]*\)$", "", first)
        (line,) = [line for line in results.splitlines() if line.startswith(f"| {claim} | ")]
        there = [cell.strip() for cell in line.strip("|").split("|")]
        published = cells[1] if cells[1] == "–" else f"{float(cells[1]):.2f}"
        assert [published, *cells[2:4]] == there[1:4]


def test_the_seeds_of_a_comparison_and_the_disagreement_are_those_that_were_measured(small):
    text = " ".join(LOCATELLO.split())
    learnt = small[small["data_set"].isin(["dsprites", "color_dsprites", "shapes3d_rendered"])]
    needed = tables.seeds_needed(learnt).query("data_set == 'all'").set_index(["score", "comparison"])["seeds"]
    of = {score: [int(needed[score, size]) for size in ("0.1", "0.05")] for score in ("mig", "dci", "factor_vae_score")}
    assert (
        "in MIG of 0.1 between two methods needs {} seeds of each, and one of 0.05 needs {}".format(*of["mig"]) in text
    )
    assert (
        "For DCI it is {} and {}, for the FactorVAE score {} and {}".format(*of["dci"], *of["factor_vae_score"]) in text
    )
    detected = tables.detectable_difference(learnt).query("data_set == 'all' and score == 'mig' and seeds == 5")
    assert f"nothing below {detected['difference'].item():.3f} in MIG" in text
    pairs = tables.rank_correlation(small, resamples=0).query("representation == 'mean'")
    pairs = pairs.set_index(["score_a", "score_b", "data_set"])["rank_correlation"]
    values = [pairs["mig", "dci", data_set] for data_set in ("dsprites", "shapes3d_rendered")]
    assert "correlate by {:.2f} on dSprites and {:.2f} on 3D Shapes".format(*values) in text


def test_the_model_of_full_size_has_the_scores_of_the_page():
    results = scores("full_size")
    own = results[results["representation"].isin(["mean", "model"])]
    said = rows(LOCATELLO, 5)
    for updates, one in own.groupby("train.steps"):
        values = one.groupby("score", observed=True)["value"].first()
        cells = [f"{values[score]:.2f}" for score in ("mig", "dci", "factor_vae_score")]
        assert said[f"{updates:,.0f}"][1:] == [*cells, f"{values['elbo']:.1f}"]


@pytest.mark.slow
def test_the_studies_of_2019_have_the_models_that_the_page_counts(small):
    text = " ".join(LOCATELLO.split())
    assert f"trains {planned('locatello2019'):,} models" in text
    assert f"What was run: {small['run_id'].nunique()} models" in text
    assert f"{planned('quick')} models that everyone can run" in text


# Hyvärinen et al. 2023.

METHODS = {
    "TCL": "tcl", "PCL": "pcl", "GCL": "gcl", "ICE-BeeM": "ice_beem",
    "Conditional likelihood": "conditional_likelihood", "Unconditional likelihood": "unconditional_likelihood",
    "iVAE": "ivae", "Unconditional VAE": "unconditional_vae",
    "HM-NLICA": "hidden_markov", "SNICA": "snica", "SlowVAE, γ = 10": "slow_vae",
}  # fmt: skip


@pytest.fixture(scope="module")
def chosen():
    """The restarts of lowest loss, by study: their MCC with what each method identifies."""
    found = {}
    for study, own in scores("nonlinear_ica").groupby("study"):
        if study not in ("control", "slow_vae_images"):
            table = tables.chosen_by_loss(own)
            shown = "abs" if study == "tcl" else "mean"
            found[study] = table[(table["score"] == "mcc") & (table["representation"] == shown)]
    return found


def test_the_mcc_of_each_method_is_that_which_was_measured(chosen):
    said = [line.strip("| ").split(" | ") for line in HYVARINEN.splitlines() if ".gin` |" in line]
    assert len(said) == 15
    for method, settings, layers, mcc, fast_ica, margin, restarts in said:
        table = chosen[settings.strip("`").removesuffix(".gin")]
        here = table["data_set"].str.contains(f"num_layers={layers}]", regex=False) | ~table["data_set"].str.contains(
            "[", regex=False
        )
        own = table[here & (table["method"] == METHODS[method])]
        if method.endswith("γ = 10"):
            own = own[own["strength"] == 10]
        (row,), (base,) = own.itertuples(), table[here & (table["method"] == "fast_ica")].itertuples()
        assert mcc == interval(row.median, row.least, row.most, ".3f")
        assert fast_ica == interval(base.median, base.least, base.most, ".3f")
        assert (margin, restarts, row.n) == (f"{row.margin:+.3f}", str(row.restarts), 3)


def test_methods_that_assume_nothing_stay_at_the_level_of_linear_ica(chosen):
    every = pd.concat(chosen.values())
    free = every["method"].isin(["unconditional_likelihood", "unconditional_vae"])
    free |= (every["method"] == "slow_vae") & (every["strength"] == 0)
    margins = every[free]["margin"]
    assert f"end up {margins.min():+.2f} to {margins.max():+.2f} from linear ICA" in HYVARINEN


def test_the_controls_and_the_images_are_those_that_were_measured():
    results, text = scores("nonlinear_ica"), " ".join(HYVARINEN.split())
    assert f"What was run: {results['run_id'].nunique()} models" in text
    control = results.query("study == 'control' and representation == 'mean' and score == 'mcc'")
    assert f"of {len(control)} controls" in text
    assert f"the highest MCC is {control['value'].max():.3f}" in text
    images = results.query("study == 'slow_vae_images' and representation == 'mean'")
    median = images.groupby(["method", "strength", "score"], observed=True)["value"].median().map("{:.3f}".format)
    slow, without = ([median["slow_vae", gamma, score] for score in ("mig", "dci")] for gamma in (1.0, 0.0))
    beta = [median["beta_vae", 4.0, score] for score in ("mig", "dci")]
    assert "median MIG of {} and a DCI of {}".format(*slow) in text
    assert "term has {} and {}, β-VAE with β = 4 on the same images {} and {}".format(*without, *beta) in text


@pytest.mark.slow
def test_the_studies_of_ica_have_the_models_that_the_page_counts():
    assert f"study of {planned('nonlinear_ica'):,} models" in HYVARINEN
    assert f"quick study has {planned('nonlinear_ica_quick')} models" in HYVARINEN
    (example,) = [block.text for block in pages.blocks(HYVARINEN) if block.language == "gin"]
    assert f"This one has {planned('quick', [example])} models" in HYVARINEN


def test_every_method_of_ica_is_in_the_table_of_methods():
    section = HYVARINEN.partition("## The methods")[2].partition("## ")[0]
    named = re.findall(r"`(\w+)`", "\n".join(line.split("|")[1] for line in section.splitlines() if line[:3] == "| `"))
    assert set(named) == set(promises.PROMISES)


@pytest.mark.parametrize(
    ("paper", "page"), [("higgins2017", HIGGINS), ("locatello2019", LOCATELLO), ("hyvarinen2023", HYVARINEN)]
)
def test_every_figure_of_a_paper_is_on_its_page(paper, page):
    of_the_text = [figure for figure in figures.PAPERS[paper] if not figure.number.startswith("Appendix")]
    drawn = {name for figure in of_the_text for name in figure.figures}
    assert {name for name in drawn if f"`{name}`" not in page} == set()
