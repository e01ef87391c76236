"""Scoring: the named metrics on codes and factors. Each score is timed and versioned; an error becomes a row."""

import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version

import numpy as np
from threadpoolctl import threadpool_limits

from disentanglement_study import rng
from disentanglement_study.config import EvaluateConfig
from disentanglement_study.errors import stop_if_full, unknown
from disentanglement_study.metrics import METRICS
from disentanglement_study.metrics.checks import is_real
from disentanglement_study.metrics.points import draw_points, is_complete_grid
from disentanglement_study.metrics.settings import num_points, options_with

VERSIONS = " ".join(f"{package}={version(package)}" for package in ("numpy", "scipy", "scikit-learn", "numba"))


def evaluate(
    codes: np.ndarray,
    factors: np.ndarray | None,
    representation: str,
    config: EvaluateConfig,
    protocol: str,
    report: Callable[[str], None] = lambda name: None,
    complete: bool | None = None,
    sources: np.ndarray | None = None,
) -> list[dict]:
    """Rows of the store for every metric of `config` on one representation: codes [N,D], factors [N,F] or None.

    sources: real numbers [N,S] that metrics of numbers get in place of the factors, which are then bins of them.
    Draws are named by (evaluate.seed, metric, representation): the same for every model, and a new metric leaves those
    of the others as they were. `report` is told the name of each metric before it is computed. complete: whether the
    points are all there are, which says how they are drawn (None: if they are a complete grid).
    """
    rows, complete = [], is_complete_grid(factors) if complete is None else complete
    for name in config.metrics:
        report(name)
        start = time.perf_counter()
        num_train = config.options.get(name, {}).get("num_train", config.num_train)
        try:
            truth = factors if sources is None or not _takes_numbers(name, config) else sources
            scores, num_train = _compute(name, codes, truth, complete, representation, config, protocol)
            error = None
        except Exception as failure:
            stop_if_full(failure)
            scores, error = {name: float("nan")}, traceback.format_exc(limit=-3)
        shared = {
            "representation": representation,
            "metric": name,
            "n": num_train,
            "protocol": protocol,
            "metric_version": METRICS[name].version,
            "versions": VERSIONS,
            "seconds": time.perf_counter() - start,
            "error": error,
        }
        rows += [{"score": score, "value": float(value), **shared} for score, value in scores.items()]
    return rows


def in_threads(score: Callable[[int], list[dict]], count: int, num_threads: int) -> Iterator[list[dict]]:
    """score(0), ..., score(count - 1) in order, `num_threads` at a time, each with one thread of linear algebra."""
    with threadpool_limits(limits=1), ThreadPoolExecutor(max(num_threads, 1)) as pool:
        yield from pool.map(score, range(count))


def applies(name: str, factors: np.ndarray | None) -> bool:
    """Whether a metric is defined for factors of this kind, or for none."""
    kind = METRICS[name].factors
    return kind == "none" or (factors is not None and (kind != "categories" or not is_real(factors)))


def _takes_numbers(name: str, config: EvaluateConfig) -> bool:
    kind = METRICS[name].factors
    continuous = config.options.get(name, {}).get("continuous_factors", True)
    return kind == "numbers" or (kind == "either" and continuous)


def names_of(metrics: str | Iterable[str], allowed: Iterable[str] = tuple(METRICS)) -> tuple[str, ...]:
    """Names of metrics from "all", "mig,dci" or a list; ValueError for one that does not exist, with the nearest."""
    names = metrics.split(",") if isinstance(metrics, str) else metrics
    names = [name.strip() for name in names if name.strip()]
    if names == ["all"]:
        return tuple(allowed)
    for name in names:
        if name not in allowed:
            raise unknown("metric", name, allowed)
    if not names:
        raise ValueError("no metric is named: give names, separated by commas, or all")
    return tuple(dict.fromkeys(names))


def _compute(
    name: str,
    codes: np.ndarray,
    factors: np.ndarray | None,
    complete: bool,
    representation: str,
    config: EvaluateConfig,
    protocol: str,
) -> tuple[dict[str, float], int]:
    """The scores, and how many points were drawn for training."""
    metric = METRICS[name]
    draws = rng.generator(config.seed, "evaluate", name, representation)
    options = options_with(name, config, protocol)
    if metric.factors == "either" and is_real(factors):
        options.setdefault("continuous_factors", True)
    if metric.sampling == "table":
        return metric.compute(codes, factors, rng=draws, **options), options["num_train"]
    sizes = {size: options.pop(size) for size in num_points(name, config)}
    train, test = draw_points(len(codes), complete, sizes["num_train"], sizes.get("num_test", 0), draws)
    parts = (train, test) if metric.sampling == "split" else (train,)
    arrays = [array for rows in parts for array in (codes[rows], None if factors is None else factors[rows])]
    return metric.compute(*arrays, rng=draws, **options), len(train)
