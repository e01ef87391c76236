"""The rows of a study as the analysis reads them: checked, failures set aside, one value per score of a model.

The headline score of a metric is the row whose `score` equals its `metric`; `info_mec` and `dci_es` have those of
`names.INSTEAD` in its place, and some metrics have none. Of the hundreds of scores of a model, tables and figures show
these, those that need no labels, and the accuracies of the downstream tasks. A row whose `error` is set, or whose
`value` is not finite, is a failure: it enters no statistic and is counted by `tables.failures`.
"""

from typing import Any

import numpy as np
import pandas as pd

from disentanglement_study.analysis import names

# What every table or figure reads. Results may hold more columns.
COLUMNS = (
    "run_id",
    "data_set",
    "method",
    "strength_name",
    "strength",
    "seed",
    "representation",
    "metric",
    "score",
    "value",
    "error",
)
# Metrics that see no factor labels, and so could be used to select models.
UNSUPERVISED = ("training", "unsupervised", "udr")


class NothingToDraw(ValueError):
    """The rows are well formed but do not allow this table or figure; the message says what they lack."""


def with_method(frame: pd.DataFrame) -> pd.DataFrame:
    """Results, or a plan, with the column `method`: files that were written before call it `objective`.

    Models that differ by an axis of the sweep are never taken together: what "pca" is with `nets.num_latents` of 5, is
    a method of its own, "pca [num_latents=5]", and so is a data set with an option of its own. The columns of axes,
    which have a dot in their names, are gone then. What is held against |s| or s² is a representation of its own.

    Drawn again with another `seed`, a data set is the same: which one it was is in the column `data_seed`.
    """
    frame = _on_their_targets(frame)
    if "method" not in frame.columns and "objective" in frame.columns:
        frame = frame.rename(columns={"objective": "method"})
    axes = [column for column in frame.columns if "." in column]
    if "settings" in frame.columns:  # a plan: most of its columns with dots are the same for all
        from disentanglement_study.store import records  # here: results alone are read without a store

        of_runs = records.axes(frame)
        axes, frame = list(of_runs), frame.drop(columns="settings").assign(**of_runs)
    sets = set(frame["data_set"].unique()) if axes and "data_set" in frame.columns else set()
    of_data = [axis for axis in axes if axis.partition(".")[0] in sets]
    seeds = [axis for axis in of_data if axis.endswith(".seed")]
    if seeds:
        frame = frame.assign(data_seed=frame[seeds].bfill(axis=1).iloc[:, 0]).drop(columns=seeds)
    frame = _with_settings(frame, "data_set", [axis for axis in of_data if axis not in seeds])
    return _with_settings(frame, "method", [axis for axis in axes if axis not in of_data])


def _on_their_targets(frame: pd.DataFrame) -> pd.DataFrame:
    """Codes that are |s| or s² themselves stand beside |c| or c² of the methods that find s, never beside their c."""
    if not {"representation", "target"} <= {*frame.columns}:
        return frame
    other = (frame["representation"] == "mean") & frame["target"].isin(["abs", "square"])
    if not other.any():
        return frame
    shown = frame["representation"].astype(object)
    return frame.assign(representation=shown.mask(other, frame["target"].astype(object)))


def _with_settings(frame: pd.DataFrame, column: str, axes: list[str]) -> pd.DataFrame:
    """The names in a column with the values of those of these axes in which they differ; the columns are gone."""
    if not axes or column not in frame.columns:
        return frame
    most = frame.groupby(column, observed=True)[axes].nunique(dropna=False).max()
    differing = [axis for axis in axes if most[axis] > 1]
    group = frame.groupby([column, *differing], sort=False, dropna=False, observed=True).ngroup()
    firsts = frame.loc[~group.duplicated(), [column, *differing]]
    named = {group[row]: _named(differing, *kind) for row, *kind in firsts.itertuples(name=None)}
    return frame.drop(columns=axes).assign(**{column: group.map(named)})


def _named(axes: list[str], name: str, *values: Any) -> str:
    """The name with its settings: "pca [num_latents=5; num_points=100]"."""
    given = [(axis.rpartition(".")[2], value) for axis, value in zip(axes, values, strict=True) if not pd.isna(value)]
    return names.joined(name, {option: _short(value) for option, value in given})


def _short(value: Any) -> str:
    """As short as tells it from every other value: a whole number is one even in a column that has gaps."""
    return str(int(value)) if isinstance(value, float) and value.is_integer() and abs(value) < 1e15 else str(value)


def checked(results: pd.DataFrame) -> pd.DataFrame:
    """The results with categorical columns as plain values; ValueError that names the columns that they lack.

    A column `objective` of before is read as `method`.
    """
    results = with_method(results)
    missing = [column for column in COLUMNS if column not in results.columns]
    if missing:
        raise ValueError(f"results lack {', '.join(missing)}: the analysis needs {', '.join(COLUMNS)}")
    # Categories compare and group by what they could hold, not by what they hold.
    return results.astype(dict.fromkeys(results.select_dtypes("category"), object))


def is_failure(results: pd.DataFrame) -> pd.Series:
    """Whether each row is a failed run or metric: an error is set, or the value is not a finite number."""
    failed = ~np.isfinite(results["value"].astype(float))
    error = results["error"].dropna()  # few: text is slow
    return failed | (error.astype(str).str.strip() != "").reindex(results.index, fill_value=False)


def scored(results: pd.DataFrame) -> pd.DataFrame:
    """The rows that hold a score, in an order of their own, so that no figure depends on the order of the jobs.

    A model that has the same score twice is a ValueError, never an average.
    """
    results = checked(results)
    rows = results[~is_failure(results)]
    key = ["run_id", "representation", "metric", "score"]
    twice = rows[rows.duplicated(key, keep=False)]
    if len(twice):
        first = twice.iloc[0]
        same = twice[(twice[key] == first[key]).all(axis=1)]
        varying = [c for c in ("protocol", "metric_version") if c in same and same[c].nunique() > 1]
        values = "; ".join(f"{c}: {', '.join(sorted(same[c].astype(str).unique()))}" for c in varying)
        raise ValueError(
            f"run {first['run_id']} has the score {first['score']} of {first['metric']} "
            f"({first['representation']}) {len(same)} times ({values or 'repeated rows'}): keep one of them"
        )
    return rows.sort_values(key, ignore_index=True)


def is_headline(metric: str, score: str) -> bool:
    """Whether this score of this metric is shown for it."""
    return (metric == score and metric not in UNSUPERVISED) or score in names.INSTEAD.get(metric, ())
