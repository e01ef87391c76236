"""How long the report takes, to write and to load, for a study of any size: `python benchmarks/report_page.py FOLDER`.

The study is made up: the plan of a sweep, and scores, curves and failures that were drawn. It is kept in FOLDER/study
and used again. The page is opened in a headless Chromium if there is one.
"""

import argparse
import os
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks import chromium
from disentanglement_study.analysis import names, report
from disentanglement_study.analysis.rows import with_method
from disentanglement_study.store import Store
from disentanglement_study.study import components, plan
from disentanglement_study.types import Job

HEADLINES = (*names.STUDY_METRICS, "irs", "explicitness", "downstream_logistic_regression", "downstream_boosted_trees")
UNSUPERVISED = tuple(
    score for score in names.UNSUPERVISED_SCORES if "gaussian" in score or score == "mutual_information"
)
LOSSES = ("reconstruction_loss", "kl_loss", "elbo", "loss")
TERMS = ("loss", "reconstruction_loss", "kl_loss", "total_correlation")
READY = "performance.getEntriesByName('plots drawn').length"
MOMENTS = ("first-contentful-paint", "controls answer", "plots drawn")
FAILED, MISSING = 3, 2  # jobs
LOADS = 3


def made_up(root: Path, sweep: str, steps: int, seed: int = 0) -> Store:
    """A study at `root` with scores by method, strength and chance; some jobs failed, some are missing."""
    settings = components.load(sweep)
    runs = plan.expand(settings)
    frame = plan.frame(runs, settings)
    store = Store(root)
    store.create(frame, settings.text, "{}")
    settings_of = with_method(frame).set_index("run_id")[["method", "strength"]]
    rng = np.random.default_rng(seed)
    jobs = plan.group(runs, settings.resources.job_size)
    for place, job in enumerate(jobs[: len(jobs) - MISSING]):
        facts = {"seconds": {"train": 5000.0, "evaluate": 900.0}, "device": "made up", "versions": "none"}
        if place in range(5, 5 + FAILED):
            error = f"Traceback (most recent call last):\n  File\nRuntimeError: </script><b>job {place} & more</b>"
            rows = [_row(run.run_id, "model", "training", "training", np.nan, error) for run in job.runs]
            store.write_job(job, rows, [], {}, {"status": "failed", "error": error, **facts})
        else:
            store.write_job(
                job, _scores(job, settings_of, rng), _curves(job, steps, rng), {}, {"status": "done", **facts}
            )
    return store


def _scores(job: Job, settings: pd.DataFrame, rng: np.random.Generator) -> list[dict]:
    rows = []
    downstream = [tuple(name.split(".", 1)) for name in names.DOWNSTREAM_SCORES]
    for run in job.runs:
        method, strength = settings.loc[run.run_id]
        quality = hash_(method) * 0.3 + 0.1 * np.log1p(strength) / 5 + rng.normal(0, 0.1)
        rows += [_row(run.run_id, "model", "training", score, 100 * rng.random()) for score in LOSSES]
        for shown in ("mean", "sampled"):
            for metric in HEADLINES:
                value = float(np.clip(0.3 + quality + rng.normal(0, 0.08), 0, 1))
                broken = rng.random() < 0.001
                error = "ValueError: codes are constant" if broken else None
                rows.append(_row(run.run_id, shown, metric, metric, np.nan if broken else value, error))
            rows += [
                _row(run.run_id, shown, "unsupervised", score, rng.gamma(1 + strength / 9)) for score in UNSUPERVISED
            ]
            for metric, score in downstream:
                full = score if score.startswith("stat") else f"mean_test_accuracy.{score}"
                rows.append(_row(run.run_id, shown, metric, full, rng.random()))
    return rows


def hash_(text: str) -> float:
    return sum(map(ord, text)) % 97 / 97


def _row(run_id: str, representation: str, metric: str, score: str, value: float, error: str | None = None) -> dict:
    return {"run_id": run_id, "representation": representation, "metric": metric, "score": score, "value": value,
            "protocol": "dlib", "metric_version": "1", "error": error}  # fmt: skip


def _curves(job: Job, steps: int, rng: np.random.Generator) -> pd.DataFrame:
    step = np.linspace(1000, 300_000, steps).astype(int)
    table = pd.MultiIndex.from_product(
        [[run.run_id for run in job.runs], TERMS, step], names=["run_id", "term", "step"]
    )
    values = 100 / np.sqrt(np.tile(step, len(job.runs) * len(TERMS)) / 1000) + rng.normal(0, 1, len(table))
    return table.to_frame(index=False).assign(value=values)


def loaded(browser: str, url: str) -> str:
    """Opens the page in a new browser, and again: when, from the navigation on, it had come how far, and the CPU time.

    It counts as loaded when the plots that are in sight at first are drawn.
    """
    found = []
    with chromium.page(browser, listens=False) as page:
        page.size(1440)
        page.call("Performance.enable", timeDomain="threadTicks")
        for kind in ("first load", "again"):
            page.open("about:blank")
            page.open(url, READY)
            at = [page.evaluate(f"performance.getEntriesByName('{name}')[0].startTime") / 1000 for name in MOMENTS]
            moments = ", ".join(f"{name} {seconds:.2f} s" for name, seconds in zip(MOMENTS, at, strict=True))
            metrics = {metric["name"]: metric["value"] for metric in page.call("Performance.getMetrics")["metrics"]}
            found.append(f"{kind}: {moments}; {metrics['TaskDuration']:.2f} s of the page's thread")
    return "\n".join([f"load average {os.getloadavg()[0]:.1f}", *found])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--sweep", default="locatello2019")
    parser.add_argument("--steps", type=int, default=300, help="points of a curve")
    options = parser.parse_args()
    root = options.folder / "study"
    store = Store(root) if (root / "plan.parquet").exists() else made_up(root, options.sweep, options.steps)
    start, processor = time.perf_counter(), time.process_time()
    times = [("", start)]
    path = report.write(store, options.folder / "report", lambda step: times.append((step, time.perf_counter())))
    times.append(("", time.perf_counter()))
    steps = ", ".join(f"{step} {end - at:.1f}" for (step, at), (_, end) in pairwise(times[1:]))
    print(f"written in {times[-1][1] - start:.1f} s ({steps}), {time.process_time() - processor:.1f} s of processors")
    print(f"{path}: {path.stat().st_size / 1e6:.1f} MB; load average {os.getloadavg()[0]:.1f}")
    beside = [file.stat().st_size for file in (path.parent / "runs").iterdir()]
    print(f"curves beside it: {len(beside)} files, {sum(beside) / 1e6:.1f} MB")
    if (browser := chromium.find()) is None:
        print("not loaded: no Chromium on PATH")
        return
    for _ in range(LOADS):
        print(loaded(browser, path.absolute().as_uri()))


if __name__ == "__main__":
    main()
