"""The options of metrics, as studies and the command line give them: what there is, and whether a value will do."""

import ast
import inspect
from collections.abc import Iterable, Mapping
from typing import Any

from disentanglement_study.config import declared
from disentanglement_study.errors import clipped, unknown
from disentanglement_study.metrics import METRICS


def metric_options(name: str) -> dict[str, inspect.Parameter]:
    """The options of a metric, with what each may be and its default."""
    parameters = inspect.signature(METRICS[name].compute).parameters.values()
    return {p.name: p for p in parameters if p.kind is p.KEYWORD_ONLY and p.name != "rng"}


def check_options(options: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """{metric: {option: value}}, as the options declare them; ValueError for what does not exist or is out of range."""
    checked = {}
    for name, chosen in options.items():
        if name not in METRICS:
            raise unknown("metric", name, METRICS)
        annotations = {key: parameter.annotation for key, parameter in metric_options(name).items()}
        checked[name] = declared.check_options(f"metric {name!r}", chosen, annotations)
    return checked


def parse_options(texts: Iterable[str]) -> dict[str, dict[str, Any]]:
    """{"dci": {"num_stages": 50}} from "dci.num_stages=50": values as Python has them, else as text.

    ValueError for a text of another form, and as in `check_options`.
    """
    options: dict[str, dict[str, Any]] = {}
    for text in texts:
        path, equals, value = text.partition("=")
        metric, dot, option = (part.strip() for part in path.partition("."))
        if not (equals and dot and metric and option):
            raise ValueError(f"option {clipped(text)}: expected METRIC.NAME=VALUE, such as mig.num_bins=30")
        try:
            given = ast.literal_eval(value.strip())
        except (ValueError, SyntaxError, MemoryError, RecursionError):  # the last two: of thousands of brackets
            given = value.strip()
        options.setdefault(metric, {})[option] = given
    return check_options(options)
