"""The power analysis: published numbers, simulated studies, and what cannot be said."""

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from planted import planted

from disentanglement_study.analysis import power, tables
from disentanglement_study.analysis.rows import NothingToDraw

SEEDS = np.array([2, 5, 10, 20, 50])


def study(cells, data_set="dsprites", metric="mig"):
    """Scores by {(method, strength): a list of them, one a seed}."""
    rows = [
        {"method": method, "strength": strength, "seed": seed, "value": value}
        for (method, strength), values in cells.items()
        for seed, value in enumerate(values)
    ]
    table = pd.DataFrame(rows)
    run_id = table[["method", "strength", "seed"]].astype(str).agg("/".join, axis=1)
    return table.assign(
        run_id=f"{data_set}/" + run_id, data_set=data_set, strength_name="beta", representation="mean", metric=metric,
        score=metric, error=None,
    )  # fmt: skip


CELLS = {
    ("beta_vae", 1.0): [0.2, 0.4],
    ("beta_vae", 2.0): [0.5, 0.5],
    ("beta_vae", 4.0): [0.9, 0.7],
    ("factor_vae", 10.0): [0.6, 0.5, 0.7],
    ("factor_vae", 20.0): [0.3],
    ("factor_vae", 40.0): [0.1, 0.2],
    ("annealed_vae", 5.0): [0.1, 0.1],
}


class TestPower:
    @pytest.mark.parametrize(
        ("effect", "n", "expected"),
        [(0.5, 64, 0.80146), (0.8, 26, 0.807487), (0.2, 394, 0.800593), (0.5, 30, 0.477897), (1.4, 10, 0.841306)],
    )
    def test_it_is_that_of_other_programs(self, effect, n, expected):
        """By TTestIndPower of statsmodels 0.15.0; of the first two G*Power says 0.8015 and 0.8075."""
        assert power.power(effect, n) == pytest.approx(expected, abs=1e-6)

    @pytest.mark.parametrize(("effect", "n"), [(0.2, 394), (0.3, 176), (0.5, 64), (0.8, 26), (1.0, 17), (1.4, 10)])
    def test_as_many_seeds_are_needed_as_by_other_programs(self, effect, n):
        """By the same: 393.4, 175.4, 63.8, 25.5, 16.7 and 9.1, rounded up."""
        assert power.needed(effect) == n

    @pytest.mark.parametrize("n", [2, 5, 20])
    def test_t_tests_of_drawn_scores_find_the_detectable_difference_in_80_percent(self, n):
        rng = np.random.default_rng(n)
        first, second = rng.normal(size=(2, 20_000, n))
        found = scipy.stats.ttest_ind(first + power.detectable(n), second, axis=1).pvalue < 0.05
        assert found.mean() == pytest.approx(0.8, abs=0.012)  # four standard errors

    def test_what_is_detected_by_n_needs_n(self):
        for n in SEEDS:
            assert power.needed(power.detectable(int(n)) * 1.0001) == n
            assert power.needed(power.detectable(int(n)) * 0.9999) == n + 1

    def test_no_number_of_seeds_is_infinite(self):
        assert np.isnan([power.needed(0), power.needed(-1), power.needed(1e-9), power.needed(0.05)]).all()
        assert power.needed(0.15) < 1000
        assert power.needed(1e6) == 2

    @pytest.mark.parametrize(("spread_of_sds", "least"), [(0, 0.93), (0.5, 0.9)])
    @pytest.mark.parametrize("seeds", [2, 5])
    def test_the_interval_holds_the_sd(self, spread_of_sds, least, seeds):
        rng = np.random.default_rng(seeds)
        sds = np.exp(spread_of_sds * rng.normal(size=36))
        cells, truth, inside = np.repeat(np.arange(36), seeds), np.sqrt((sds**2).mean()), []
        for _ in range(400):
            found = power.spread(rng.normal(size=len(cells)) * sds[cells], cells)
            inside.append(found.low <= truth <= found.high)
        assert np.mean(inside) >= least


class TestDetectableDifference:
    def test_the_sd_is_pooled_within_cells(self):
        table = tables.detectable_difference(study(CELLS))
        within = [np.var(values, ddof=1) * (len(values) - 1) for values in CELLS.values() if len(values) > 1]
        sd = np.sqrt(sum(within) / 7)
        assert table["sd"].to_numpy() == pytest.approx(sd)
        assert table[["cells", "n", "degrees_of_freedom"]].drop_duplicates().to_numpy().tolist() == [[6, 13, 7]]
        assert (table["sd_low"] < sd).all()
        assert (table["sd_high"] > sd).all()

    def test_differences_are_those_of_the_t_test(self):
        """By TTestIndPower().solve_power(nobs1=n, alpha=0.05, power=0.8) of statsmodels 0.15.0."""
        table = tables.detectable_difference(study(CELLS)).set_index("seeds")
        effects = table["difference"] / table["sd"]
        assert list(effects.index) == list(SEEDS)
        np.testing.assert_allclose(effects, [5.653489, 2.02444, 1.324947, 0.909129, 0.56588], atol=3e-6)
        np.testing.assert_allclose(table["high"] / table["difference"], table["sd_high"] / table["sd"])

    def test_data_sets_are_pooled_too(self):
        noise = {"dsprites": 0.1, "cars3d": 0.3}
        rng = np.random.default_rng(0)
        both = pd.concat(
            study({("beta_vae", float(b)): (b + sd * rng.normal(size=20)).tolist() for b in range(5)}, data_set)
            for data_set, sd in noise.items()
        )
        sds = tables.detectable_difference(both).groupby("data_set", sort=False)["sd"].first()
        assert list(sds.index) == ["dsprites", "cars3d", "all"]
        assert sds["all"] == pytest.approx(np.sqrt((sds["dsprites"] ** 2 + sds["cars3d"] ** 2) / 2))

    def test_the_truth_of_a_planted_study_is_found(self):
        truth = planted(strengths=6, noise=0.4)
        sds = tables.detectable_difference(truth.study(10, metrics=("mig", "dci"))).groupby("score")["sd"].first()
        np.testing.assert_allclose(sds, np.sqrt((truth.noise**2).sum(axis=1)), rtol=0.12)


class TestSeedsNeeded:
    def test_given_differences(self):
        table = tables.seeds_needed(study(CELLS)).set_index("comparison")
        for difference in (0.05, 0.1):
            line = table.loc[f"{difference:g}"]
            assert power.power(difference / line["sd"], int(line["seeds"])) >= 0.8
            assert power.power(difference / line["sd"], int(line["seeds"]) - 1) < 0.8
            assert line["fewest"] < line["seeds"]
            assert np.isnan(line["most"]) or line["most"] > line["seeds"]

    def test_the_best_two_at_their_best_strengths_and_at_their_median_ones(self):
        table = tables.seeds_needed(study(CELLS)).set_index("comparison")
        best, median = table.loc["best strength"], table.loc["median strength"]
        assert best[["better", "second"]].tolist() == ["beta_vae", "factor_vae"]
        assert best["difference"] == pytest.approx(0.2)
        half = scipy.stats.t.ppf(0.975, 7) * best["sd"] * np.sqrt(1 / 2 + 1 / 3)
        assert best["high"] - best["difference"] >= half * 0.999  # wider where the SDs of cells differ
        assert best["seeds"] == power.needed(0.2 / best["sd"])
        assert median[["better", "second"]].tolist() == ["beta_vae", "factor_vae"]
        assert median["difference"] == pytest.approx(0.2)
        assert np.isnan(best["most"])  # the interval of the difference reaches 0
        assert best["low"] < 0

    def test_of_unfairness_the_lowest_is_the_best(self):
        table = tables.seeds_needed(study(CELLS, metric="fairness")).set_index("comparison")
        assert table.loc["median strength", "better"] == "annealed_vae"
        assert table.loc["median strength", "difference"] == pytest.approx(0.2)

    def test_methods_that_coincide_need_more_than_a_thousand(self):
        same = {("beta_vae", 1.0): [0.2, 0.4], ("factor_vae", 10.0): [0.4, 0.2]}
        table = tables.seeds_needed(study(same)).set_index("comparison")
        assert table.loc["best strength", "difference"] == 0
        assert np.isnan(table.loc["best strength", "seeds"])
        text = tables.render(tables.seeds_needed(study(same)))
        assert "> 1,000" in text
        assert "nan" not in text
        assert "inf" not in text

    def test_one_method_has_none_to_compare_with(self):
        one = {cell: values for cell, values in CELLS.items() if cell[0] == "beta_vae"}
        assert set(tables.seeds_needed(study(one))["comparison"]) == {"0.05", "0.1"}
        assert "Best two" not in tables.render(tables.seeds_needed(study(one)))

    def test_a_score_that_only_some_data_sets_have_gets_a_dash(self):
        both = pd.concat([study(CELLS), study({("beta_vae", 1.0): [0.1, 0.2]}, metric="dci")])
        assert "–" in tables.render(tables.seeds_needed(both))

    @pytest.mark.parametrize("table", [tables.seeds_needed, tables.detectable_difference])
    @pytest.mark.filterwarnings("error")
    def test_what_cannot_be_said_says_what_it_lacks(self, table):
        one_seed = {cell: values[:1] for cell, values in CELLS.items()}
        constant = {cell: [0.1, 0.1, 0.1] for cell in CELLS}
        for cells in (one_seed, constant):
            with pytest.raises(NothingToDraw, match="two seeds"):
                table(study(cells))
        with pytest.raises(NothingToDraw, match="headline score"):
            table(study(CELLS).assign(error="broken"))
