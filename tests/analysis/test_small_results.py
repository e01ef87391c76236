"""The page of the small study says what the committed scores give, and they are of models of `sweeps/small.gin`."""

import re
from pathlib import Path

import pandas as pd
import pytest

from disentanglement_study.analysis import names, tables
from disentanglement_study.analysis.rows import with_method
from disentanglement_study.study import components, plan

RESULTS = Path(__file__).parents[2] / "results" / "small"
LEARNT = ["dsprites", "color_dsprites", "shapes3d_rendered"]  # the data sets on which models disentangle anything
PAGE = (RESULTS / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def results():
    return with_method(pd.read_parquet(RESULTS / "results.parquet"))


def said(first, columns):
    """The cells of the line that begins so, of the table of the page that has so many columns."""
    lines = [line for line in PAGE.splitlines() if line.startswith(f"| {first} |")]
    (line,) = [line for line in lines if line.count("|") == columns + 1]
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_the_models_are_of_the_sweep_and_none_failed(results):
    runs = {run.run_id: run for run in plan.expand(components.load("small"))}
    assert len(runs) == 1800
    assert {*results["run_id"].unique()} <= {*runs}
    assert results["error"].isna().all()
    number = results.groupby("data_set", observed=True)["run_id"].nunique()
    assert number.sum() >= 360
    assert f"{number.sum():,} models" in " ".join(PAGE.split())
    for key, models in number.items():
        cells = said(names.label(key, names.DATA_SETS), columns=8)
        own = results[results["data_set"] == key]
        assert cells[1:3] == [str(own["seed"].nunique()), str(models)]
        of_mean = own[own["representation"] == "mean"].pivot_table(index="run_id", columns="score", values="value")
        assert cells[4] == f"{of_mean['mig'].median():.2f}, {of_mean['mig'].max():.2f}"


def test_the_claims_are_those_of_the_page(results):
    table = tables.paper_vs_measured(results)
    shown = 0
    for row in table[table["measured"].notna()].itertuples():
        cells = said(row.claim, columns=7)
        ends = f" [{row.low:.2f}, {row.high:.2f}]" if row.low == row.low else ""
        assert cells[2] == f"{row.measured:.2f}{ends}"
        assert cells[3] == str(row.n)
        shown += 1
    assert shown >= 14


def test_the_seeds_that_a_comparison_needs_are_those_of_the_page(results):
    table = tables.detectable_difference(results[results["data_set"].isin(LEARNT)])
    pooled = table[table["data_set"] == "all"]
    for score, own in pooled.groupby("score", observed=True):
        cells = said(names.label(score, names.SCORES), columns=10)
        assert cells[1] == f"{own['sd'].iloc[0]:.3f}"
        assert cells[3:8] == [f"{difference:.3f}" for difference in own.sort_values("seeds")["difference"]]


def test_the_metrics_that_agree_are_those_of_the_page(results):
    table = tables.metric_agreement(results[results["data_set"].isin(LEARNT)])
    table = table[(table["representation"] == "mean") & ~(table[["score_a", "score_b"]] == "udr").any(axis=1)]
    table = table.sort_values("rank_correlation", ascending=False)
    both = table[(table["score_a"] == "mig") & (table["score_b"] == "dci")]
    pairs = tables.rank_correlation(results, resamples=0)
    pairs = pairs[pairs["representation"] == "mean"].set_index(["score_a", "score_b", "data_set"])["rank_correlation"]
    lines = []
    for row in pd.concat([table.head(8), both, table.tail(6)]).itertuples():
        cells = [names.label(score, names.SCORES) for score in (row.score_a, row.score_b)]
        cells += [f"{pairs[row.score_a, row.score_b, data_set]:.2f}" for data_set in LEARNT]
        lines.append(f"| {' | '.join(cells)} | {row.rank_correlation:.2f} [{row.low:.2f}, {row.high:.2f}] |")
    assert "\n".join(lines) in PAGE


def test_what_is_said_of_models_that_have_learnt_nothing(results):
    own = results[(results["data_set"] == "texture_dsprites") & (results["representation"] == "mean")]
    scores = own.pivot_table(index="run_id", columns="score", values="value", observed=True)
    assert scores["beta_vae_score"].max() < 0.3
    for score in ("beta_vae_score", "mig", "modularity", "info_m", "probe_explicitness", "udr"):
        of = scores[score]
        cells = [names.label(score, names.SCORES), f"{of.median():.2f}", f"{of.min():.2f}", f"{of.max():.2f}"]
        assert f"| {' | '.join(cells)} |" in PAGE


def test_every_figure_is_shown_or_linked():
    there = {f"figures/{path.name}" for path in (RESULTS / "figures").glob("*.png")}
    assert set(re.findall(r"figures/[a-z_]+\.png", PAGE)) == there
