"""Do the published claims hold in this study?"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import pandas as pd

from disentanglement_study.analysis import models as study
from disentanglement_study.analysis import names, once, stats
from disentanglement_study.analysis.published import CLAIMS, Claim
from disentanglement_study.analysis.rows import NothingToDraw, checked, with_method
from disentanglement_study.analysis.tables.lucky_seed import lucky_seed
from disentanglement_study.analysis.tables.measured import Measured, decided, finite, mean
from disentanglement_study.analysis.tables.rank_correlation import (
    downstream_rank_correlation,
    rank_correlation,
    unsupervised_rank_correlation,
)
from disentanglement_study.analysis.tables.strength_rank_correlation import strength_rank_correlation
from disentanglement_study.analysis.tables.transfer import transfer
from disentanglement_study.analysis.tables.variance_explained import variance_explained
from disentanglement_study.analysis.tables.verdict import NO, NOT_ENOUGH, YES, beyond, compared
from disentanglement_study.runtime.words import counted

TOTAL_CORRELATION = "gaussian_total_correlation"
LOSSES = ("reconstruction_loss", "kl_loss", "elbo", TOTAL_CORRELATION)
COLUMNS = ["claim", "source", "certainty", "published", "measured", "measured_as", "low", "high", "n", "holds", "why"]


def paper_vs_measured(results: pd.DataFrame, claims: Sequence[Claim] = CLAIMS) -> pd.DataFrame:
    """Every published claim beside what this study measures; nothing is filled in by hand.

    A row per claim, with its source and how sure we are of it: `published` (NaN for a direction), `measured`, what that
    is in words, low and high (95 % over seeds), n models, and whether the claim holds: "yes", "no" or "not enough
    data", with the reason. A direction holds, or does not, if the whole interval is on one side of its threshold; an
    interval that contains it is not enough. A published number holds if it is as near to ours as that of another study
    of this size would be in 95 % of cases: within sqrt(2) of our interval, and its own rounding. It is compared only
    where the study has the paper's data sets, methods and metrics. Means of several correlations take the intervals of
    one data set as if they all erred together, and data sets as independent. Models of methods that the paper has not,
    such as PCA, enter no claim.
    """
    results = checked(with_method(results))
    given = {names.parts(method)[0]: names.parts(method)[1] for method in results["method"].unique()}
    results = results[results["method"].isin(names.STUDY_METHODS)]
    if results.empty and (found := next((method for method in names.STUDY_METHODS if given.get(method)), None)):
        raise NothingToDraw(
            f"no claim can be measured: models of {names.METHODS[found]} differ by {', '.join(given[found])}, and the "
            "claims are about one setting"
        )
    if results.empty:
        methods = ", ".join(names.METHODS[method] for method in names.STUDY_METHODS)
        raise NothingToDraw(f"no claim can be measured: there is no model of {methods}")
    with once.within(results):
        rows = [_row(claim, results) for claim in claims]
    if all(np.isnan(row[COLUMNS.index("measured")]) for row in rows):
        raise NothingToDraw("no claim can be measured: " + rows[0][-1])
    return pd.DataFrame(rows, columns=COLUMNS)


def _row(claim: Claim, results: pd.DataFrame) -> list:
    number = np.nan if claim.number is None else claim.number
    head = [claim.text, claim.source, claim.certainty, number]
    try:
        measured = MEASURES[claim.key](results)
    except NothingToDraw as reason:
        return [*head, np.nan, "", np.nan, np.nan, 0, NOT_ENOUGH, str(reason)]
    shown = [measured.value, measured.measured_as, measured.low, measured.high, measured.n]
    return [*head, *shown, *_verdict(claim, measured, results)]


def _verdict(claim: Claim, measured: Measured, results: pd.DataFrame) -> tuple[str, str]:
    there = set(results["data_set"].unique())
    if absent := [names.label(key, names.DATA_SETS) for key in claim.needs if key not in there]:
        return NOT_ENOUGH, f"the claim is about {len(claim.needs)} data sets; the study lacks {', '.join(absent)}"
    if measured.holds is not None:
        return measured.holds, measured.why
    for column, wanted, known in (
        ("method", list(names.STUDY_METHODS), names.METHODS),
        ("metric", list(names.STUDY_METRICS), names.METRICS),
    ):
        there = set(results[column].unique())
        if absent := [names.label(key, known) for key in wanted if key not in there]:
            return NOT_ENOUGH, f"the number is a mean over {len(wanted)} {column}s; the study lacks {', '.join(absent)}"
    if not np.isfinite([measured.value, measured.low, measured.high]).all():
        return NOT_ENOUGH, "no interval: a setting needs more seeds"
    assert claim.number is not None  # its measure decides a claim of a direction
    return compared(claim.number, claim.rounding, measured.value, measured.low, measured.high)


def _of_means(table: Callable, results: pd.DataFrame) -> pd.DataFrame:
    """The rows of a table that are of the mean representation."""
    rows = once.call(table, results, representation=None)
    return rows[rows["representation"] == "mean"]


def _shares(results: pd.DataFrame, by: str) -> pd.DataFrame:
    shares = _of_means(variance_explained, results)
    shares = shares[(shares["by"] == by) & shares["score"].isin(names.STUDY_METRICS)]
    if len(shares) and (shares["groups"] < 2).all():
        raise NothingToDraw("the models are of one " + by.replace("_", " "))
    return shares[shares["groups"] > 1]


def _explained(by: str, results: pd.DataFrame) -> Measured:
    """The adjusted share: with the paper's 50 seeds a setting the plain one is within .01 of it, with two far above."""
    shares = _shares(results, by)
    there = finite(shares, "adjusted")
    sets, metrics = (there[name].nunique() for name in ("data_set", "score"))
    what = f"mean adjusted R² over {counted(sets, 'data set')} and {counted(metrics, 'metric')}"
    return mean(shares, "adjusted", what, ["data_set"])


def _method_decides_less(results: pd.DataFrame) -> Measured:
    shares = _shares(results, "method")
    measured = mean(shares, "adjusted", "share of the variance that the method explains; holds below 0.5", ["data_set"])
    return _if_settings_matter(decided(measured, 0.5, above=False), results)


def _if_settings_matter(measured: Measured, results: pd.DataFrame) -> Measured:
    """Not judged where the models' settings make no difference that can be seen, as those that have learnt nothing."""
    every = mean(_shares(results, "method_and_strength"), "adjusted", "", ["data_set"])
    if every.low > 0:
        return measured
    shares = f"{every.low:.2f} to {every.high:.2f}"
    why = f"the models may differ by chance alone: method and strength explain {shares} of the variance"
    return measured._replace(holds=NOT_ENOUGH, why=why)


def _transfer(metric: str, data_set: str, results: pd.DataFrame) -> Measured:
    row = once.call(transfer, results).set_index(["metric", "data_set"]).loc[metric, data_set]
    if not row["pairs"]:
        raise NothingToDraw(f"no setting can be judged by the {metric} metric on the {data_set} data set")
    return Measured(row["probability"], row["low"], row["high"], int(row["n"]), "mean over all pairs, computed exactly")


def _trend(methods: tuple[str, ...], rises: bool, results: pd.DataFrame) -> Measured:
    trends = _of_means(strength_rank_correlation, results)
    trends = trends[(trends["score"] == TOTAL_CORRELATION) & trends["method"].isin(methods)]
    if trends.empty:
        raise NothingToDraw(f"no model of {', '.join(methods)} has the score {TOTAL_CORRELATION}")
    what = "rank correlation of strength and TC (mean over data sets and methods)"
    when = f"; holds {'above' if rises else 'below'} 0"
    return decided(mean(trends, "rank_correlation", what + when, ["data_set", "method"]), 0, above=rises)


def _pairs_of_metrics(results: pd.DataFrame) -> pd.DataFrame:
    pairs = _of_means(rank_correlation, results)
    pairs = pairs[(pairs["data_set"] == "noisy_dsprites") & (pairs["score_a"] < pairs["score_b"])]
    pairs = pairs[pairs["score_a"].isin(names.STUDY_METRICS) & pairs["score_b"].isin(names.STUDY_METRICS)]
    if pairs.empty:
        raise NothingToDraw("fewer than two metrics of the paper on Noisy-dSprites")
    return pairs


def _with_modularity(pairs: pd.DataFrame) -> pd.Series:
    return (pairs["score_a"] == "modularity") | (pairs["score_b"] == "modularity")


def _metrics_agree(results: pd.DataFrame) -> Measured:
    pairs = _pairs_of_metrics(results)
    pairs = pairs[~_with_modularity(pairs)]
    share = (pairs["low"] > 0).mean()
    measured = mean(pairs, "rank_correlation", "", ["data_set"])
    what = f"mean rank correlation of pairs without Modularity; holds if all intervals are above 0 ({share:.0%} are)"
    holds, why = beyond(0, pairs["low"].min(), pairs["high"].min())
    return measured._replace(measured_as=what, holds=holds, why=why)


def _modularity_disagrees(results: pd.DataFrame) -> Measured:
    pairs = _pairs_of_metrics(results)
    others = pairs[~_with_modularity(pairs)]["rank_correlation"].mean()
    measured = mean(pairs[_with_modularity(pairs)], "rank_correlation", "", ["data_set"])
    what = f"mean rank correlation of Modularity with the others; holds below that of the others ({others:.2f})"
    return decided(measured._replace(measured_as=what), others, above=False)


def _strong_pairs(results: pd.DataFrame) -> Measured:
    pairs = _pairs_of_metrics(results)
    strong = [{"beta_vae_score", "factor_vae_score"}, {"mig", "dci"}]
    both = np.array([{a, b} in strong for a, b in zip(pairs["score_a"], pairs["score_b"], strict=True)])
    if both.sum() < len(strong) or both.all():
        raise NothingToDraw("the claim needs BetaVAE score, FactorVAE score, MIG, DCI and another metric")
    others = pairs["rank_correlation"][~both].median()
    measured = mean(pairs[both], "rank_correlation", "", ["data_set"])
    what = f"mean rank correlation of the two; holds if both are above the median of the other pairs ({others:.2f})"
    holds, why = beyond(others, pairs["low"][both].min(), pairs["high"][both].min())
    return measured._replace(measured_as=what, holds=holds, why=why)


def _no_score_without_labels(results: pd.DataFrame) -> Measured:
    pairs = _of_means(unsupervised_rank_correlation, results)
    pairs = pairs[pairs["score_a"].isin(LOSSES) & pairs["score_b"].isin(names.STUDY_METRICS)]
    sign = (pairs["low"] > 0).astype(int) - (pairs["high"] < 0)  # 0: not known
    signs = sign.groupby(pairs["score_a"])
    steady, both = signs.sum().abs() == signs.size(), (signs.min() < 0) & (signs.max() > 0)
    pairs = pairs.assign(rank_correlation=pairs["rank_correlation"].abs())
    finite = pairs[np.isfinite(pairs[["low", "high", "rank_correlation"]]).all(axis=1)]
    if finite.empty:
        raise NothingToDraw("no interval: a setting needs two seeds")
    value, n = finite["rank_correlation"].mean(), int(finite.groupby("data_set")["n"].max().sum())
    what = (
        "mean absolute rank correlation; holds if the correlations of each loss and of TC have both signs "
        f"({both.sum()} of {len(both)} do), not if those of one all have the same sign ({steady.sum()} do)"
    )
    holds = NO if steady.any() else YES if both.all() else NOT_ENOUGH
    why = "the intervals of other correlations contain 0" if holds == NOT_ENOUGH else ""
    return Measured(value, np.nan, np.nan, n, what, holds, why)


def _no_sample_efficiency(results: pd.DataFrame) -> Measured:
    pairs = _of_means(downstream_rank_correlation, results)
    efficiency = pairs["score_a"].str.endswith(".statistical_efficiency")
    pairs = pairs[efficiency & pairs["score_b"].isin(names.STUDY_METRICS)]
    if pairs.empty:
        raise NothingToDraw("no statistical efficiency: it needs downstream accuracies at 100 and 10,000 points")
    share = (pairs["low"] > 0).mean()
    what = f"mean rank correlation of efficiency; holds if one is below 0, not if all are above 0 ({share:.0%} are)"
    holds, why = beyond(0, pairs["low"].min(), pairs["high"].min(), above=False)
    return mean(pairs, "rank_correlation", what, ["data_set"])._replace(holds=holds, why=why)


def _sampled_is_less_correlated(results: pd.DataFrame) -> Measured:
    parts = {
        (models.data_set, models.representation): models.scores[TOTAL_CORRELATION]
        for models in study.by_data_set(results)
        if TOTAL_CORRELATION in models.scores
    }
    both = [
        pd.DataFrame({key: parts[data_set, key] for key in ("mean", "sampled")}).dropna()
        for data_set in dict.fromkeys(key for key, _ in parts)
        if (data_set, "mean") in parts and (data_set, "sampled") in parts
    ]
    if not sum(map(len, both)):
        raise NothingToDraw(f"no model has {TOTAL_CORRELATION} of both representations")
    lower = pd.concat(part["sampled"] < part["mean"] for part in both).to_numpy(float)
    weight = stats.resample(np.zeros(len(lower)), stats.RESAMPLES)
    low, high = np.clip(stats.interval(lower.mean(), lower @ weight / len(lower)), 0, 1)
    what = "share of models whose sampled TC is the lower; holds above 0.5"
    return decided(Measured(lower.mean(), float(low), float(high), len(lower), what), 0.5, above=True)


def _lucky_seed_wins(results: pd.DataFrame) -> Measured:
    what = "mean chance that a run at the worst strength beats one at the best (by medians); holds above 0.01"
    measured = mean(once.call(lucky_seed, results), "chance", what, ["data_set", "method"])
    return _if_settings_matter(decided(measured, 0.01, above=True), results)


RISING = ("beta_vae", "factor_vae", "beta_tc_vae", "dip_vae_ii")
MEASURES: dict[str, Callable[[pd.DataFrame], Measured]] = {
    "sampled_is_less_correlated": _sampled_is_less_correlated,
    "total_correlation_rises": partial(_trend, RISING, True),
    "total_correlation_of_dip_vae_i": partial(_trend, ("dip_vae_i",), False),
    "metrics_agree": _metrics_agree,
    "modularity_disagrees": _modularity_disagrees,
    "strong_pairs": _strong_pairs,
    "method_explains": partial(_explained, "method"),
    "method_and_strength_explain": partial(_explained, "method_and_strength"),
    "seed_and_strength_matter_more": _method_decides_less,
    "lucky_seed_wins": _lucky_seed_wins,
    "no_score_without_labels": _no_score_without_labels,
    "transfer_same_same": partial(_transfer, "same", "same"),
    "transfer_other_same": partial(_transfer, "other", "same"),
    "transfer_same_other": partial(_transfer, "same", "other"),
    "transfer_other_other": partial(_transfer, "other", "other"),
    "no_sample_efficiency": _no_sample_efficiency,
}
