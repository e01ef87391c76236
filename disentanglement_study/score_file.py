"""Metrics on anyone's codes: an npz file with codes and factors in, a table of scores out. Needs no JAX."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from disentanglement_study import npz
from disentanglement_study.config import EvaluateConfig
from disentanglement_study.evaluate import evaluate
from disentanglement_study.metrics.checks import check_points

COLUMNS = ["metric", "score", "value", "n", "protocol", "metric_version", "versions", "seconds", "error"]


def read(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """The arrays `codes` [N, D] and `factors` [N, F] of an npz file; ValueError, in one line, for anything else."""
    arrays = npz.read(path, needed=("codes", "factors"))
    return check_points(arrays["codes"], arrays["factors"])


def score_file(
    path: Path, config: EvaluateConfig, protocol: str, report: Callable[[str], None] = lambda name: None
) -> pd.DataFrame:
    """A row per score of every metric of `config`, in its order; how points are drawn is `evaluate.draw_points`."""
    for name in ("num_train", "num_test"):
        if (size := getattr(config, name)) < 2:
            raise ValueError(f"{name} must be 2 or more, got {size}")
    rows = evaluate(*read(path), "codes", config, protocol, report)
    return pd.DataFrame(rows)[COLUMNS]
