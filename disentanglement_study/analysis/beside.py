"""Two studies of the same models, run for run: published results beside ours, one cluster's beside another's."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from disentanglement_study.analysis import names, stats
from disentanglement_study.analysis.rows import NothingToDraw, is_headline, scored
from disentanglement_study.runtime import files
from disentanglement_study.runtime.words import counted

FILES = ("beside.csv", "beside_by_run.csv")
SCORE = ["representation", "metric", "score"]
KEYS = ["data_set", "method", *SCORE]
RUN = ["dlib_model_num", "run_id", "data_set", "method", "strength_name", "strength", "seed"]


class Beside(NamedTuple):
    """`summary`: a row for each score of each method; `by_run`: a row for each score of each run of both studies."""

    summary: pd.DataFrame
    by_run: pd.DataFrame


def beside(here: pd.DataFrame, there: pd.DataFrame, *, resamples: int = stats.RESAMPLES, seed: int = 0) -> Beside:
    """The scores that two studies have of the same runs, from the results of each.

    Runs are the same if they have the same dlib_model_num or, where one has none, the same run_id. by_run: RUN (as
    here), SCORE, here, there, and difference, here less there. summary: for each data set, method and score `n` (runs
    that have it in both), mean_here, mean_there, mean_difference, its interval low to high (95 %, of a bootstrap over
    these runs; NaN for one), and the Spearman rank_correlation of the two. Failures are in neither.

    NothingToDraw if the studies have no run, or no score of a run, in common.
    """
    both = by_run(here, there)
    groups = both.groupby(KEYS, sort=False)
    rows = [(*key, *_compared(group, resamples, seed)) for key, group in groups]
    columns = ["n", "mean_here", "mean_there", "mean_difference", "low", "high", "rank_correlation"]
    summary = names.sort(pd.DataFrame(rows, columns=[*KEYS, *columns]), KEYS)
    return Beside(summary, both)


def by_run(here: pd.DataFrame, there: pd.DataFrame) -> pd.DataFrame:
    """`Beside.by_run` alone."""
    here, there = (scored(_whole(results)) for results in (here, there))
    pairs = _pairs(here, there)
    if pairs.empty:
        raise NothingToDraw("the studies have no run in common (neither by dlib_model_num nor by run_id)")
    left = here[[*RUN, *SCORE, "value"]].rename(columns={"value": "here"}).merge(pairs, on="run_id")
    right = there[["run_id", *SCORE, "value"]].rename(columns={"run_id": "other", "value": "there"})
    both = left.merge(right, on=["other", *SCORE])
    if both.empty:
        raise NothingToDraw(f"the studies have {counted(len(pairs), 'run')} in common, but no score")
    both = both.assign(difference=both["here"] - both["there"])[[*RUN, *SCORE, "here", "there", "difference"]]
    return both.sort_values(["data_set", "method", "strength", "seed", *SCORE], ignore_index=True)


def _whole(results: pd.DataFrame) -> pd.DataFrame:
    """With a column dlib_model_num, which results of before may lack."""
    return results if "dlib_model_num" in results else results.assign(dlib_model_num=pd.array([pd.NA] * len(results)))


def _pairs(here: pd.DataFrame, there: pd.DataFrame) -> pd.DataFrame:
    """The same runs: run_id, as here, and `other`, as there."""
    left, right = (
        results[["run_id", "dlib_model_num"]].drop_duplicates("run_id").astype({"dlib_model_num": "Int64"})
        for results in (here, there)
    )
    right = right.rename(columns={"run_id": "other"})
    by_number = left.dropna().merge(right.dropna(), on="dlib_model_num")[["run_id", "other"]]
    same = left.merge(right, left_on="run_id", right_on="other", suffixes=("", "_there"))
    # Where both have a number it decides.
    same = same[same["dlib_model_num"].isna() | same["dlib_model_num_there"].isna()]
    return pd.concat([by_number, same[["run_id", "other"]]], ignore_index=True)


def _compared(group: pd.DataFrame, resamples: int, seed: int) -> tuple:
    """n, the means, the mean difference with its interval, and the rank correlation."""
    here, there, difference = (group[name].to_numpy(float) for name in ("here", "there", "difference"))
    n, runs = len(group), np.zeros(len(group), dtype=int)
    low = high = np.nan
    if n > 1:
        weight = stats.resample(runs, resamples, seed)
        low, high = map(float, stats.interval(difference.mean(), difference @ weight / n, stats.widening(runs)))
    rho = stats.spearman_matrix(here[:, None], there[:, None]).rank_correlation[0, 0]
    return n, here.mean(), there.mean(), difference.mean(), low, high, rho


def write(here: pd.DataFrame, there: pd.DataFrame, folder: Path) -> tuple[Beside, list[Path]]:
    """Writes `FILES` into a folder that is there. Those of other studies are gone before: they may have nothing in
    common (`NothingToDraw`)."""
    paths = [folder / name for name in FILES]
    for path in paths:
        path.unlink(missing_ok=True)
    found = beside(here, there)
    for path, table in zip(paths, found, strict=True):
        with files.replacing(path) as temporary:
            table.to_csv(temporary, index=False, lineterminator="\n")
    return found, paths


def shown(summary: pd.DataFrame) -> pd.DataFrame:
    """The headline scores of a summary as text to be read."""
    headline = [is_headline(*of) for of in zip(summary["metric"], summary["score"], strict=True)]
    table = summary[headline]
    known = {"data_set": names.DATA_SETS, "method": names.METHODS, "score": names.SCORES}
    readable = {
        key.replace("_", " "): [names.label(name, labels) for name in table[key]] for key, labels in known.items()
    }
    numbers = {
        "here": table["mean_here"].map("{:.3f}".format),
        "there": table["mean_there"].map("{:.3f}".format),
        "difference": table["mean_difference"].map("{:+.3f}".format),
        "95 % interval": [f"{low:+.3f} to {high:+.3f}" for low, high in zip(table["low"], table["high"], strict=True)],
        "rank correlation": table["rank_correlation"].map("{:.2f}".format),
    }
    return pd.DataFrame({**readable, "codes": table["representation"], "n": table["n"], **numbers}).replace(
        {"nan": "-", "+nan to +nan": "-"}
    )
