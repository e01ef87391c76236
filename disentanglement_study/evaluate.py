"""Scoring: the named metrics on codes and factors. Each score is timed and versioned; an error becomes a row."""

import inspect
import time
import traceback
from importlib.metadata import version

import numpy as np

from disentanglement_study import rng
from disentanglement_study.config import EvaluateConfig
from disentanglement_study.metrics import METRICS

VERSIONS = " ".join(f"{package}={version(package)}" for package in ("numpy", "scipy", "scikit-learn", "numba"))


def evaluate(
    codes: np.ndarray, factors: np.ndarray, representation: str, config: EvaluateConfig, protocol: str
) -> list[dict]:
    """Rows of the store for every metric of `config` on one representation: codes [N,D], factors [N,F].

    Draws are named by (evaluate.seed, metric, representation): the same for every model, and a new metric leaves those
    of the others as they were.
    """
    rows = []
    for name in config.metrics:
        start = time.perf_counter()
        try:
            scores, error = _compute(name, codes, factors, representation, config, protocol), None
        except Exception:
            scores, error = {name: float("nan")}, traceback.format_exc(limit=-3)
        shared = {
            "representation": representation,
            "metric": name,
            "n": config.num_train,
            "protocol": protocol,
            "metric_version": METRICS[name].version,
            "versions": VERSIONS,
            "seconds": time.perf_counter() - start,
            "error": error,
        }
        rows += [{"score": score, "value": float(value), **shared} for score, value in scores.items()]
    return rows


def _compute(
    name: str,
    codes: np.ndarray,
    factors: np.ndarray,
    representation: str,
    config: EvaluateConfig,
    protocol: str,
) -> dict[str, float]:
    metric = METRICS[name]
    draws = rng.generator(config.seed, "evaluate", name, representation)
    options = dict(config.options.get(name, {}))
    if "protocol" in inspect.signature(metric.compute).parameters:
        options.setdefault("protocol", protocol)
    if metric.sampling == "table":
        sizes = {"num_train": config.num_train, "num_test": config.num_test}
        return metric.compute(codes, factors, rng=draws, **{**sizes, **options})
    train = draws.integers(len(codes), size=config.num_train)
    if metric.sampling == "sample":
        return metric.compute(codes[train], factors[train], rng=draws, **options)
    test = draws.integers(len(codes), size=config.num_test)
    return metric.compute(codes[train], factors[train], codes[test], factors[test], rng=draws, **options)
