"""The grid of numbers of latents and normalised β of Higgins et al. 2017: a planted ridge is found."""

import numpy as np
import pandas as pd
import pytest
from test_higgins import BETAS, LATENTS, make_grid

from disentanglement_study.analysis import figures, published, tables
from disentanglement_study.analysis.rows import NothingToDraw

RISES, INVERTED_U = (claim.text for claim in published.CLAIMS_HIGGINS_2017)


@pytest.fixture(scope="module")
def grid():
    return make_grid()


def claims_of(results):
    return tables.claims_higgins2017(results).set_index("claim")


class TestRidge:
    def test_a_planted_ridge_is_found(self, grid):
        table = tables.best_normalised_beta(grid)
        assert list(table["num_latents"]) == list(LATENTS)
        for column in ("best_normalised_beta", "low", "high"):
            assert list(table[column]) == list(BETAS[1:5])
        assert table["best_score"].tolist() == pytest.approx([0.9] * 4)
        assert (table[["n", "failed", "missing"]] == [18, 0, 0]).all(axis=None)
        assert (table["edge"] == "").all()
        assert (table["inverted_u"] == "yes").all()
        claims = claims_of(grid)
        assert claims.loc[RISES, ["measured", "low", "high", "holds", "n"]].tolist() == [1, 1, 1, "yes", 72]
        assert claims.loc[INVERTED_U, ["measured", "holds", "why"]].tolist() == [1, "yes", ""]

    def test_a_ridge_that_falls_is_no(self):
        line = claims_of(make_grid((4, 3, 2, 1))).loc[RISES]
        assert line[["measured", "holds"]].tolist() == [-1, "no"]

    def test_a_best_that_is_the_same_does_not_rise(self):
        line = claims_of(make_grid((2, 2, 2, 2))).loc[RISES]
        assert line[["measured", "low", "high", "holds"]].tolist() == [0, 0, 0, "no"]

    def test_a_valley_is_no_inverted_u(self, grid):
        valley = grid.assign(value=1 - grid["value"])
        claims = claims_of(valley)
        assert claims.loc[INVERTED_U, ["measured", "holds"]].tolist() == [0, "no"]
        assert "best at the highest β_norm" in claims.loc[INVERTED_U, "why"]

    def test_the_edge_of_the_grid_is_named(self):
        table = tables.best_normalised_beta(make_grid((0, 2, 3, 5)))
        assert table["edge"].tolist() == ["lowest", "", "", "highest"]
        assert table["inverted_u"].tolist() == ["no", "yes", "yes", "no"]
        claims = claims_of(make_grid((0, 2, 3, 5)))
        assert claims.loc[RISES, ["holds", "why"]].tolist() == [
            "yes",
            "the best is at the edge of the grid for M = 2, 20",
        ]
        assert claims.loc[INVERTED_U, "measured"] == 0.5

    def test_scatter_widens_the_interval_of_the_best(self):
        results = make_grid(noise=(-0.3, 0.0, 0.05, 0.3))
        table = tables.best_normalised_beta(results)
        assert (table["low"] < table["high"]).all()
        assert set(table["low"]) | set(table["high"]) <= set(BETAS)
        assert (table["inverted_u"] == "no").all()
        line = claims_of(results).loc[RISES]
        assert line["low"] < 0 < line["high"]
        assert line["holds"] == "no"

    def test_one_seed_has_no_interval(self):
        results = make_grid(noise=(0.0,))
        table = tables.best_normalised_beta(results)
        assert list(table["best_normalised_beta"]) == list(BETAS[1:5])
        assert table[["low", "high", "best_score_low"]].isna().all(axis=None)
        assert (claims_of(results)["holds"] == "not enough data").all()

    def test_two_numbers_of_latents_are_not_enough(self):
        claims = claims_of(make_grid((1, 2)))
        assert claims.loc[RISES, ["holds", "why"]].tolist() == [
            "not enough data",
            "the study has 2 numbers of latents: it needs 3",
        ]
        assert claims.loc[INVERTED_U, "holds"] == "yes"

    def test_failed_cells_are_left_out_and_counted(self, grid):
        lost = (grid["nets.num_latents"] == 5) & (grid["strength"] == BETAS[2])
        table = tables.best_normalised_beta(grid.assign(value=grid["value"].mask(lost))).set_index("num_latents")
        assert table.loc[5, ["n", "failed", "missing", "best_normalised_beta"]].tolist() == [15, 3, 0, BETAS[1]]
        figure = figures.FIGURES["score_by_latents_and_beta"](grid.assign(value=grid["value"].mask(lost)))
        assert "–" in [text.get_text() for text in figure.axes[0].texts]
        assert "0–3 failed" in " ".join(figure.get_suptitle().split())

    def test_the_metrics_of_2019_judge_where_the_papers_own_is_not(self):
        results = make_grid(metrics=("mig", "dci", "irs"))
        assert set(tables.best_normalised_beta(results)["score"]) == {"mig", "dci", "irs"}
        assert list(tables.claims_higgins2017(results)["score"]) == ["mig", "mig", "dci", "dci"]
        both = make_grid(metrics=("mig", "higgins_score"))
        assert set(tables.claims_higgins2017(both)["score"]) == {"higgins_score"}

    def test_other_settings_are_grids_of_their_own(self, grid):
        rates = pd.concat([grid, grid.assign(run_id="b" + grid["run_id"])], ignore_index=True)
        rates["train.learning_rate"] = np.repeat([0.1, 0.2], len(grid))
        table = tables.best_normalised_beta(rates)
        assert list(table["method"].unique()) == ["beta_vae [learning_rate=0.1]", "beta_vae [learning_rate=0.2]"]
        assert (table.groupby("method")["n"].sum() == len(grid)).all()

    @pytest.mark.parametrize("name", ["best_normalised_beta", "claims_higgins2017"])
    def test_what_is_lacking_is_said(self, name, grid):
        table = tables.TABLES[name]
        with pytest.raises(NothingToDraw, match=r"^no model was given .*normalised_beta, only beta$"):
            table(make_grid(name="beta"))
        with pytest.raises(NothingToDraw, match=r"nets\.num_latents is not an axis"):
            table(grid[grid["nets.num_latents"] == 5])
        with pytest.raises(NothingToDraw, match="headline score"):
            table(grid.assign(error="failed"))

    def test_the_order_of_the_rows_is_nothing(self, grid):
        shuffled = grid.sample(frac=1, random_state=0)
        for name in ("best_normalised_beta", "claims_higgins2017"):
            pd.testing.assert_frame_equal(tables.TABLES[name](grid), tables.TABLES[name](shuffled))

    def test_text(self, grid):
        text = tables.render(tables.best_normalised_beta(grid))
        assert "0.004 [0.004, 0.004]" in text
        assert "The best normalised β rises" in tables.render(tables.claims_higgins2017(grid))


class TestFigure:
    def test_the_grid(self, grid):
        figure = figures.FIGURES["score_by_latents_and_beta"](grid)
        (axis,) = figure.axes
        expected = [[0.9 - 0.1 * abs(place - peak) for place in range(6)] for peak in (1, 2, 3, 4)]
        assert [text.get_text() for text in axis.texts] == [f"{value:.2f}" for value in np.ravel(expected)]
        image = np.asarray(axis.images[0].get_array())
        np.testing.assert_allclose(image, (np.array(expected) - np.min(expected)) / np.ptp(expected), atol=1e-9)
        assert [label.get_text() for label in axis.get_yticklabels()] == ["2", "5", "10", "20"]
        assert [label.get_text() for label in axis.get_xticklabels()] == [f"{beta:.3g}" for beta in BETAS]
        best = [line for line in axis.lines if line.get_marker() == "D"]
        assert [float(np.ravel(line.get_xdata())[0]) for line in best] == [1, 2, 3, 4]
        numbers = figure.numbers
        assert len(numbers) == 24
        at = numbers[(numbers["num_latents"] == 5) & (numbers["normalised_beta"] == BETAS[0])].iloc[0]
        assert at[["median", "n", "best_normalised_beta", "best_low"]].tolist() == [
            pytest.approx(0.7),
            3,
            BETAS[2],
            BETAS[2],
        ]
        assert "n = 3 models per cell" in " ".join(figure.get_suptitle().split())

    def test_a_panel_for_each_metric_of_2019(self):
        figure = figures.FIGURES["score_by_latents_and_beta"](make_grid(metrics=("mig", "dci", "irs")))
        assert [axis.get_title("left") for axis in figure.axes] == ["dSprites, MIG", "dSprites, DCI"]


def test_a_grid_with_a_cell_without_a_model_is_not_judged():
    whole = make_grid()
    is_done = ~((whole["nets.num_latents"] == LATENTS[-1]) & (whole["strength"] > BETAS[3]))
    assert set(tables.claims_higgins2017(whole)["holds"]) == {"yes"}
    half = tables.claims_higgins2017(whole[is_done].reset_index(drop=True))
    assert set(half["holds"]) == {"not enough data"}
    assert set(half["why"]) == {f"no model with M = 20, β_norm = {BETAS[4]:g} has a score, and 1 more"}
