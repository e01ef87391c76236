"""Tables of a study: functions from results (one row per score, `rows.COLUMNS`) to a tidy DataFrame.

Failed runs and metrics enter no number; every table carries n, the models behind each number, and `failures`
counts the rest. Models that differ in more than a table's own columns are pooled.
"""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pandas as pd

from analysis import names, stats
from analysis.rows import by_model, checked, headlines, is_failure, without_labels
from analysis.text import markdown, render

__all__ = [
    "TABLES",
    "failures",
    "rank_correlation",
    "render",
    "scores_by_objective",
    "scores_by_strength",
    "unsupervised_rank_correlation",
    "write",
]

CORRELATION_COLUMNS = [
    "data_set",
    "representation",
    "score_a",
    "score_b",
    "rank_correlation",
    "low",
    "high",
    "n",
]


def rank_correlation(
    results: pd.DataFrame, representation: str | None = "mean", *, resamples: int = 1000, seed: int = 0
) -> pd.DataFrame:
    """Spearman rank correlation between the headline scores over the models of a data set (paper, Figure 2).

    A row per data_set, representation (None: each), score_a and score_b, both orders and the diagonal:
    rank_correlation in [-1, 1], low and high (95 % percentile bootstrap over models; NaN with resamples=0), and n,
    the models that have both scores. NaN with n < 3 or where a score is constant.
    """
    tables = [
        _pairs(by_model(group), None, resamples, seed).assign(data_set=data_set, representation=shown)
        for data_set, shown, group in _by_data_set(headlines(results), representation)
    ]
    return _stack(tables)


def unsupervised_rank_correlation(
    results: pd.DataFrame, representation: str | None = "mean", *, resamples: int = 1000, seed: int = 0
) -> pd.DataFrame:
    """Spearman rank correlation of scores that need no labels with the headline scores (paper, Figure 4 centre).

    Columns as in `rank_correlation`. score_a is a training score (reconstruction, KL, ELBO, training loss; nats) or
    an unsupervised one of the same representation (Gaussian total correlation, ...); score_b is a disentanglement
    metric. Over all objectives, although the training loss of each is on a scale of its own.
    """
    unsupervised = without_labels(results)
    tables = []
    for data_set, shown, group in _by_data_set(headlines(results), representation):
        own = unsupervised[
            (unsupervised["data_set"] == data_set) & unsupervised["representation"].isin([shown, "model"])
        ]
        left, right = by_model(own).align(by_model(group), join="outer", axis=0)
        tables.append(_pairs(left, right, resamples, seed).assign(data_set=data_set, representation=shown))
    return _stack(tables)


def scores_by_objective(results: pd.DataFrame) -> pd.DataFrame:
    """Median, quartiles and n (models) of each headline score, per objective, over strengths and seeds."""
    return _summary(results, ["data_set", "representation", "metric", "score", "objective"])


def scores_by_strength(results: pd.DataFrame) -> pd.DataFrame:
    """Median, quartiles and n (models) of each headline score, per objective and strength, over seeds."""
    keys = ["data_set", "representation", "metric", "score", "objective", "strength_name", "strength"]
    return _summary(results, keys)


def failures(results: pd.DataFrame) -> pd.DataFrame:
    """How many models and rows have no score, per data set, objective, representation, metric and reason.

    The reason is the first line of the error (of a traceback, its message), or that the value was not finite.
    """
    results = checked(results)
    failed = results[is_failure(results)]
    failed = failed.assign(
        reason=[_reason(error, value) for error, value in zip(failed["error"], failed["value"], strict=True)]
    )
    keys = ["data_set", "objective", "representation", "metric", "reason"]
    table = failed.groupby(keys, as_index=False, dropna=False)
    return names.sort(table.agg(models=("run_id", "nunique"), rows=("run_id", "size")), keys)


def write(results: pd.DataFrame, folder: str | Path) -> list[Path]:
    """Write every table as CSV (full precision) and all of them, readable, as `tables.md`; return the paths."""
    folder = Path(folder)
    tables = {name: table(results) for name, table in TABLES.items()}
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for name, table in tables.items():
        paths.append(folder / f"{name}.csv")
        table.to_csv(paths[-1], index=False, lineterminator="\n")
    paths.append(folder / "tables.md")
    parts = [markdown(table, heading=name.replace("_", " ").capitalize()) for name, table in tables.items()]
    paths[-1].write_text("\n".join(parts), encoding="utf-8")
    return paths


# What `write` writes, by file name. A table that should be written is one line here.
TABLES: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "rank_correlation": partial(rank_correlation, representation=None),
    "unsupervised_rank_correlation": partial(unsupervised_rank_correlation, representation=None),
    "scores_by_objective": scores_by_objective,
    "scores_by_strength": scores_by_strength,
    "failures": failures,
}


def _by_data_set(rows: pd.DataFrame, representation: str | None) -> Iterator[tuple[str, str, pd.DataFrame]]:
    """Each data set and representation (None: each), with its rows, in the papers' order."""
    rows = rows if representation is None else rows[rows["representation"] == representation]
    keys = ["data_set", "representation"]
    for data_set, shown in names.sort(rows[keys].drop_duplicates(), keys).itertuples(index=False):
        yield data_set, shown, rows[(rows["data_set"] == data_set) & (rows["representation"] == shown)]


def _pairs(left: pd.DataFrame, right: pd.DataFrame | None, resamples: int, seed: int) -> pd.DataFrame:
    """The rank correlations of two sets of scores of the same models (None: of left), a row per pair."""
    matrix = stats.spearman_matrix(
        left.to_numpy(), None if right is None else right.to_numpy(), resamples=resamples, seed=seed
    )
    right = left if right is None else right
    pairs = pd.MultiIndex.from_product([left.columns, right.columns], names=["score_a", "score_b"])
    columns = {name: cells.ravel() for name, cells in matrix._asdict().items()}
    return pd.DataFrame(columns, index=pairs).reset_index()


def _stack(tables: list[pd.DataFrame]) -> pd.DataFrame:
    """The tables below each other; without any, an empty table of the same columns."""
    if not tables:
        return pd.DataFrame(columns=CORRELATION_COLUMNS)
    return pd.concat(tables, ignore_index=True)[CORRELATION_COLUMNS]


def _summary(results: pd.DataFrame, keys: list[str]) -> pd.DataFrame:
    """Median, quartiles and n of the headline scores for each combination of the keys, in the papers' order."""
    groups = headlines(results).groupby(keys, dropna=False)["value"]
    columns = {
        "median": groups.median(),
        "lower_quartile": groups.quantile(0.25),
        "upper_quartile": groups.quantile(0.75),
        "n": groups.size(),
    }
    return names.sort(pd.DataFrame(columns).reset_index(), keys)


def _reason(error: object, value: float) -> str:
    """One line that says why a row has no score."""
    lines = [] if pd.isna(error) else [line.rstrip() for line in str(error).splitlines() if line.strip()]
    if not lines:
        return f"the value is {float(value)} and no error was recorded"
    # A traceback opens with a line that says nothing; its message is the last line that is not indented.
    if lines[0].startswith("Traceback"):
        return next((line for line in reversed(lines) if not line.startswith(" ")), lines[0])
    return lines[0].strip()
