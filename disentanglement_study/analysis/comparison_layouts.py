"""How tables that plan comparisons of methods, and that compare metrics, are laid out to be read."""

from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

from disentanglement_study.analysis import names, power
from disentanglement_study.analysis.cells import MISSING, Section, number, with_interval

POOLED = {names.ALL: names.ALL_LABEL}
MANY = f"> {power.MOST:,}"
GO_TOGETHER = 0.7
# Pairs of metrics that are shown at either end of a longer list.
ENDS = 10


def detectable(table: pd.DataFrame) -> Iterator[Section]:
    """A list per data set, a row per score, a column per number of seeds."""
    for where, group in _by_data_set(table):
        firsts = group.drop_duplicates("score").set_index("score")
        cells = pd.DataFrame(
            {
                "": _labels(firsts.index),
                "SD over seeds": [
                    with_interval(sd, low, high, 3) for sd, low, high in firsts[["sd", "sd_low", "sd_high"]].to_numpy()
                ],
            },
            index=firsts.index,
        )
        for seeds, own in group.groupby("seeds"):
            cells[f"{seeds} seeds"] = own.set_index("score")["difference"].map(lambda value: number(value, 3))
        degrees = "degree" if firsts["degrees_of_freedom"].eq(1).all() else "degrees"
        note = (
            "Each method has the number of seeds in the column's title: 80 % power, two-sided at 5 %, Student's t "
            "(Cohen 1988). SD: the standard deviation within a method at a strength, pooled, with "
            f"{names.span(firsts['degrees_of_freedom'])} {degrees} of freedom; its 95 % interval allows for SDs that "
            "differ between settings."
        )
        count = names.count(firsts["n"], "models per row")
        yield Section(f"Smallest detectable difference between two mean scores: {where}, {count}", cells, 1, note)


def seeds_needed(table: pd.DataFrame) -> Iterator[Section]:
    """A list per data set, a row per score."""
    for where, group in _by_data_set(table):
        scores = list(dict.fromkeys(group["score"]))
        cells = pd.DataFrame({"": _labels(scores)}, index=scores)
        measured = group["better"] != ""
        for comparison, own in group.groupby("comparison", sort=False):
            title = f"Best two, {comparison}" if measured[own.index].all() else f"For {comparison}"
            cells[title] = own.set_index("score").apply(_seeds, axis=1).reindex(scores).fillna(MISSING)
        note = f"{MANY}: more than {power.MOST:,} seeds." if group[["seeds", "most"]].isna().any(axis=None) else ""
        if measured.any():
            note = (
                "Best two: the two methods with the highest mean scores, each at its best strength or at the median of "
                f"its strengths, the difference between them, and the seeds needed to detect it. {note}"
            )
        count = names.count(group["n"], "models per row")
        yield Section(
            f"Seeds that each method needs to detect a difference [95 % interval]: {where}, {count}", cells, 1, note
        )


def agreement(table: pd.DataFrame) -> Iterator[Section]:
    """A list of pairs per representation: all, or those that agree most and those that agree least."""
    for representation, group in table.groupby("representation", sort=False):
        known = group.dropna(subset="rank_correlation")
        data_sets = names.span(known["data_sets"])
        data_sets += " data set" if data_sets == "1" else " data sets"
        of = f"{representation} representation, {data_sets}, {names.count(group['n'])}"
        what = "Spearman rank correlation of two metrics × 100"
        parts = {"": known}
        if len(known) > 2 * ENDS:
            parts = {f", the {ENDS} highest": known[:ENDS], f", the {ENDS} lowest": known[: -ENDS - 1 : -1]}
        notes = [groups_text(known), "All pairs are in metric_agreement.csv."]
        for (which, rows), note in zip(parts.items(), notes, strict=False):
            yield Section(f"{what}{which}: {of}", _pairs(rows), 1, note)


def _pairs(rows: pd.DataFrame) -> pd.DataFrame:
    percent = 100 * rows[["rank_correlation", "low", "high", "lowest", "highest"]]
    pairs = [f"{a} and {b}" for a, b in zip(_labels(rows["score_a"]), _labels(rows["score_b"]), strict=True)]
    cells = pd.DataFrame(
        {"": pairs, "Mean": [with_interval(mean, low, high, 0) for mean, low, high in percent.to_numpy()[:, :3]]}
    )
    if (rows["data_sets"] > 1).any():
        for end in ("lowest", "highest"):
            cells[end.capitalize()] = [number(value, 0) for value in percent[end]]
    return cells


def groups_text(pairs: pd.DataFrame) -> str:
    """What goes together, in a sentence or two: "Any two of a group correlate by 0.7 or more: MIG, DCI; ..."."""
    groups = agreeing(pairs)
    if not groups:
        return "No two metrics have a rank correlation."
    said = "; ".join(", ".join(_labels(group)) for group in groups if len(group) > 1)
    alone = ", ".join(_labels(group[0] for group in groups if len(group) == 1))
    together = f"Groups in which any two metrics correlate by {GO_TOGETHER:.2f} or more: {said}." if said else ""
    apart = f"In no group: {alone}." if said else f"No two metrics correlate by {GO_TOGETHER:.2f} or more."
    return " ".join(filter(None, [together, apart if alone else ""]))


def agreeing(pairs: pd.DataFrame) -> list[list[str]]:
    """Groups of scores of which any two have a mean rank correlation of GO_TOGETHER or more: complete linkage."""
    scores = names.in_order({*pairs["score_a"], *pairs["score_b"]}, names.SCORES)
    if not scores:  # of no pair there is a correlation
        return []
    distance = pd.DataFrame(2.0, scores, scores)
    for row in pairs.itertuples():
        distance.loc[row.score_a, row.score_b] = distance.loc[row.score_b, row.score_a] = 1 - row.rank_correlation
    matrix = distance.to_numpy(copy=True)
    np.fill_diagonal(matrix, 0)
    cluster = fcluster(linkage(squareform(matrix), "complete"), 1 - GO_TOGETHER, "distance")
    groups = [
        [score for score, own in zip(scores, cluster, strict=True) if own == one] for one in dict.fromkeys(cluster)
    ]
    return sorted(groups, key=len, reverse=True)


def _by_data_set(table: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    for (data_set, representation), group in table.groupby(["data_set", "representation"], sort=False):
        yield f"{names.label(data_set, names.DATA_SETS | POOLED)}, {representation} representation", group


def _labels(scores: Iterable[str]) -> list[str]:
    return [names.label(score, names.SCORES) for score in scores]


def _seeds(row: pd.Series) -> str:
    """ "24 [16, 39]", or "β-VAE over FactorVAE by 0.021: 24 [6, > 1,000]"."""
    seeds, fewest, most = (MANY if pd.isna(row[key]) else f"{row[key]:.0f}" for key in ("seeds", "fewest", "most"))
    shown = seeds if fewest == most else f"{seeds} [{fewest}, {most}]"
    if not row["better"]:
        return shown
    better, second = (names.label(row[key], names.METHODS) for key in ("better", "second"))
    return f"{better} over {second} by {number(row['difference'], 3)}: {shown}"
