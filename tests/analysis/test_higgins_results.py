"""The page of results of the beta-VAE paper says what the committed scores give."""

from pathlib import Path

import pandas as pd
import pytest

from disentanglement_study.analysis import tables

RESULTS = Path(__file__).parents[2] / "results" / "beta_vae2017"
PAGE = (RESULTS / "README.md").read_text(encoding="utf-8")
CALLED = {
    "VAE, β_norm = 0.00244141": "VAE",
    "β-VAE, β_norm = 0.00976562": "β-VAE",
    "DC-IGN, invariance = 0.01": "DC-IGN",
    "InfoGAN, lambda_info = 1": "InfoGAN",
}


@pytest.mark.parametrize(("study", "column"), [("full", 3), ("small", 4)])
def test_the_accuracies_of_the_systems_are_those_of_the_page(study, column):
    said = {line.split("|")[1].strip(): line.split("|") for line in PAGE.splitlines() if line.count("|") == 6}
    table = tables.systems(pd.read_parquet(RESULTS / f"{study}.parquet"))
    assert len(table) == {"full": 5, "small": 9}[study]
    for row in table.itertuples():
        cells = said[CALLED.get(row.system, row.system)]
        assert cells[column].strip() == f"{100 * row.mean:.1f} [{100 * row.low:.1f}, {100 * row.high:.1f}]"
        assert cells[5].strip() == str(row.n)
        assert row.chance == pytest.approx(1 / 4)


def test_the_ridge_is_that_of_the_page():
    results = pd.read_parquet(RESULTS / "grid.parquet")
    claims = tables.claims_higgins2017(results).set_index("claim")
    rises = claims.loc["The best normalised β rises with the number of latents"]
    assert f"{rises['measured']:.2f} [{rises['low']:.2f}, {rises['high']:.2f}]" in PAGE
    assert rises["holds"] == "yes"
    best = tables.best_normalised_beta(results).query("score == 'higgins_score'").set_index("num_latents")
    assert best["best_normalised_beta"].to_dict() == {3: 0.01, 5: 0.03, 10: 0.001, 20: 0.1, 40: 0.3}
