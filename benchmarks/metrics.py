"""How fast the metrics are: every one at the study's sizes, beside scikit-learn, and how their cost grows.

Times are CPU seconds of one thread. Arrays are synthetic and drawn from fixed seeds; nothing is trained.
"""

import os
import sys
from pathlib import Path

if __name__ == "__main__":  # before NumPy and SciPy count the cores
    os.environ.update(dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1"))
sys.path.insert(0, str(Path(__file__).parent.parent))  # where the package is not installed

import argparse
import datetime
import platform
import time
import warnings
from collections.abc import Callable, Iterator
from importlib.metadata import version
from typing import Any, NamedTuple

import metrics_report as report
import numpy as np
from common import (
    ERR,
    HERE,
    INTERRUPTED,
    OUT,
    Parser,
    above_zero,
    commit,
    cpu_name,
    known,
    load,
    new_file,
    reason,
    save,
)
from metrics_report import FITS, OURS, STUDY, THEIRS
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from disentanglement_study.config import EvaluateConfig
from disentanglement_study.metrics import METRICS, dci, downstream_logistic_regression, explicitness
from disentanglement_study.metrics.estimators.logistic_regression import predict_factors_logistic
from disentanglement_study.metrics.estimators.predictors import predict_factors
from disentanglement_study.scoring.evaluate import evaluate

EXAMPLES = """\
examples:
  python benchmarks/metrics.py --quick                            under a minute: does it work?
  python benchmarks/metrics.py                                    everything, each row the median of 3
  python benchmarks/metrics.py --parts metrics --metrics study    what scoring a model of the study costs
  python benchmarks/metrics.py --metrics mig,dci --parts metrics --rounds 9
  python benchmarks/metrics.py --parts contest --full --rounds 1  beside scikit-learn at the study's sizes
  python benchmarks/metrics.py --markdown benchmarks/results/FILE.json

parts:
  metrics   every metric as the harness calls it: 10 codes, factors of 3, 6, 40, 32 and 32 values, 10,000 train and
            5,000 test points; those that draw rows by factor get all 737,280
  contest   boosted trees (DCI), logistic regression (the downstream task) and explicitness beside scikit-learn's
            own, in turns, and how far the scores differ
  growth    boosted trees and logistic regression by train points, by codes and by values of a factor

CPU seconds count every thread of the process, and there is one. Compilation is not counted: every metric first runs
once on small arrays. The result is on file after every row, so that Ctrl-C keeps what was measured.
"""


class Sizes(NamedTuple):
    num_train: int
    num_test: int
    factors: tuple[int, ...]
    points: int
    samples: tuple[int, ...]
    codes: tuple[int, ...]
    classes: tuple[int, ...]


PARTS = ("metrics", "contest", "growth")
NUM_CODES, LEAST_POINTS = 10, 100
FULL = Sizes(10_000, 5_000, (3, 6, 40, 32, 32), 2000, (1000, 3000, 10_000, 30_000), (5, 10, 20, 50), (2, 10, 40, 183))
SMALL = Sizes(300, 150, (3, 6, 8, 4, 4), 300, (100, 300), (5, 10), (2, 10))


def num_noise(num_codes: int) -> int:
    return num_codes // 5


def grid(sizes: tuple[int, ...]) -> np.ndarray:
    """[N, F]: all factors of a complete grid."""
    return np.stack(np.unravel_index(np.arange(np.prod(sizes)), sizes), axis=1)


def encode(factors: np.ndarray, num_codes: int = NUM_CODES, seed: int = 0) -> np.ndarray:
    """[N, D] float32, like a VAE's means: bent mixtures in which one factor dominates, and codes of noise."""
    rng, num_factors = np.random.default_rng([seed, num_codes]), factors.shape[1]
    informative = num_codes - num_noise(num_codes)
    mixing = np.eye(num_factors)[:, np.arange(informative) % num_factors]
    mixing += 0.2 * rng.normal(size=mixing.shape)
    codes = rng.normal(size=(len(factors), num_codes))
    standardised = (factors - factors.mean(axis=0)) / factors.std(axis=0)
    codes[:, :informative] = np.tanh(standardised @ mixing) + 0.1 * codes[:, :informative]
    return codes.astype(np.float32)


def split(num_train: int, factor_sizes: tuple[int, ...], num_codes: int = NUM_CODES) -> tuple[np.ndarray, ...]:
    """Train codes and factors, test codes and factors; half as many test points."""
    rng = np.random.default_rng(1)
    factors = rng.integers(factor_sizes, size=(num_train + num_train // 2, len(factor_sizes)))
    codes = encode(factors, num_codes)
    return codes[:num_train], factors[:num_train], codes[num_train:], factors[num_train:]


def cpu_seconds(function: Callable[..., Any], *arguments: Any, **options: Any) -> tuple[float, Any]:
    start = time.process_time()
    result = function(*arguments, **options)
    return time.process_time() - start, result


# What is timed.


def score(name: str, codes: np.ndarray, factors: np.ndarray, num_train: int, num_test: int) -> None:
    """One metric, called by the harness itself."""
    config = EvaluateConfig(metrics=(name,), num_train=num_train, num_test=num_test)
    rows = evaluate(codes, factors, "mean", config, "dlib")
    if rows[0]["error"]:
        raise RuntimeError(rows[0]["error"].strip().splitlines()[-1])


def boosted(backend: str, *arrays: np.ndarray) -> dict[str, float]:
    return dci(*arrays, backend=backend)


def logistic(backend: str, *arrays: np.ndarray) -> dict[str, float]:
    return downstream_logistic_regression(*arrays, train_sizes=(len(arrays[0]),), backend=backend)


def explicit(backend: str, *arrays: np.ndarray) -> dict[str, float]:
    return explicitness(*arrays, backend=backend)


# {fit: (scores by backend, the backend that is ours)}
CONTEST = {
    "boosted trees": (boosted, "exact"),
    "logistic regression": (logistic, "newton"),
    "explicitness": (explicit, "exact"),
}


def fit_trees(train_codes: np.ndarray, train_factors: np.ndarray, test_codes: np.ndarray, _: np.ndarray) -> None:
    predict_factors(train_codes, train_factors, test_codes, rng=np.random.default_rng(0))


def fit_logistic(train_codes: np.ndarray, train_factors: np.ndarray, test_codes: np.ndarray, _: np.ndarray) -> None:
    predict_factors_logistic(train_codes, train_factors, test_codes)


GROWTH = dict(zip(FITS, (fit_trees, fit_logistic), strict=True))


class Bench:
    """A run of the benchmark; what it measured is on file after every row."""

    def __init__(self, options: argparse.Namespace, sizes: Sizes, rows: list[tuple[str, Any, float]]):
        self.sizes, self.rows, self.rounds = sizes, rows, options.rounds
        kind, now = cpu_name(), datetime.datetime.now()
        self.path = new_file(options.out, "metrics", "cpu", kind, now)
        packages = ("numpy", "scipy", "scikit-learn", "numba")
        self.result: dict[str, Any] = {
            "benchmark": "metrics",
            "date": f"{now:%Y-%m-%d %H:%M}",
            "device": {"backend": "cpu", "kind": kind, "cores": os.cpu_count()},
            "versions": {**{name: version(name) for name in packages}, "python": platform.python_version()},
            "commit": commit(),
            "quick": options.quick,
            "rounds": options.rounds,
            "sizes": {
                "num_train": sizes.num_train,
                "num_test": sizes.num_test,
                "codes": NUM_CODES,
                "noise": num_noise(NUM_CODES),
                "factors": sizes.factors,
                "rows": int(np.prod(sizes.factors)),
                "points": sizes.points,
            },
            "metrics": [],
            "contest": [],
            "growth": [],
        }
        self.bar = Progress(
            TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(), TextColumn("left:"),
            TimeRemainingColumn(), console=OUT, disable=not OUT.is_terminal, transient=True,
            refresh_per_second=1, speed_estimate_period=1e9,  # its CPU time counts as the metrics'
        )  # fmt: skip
        self.task = self.bar.add_task("", total=self.rounds * sum(cost for *_, cost in rows))

    def run(self) -> None:
        small = grid(SMALL.factors)
        self.warm_table = encode(small), small, SMALL.num_train, SMALL.num_test
        self.warm_split = split(SMALL.num_train, SMALL.factors)
        factors = grid(self.sizes.factors)
        self.table = encode(factors), factors, self.sizes.num_train, self.sizes.num_test
        with self.bar, warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of scikit-learn's, where few points have a value
            for part, spec, cost in self.rows:
                row = self.row(part, spec, cost)
                self.result[part].append(row)
                save(self.result, self.path)
                OUT.print(report.line(part, row), markup=False)

    def row(self, part: str, spec: Any, cost: float) -> dict[str, Any]:
        row, turns = getattr(self, part)(spec)
        self.bar.update(self.task, description=report.name(row))
        done = 0
        try:
            for _ in turns:
                done += 1
                self.bar.advance(self.task, cost)
        except Exception as error:
            return {**row, "error": reason(error)}
        finally:
            self.bar.advance(self.task, cost * (self.rounds - done))
        return row

    # A row as it will be on file, and the turns that fill it in.

    def metrics(self, name: str) -> tuple[dict[str, Any], Iterator[None]]:
        row: dict[str, Any] = {"metric": name, "sampling": METRICS[name].sampling}

        def turns() -> Iterator[None]:
            score(name, *self.warm_table)
            row["seconds"] = []
            for _ in range(self.rounds):
                row["seconds"].append(cpu_seconds(score, name, *self.table)[0])
                yield

        return row, turns()

    def contest(self, fit: str) -> tuple[dict[str, Any], Iterator[None]]:
        row: dict[str, Any] = {"fit": fit}

        def turns() -> Iterator[None]:
            scores, ours = CONTEST[fit]
            backends = {OURS: ours, THEIRS: "sklearn"}
            scores(ours, *self.warm_split)
            arrays = split(self.sizes.points, self.sizes.factors)
            row["rounds"] = []
            for _ in range(self.rounds):
                took = {name: cpu_seconds(scores, backend, *arrays) for name, backend in backends.items()}
                row["rounds"].append({name: value for name, (value, _) in took.items()})
                yield
            (_, first), (_, second) = took.values()
            row["differences"] = {name: abs(value - second[name]) for name, value in first.items()}

        return row, turns()

    def growth(self, point: tuple[str, int]) -> tuple[dict[str, Any], Iterator[None]]:
        axis, size = point
        row: dict[str, Any] = {"axis": axis, "size": size}

        def turns() -> Iterator[None]:
            arrays = split(
                size if axis == "samples" else self.sizes.num_train,
                (size,) if axis == "classes" else self.sizes.factors,
                size if axis == "codes" else NUM_CODES,
            )
            for fit in GROWTH.values():
                fit(*self.warm_split)
            row["seconds"] = {name: [] for name in GROWTH}
            for _ in range(self.rounds):
                for name, fit in GROWTH.items():
                    row["seconds"][name].append(cpu_seconds(fit, *arrays)[0])
                yield

        return row, turns()


# CPU seconds of a round at the study's sizes where they are not about 0, only for the bar.
COSTS = {
    "beta_vae_score": 0.9,
    "factor_vae_score": 0.9,
    "dci": 6.0,
    "explicitness": 0.8,
    "sap_score": 1.2,
    "downstream_logistic_regression": 1.9,
    "downstream_boosted_trees": 7.5,
    "dci_es": 1.0,
    "fairness": 8.0,
    "info_mec": 2.8,
    "reduced_downstream": 38.0,
    "strong_downstream": 70.0,
    "unified_scores": 7.5,
    "z_max_variance": 1.0,
    "boosted trees": 100.0,
    "logistic regression": 14.0,
}
GROWTH_COSTS = {"samples": 7e-4, "codes": 0.7, "classes": 0.07}  # for each of them


def plan(parts: list[str], names: list[str], sizes: Sizes) -> list[tuple[str, Any, float]]:
    """The rows to measure, part by part, each with a guess of how long a round of it takes."""
    rows: list[tuple[str, Any, float]] = []
    if "metrics" in parts:
        rows += [("metrics", name, COSTS.get(name, 0.1)) for name in names]
    if "contest" in parts:
        rows += [("contest", fit, COSTS.get(fit, 0.8)) for fit in CONTEST]
    if "growth" in parts:
        rows += [("growth", (axis, n), GROWTH_COSTS[axis] * n) for axis in report.AXES for n in getattr(sizes, axis)]
    return rows


def metric_names(value: str | None) -> list[str]:
    """Those of the study first."""
    names = STUDY if value == "study" else METRICS if value is None else known("metric", value.split(","), METRICS)
    return [name for name in STUDY if name in names] + [name for name in names if name not in STUDY]


def parser() -> Parser:
    top = Parser("python benchmarks/metrics.py", description=__doc__, epilog=EXAMPLES)
    top.formatter_class = argparse.RawDescriptionHelpFormatter
    add = top.add_argument
    add("--metrics", metavar="NAME,NAME", help="for the part by metric, or study: the ones of the study; default: all")
    add("--parts", metavar="NAME,NAME", help=f"default: {','.join(PARTS)}")
    add("--rounds", metavar="N", type=int, help="times that each is measured (default: 3, quick: 1)")
    size = top.add_mutually_exclusive_group()
    size.add_argument("--points", metavar="N", type=int, help="train points beside scikit-learn (default: 2000)")
    size.add_argument("--full", action="store_true", help="10,000 of them; scikit-learn's trees take minutes a round")
    size.add_argument("--quick", action="store_true", help="small arrays throughout: whether it works")
    add("--out", metavar="DIR", type=Path, default=HERE / "results", help="for the JSON file; default: results/ here")
    add("--markdown", metavar="FILE", type=Path, help="print a stored result as Markdown; nothing is measured")
    return top


def prepare(options: argparse.Namespace) -> Bench:
    """What the options ask for. Raises ValueError for what cannot be."""
    above_zero(options, "rounds")
    if options.points is not None and options.points < LEAST_POINTS:
        raise ValueError(f"--points {options.points}: at least {LEAST_POINTS}, or values have no points to fit")
    parts = known("part", options.parts.split(","), PARTS) if options.parts else PARTS
    if options.metrics and "metrics" not in parts:
        raise ValueError(f"--metrics {options.metrics!r} is for the part metrics, which --parts leaves out")
    options.rounds = options.rounds or (1 if options.quick else 3)
    sizes = SMALL if options.quick else FULL
    sizes = sizes._replace(points=FULL.num_train if options.full else options.points or sizes.points)
    return Bench(options, sizes, plan(parts, metric_names(options.metrics), sizes))


def measure(bench: Bench) -> int:
    OUT.print(report.caption(bench.result))
    code = 0
    try:
        bench.run()
    except KeyboardInterrupt:
        ERR.print("stopped; what was measured is kept")
        code = INTERRUPTED
    rows = [row for part in PARTS for row in bench.result[part]]
    if rows:
        report.show(bench.result, OUT)
        OUT.print(f"\nThe result is in {os.path.relpath(bench.path)}; --markdown makes tables of it.", soft_wrap=True)
    return code or int(any("error" in row for row in rows))


def main(argv: list[str] | None = None) -> int:
    try:
        options = parser().parse_args(argv)
        if options.markdown:
            print(report.markdown(load(options.markdown, "metrics")))
            return 0
        bench = prepare(options)
    except (ValueError, OSError) as error:
        ERR.print(f"error: {error}", style="red", markup=False, soft_wrap=True)
        return 2
    return measure(bench)


if __name__ == "__main__":
    sys.exit(main())
