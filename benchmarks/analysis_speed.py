"""How long do the tables and figures of a whole study take? On synthetic scores: the 12,600 models of 2019.

    python benchmarks/analysis_speed.py                        all of it
    python benchmarks/analysis_speed.py --data-sets 1          1,800 models
    python benchmarks/analysis_speed.py --failing 0.002        with so many of all rows failed, here and there
    python benchmarks/analysis_speed.py --only transfer,score_by_method
    python benchmarks/analysis_speed.py --processes 2          all figures by two processes, without the time of each

Tables are computed; figures are drawn and saved, to be thrown away. What is both a table and a figure is timed as both.
Every model has the headline scores of all metrics on both representations, the losses, the scores without labels and
the downstream accuracies: the rows that the analysis reads. They are positive noise about a common quality; no time
depends on the values, but gaps cost.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent))  # where the package is not installed

import argparse
import os
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import pandas as pd
from common import ERR, OUT, Parser, above_zero, cpu_name, known
from threadpoolctl import threadpool_limits

from disentanglement_study.analysis import figures, models, names, once, tables
from disentanglement_study.analysis.figures import style
from disentanglement_study.analysis.rows import NothingToDraw

NO_HEADLINE = ("info_mec", "dci_es", "r2", "unified_scores", "unsupervised", "udr")
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
    """Results as a store returns them, of 6 methods at 6 strengths."""
    rng = np.random.default_rng(0)
    axes = list(names.DATA_SETS)[:data_sets], names.STUDY_METHODS, range(6), range(seeds)
    keys = ["data_set", "method", "strength", "seed"]
    runs = pd.MultiIndex.from_product(axes, names=keys).to_frame(index=False)
    runs = runs.assign(strength_name="beta", strength=runs["strength"].astype(float))
    runs["run_id"] = [f"{number:012x}" for number in rng.permutation(len(runs))]
    quality = rng.normal(size=len(runs))
    parts = [
        runs.assign(
            representation=r, metric=m, score=s, value=np.exp(quality * rng.normal() + rng.normal(size=len(runs)))
        )
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
    parser.add_argument("--only", help="tables and figures, separated by commas")
    parser.add_argument("--processes", type=int, default=1, help="that draw figures (default 1)")
    try:
        options = parser.parse_args(argv)
        above_zero(options, "data_sets", "seeds", "processes")
        every = [*tables.TABLES, *figures.FIGURES]
        wanted = known("table or figure", options.only.split(",") if options.only else every, every)
        measure(options, wanted)
    except ValueError as error:
        ERR.print(f"error: {error}", style="red")
        return 2
    return 0


def measure(options: argparse.Namespace, wanted: list[str]) -> None:
    study = results(options.data_sets, options.seeds, options.failing)
    OUT.print(f"{cpu_name()} ({os.cpu_count()} CPU cores), load {os.getloadavg()[0]:.1f}")
    OUT.print(f"{study['run_id'].nunique():,} models, {len(study):,} rows, {options.failing:.1%} of them failed")
    with tempfile.TemporaryDirectory() as folder:
        times = of_tables(study, wanted), of_figures(study, wanted, Path(folder), options.processes)
    OUT.print(f"{times[0]:7.2f} s  tables\n{times[1]:7.2f} s  figures\n{sum(times):7.2f} s  in all")


def of_tables(study: pd.DataFrame, wanted: list[str]) -> float:
    """Seconds of the tables, as `tables.write` computes them."""
    start = time.perf_counter()
    study = selected(study)
    with once.within(study), threadpool_limits(limits=1):
        for name in [name for name in tables.TABLES if name in wanted]:
            timed(name, lambda function=tables.TABLES[name]: once.call(function, study))
    return time.perf_counter() - start


def of_figures(study: pd.DataFrame, wanted: list[str], folder: Path, processes: int) -> float:
    """Seconds of the figures, as `figures.write` draws and writes them; of the tables nothing is kept for them."""
    start = time.perf_counter()
    if processes > 1:
        written = figures.write(study, folder, processes=processes)
        OUT.print(f"{len(written.figures)} figures by {processes} processes, {len(written.skipped)} skipped")
        return time.perf_counter() - start
    study = selected(study)
    with once.within(study), threadpool_limits(limits=1):
        for name in [name for name in figures.FIGURES if name in wanted]:
            figure = timed(name, lambda draw=figures.FIGURES[name]: draw(study))
            if figure is not None:
                timed("  its files", lambda figure=figure, name=name: style.save(figure, folder / name))
    return time.perf_counter() - start


def selected(study: pd.DataFrame) -> pd.DataFrame:
    return timed("the rows that are read", lambda: models.needed(study))


def timed(name: str, make: Callable[[], Any]) -> Any:
    """What is made, or None where the rows do not allow it; its seconds are printed."""
    start, cpu = time.perf_counter(), time.process_time()
    try:
        made, why = make(), ""
    except NothingToDraw as reason:
        made, why = None, f" (skipped: {reason})"
    OUT.print(f"{time.perf_counter() - start:7.2f} s, CPU {time.process_time() - cpu:6.2f} s  {name}{why}")
    return made


if __name__ == "__main__":
    sys.exit(main())
