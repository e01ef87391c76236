"""Studies whose truth is known: shares of variance, rank correlations and transfer must be found within the interval.

The truths come from algebra or from a simulation of a million models, never from the analysis. Seeds are fixed, so no
test fails by chance; the rates that are asserted say how often an interval may miss.
"""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from chosen import slow

from disentanglement_study.analysis import models, names, published, stats, tables

DATA_SETS, METHODS, METRICS = list(names.DATA_SETS), list(names.STUDY_METHODS), names.STUDY_METRICS


@dataclasses.dataclass
class Planted:
    """Scores are a mean of their setting, plus noise of a model: means [data sets,metrics,methods,strengths]."""

    means: np.ndarray
    noise: np.ndarray  # [metrics,metrics]: how each metric mixes independent normal noises

    def draw(self, seeds: int, rng: np.random.Generator) -> np.ndarray:
        """[data sets,metrics,methods,strengths,seeds]"""
        sizes = self.means.shape
        noise = rng.normal(size=(sizes[0], self.noise.shape[1], *sizes[2:], seeds))
        return self.means[..., None] + np.einsum("mk,dkosr->dmosr", self.noise, noise)

    def study(self, seeds: int, seed: int = 0, metrics=METRICS) -> pd.DataFrame:
        values = self.draw(seeds, np.random.default_rng(seed))
        index = np.indices(values.shape).reshape(values.ndim, -1)
        data_set, metric, method, strength, run = index
        table = pd.DataFrame(
            {
                "data_set": np.array(DATA_SETS)[data_set],
                "method": np.array(METHODS)[method],
                "strength_name": "beta",
                "strength": strength.astype(float),
                "seed": run,
                "representation": "mean",
                "metric": np.array(metrics)[metric],
                "value": values.ravel(),
                "error": None,
            }
        )
        bindings = table[["data_set", "method", "strength", "seed"]].astype(str)
        return table.assign(score=table["metric"], run_id=bindings.agg("/".join, axis=1))


def planted(data_sets=1, metrics=2, methods=6, strengths=6, between=1.0, within=1.0, noise=1.0, seed=0):
    """Means with effects of the method and of its strength of these sizes; noise that metrics share by half."""
    rng = np.random.default_rng(seed)
    shape = data_sets, metrics, methods
    means = between * rng.normal(size=(*shape, 1)) + within * rng.normal(size=(*shape, strengths))
    mixed = np.column_stack([np.ones(metrics), np.eye(metrics)]) / np.sqrt(2)
    return Planted(means, noise * mixed)


def shares(truth: Planted, data_set: int = 0, metric: int = 0) -> tuple[float, float]:
    """Of the variance of a score: the method's share, and with the strength's. By algebra."""
    means, noise = truth.means[data_set, metric], (truth.noise[metric] ** 2).sum()
    total = means.var() + noise
    return means.mean(axis=1).var() / total, means.var() / total


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


class TestTransfer:
    def test_without_noise_it_is_exact(self):
        """The best setting beats all models but the other seeds of itself, which it ties with."""
        table = tables.transfer(planted(noise=0, metrics=1).study(5), resamples=0)
        same = table.set_index(["metric", "data_set"]).loc[("same", "same")]
        assert same["probability"] == pytest.approx((35 * 5 + 4 / 2) / (36 * 5 - 1))
        assert table["probability"].notna().sum() == 1

    @pytest.mark.parametrize("noise", [0.5, slow(3.0)])
    def test_probabilities_are_recovered(self, noise):
        """10 studies of 20 seeds, 4 relations: 8 or more misses of 40 have a chance below 1 in 1,000 at 95 %."""
        truth = planted(data_sets=2, metrics=3, noise=noise)
        expected, covered, found = simulate_transfer(truth), 0, []
        for seed in range(10):
            table = tables.transfer(truth.study(20, seed), resamples=200, seed=seed).set_index(["metric", "data_set"])
            for relation, probability in expected.items():
                line = table.loc[relation]
                covered += line["low"] <= probability <= line["high"]
            found.append(table.loc[list(expected), "probability"].to_numpy())
        assert covered > 32
        np.testing.assert_allclose(np.mean(found, axis=0), list(expected.values()), atol=0.03)

    @pytest.mark.slow
    def test_of_noise_it_is_chance(self):
        """25 studies, 4 relations: 5 of the 100 intervals may miss a half, 12 or more have a chance of 1 in 200."""
        truth, missed = planted(data_sets=2, strengths=2, between=0, within=0), 0
        for seed in range(25):
            table = tables.transfer(truth.study(12, seed), resamples=200, seed=seed)
            missed += (~((table["low"] <= 0.5) & (table["high"] >= 0.5))).sum()
        assert missed < 12

    def test_pairs_have_their_mean_as_summary(self):
        study = planted(data_sets=2, strengths=2).study(4)
        pairs, summary = tables.transfer_pairs(study), tables.transfer(study)
        means = pairs.groupby(["metric", "data_set"])["probability"].agg(["mean", "size"])
        for line in summary.itertuples():
            assert line.probability == pytest.approx(means.loc[(line.metric, line.data_set), "mean"])
            assert line.pairs == means.loc[(line.metric, line.data_set), "size"]

    def test_data_sets_with_different_methods(self):
        """A choice that the target has not is left out; the rest is as if it had never been there."""
        study = planted(data_sets=2, strengths=2).study(4)
        only = (study["data_set"] == DATA_SETS[0]) | study["method"].isin(METHODS[:3])
        table = tables.transfer(study[only]).set_index(["metric", "data_set"])
        assert table["probability"].between(0, 1).all()
        own = tables.transfer(study[only & (study["data_set"] == DATA_SETS[1])])
        pairs = tables.transfer_pairs(study[only])
        same = pairs[(pairs["chosen_on"] == DATA_SETS[1]) & (pairs["judged_on"] == DATA_SETS[1])]
        assert own["probability"].iloc[0] == pytest.approx(same[same["metric"] == "same"]["probability"].mean())
        apart = study[only & ((study["data_set"] == DATA_SETS[1]) | ~study["method"].isin(METHODS[:3]))]
        assert tables.transfer(apart)["probability"].iloc[2:].isna().all()

    def test_two_seeds_have_no_interval_and_one_no_table(self):
        table = tables.transfer(planted(strengths=2).study(2))
        assert table["low"].isna().all()
        assert np.isfinite(table["probability"].iloc[0])
        with pytest.raises(tables.NothingToDraw, match="no two seeds"):
            tables.transfer(planted(strengths=2).study(1))

    def test_a_data_set_of_two_seeds_leaves_its_pairs_without_an_interval(self):
        """One data set has four seeds and one has two: of that each resample that holds a pair says the same."""
        study = planted(data_sets=2, strengths=2).study(4)
        first, second = DATA_SETS[:2]
        study = study[(study["data_set"] == first) | (study["data_set"] == second) & (study["seed"] < 2)]
        table = tables.transfer(study)
        assert np.isfinite(table["probability"]).all()
        assert table[["low", "high"]].isna().all(axis=None)
        pairs = tables.transfer_pairs(study)
        has = pairs[["low", "high"]].notna().all(axis=1)
        assert (has == ((pairs["chosen_on"] == first) & (pairs["judged_on"] == first))).all()
        assert has.any()


def simulate_transfer(truth: Planted, draws: int = 500_000) -> dict[tuple[str, str], float]:
    """The game itself, played `draws` times: choose among the models of one seed, compare at another."""
    rng = np.random.default_rng(2)
    data_sets, metrics, *settings = truth.means.shape
    means = truth.means.reshape(data_sets, metrics, -1)
    sigma = np.sqrt((truth.noise**2).sum(axis=1))
    (d, e), (m, k) = rng.integers(data_sets, size=(2, draws)), rng.integers(metrics, size=(2, draws))
    first = means[d, m] + sigma[m, None] * rng.normal(size=(draws, np.prod(settings)))
    chosen, random = first.argmax(axis=1), rng.integers(np.prod(settings), size=draws)
    ours, theirs = (means[e, k, s] + sigma[k] * rng.normal(size=draws) for s in (chosen, random))
    won, relation = ours > theirs, {True: "same", False: "other"}
    return {
        (relation[metric], relation[data_set]): won[((m == k) == metric) & ((d == e) == data_set)].mean()
        for metric in (True, False)
        for data_set in (True, False)
    }


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


PAPER_STUDY = planted(data_sets=7, metrics=6, strengths=3)


class TestPaperVsMeasured:
    @pytest.fixture
    def study(self):
        return PAPER_STUDY.study(5)

    @pytest.mark.parametrize(("moved", "holds"), [(0, "yes"), (0.1, "no"), (-0.1, "no")])
    def test_a_number_holds_where_it_is_planted(self, study, moved, holds):
        truth = np.mean([shares(PAPER_STUDY, d, m)[0] for d in range(7) for m in range(6)])
        claim = next(claim for claim in published.CLAIMS if claim.key == "method_explains")
        line = tables.paper_vs_measured(study, [claim._replace(number=truth + moved)]).squeeze()
        assert line["holds"] == holds
        assert line["n"] == 7 * 6 * 3 * 5

    @pytest.mark.parametrize(("key", "which"), [("method_explains", 0), ("method_and_strength_explain", 1)])
    def test_a_share_of_two_seeds_is_that_of_many(self, key, which):
        """Two models a setting explain more by chance: 18 settings half of what the seeds do."""
        truth = np.mean([shares(PAPER_STUDY, d, m)[which] for d in range(7) for m in range(6)])
        claim = next(claim for claim in published.CLAIMS if claim.key == key)
        lines = [tables.paper_vs_measured(PAPER_STUDY.study(2, seed), [claim]).squeeze() for seed in range(4)]
        assert np.mean([line["measured"] for line in lines]) == pytest.approx(truth, abs=0.03)

    def test_every_claim_has_a_row_and_a_reason(self, study):
        table = tables.paper_vs_measured(study)
        assert len(table) == len(published.CLAIMS)
        open_ = table[table["holds"] == "not enough data"]
        assert (open_["why"] != "").all()
        assert set(table["holds"]) <= {"yes", "no", "not enough data"}
        assert table[table["measured"].notna()]["n"].min() > 0

    def test_a_part_of_the_study_is_not_judged_by_its_numbers(self, study):
        table = tables.paper_vs_measured(study[study["data_set"] == "cars3d"])
        numbers = table[table["published"].notna()]
        assert (numbers["holds"] == "not enough data").all()
        assert numbers["why"].str.contains("dSprites").any()

    def test_one_objective_is_compared_with_no_other(self, study):
        table = tables.paper_vs_measured(study[study["method"] == "beta_vae"]).set_index("claim")
        row = table.loc["Strength and seed matter more than the objective"]
        assert (row["holds"], row["why"]) == ("not enough data", "the models are of one method")
        lucky = "A good run with a bad strength can beat a bad run with a good strength"
        assert table.loc[lucky, "holds"] in ("yes", "no")

    @pytest.mark.parametrize(
        ("between", "within", "matter_more", "lucky"),
        [
            (0, 0, "not enough data", "not enough data"),  # noise, as of models that have learnt nothing
            (0, 3, "yes", "not enough data"),  # of 4 seeds: tests of `lucky_seed` have more
            (30, 3, "no", "not enough data"),
        ],
    )
    def test_a_direction_is_judged_by_its_interval(self, between, within, matter_more, lucky):
        study = planted(1, 3, methods=2, strengths=3, between=between, within=within, noise=2.0).study(
            4, metrics=METRICS[:3]
        )
        table = tables.paper_vs_measured(study).set_index("claim")
        line = table.loc["Strength and seed matter more than the objective"]
        assert (line["holds"], line["n"]) == (matter_more, 24)
        assert ("may differ by chance alone" in line["why"]) == (matter_more == "not enough data")
        assert table.loc["A good run with a bad strength can beat a bad run with a good strength", "holds"] == lucky
        explained = table.loc["The objective explains 37 % of the variance of the scores"]
        assert explained["measured_as"] == "mean adjusted R² over 1 data set and 3 metrics"

    def test_correlations_that_are_not_known_are_no_proof_that_there_are_none(self):
        study = planted(1, 3, methods=2, strengths=2, between=0, within=0).study(3, metrics=METRICS[:3])
        first = study.drop_duplicates("run_id")
        noise = np.random.default_rng(0).normal(size=len(first))
        losses = first.assign(metric="training", score="elbo", representation="model", value=noise)
        key = "No score without labels goes reliably with the metrics"
        line = tables.paper_vs_measured(pd.concat([study, losses])).set_index("claim").loc[key]
        assert (line["holds"], line["why"]) == ("not enough data", "the intervals of other correlations contain 0")
        by_run = study.groupby("run_id")["value"].mean()
        losses["value"] = losses["run_id"].map(by_run)
        study["value"] = study["run_id"].map(by_run)
        assert tables.paper_vs_measured(pd.concat([study, losses])).set_index("claim").loc[key, "holds"] == "no"
        turned = study.assign(value=study["value"].where(study["metric"] != METRICS[0], -study["value"]))
        assert tables.paper_vs_measured(pd.concat([turned, losses])).set_index("claim").loc[key, "holds"] == "yes"

    def test_every_published_number_has_a_source_and_a_measure(self):
        from disentanglement_study.analysis.tables.paper_vs_measured import MEASURES

        assert [claim.key for claim in published.CLAIMS] == list(MEASURES)
        for claim in published.CLAIMS:
            assert "1811.12359" in claim.source
            assert claim.certainty in (published.READ, published.RECALLED)


def test_needed_rows_are_enough():
    study = planted().study(3)
    other = study.assign(score="train_accuracy")
    both = pd.concat([study, other], ignore_index=True)
    kept = models.needed(both)
    assert len(kept) == len(study)
    pd.testing.assert_frame_equal(tables.rank_correlation(kept), tables.rank_correlation(study))
    alone = other[other["run_id"] == other["run_id"].iloc[0]].assign(run_id="unread")
    counted = tables.rank_correlation(models.needed(pd.concat([study, alone])), resamples=0)
    assert (counted["missing"] == 1).all()


def test_one_score_of_two_metrics_is_refused():
    study = planted(metrics=1).study(2)
    both = pd.concat([study, study.assign(metric="unsupervised")], ignore_index=True)
    with pytest.raises(ValueError, match="beta_vae_score is of beta_vae_score and of unsupervised"):
        tables.rank_correlation(both)


def test_a_store_reads_the_same_rows(tmp_path):
    """What `models.stored` has the store select is what `models.needed` selects of everything."""
    import pyarrow.dataset

    study = planted(metrics=1).study(2)
    scores = ["train_accuracy", "mean_test_accuracy.n_10", "statistical_efficiency", "info_m", "beta_vae_score"]
    parts = [study.assign(metric=metric, score=score) for metric in ("info_mec", "dci") for score in scores]
    rows = pd.concat([study, *parts], ignore_index=True)
    rows.loc[7::50, "error"] = "failed"
    rows.loc[9::50, "value"] = np.nan
    rows.to_parquet(tmp_path / "scores.parquet")
    read = pyarrow.dataset.dataset(tmp_path).to_table(filter=models.stored()).to_pandas()
    whole, part = (tables.rank_correlation(x, resamples=0) for x in (rows, read))
    pd.testing.assert_frame_equal(whole, part)
    pd.testing.assert_frame_equal(tables.failures(rows), tables.failures(read))
    needed = models.needed(rows)
    assert set(map(tuple, needed[["run_id", "metric", "score"]].to_numpy())) <= set(
        map(tuple, read[["run_id", "metric", "score"]].to_numpy())
    )
    assert len(read) < len(rows)
