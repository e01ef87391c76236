"""The options of metrics, as studies and the command line give them: what there is, and whether a value will do."""

import ast
import inspect
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from disentanglement_study.config import EvaluateConfig, declared
from disentanglement_study.errors import clipped, unknown
from disentanglement_study.metrics import METRICS
from disentanglement_study.metrics.options import NumPoints

# The numbers of points that the harness draws for a metric; one that draws from the table itself declares its own.
SIZES = {"sample": ("num_train",), "split": ("num_train", "num_test"), "table": ()}


def metric_options(name: str) -> dict[str, inspect.Parameter]:
    """The options of a metric, with what each may be and its default: its own, and how many points it is given."""
    sizes = [
        inspect.Parameter(
            size, inspect.Parameter.KEYWORD_ONLY, default=getattr(EvaluateConfig, size), annotation=NumPoints
        )
        for size in SIZES[METRICS[name].sampling]
    ]
    return own_options(METRICS[name].compute) | {size.name: size for size in sizes}


def own_options(compute: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """The options that the function of a metric declares."""
    parameters = inspect.signature(compute).parameters.values()
    return {p.name: p for p in parameters if p.kind is p.KEYWORD_ONLY and p.name != "rng"}


def options_with(name: str, evaluate: EvaluateConfig, protocol: str) -> dict[str, Any]:
    """The options that a metric is computed with, but for its defaults: those of `evaluate`, sizes and protocol too."""
    shared = {"num_train": evaluate.num_train, "num_test": evaluate.num_test, "protocol": protocol}
    return {key: value for key, value in shared.items() if key in metric_options(name)} | evaluate.options.get(name, {})


def num_points(name: str, evaluate: EvaluateConfig) -> dict[str, int]:
    """How many points the harness draws for a metric, {"num_train": 10_000}; none if it draws from the table itself."""
    options = options_with(name, evaluate, "")
    return {size: options[size] for size in SIZES[METRICS[name].sampling]}


def check_options(options: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """{metric: {option: value}}, as the options declare them; ValueError for what does not exist or is out of range."""
    checked = {}
    for name, chosen in options.items():
        if name not in METRICS:
            raise unknown("metric", name, METRICS)
        annotations = {key: parameter.annotation for key, parameter in metric_options(name).items()}
        checked[name] = declared.check_options(f"metric {name!r}", chosen, annotations)
    return checked


def check_together(name: str, evaluate: EvaluateConfig, num_factors: int) -> None:
    """ValueError for options of a metric that do not go together, or with so many factors."""
    if (check := METRICS[name].check) is None:
        return
    defaults = {key: parameter.default for key, parameter in metric_options(name).items()}
    try:
        check(num_factors, **(defaults | options_with(name, evaluate, "")))
    except ValueError as error:
        raise ValueError(f"metric {name!r}: {error}") from error


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
