"""Metrics on anyone's codes: an npz file with codes and perhaps factors in, a table of scores out. Needs no JAX."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from disentanglement_study.config import EvaluateConfig
from disentanglement_study.config.declared import check
from disentanglement_study.config.sections import Seed
from disentanglement_study.metrics import COMPARED, METRICS
from disentanglement_study.metrics.checks import check_points, is_real
from disentanglement_study.metrics.settings import check_together
from disentanglement_study.runtime import npz
from disentanglement_study.runtime.words import counted
from disentanglement_study.scoring.evaluate import applies, evaluate, names_of

COLUMNS = ["metric", "score", "value", "n", "protocol", "metric_version", "versions", "seconds", "error"]


class Points(NamedTuple):
    """What a file holds: codes [N, D], factors [N, F] of integers or real numbers, or None, and all arrays' names."""

    path: Path
    codes: np.ndarray
    factors: np.ndarray | None
    arrays: tuple[str, ...]


def read(path: Path) -> Points:
    """The arrays `codes` and, if it is there, `factors` of an npz file; ValueError, in one line, for anything else."""
    arrays = npz.read(path, needed=["codes"], example="codes=..., factors=...")
    codes, factors = arrays["codes"], arrays.get("factors")
    kind = "none" if factors is None else "numbers" if is_real(factors) else "categories"
    try:
        checked, _ = check_points(codes, factors, kind=kind)
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
    return Points(path, checked, factors, tuple(arrays))


def choose(metrics: str, points: Points) -> tuple[tuple[str, ...], str | None]:
    """The names of the metrics to compute, and a line on those of "all" that these factors do not allow, if any.

    ValueError, in one line, for a name that does not exist, and for one that they do not allow.
    """
    if compared := sorted({name.strip() for name in metrics.split(",")} & COMPARED.keys()):
        raise ValueError(
            f"{compared[0]} compares models: `evaluate DIR` computes it; {points.path} holds the codes of one"
        )
    names = names_of(metrics)
    apply, rest = ([name for name in names if applies(name, points.factors) is answer] for answer in (True, False))
    if not rest:
        return names, None
    if points.factors is None:
        reason = f"it has no array 'factors' (there are: {', '.join(points.arrays)}), but these metrics need factors"
    else:
        whole = (points.factors == np.rint(points.factors)).all()
        hint = " (whole numbers: factors.astype(int) would do)" if whole else ""
        reason = f"factors must be integers, got {points.factors.dtype}{hint}, for these metrics"
    reason += f": {', '.join(rest)}"
    if names == names_of("all"):
        return tuple(apply), f"{counted(len(rest), 'metric')} {'is' if len(rest) == 1 else 'are'} left out: {reason}"
    there = ", ".join(name for name in METRICS if applies(name, points.factors))
    raise ValueError(f"{points.path}: {reason}; the metrics that apply: {there}")


def score(
    points: Points, config: EvaluateConfig, protocol: str, report: Callable[[str], None] = lambda name: None
) -> pd.DataFrame:
    """A row per score of every metric of `config`, in its order; for how points are drawn see `metrics.points`."""
    for name in config.options:
        if name not in config.metrics:
            raise ValueError(
                f"an option is given for {name}, which is not among the metrics ({', '.join(config.metrics)})"
            )
    for name in ("num_train", "num_test"):
        if (size := getattr(config, name)) < 2:
            raise ValueError(f"{name} must be 2 or more, got {size}")
    check("seed", config.seed, Seed)
    if points.factors is not None:
        for name in config.metrics:
            check_together(name, config, points.factors.shape[1])
    rows = evaluate(points.codes, points.factors, "codes", config, protocol, report)
    return pd.DataFrame(rows)[COLUMNS]
