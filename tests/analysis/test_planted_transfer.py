"""Studies whose truth is known: transfer must be found within the interval.

The truths come from algebra or from a simulation of a million models, never from the analysis. Seeds are fixed, so no
test fails by chance; the rates that are asserted say how often an interval may miss.
"""

import numpy as np
import pytest
from chosen import slow
from planted import DATA_SETS, METHODS, Planted, planted

from disentanglement_study.analysis import tables


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
        with pytest.raises(tables.NothingToDraw, match="two settings with two seeds each"):
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
