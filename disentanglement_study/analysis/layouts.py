"""How each table is laid out to be read: what of it stands in a cell, under which title."""

from collections.abc import Callable, Iterator

import pandas as pd

from disentanglement_study.analysis import cells as text_of
from disentanglement_study.analysis import comparison_layouts, names, published_layouts, stats
from disentanglement_study.analysis.cells import MISSING, Section

COUNTED = ("restarts", "models", "not_converged", "failed")


def sections(table: pd.DataFrame) -> Iterator[Section]:
    """The sections of a table, laid out by what it holds."""
    layout = next((layout for column, layout in LAYOUTS.items() if column in table), None)
    if layout is None:
        raise ValueError(f"cannot show a table of {list(table)}: it needs one of the columns {', '.join(LAYOUTS)}")
    yield from layout(table)


def _correlations(table: pd.DataFrame) -> Iterator[Section]:
    """A matrix × 100 per data set and representation: columns in the order of rows.

    Without pairs of a score with itself the diagonal is empty.
    """
    what = "Spearman rank correlation × 100"
    for (data_set, representation), group in table.groupby(["data_set", "representation"], sort=False):
        rows, columns = list(group["score_a"].unique()), group["score_b"].unique()
        columns = [score for score in rows if score in columns] + [score for score in columns if score not in rows]
        matrix = group.pivot(index="score_a", columns="score_b", values="rank_correlation").loc[rows, columns]
        cells = matrix.map(lambda rho: MISSING if pd.isna(rho) else str(round(100 * rho)))
        pairs = set(zip(group["score_a"], group["score_b"], strict=True))
        for score in set(rows) & set(columns):
            if (score, score) not in pairs:
                cells.loc[score, score] = ""
        has_missing = bool((cells == MISSING).any(axis=None))
        cells.columns = [names.label(key, names.SCORES) for key in matrix.columns]
        cells.insert(0, "", [names.label(key, names.SCORES) for key in matrix.index])
        note = f"{MISSING}: fewer than {stats.MIN_MODELS} models have both scores, or one score is constant."
        yield Section(
            f"{what}: {text_of.where(data_set, representation)}, {names.count(group['n'])}",
            cells,
            1,
            note if has_missing else "",
        )


def _quartiles(table: pd.DataFrame) -> Iterator[Section]:
    """A grid per data set and representation: a row per method (and strength), a column per score."""
    what = "Median [lower, upper quartile] × 100"
    for (data_set, representation), group in table.groupby(["data_set", "representation"], sort=False):
        percent = 100 * group[["median", "lower_quartile", "upper_quartile"]]
        text = group.assign(
            row=[text_of.row_name(row) for row in group.itertuples()],
            score=[names.label(key, names.SCORES) for key in group["score"]],
            cell=[f"{middle:.1f} [{low:.1f}, {high:.1f}]" for middle, low, high in percent.to_numpy()],
        )
        cells = text.pivot(index="row", columns="score", values="cell").fillna(MISSING)
        cells = cells.loc[text["row"].unique(), text["score"].unique()]
        cells.insert(0, "n", text.groupby("row")["n"].agg(names.span))
        cells.insert(0, "", cells.index)
        count = names.count(group["n"], "models per row")
        yield Section(f"{what}: {text_of.where(data_set, representation)}, {count}", cells, 1)


def _chosen(table: pd.DataFrame) -> Iterator[Section]:
    """A list per data set and representation, a row per method and strength."""
    for (data_set, representation), group in table.groupby(["data_set", "representation"], sort=False):
        label = names.label(group["score"].iloc[0], names.SCORES)
        ends = group[["median", "least", "most"]].to_numpy()
        shown = [text_of.with_interval(median, least, most, 3) for median, least, most in ends]
        cells = pd.DataFrame(
            {
                "": [text_of.row_name(row) for row in group.itertuples()],
                f"{label}: median [least, most]": shown,
                "Above FastICA": group["margin"].map("{:+.3f}".format).where(group["margin"].notna(), MISSING),
                **{name.replace("_", " ").capitalize(): group[name].astype(str) for name in COUNTED},
            }
        )
        of = f"{text_of.where(data_set, representation)}, {names.count(group['n'], 'draws of the data')}"
        yield Section(f"{label} of the restart with the lowest loss: {of}", cells, 1)


def _training(table: pd.DataFrame) -> Iterator[Section]:
    """A list per data set, a row per method, strength and score."""
    for data_set, group in table.groupby("data_set", sort=False):
        rows = [text_of.row_name(row) for row in group.itertuples()]
        cells = pd.DataFrame(
            {
                "": ["" if row == before else row for row, before in zip(rows, [None, *rows], strict=False)],
                "Score": [text_of.capital(names.label(key, names.SCORES)) for key in group["score"]],
                "Median [least, most]": [
                    f"{middle:.4g} [{low:.4g}, {high:.4g}]"
                    for middle, low, high in group[["middle", "least", "most"]].to_numpy()
                ],
                "n": group["n"].astype(str),
            }
        )
        where = names.label(data_set, names.DATA_SETS)
        yield Section(f"Training scores: {where}, {names.count(group['n'], 'models per row')}", cells, 2)


def _identifiability(table: pd.DataFrame) -> Iterator[Section]:
    """A list per data set, a row per method."""
    for data_set, group in table.groupby("data_set", sort=False):
        cells = pd.DataFrame(
            {
                "": [names.label(key, names.METHODS) for key in group["method"]],
                "Assumes": group["assumes"],
                "Identifies": group["identifies"],
                "MCC": group["median"].map(lambda number: text_of.number(number, 3)),
                "Above FastICA": group["margin"].map("{:+.3f}".format).where(group["margin"].notna(), MISSING),
            }
        )
        where = names.label(data_set, names.DATA_SETS)
        count = names.count(group["n"], "draws of the data")
        yield Section(f"What each method assumes, identifies and reached: {where}, {count}", cells, 3)


def _failures(table: pd.DataFrame) -> Iterator[Section]:
    """A list per data set, a row per place and reason."""
    what = "Rows without a score"
    if table.empty:
        yield Section(f"{what}, n = 0", pd.DataFrame(), 1, "Every row has a score.")
    for data_set, group in table.groupby("data_set", sort=False, dropna=False):
        cells = group.drop(columns="data_set").astype(str)
        cells["method"] = [names.label(key, names.METHODS) for key in cells["method"]]
        cells["metric"] = [names.label(key, names.METRICS) for key in cells["metric"]]
        where = names.label(data_set, names.DATA_SETS)
        yield Section(f"{what}: {where}, n = {group['rows'].sum()}", cells, 4)


def _transfer(table: pd.DataFrame) -> Iterator[Section]:
    """The two by two of the paper's table."""
    cells = table.assign(
        metric=table["metric"] + " metric",
        data_set=table["data_set"] + " data set",
        cell=[text_of.percent(*row) for row in table[["probability", "low", "high"]].to_numpy()],
    ).pivot(index="metric", columns="data_set", values="cell")
    cells = cells.loc[["same metric", "other metric"], ["same data set", "other data set"]]
    cells.insert(0, "", cells.index)
    lacking = f"{table['failed'].max()} failed, {table['missing'].max()} missing"
    yield Section(f"Chance of beating a random model × 100, {names.count(table['n'])} ({lacking})", cells, 1)


def _transfer_pairs(table: pd.DataFrame) -> Iterator[Section]:
    """A section per choice, a row per data set and a column per score of the target."""
    for (data_set, score), group in table.groupby(["chosen_on", "chosen_by"], sort=False):
        matrix = group.pivot(index="judged_on", columns="judged_by", values="probability")
        matrix = matrix.loc[group["judged_on"].unique(), group["judged_by"].unique()]
        cells = matrix.map(lambda probability: text_of.number(100 * probability, 1))
        cells.columns = [names.label(key, names.SCORES) for key in matrix.columns]
        cells.insert(0, "", [names.label(key, names.DATA_SETS) for key in matrix.index])
        chosen = f"{names.label(score, names.SCORES)} on {names.label(data_set, names.DATA_SETS)}"
        title = f"Chance of beating a random model × 100, chosen by {chosen}, {names.count(group['n'])} per cell"
        yield Section(title, cells, 1)


def _shares(table: pd.DataFrame) -> Iterator[Section]:
    """R² × 100 per data set and representation, adjusted with its interval beside it."""
    for (data_set, representation), group in table.groupby(["data_set", "representation"], sort=False):
        text = group.assign(
            cell=[
                f"{text_of.number(100 * plain, 0)}; {text_of.percent(*rest)}"
                for plain, *rest in group[["r_squared", "adjusted", "low", "high"]].to_numpy()
            ],
            score=[names.label(key, names.SCORES) for key in group["score"]],
            by=[key.replace("_", " ") for key in group["by"]],
        )
        cells = text.pivot(index="score", columns="by", values="cell").loc[text["score"].unique()]
        cells.insert(0, "n", text.groupby("score")["n"].agg(names.span))
        cells.insert(0, "", cells.index)
        count = names.count(group["n"])
        what = "Share of the variance explained × 100, R²; adjusted R² [95 % interval]"
        yield Section(f"{what}: {text_of.where(data_set, representation)}, {count}", cells, 1)


def _across(table: pd.DataFrame) -> Iterator[Section]:
    """A matrix × 100 of data sets per score."""
    for (representation, score), group in table.groupby(["representation", "score"], sort=False):
        matrix = group.pivot(index="data_set_a", columns="data_set_b", values="rank_correlation")
        matrix = matrix.loc[group["data_set_a"].unique(), names.in_order(group["data_set_b"], names.DATA_SETS)]
        cells = matrix.map(lambda rho: text_of.number(100 * rho, 0))
        for data_set in set(matrix.index) & set(matrix.columns):
            cells.loc[data_set, data_set] = ""
        cells.columns = [names.label(key, names.DATA_SETS) for key in matrix.columns]
        cells.insert(0, "", [names.label(key, names.DATA_SETS) for key in matrix.index])
        where = f"{names.label(score, names.SCORES)}, {representation} representation"
        yield Section(f"Spearman rank correlation × 100: {where}, {names.count(group['n'], 'settings')}", cells, 1)


def _trends(table: pd.DataFrame) -> Iterator[Section]:
    """A row per score, a column per method."""
    for (data_set, representation), group in table.groupby(["data_set", "representation"], sort=False):
        text = group.assign(cell=[text_of.number(100 * rho, 0) for rho in group["rank_correlation"]])
        cells = text.pivot(index="score", columns="method", values="cell").fillna(MISSING)
        cells = cells.loc[text["score"].unique(), names.in_order(text["method"], names.METHODS)]
        cells.columns = [names.label(key, names.METHODS) for key in cells.columns]
        cells.insert(0, "", [names.label(key, names.SCORES) for key in cells.index])
        where = text_of.where(data_set, representation)
        count = names.count(group["n"], "models per cell")
        yield Section(f"Spearman rank correlation with strength × 100: {where}, {count}", cells, 1)


def _differences(table: pd.DataFrame) -> Iterator[Section]:
    """A list per data set, representation and setting: a row per pair of its values and score."""
    for (data_set, representation, setting), group in table.groupby(
        ["data_set", "representation", "setting"], sort=False
    ):
        pairs = [f"{a}, {b}" for a, b in group[["a", "b"]].to_numpy()]
        cells = pd.DataFrame(
            {
                "": ["" if pair == before else pair for pair, before in zip(pairs, [None, *pairs], strict=False)],
                "Score": [names.label(key, names.SCORES) for key in group["score"]],
                "Second minus first": [
                    text_of.with_interval(difference, low, high, 3)
                    for difference, low, high in group[["difference", "low", "high"]].to_numpy()
                ],
                "Spread over seeds": [text_of.number(value, 3) for value in group["spread"]],
                "n": group["n"].astype(str),
            }
        )
        where = text_of.where(data_set, representation)
        count = names.count(group["n"], "pairs of models")
        lacking = f"at most {group['failed'].max()} pairs of a score failed, {group['missing'].max()} are missing"
        note = f"95 % intervals over seeds, by Student's t; {lacking}. Spread: the standard deviation over seeds."
        yield Section(f"Difference of scores by {setting.replace('_', ' ')}: {where}, {count}", cells, 2, note)


# By a column that only these tables have, or the first of those below that do.
LAYOUTS: dict[str, Callable[[pd.DataFrame], Iterator[Section]]] = {
    "claim": published_layouts.claims,
    "system": published_layouts.systems,
    "best_normalised_beta": published_layouts.best_normalised_beta,
    "sd_low": comparison_layouts.detectable,
    "comparison": comparison_layouts.seeds_needed,
    "lowest": comparison_layouts.agreement,
    "chosen_on": _transfer_pairs,
    "identifies": _identifiability,
    "margin": _chosen,
    "middle": _training,
    "r_squared": _shares,
    "median": _quartiles,
    "reason": _failures,
    "score_a": _correlations,
    "data_set_a": _across,
    "difference": _differences,
    "probability": _transfer,
    "rank_correlation": _trends,
}
