"""How long do the tables and figures of a whole study take? On synthetic scores: the 12,600 models of 2019.

    python benchmarks/analysis_speed.py                        all of it
    python benchmarks/analysis_speed.py --data-sets 1          1,800 models
    python benchmarks/analysis_speed.py --failing 0.002        with so many of all rows failed, here and there
    python benchmarks/analysis_speed.py --only transfer

Every model has the headline scores of all metrics on both representations, the losses, the scores without labels and
the downstream accuracies: the rows that the analysis reads. They are noise about a common quality; no time depends on
the values, but gaps cost.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))  # where the package is not installed

import argparse
import os
import time
from collections.abc import Iterable, Iterator

import numpy as np
import pandas as pd
from common import ERR, OUT, Parser, above_zero, cpu_name, known
from threadpoolctl import threadpool_limits

from analysis import models, names, tables
from analysis.rows import NothingToDraw

NO_HEADLINE = ("info_mec", "dci_es", "unified_scores", "unsupervised", "udr")
TRAINING = ("reconstruction_loss", "kl_loss", "elbo", "loss")


def scores() -> Iterator[tuple[str, str, str]]:
    """The representation, metric and score of the rows of a model."""
    yield from (("model", "training", score) for score in TRAINING)
    for representation in ("mean", "sampled"):
        yield from ((representation, metric, metric) for metric in names.METRICS if metric not in NO_HEADLINE)
        yield from ((representation, "info_mec", score) for score in names.INFO_MEC)
        others = [score for score in names.UNSUPERVISED_SCORES if score not in (*TRAINING, "udr_lasso")]
        yield from ((representation, "unsupervised", score) for score in others)
        for key in names.DOWNSTREAM_SCORES:
            metric, _, score = key.partition(".")
            yield representation, metric, models.ACCURACY + score if score.startswith("n_") else score


def results(data_sets: int, seeds: int, failing: float) -> pd.DataFrame:
    """Results as a store returns them, of 6 objectives at 6 strengths."""
    rng = np.random.default_rng(0)
    axes = list(names.DATA_SETS)[:data_sets], names.OBJECTIVES, range(6), range(seeds)
    keys = ["data_set", "objective", "strength", "seed"]
    runs = pd.MultiIndex.from_product(axes, names=keys).to_frame(index=False)
    runs = runs.assign(strength_name="beta", strength=runs["strength"].astype(float))
    runs["run_id"] = [f"{number:012x}" for number in rng.permutation(len(runs))]
    quality = rng.normal(size=len(runs))
    parts = [
        runs.assign(representation=r, metric=m, score=s, value=quality * rng.normal() + rng.normal(size=len(runs)))
        for r, m, s in scores()
    ]
    table = pd.concat(parts, ignore_index=True)
    failed = rng.random(len(table)) < failing
    table["value"] = table["value"].mask(failed)
    table["error"] = pd.Series(np.where(failed, "RuntimeError: it failed", None), dtype="string")
    return table


def main(argv: Iterable[str] | None = None) -> int:
    parser = Parser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-sets", type=int, default=7, help="how many (default 7)")
    parser.add_argument("--seeds", type=int, default=50, help="of each setting (default 50)")
    parser.add_argument("--failing", type=float, default=0.0, help="the share of rows that failed (default 0)")
    parser.add_argument("--only", help="tables, separated by commas")
    try:
        options = parser.parse_args(argv)
        above_zero(options, "data_sets", "seeds")
        wanted = known("table", options.only.split(",") if options.only else tables.TABLES, tables.TABLES)
        measure(options, wanted)
    except ValueError as error:
        ERR.print(f"error: {error}", style="red")
        return 2
    return 0


def measure(options: argparse.Namespace, wanted: list[str]) -> None:
    study = results(options.data_sets, options.seeds, options.failing)
    OUT.print(f"{cpu_name()} ({os.cpu_count()} CPU cores), load {os.getloadavg()[0]:.1f}")
    OUT.print(f"{study['run_id'].nunique():,} models, {len(study):,} rows, {options.failing:.1%} of them failed")
    start = time.perf_counter()
    study = models.needed(study)
    times = {"reading the rows": time.perf_counter() - start}
    with threadpool_limits(limits=1):
        for name in wanted:
            start, cpu = time.perf_counter(), time.process_time()
            try:
                rows = f"{len(tables.TABLES[name](study)):,} rows"
            except NothingToDraw as reason:
                rows = f"skipped: {reason}"
            times[name] = time.perf_counter() - start
            OUT.print(f"{times[name]:7.2f} s, CPU {time.process_time() - cpu:6.2f} s  {name} ({rows})")
    OUT.print(f"{sum(times.values()):7.2f} s  in all, with {times['reading the rows']:.2f} s to select the rows")


if __name__ == "__main__":
    sys.exit(main())
