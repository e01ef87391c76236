"""The chance that a run of the worst strength beats one of the best: its interval, and when the claim holds."""

import itertools

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from planted import METRICS, planted

from disentanglement_study.analysis import published, stats
from disentanglement_study.analysis.rows import NothingToDraw
from disentanglement_study.analysis.tables import paper_vs_measured
from disentanglement_study.analysis.tables.lucky_seed import _beats, lucky_seed

CLAIM = next(claim for claim in published.CLAIMS if claim.key == "lucky_seed_wins")


def study(*strengths, metric="mig"):
    """A method with these scores, a list for each strength."""
    rows = [(at, seed, value) for at, own in enumerate(strengths) for seed, value in enumerate(own)]
    table = pd.DataFrame(rows, columns=["strength", "seed", "value"])
    run_id = table["strength"].astype(str) + "/" + table["seed"].astype(str)
    return table.assign(
        run_id=run_id, data_set="dsprites", method="beta_vae", strength_name="beta", representation="mean",
        metric=metric, score=metric, error=None,
    )  # fmt: skip


def chance(groups):
    """By its definition."""
    ordered = sorted(groups, key=np.median)
    pairs = [(one > other) + (one == other) / 2 for one, other in itertools.product(ordered[0], ordered[-1])]
    return np.mean(pairs)


def truth(planted, noise):
    """Of normal scores whose means are known."""
    means = planted.means[0]
    return scipy.stats.norm.cdf((means.min(axis=-1) - means.max(axis=-1)) / np.sqrt(2) / noise).mean()


def judged(results):
    return paper_vs_measured(results, [CLAIM]).squeeze()


def test_it_is_the_share_of_pairs_that_the_worst_wins():
    (row,) = lucky_seed(study([0.1, 0.5, 0.2], [0.3, 0.4], [0.5, 0.6, 0.1, 0.7], [0.9])).itertuples()
    assert row.chance == pytest.approx((0.5 + 1.5 + 1) / 12)  # the last strength has one seed
    assert row.n == 10
    assert row.low <= row.chance <= row.high


def test_each_resample_has_a_worst_and_a_best_of_its_own():
    draws = np.random.default_rng(1)
    groups = [draws.normal(size=size).round(1) for size in (3, 5, 4)]  # with ties
    y, cells = np.concatenate(groups), np.repeat([0, 1, 2], [3, 5, 4])
    weight = stats.resample(cells, 50)
    drawn = [[np.repeat(y[cells == cell], times[cells == cell].astype(int)) for cell in range(3)] for times in weight.T]
    found = _beats([np.flatnonzero(cells == cell) for cell in range(3)], y, weight)
    np.testing.assert_allclose(found, [chance(one) for one in drawn], rtol=1e-6)
    assert len({np.argmin([np.median(group) for group in one]) for one in drawn}) > 1  # else it could not fail


@pytest.mark.parametrize(("seeds", "least"), [(3, 0.9), (10, 0.9)])
def test_the_interval_of_the_mean_holds_the_truth(seeds, least):
    inside = []
    for seed in range(20):
        plan = planted(1, 3, methods=3, strengths=4, seed=seed)
        line = judged(plan.study(seeds, seed=seed, metrics=METRICS[:3]))
        inside.append(line["low"] <= truth(plan, 1.0) <= line["high"])
    assert np.mean(inside) >= least


@pytest.mark.parametrize(
    ("within", "seeds", "holds"),
    [(1, 20, "yes"), (4, 20, "no"), (4, 2, "not enough data"), (4, 3, "not enough data")],
)
def test_the_claim_is_judged_by_the_whole_interval(within, seeds, holds):
    plan = planted(1, 3, methods=3, strengths=6, within=within, seed=1)
    line = judged(plan.study(seeds, seed=2, metrics=METRICS[:3]))
    assert (truth(plan, 1.0) > 0.01) == (within == 1)
    assert (line["holds"], line["n"]) == (holds, 3 * 6 * seeds)
    assert 0 <= line["low"] <= line["measured"] <= line["high"] <= 1
    assert (line["low"] > 0.01) == (holds == "yes")
    assert (line["high"] < 0.01) == (holds == "no")
    assert line["why"].endswith("contains 0.01") == (holds == "not enough data")


def test_few_seeds_of_which_none_wins_are_no_proof_that_none_would():
    apart = [np.arange(size) + 100.0 * at for at, size in enumerate((4, 5, 2))]
    (row,) = lucky_seed(study(*apart)).itertuples()
    assert (row.chance, row.low, row.high) == (0, 0, 1 / 8)


def test_more_seeds_make_the_interval_narrower():
    plan = planted(1, 2, methods=3, strengths=4, within=0.5)
    few, many = (lucky_seed(plan.study(seeds, metrics=METRICS[:2])) for seeds in (10, 160))
    widths = [(table["high"] - table["low"]).mean() for table in (few, many)]
    assert widths[0] / widths[1] == pytest.approx(4, rel=0.4)


def test_one_seed_or_one_strength_has_no_chance():
    for results in (study([0.1], [0.2]), study([0.1, 0.2])):
        with pytest.raises(NothingToDraw, match="no method has two strengths with two seeds each"):
            lucky_seed(results)


def test_scores_that_are_no_metric_of_the_study_do_not_count():
    both = pd.concat([study([0.1, 0.2], [0.3, 0.4]), study([0.1, 0.9], [0.3, 0.4], metric="irs")])
    assert lucky_seed(both)["score"].tolist() == ["mig"]
