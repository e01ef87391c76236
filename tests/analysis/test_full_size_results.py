"""The page of the model of full size says what the committed scores give, and they are of the sweep that it names."""

from pathlib import Path

import pandas as pd
import pytest

from disentanglement_study.study import components, plan

RESULTS = Path(__file__).parents[2] / "results" / "full_size"
PAGE = (RESULTS / "README.md").read_text(encoding="utf-8")
COLUMNS = ("beta_vae_score", "factor_vae_score", "mig", "dci", "modularity", "sap_score", "elbo")


@pytest.fixture(scope="module")
def results():
    return pd.read_parquet(RESULTS / "results.parquet")


def test_the_models_are_of_the_study_of_2019(results):
    axis = "sweep.axes = {'train.steps': [2500, 5000, 10000, 20000, 40000]}"
    one = ["sweep.data_sets = ['dsprites']", "sweep.methods = {'beta_tc_vae': {'beta': [6]}}", "sweep.seeds = 1"]
    assert axis in PAGE
    runs = plan.expand(components.load("locatello2019", [axis, *one]))
    assert set(results["run_id"]) == {run.run_id for run in runs}
    assert results["error"].isna().all()


def test_the_scores_are_those_of_the_page(results):
    own = results[results["representation"].isin(["mean", "model"])]
    for updates, rows in own.groupby("train.steps"):
        values = rows.groupby("score", observed=True)["value"].first()
        cells = [f"{values[score]:.{1 if score == 'elbo' else 2}f}" for score in COLUMNS]
        assert f"| {updates:,.0f} | {' | '.join(cells)} |" in PAGE


def test_the_curve_is_of_the_longest_training(results):
    curve = pd.read_csv(RESULTS / "curves.csv")
    assert curve["step"].max() == results["train.steps"].max()
    reconstruction = curve[curve["term"] == "reconstruction_loss"].set_index("step")["value"]
    assert list(reconstruction.index) == list(range(1000, 40001, 1000))
    longest = results[(results["train.steps"] == 40000) & (results["score"] == "reconstruction_loss")]
    # Of the last 1,000 batches, and of as many after them with the last weights.
    assert reconstruction.iloc[-1] == pytest.approx(longest["value"].iloc[0], rel=0.03)
