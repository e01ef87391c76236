"""Metrics, as `METRICS` declares them; and `udr`, which compares models."""

from disentanglement_study.analysis import names as shown
from disentanglement_study.describe import costs
from disentanglement_study.describe.entry import Entry, docstring, file_of, options
from disentanglement_study.metrics import COMPARED, METRICS
from disentanglement_study.metrics.settings import metric_options, own_options
from disentanglement_study.types import Metric

ALL: dict[str, Metric] = METRICS | COMPARED
GIVEN = {
    "sample": "a sample of points",
    "split": "points to train on and points to test on",
    "table": "the whole table, from which it draws points by factor value",
    "models": "the codes of several models at the same points",
}
FACTORS = {
    "categories": "names of values: only which values are equal counts",
    "numbers": "numbers: the distances between values count",
    "either": "names of values, or numbers with `continuous_factors`",
    "none": "not used",
}
CALLS = {
    "sample": "metrics.{}(codes, factors)",
    "split": "metrics.{}(train_codes, train_factors, test_codes, test_factors, rng=0)",
    "table": "metrics.{}(codes, factors, rng=0, num_train=1_000, num_test=500)",
    "models": "metrics.{}(codes_of_models, kl_of_models).scores",
}


def names() -> list[str]:
    return shown.in_order(ALL, shown.METRICS)


def line(name: str) -> str:
    return ALL[name].asks


def entry(name: str) -> Entry:
    metric = ALL[name]
    parameters = metric_options(name) if name in METRICS else own_options(metric.compute)
    facts = {
        "range": metric.headline,
        "given": GIVEN[metric.sampling],
        "factors": FACTORS[metric.factors],
        "version": metric.version,
        "cost": costs.of_metric(name),
    }
    study = (f"evaluate.metrics = ['{name}']", *_first_option(name, parameters))
    return Entry(
        kind="metrics",
        name=name,
        title=shown.label(name, shown.METRICS),
        about=line(name),
        source=metric.source,
        facts=facts,
        options=options(parameters),
        docstring=docstring(metric.compute),
        code=file_of(metric.compute.__module__),
        in_sweep=study if name in METRICS else (),
        commands=(f"disentanglement-study evaluate DIR --metrics {name}",),
        in_python=("from disentanglement_study import metrics", CALLS[metric.sampling].format(name)),
    )


def _first_option(name: str, parameters: dict) -> list[str]:
    """A line that sets the first option to its default."""
    return [f"{name}.{option} = {one.default!r}" for option, one in parameters.items()][:1]
