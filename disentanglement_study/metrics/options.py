"""The options of metrics, as settings and the command line name them."""

import ast
import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from disentanglement_study.errors import unknown
from disentanglement_study.metrics import METRICS


def check_options(options: Mapping[str, Mapping[str, Any]]) -> None:
    """ValueError for a metric, or an option of a metric, that does not exist, with the nearest one that does."""
    for name, chosen in options.items():
        if name not in METRICS:
            raise unknown("metric", name, METRICS)
        accepted = inspect.signature(METRICS[name].compute).parameters
        keywords = [p.name for p in accepted.values() if p.kind is p.KEYWORD_ONLY and p.name != "rng"]
        for option in chosen:
            if option not in keywords:
                raise unknown(f"option of metric {name!r}", option, keywords)


def parse_options(texts: Iterable[str]) -> dict[str, dict[str, Any]]:
    """{"dci": {"num_stages": 50}} from "dci.num_stages=50": values as Python has them, else as text.

    ValueError for a text of another form, and as in `check_options`.
    """
    options: dict[str, dict[str, Any]] = {}
    for text in texts:
        path, equals, value = text.partition("=")
        metric, dot, option = (part.strip() for part in path.partition("."))
        if not (equals and dot and metric and option):
            raise ValueError(f"option {text!r}: expected METRIC.NAME=VALUE, such as mig.num_bins=30")
        try:
            options.setdefault(metric, {})[option] = ast.literal_eval(value.strip())
        except (ValueError, SyntaxError, MemoryError, RecursionError):  # the last two: of thousands of brackets
            options[metric][option] = value.strip()
    check_options(options)
    return options
