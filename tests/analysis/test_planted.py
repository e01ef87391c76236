"""Studies whose truth is known: shares of variance and rank correlations must be found within the interval.

The truths come from algebra or from a simulation of a million models, never from the analysis. Seeds are fixed, so no
test fails by chance; the rates that are asserted say how often an interval may miss.
"""

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from planted import DATA_SETS, METRICS, Planted, planted, shares

from disentanglement_study.analysis import stats, tables


class TestVarianceExplained:
    def test_shares_are_recovered(self):
        """40 studies of 10 seeds: 7 or more misses of a 95 % interval have a chance below 1 in 200."""
        truth = planted(strengths=3, within=0.7)
        found = np.array(
            [
                table.set_index("by").loc[["method", "method_and_strength"], ["low", "high"]].to_numpy()
                for seed in range(40)
                for table in [one_score(tables.variance_explained(truth.study(10, seed), seed=seed))]
            ]
        )
        for place, share in enumerate(shares(truth)):
            covered = (found[:, place, 0] <= share) & (share <= found[:, place, 1])
            assert covered.sum() > 33

    @pytest.mark.slow
    def test_noise_explains_nothing_after_adjustment(self):
        truth = planted(between=0, within=0)
        table = pd.concat([one_score(tables.variance_explained(truth.study(4, seed))) for seed in range(40)])
        cells = table[table["by"] == "method_and_strength"]
        assert cells["r_squared"].mean() == pytest.approx(35 / 143, abs=0.02)
        assert abs(cells["adjusted"].mean()) < 0.02
        # Each side is missed in 2.5 % of studies: 5 or more of 40 have a chance below 1 in 250.
        assert (cells["low"] > 0).sum() < 5

    def test_no_interval_of_a_share_reaches_above_1(self):
        """Where methods decide all but one model, half of the resamples have a share of 1, and are made wider."""
        study = planted().study(2)
        rows = (study["metric"] == "beta_vae_score") & (study["data_set"] == DATA_SETS[0])
        values = study.loc[rows, "method"].astype("category").cat.codes.astype(float)
        values.iloc[0] += 1.0
        study.loc[rows, "value"] = values
        line = one_score(tables.variance_explained(study)).set_index("by").loc["method"]
        assert 0.9 < line["low"] < line["adjusted"] < line["high"] == 1

    @pytest.mark.parametrize("drop", [0, 37])
    def test_r_squared_is_that_of_least_squares(self, drop):
        study = planted().study(3).iloc[drop:]
        table = tables.variance_explained(study, resamples=0)
        for by, keys in {"method": ["method"], "method_and_strength": ["method", "strength"]}.items():
            rows = study[study["metric"] == "beta_vae_score"]
            design = pd.get_dummies(rows[keys].astype(str).agg("/".join, axis=1)).to_numpy(float)
            y = rows["value"].to_numpy()
            residual = y - design @ np.linalg.lstsq(design, y)[0]
            expected = 1 - residual @ residual / ((y - y.mean()) ** 2).sum()
            line = one_score(table).set_index("by").loc[by]
            assert line["r_squared"] == pytest.approx(expected, abs=1e-12)
            assert line["groups"] == design.shape[1]
        lines = one_score(table).set_index("by")
        n, methods, settings = len(y), *lines["groups"]
        usual = 1 - (1 - expected) * (n - 1) / (n - settings)
        assert lines.loc["method_and_strength", "adjusted"] == pytest.approx(usual, abs=1e-12)
        less = (methods - 1) * (1 - expected) / (n - settings)  # what as many groups explain of the seeds' noise
        assert lines.loc["method", "adjusted"] == pytest.approx(lines.loc["method", "r_squared"] - less, abs=1e-12)

    def test_one_seed_leaves_the_strength_unknown(self):
        line = one_score(tables.variance_explained(planted().study(1))).set_index("by")
        assert line.loc["method_and_strength", "r_squared"] == pytest.approx(1)
        assert line.loc["method_and_strength", ["adjusted", "low", "high"]].isna().all()
        assert line.loc["method", ["low", "high"]].isna().all()


def one_score(table, score="beta_vae_score"):
    return table[(table["score"] == score) & (table["data_set"] == DATA_SETS[0])]


class TestRankCorrelation:
    @pytest.mark.slow
    def test_correlations_are_recovered(self):
        """60 studies of 8 seeds: 9 or more misses of 95 % intervals have a chance below 1 in 200."""
        truth = planted(strengths=3)
        many = truth.draw(60_000, np.random.default_rng(1))[0].reshape(2, -1)
        rho = scipy.stats.spearmanr(many[0], many[1]).statistic
        covered = 0
        for seed in range(60):
            table = tables.rank_correlation(truth.study(8, seed), seed=seed)
            pair = table[(table["score_a"] == METRICS[0]) & (table["score_b"] == METRICS[1])].squeeze()
            covered += pair["low"] <= rho <= pair["high"]
        assert covered > 51

    def test_seeds_make_narrower_intervals_than_models(self):
        """Where settings decide the order, another seed changes little; drawing settings anew would change much."""
        truth = planted(noise=0.2)
        values = truth.study(10).pivot(index="run_id", columns="metric", values="value")
        cells = pd.factorize(values.index.str.rpartition("/").get_level_values(0))[0]
        of_seeds, of_models = (
            stats.spearman_matrix(values.to_numpy(), cells=cells, resamples=300) for cells in (cells, None)
        )
        widths = [matrix.high[0, 1] - matrix.low[0, 1] for matrix in (of_seeds, of_models)]
        assert widths[0] < widths[1] / 2

    def test_ties_failed_missing_and_constant(self):
        study = planted(metrics=3, strengths=2).study(5)
        study["value"] = study["value"].round(0)
        study.loc[study["metric"] == METRICS[2], "value"] = 0.5
        run_ids = study["run_id"].unique()
        failed = study["run_id"].isin(run_ids[:4]) & (study["metric"] == METRICS[0])
        study.loc[failed, ["value", "error"]] = [np.nan, "ValueError: no"]
        study = study[~(study["run_id"].isin(run_ids[2:9]) & (study["metric"] == METRICS[1]))]
        table = tables.rank_correlation(study).set_index(["score_a", "score_b"])
        wide = study.pivot(index="run_id", columns="metric", values="value").dropna()
        expected = scipy.stats.spearmanr(wide[METRICS[0]], wide[METRICS[1]]).statistic
        pair = table.loc[METRICS[0], METRICS[1]]
        assert pair["rank_correlation"] == pytest.approx(expected, abs=1e-12)
        assert pair["low"] < pair["rank_correlation"] < pair["high"]
        assert pair[["n", "failed", "missing"]].tolist() == [51, 4, 5]
        assert table.loc[(METRICS[0], METRICS[2]), ["rank_correlation", "low", "high"]].isna().all()
        assert table.loc[(METRICS[0], METRICS[2]), ["n", "failed", "missing"]].tolist() == [56, 4, 0]
        constant = one_score(tables.variance_explained(study), METRICS[2])
        assert constant[["r_squared", "adjusted", "low", "high"]].isna().all(axis=None)

    def test_a_failed_run_is_failed_and_not_missing(self):
        study = planted(strengths=2).study(3)
        lost = study["run_id"] == study["run_id"].iloc[0]
        training = study[lost].iloc[:1].assign(metric="training", score="loss", representation="model", value=np.nan)
        study = pd.concat([study[~lost], training.assign(error="out of memory")])
        table = tables.rank_correlation(study, resamples=0)
        assert (table[["n", "failed", "missing"]] == [35, 1, 0]).all(axis=None)

    def test_a_gap_changes_other_pairs_little(self):
        """The ranks of resamples are of all models that have a score; with few gaps that is hardly another interval."""
        truth = planted(metrics=3)
        whole = truth.study(10)
        gaps = whole.drop(whole[whole["metric"] == METRICS[2]].index[::9])
        a, b = (tables.rank_correlation(study) for study in (whole, gaps))
        pair = (a["score_a"] == METRICS[0]) & (a["score_b"] == METRICS[1])
        np.testing.assert_allclose(a[pair][["low", "high"]], b[pair][["low", "high"]], atol=1e-4)
        other = (a["score_a"] == METRICS[0]) & (a["score_b"] == METRICS[2])
        np.testing.assert_allclose(a[other][["low", "high"]], b[other][["low", "high"]], atol=0.05)


class TestDataSets:
    def test_correlations_across_data_sets(self):
        truth = planted(data_sets=2, metrics=1)
        truth.means[1] = -truth.means[0]
        table = tables.data_set_rank_correlation(truth.study(20))
        assert (table["rank_correlation"] < -0.9).all()
        assert (table["high"] < -0.8).all()
        assert table["n"].tolist() == [36, 36]
        noiseless = Planted(truth.means, truth.noise * 0)
        assert tables.data_set_rank_correlation(noiseless.study(2))["rank_correlation"].tolist() == [-1, -1]

    def test_only_shared_settings_count(self):
        study = planted(data_sets=2, metrics=1, strengths=3).study(3)
        study = study[(study["data_set"] == DATA_SETS[0]) | (study["strength"] > 0)]
        table = tables.data_set_rank_correlation(study)
        assert table["n"].tolist() == [12, 12]
        means = study.groupby(["data_set", "method", "strength"])["value"].mean().unstack(0).dropna()
        expected = scipy.stats.spearmanr(means.iloc[:, 0], means.iloc[:, 1]).statistic
        assert table["rank_correlation"].tolist() == pytest.approx([expected, expected])

    def test_trend_with_strength(self):
        truth = planted(metrics=1, noise=1)
        truth.means[:] = np.arange(6)
        study = truth.study(10)
        table = tables.strength_rank_correlation(study)
        rows = study[study["method"] == "beta_vae"]
        expected = scipy.stats.spearmanr(rows["strength"], rows["value"]).statistic
        assert table.iloc[0]["rank_correlation"] == pytest.approx(expected)
        assert (table["low"] > 0.7).all()
