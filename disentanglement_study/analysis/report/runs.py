"""The runs of the plan and the jobs that they were in."""

from collections.abc import Collection

import numpy as np
import pandas as pd

from disentanglement_study.analysis import names
from disentanglement_study.analysis.figures import style
from disentanglement_study.analysis.report.encoding import coded
from disentanglement_study.analysis.report.paths import shortened

DONE, FAILED, MISSING = "done", "failed", "missing"
# The markers of the figures, as Plotly calls them.
SYMBOLS = {
    "o": "circle",
    "s": "square",
    "D": "diamond",
    "^": "triangle-up",
    "v": "triangle-down",
    "P": "cross",
    "X": "x",
    "*": "star",
}
# A reason may be a traceback of any length; the page has its end, where the message is.
LONGEST = 2000


def columns(plan: pd.DataFrame) -> dict:
    """The plan, column by column: a value that all runs share is there once, others as `encoding.coded`."""
    shared = [column for column in plan if column != "run_id" and plan[column].nunique(dropna=False) == 1]
    # What the page asks of each run is a column even where it does not vary.
    asked = {"data_set", "method", "strength_name", "strength", "seed"}
    constant = {column: coded(plan[column])["values"][0] for column in shared if column not in asked}
    varying = [column for column in plan if column != "run_id" and column not in constant]
    return {
        "run_id": plan["run_id"].tolist(),
        "constant": constant,
        "columns": {column: coded(plan[column]) for column in varying},
        "order": {
            "data_set": names.in_order(plan["data_set"], names.DATA_SETS),
            "method": names.in_order(plan["method"], names.METHODS),
        },
    }


def jobs(plan: pd.DataFrame, manifests: list[dict], with_curves: Collection[str] = ()) -> dict:
    """The jobs that ended, and of each run which one it was in (-1: none)."""
    entries = [
        {
            "job_id": manifest["job_id"],
            "status": manifest["status"],
            "seconds": round(sum(manifest.get("seconds", {}).values()), 1),
            "runs": len(manifest["run_ids"]),
            "device": manifest.get("device", ""),
            "curves": manifest["job_id"] in with_curves,
            "error": shortened(manifest.get("error") or "")[-LONGEST:],
        }
        for manifest in manifests
    ]
    return {"jobs": entries, "of_run": _job_of_run(plan, manifests).tolist()}


def status(plan: pd.DataFrame, manifests: list[dict]) -> pd.Series:
    """ "done", "failed" or "missing" for each run, by run_id. A run that is being trained is missing."""
    words = np.array([*(manifest["status"] for manifest in manifests), MISSING], dtype=object)
    return pd.Series(words[_job_of_run(plan, manifests)], index=plan["run_id"])


def labels(plan: pd.DataFrame, results: pd.DataFrame) -> dict:
    """What readers see in place of keys, and how each method is drawn: as in the figures."""
    marks = style.marks(plan["method"])
    used = [*names.SCORES, *(str(score) for score in results["score"].unique() if score not in names.SCORES)]
    return {
        "data_set": {key: names.label(key, names.DATA_SETS) for key in plan["data_set"].unique()},
        "method": {key: names.label(key, names.METHODS) for key in marks},
        "score": {key: names.label(key, names.SCORES) for key in used},
        "strength": {key: names.strength(key) for key in plan["strength_name"].unique()},
        "marks": {key: {"colour": mark.colour, "symbol": SYMBOLS[mark.marker]} for key, mark in marks.items()},
    }


def _job_of_run(plan: pd.DataFrame, manifests: list[dict]) -> np.ndarray:
    job = {run: place for place, manifest in enumerate(manifests) for run in manifest["run_ids"]}
    return plan["run_id"].map(job).fillna(-1).to_numpy(int)
