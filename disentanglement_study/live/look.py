"""What is seen of a study at one moment by who only looks on: nothing is written in its folder."""

import contextlib
import time
from collections import deque
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from disentanglement_study.analysis import names
from disentanglement_study.analysis.rows import with_method
from disentanglement_study.runtime.files import Damaged
from disentanglement_study.store import Store, in_flight, tables
from disentanglement_study.store.losses_so_far import Losses
from disentanglement_study.study.overview import Overview, overview

LOOKS = 10  # among which the most jobs that ran at once are how many run at once
DRAWN = 24  # running jobs whose losses are read: a page of more is not looked through

Scores = dict[tuple[str, str], np.ndarray]  # of the models of a data set and a method


class Look(NamedTuple):
    when: float  # seconds since 1970
    running: Overview | None  # None: no process runs the study
    planned: int  # models
    done: int
    failed: int
    losses: dict[str, Losses]  # of the first running jobs that have told them, by job
    broken: list[dict]  # of jobs that failed: job, method, data_set, runs, error
    scores: dict[str, Scores]  # headline scores of the mean representation, in the papers' order
    reported: float | None  # when the full report was written


class Looking:
    """Looks at a study again and again: the scores of a job are read once, when it has ended."""

    def __init__(self, store: Store):
        self.store = store
        self._slots: deque[int] = deque(maxlen=LOOKS)
        self._read: dict[tuple[str, int], pd.DataFrame] = {}  # by job and when its scores were written

    def look(self) -> Look:
        """ValueError or OSError, in one line, if the study cannot be read."""
        seen = overview(self.store, max(self._slots, default=0))
        self._slots.append(seen.slots if seen else 0)
        losses = {}
        for job in seen.jobs[:DRAWN] if seen else ():
            if found := in_flight.losses(self.store, job["job"]):
                losses[job["job"]] = found
        plan, manifests = self.store.plan, self.store.manifests()
        about = with_method(plan).set_index("run_id")[["data_set", "method"]]
        ended = {status: [one for one in manifests if one["status"] == status] for status in ("done", "failed")}
        models = {status: sum(len(one["run_ids"]) for one in jobs) for status, jobs in ended.items()}
        broken = [_broken(manifest, about) for manifest in ended["failed"]]
        scores = self._scores(ended["done"], about)
        return Look(time.time(), seen, len(plan), **models, losses=losses, broken=broken, scores=scores,
                    reported=self._reported())  # fmt: skip

    def _scores(self, manifests: list[dict], about: pd.DataFrame) -> dict[str, Scores]:
        read = {}
        for manifest in manifests:
            path = self.store.jobs / manifest["job_id"] / "scores.parquet"
            with contextlib.suppress(OSError, Damaged):  # replaced meanwhile, or damaged: it has no scores then
                key = manifest["job_id"], path.stat().st_mtime_ns
                read[key] = self._read[key] if key in self._read else _headlines(path, manifest["run_ids"])
        self._read = read
        if not (frames := [frame for frame in read.values() if len(frame)]):
            return {}
        rows = pd.concat(frames, ignore_index=True).join(about, on="run_id").dropna(subset=["method", "value"])
        found: dict[str, Scores] = {}
        for (score, data_set, method), values in rows.groupby(["score", "data_set", "method"])["value"]:
            found.setdefault(score, {})[data_set, method] = values.to_numpy()
        return {score: found[score] for score in names.in_order(found, names.SCORES)}

    def _reported(self) -> float | None:
        with contextlib.suppress(OSError):
            return (self.store.root / "report" / "index.html").stat().st_mtime
        return None


def _headlines(path: Path, run_ids: list[str]) -> pd.DataFrame:
    """The scores of a job's mean representation that carry their metric's name: run_id, score, value."""
    is_headline = (pc.field("score") == pc.field("metric")) | pc.field("score").isin(names.SHOWN_INSTEAD)
    rows = tables.table(path, "scores", run_ids, (pc.field("representation") == "mean") & is_headline)
    return tables.frame(rows, "scores")[["run_id", "score", "value"]]


def _broken(manifest: dict, about: pd.DataFrame) -> dict:
    there = [run for run in manifest["run_ids"] if run in about.index]
    data_set, method = about.loc[there[0]] if there else ("", "")
    return {"job": manifest["job_id"], "method": method, "data_set": data_set, "runs": len(manifest["run_ids"]),
            "error": manifest["error"]}  # fmt: skip
