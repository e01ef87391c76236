"""Which metrics agree over data sets: the mean of rank correlations, its interval, and groups."""

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from planted import METRICS, planted

from disentanglement_study.analysis import comparison_layouts, tables
from disentanglement_study.analysis.rows import NothingToDraw


@pytest.fixture(scope="module")
def study():
    return planted(data_sets=3, metrics=3, strengths=3).study(4)


def test_it_is_the_mean_and_the_range_of_the_rank_correlations(study):
    table = tables.metric_agreement(study)
    of_each = tables.rank_correlation(study, resamples=0)
    assert len(table) == 3
    assert table["rank_correlation"].is_monotonic_decreasing
    for row in table.itertuples():
        own = of_each[(of_each["score_a"] == row.score_a) & (of_each["score_b"] == row.score_b)]["rank_correlation"]
        np.testing.assert_allclose([row.rank_correlation, row.lowest, row.highest], [own.mean(), own.min(), own.max()])
        assert row.low < row.rank_correlation < row.high
        assert (row.data_sets, row.n) == (3, 3 * 6 * 3 * 4)


def test_the_interval_of_a_mean_holds_the_truth():
    """20 studies: 5 or more misses of a 95 % interval have a chance below 1 in 300."""
    truth = planted(data_sets=3, metrics=3, strengths=3)
    many = truth.draw(20_000, np.random.default_rng(1))
    expected = np.mean([scipy.stats.spearmanr(*one.reshape(3, -1)[:2]).statistic for one in many])
    inside = []
    for seed in range(20):
        table = tables.metric_agreement(truth.study(6, seed), resamples=100, seed=seed)
        row = table[(table["score_a"] == METRICS[0]) & (table["score_b"] == METRICS[1])].squeeze()
        inside.append(row["low"] <= expected <= row["high"])
    assert sum(inside) > 15


def test_a_mean_over_data_sets_is_surer_than_that_of_one(study):
    of_all, of_one = (tables.metric_agreement(rows) for rows in (study, study[study["data_set"] == "dsprites"]))
    assert (of_all["high"] - of_all["low"]).mean() < 0.8 * (of_one["high"] - of_one["low"]).mean()


def test_data_sets_without_one_of_the_scores_do_not_count(study):
    part = study[~((study["data_set"] == "dsprites") & (study["metric"] == METRICS[2]))]
    constant = (part["data_set"] == "color_dsprites") & (part["metric"] == METRICS[1])
    table = tables.metric_agreement(part.assign(value=part["value"].mask(constant, 0.5)))
    counted = {(row.score_a, row.score_b): row.data_sets for row in table.itertuples()}
    assert counted == {METRICS[:2]: 2, (METRICS[0], METRICS[2]): 2, METRICS[1:3]: 1}
    assert np.isfinite(table["rank_correlation"]).all()


@pytest.mark.filterwarnings("error")
def test_one_seed_has_no_interval_and_one_metric_no_pair():
    assert tables.metric_agreement(planted(metrics=2).study(1))[["low", "high"]].isna().all(axis=None)
    with pytest.raises(NothingToDraw, match="two headline scores"):
        tables.metric_agreement(planted(metrics=1).study(2))


def test_groups_are_those_of_which_any_two_agree():
    rho = {("mig", "dci"): 0.9, ("mig", "sap_score"): 0.8, ("dci", "sap_score"): 0.75, ("mig", "med"): 0.72,
           ("dci", "med"): 0.3, ("sap_score", "med"): 0.3}  # fmt: skip
    pairs = pd.DataFrame(
        [[a, b, value] for (a, b), value in rho.items()], columns=["score_a", "score_b", "rank_correlation"]
    )
    assert comparison_layouts.agreeing(pairs) == [["mig", "dci", "sap_score"], ["med"]]
    text = comparison_layouts.groups_text(pairs)
    assert text == "Groups in which any two metrics correlate by 0.70 or more: MIG, DCI, SAP. In no group: MED."
    assert (
        comparison_layouts.groups_text(pairs.assign(rank_correlation=0.1))
        == "No two metrics correlate by 0.70 or more."
    )
    everyone = comparison_layouts.groups_text(pairs.assign(rank_correlation=0.9))
    assert everyone.endswith("MIG, DCI, SAP, MED.")


def test_of_many_pairs_both_ends_are_shown():
    study = planted(metrics=6, strengths=3).study(2)
    more = study[study["metric"] == METRICS[0]].assign(metric="med", score="med")
    table = tables.metric_agreement(pd.concat([study, more]))
    assert len(table) == 21
    text = tables.render(table)
    assert text.count(" and ") == 20
    assert "the 10 highest" in text
    assert "the 10 lowest" in text
    best, worst = table.iloc[0], table.iloc[-1]
    assert best["rank_correlation"] == pytest.approx(1)  # of a metric with its copy
    assert text.index("BetaVAE score and MED") < text.index("the 10 lowest")
    assert f"{round(100 * worst['rank_correlation'])} [" in text.split("the 10 lowest")[1]


def test_where_no_correlation_is_defined_the_table_is_read_without_groups(study):
    """Two models, of which no rank correlation is: the table is there, and can be written."""
    runs = study["run_id"].unique()[:2]
    table = tables.rank_correlation(study[study["run_id"].isin(runs)], resamples=0)
    assert table["rank_correlation"].isna().all()
    assert comparison_layouts.agreeing(table[:0]) == []
    assert comparison_layouts.groups_text(table[:0]) == "No two metrics have a rank correlation."


def test_the_tables_of_two_models_are_written(study, tmp_path):
    runs = study["run_id"].unique()[:2]
    written = tables.write(study[study["run_id"].isin(runs)], tmp_path)
    assert written.paths[-1].name == "tables.md"
    assert "scores_by_method" in written.tables
