"""What a job used, defaults included, as a sweep of components: the `operative.gin` in its folder."""

import dataclasses
import itertools
from collections.abc import Iterable, Mapping
from inspect import Parameter
from typing import Any

from disentanglement_study import data
from disentanglement_study.config import SECTIONS, Study
from disentanglement_study.config.sweep_text import written
from disentanglement_study.metrics import METRICS
from disentanglement_study.metrics.settings import metric_options, options_with
from disentanglement_study.study.components import IN_USE, known_kind, method_options
from disentanglement_study.types import Job

HELD = {*IN_USE, "evaluate.options"}  # by components here
ABOUT = """\
# All settings that this job used. Its ids are made of them: as a sweep, this file names the job's runs again. A comment
# is a default of a net or sampling that the study did not give, and is no part of an id.
"""
# A job may be a part of what its study crosses.
SOME = "# The job has only some of these strengths and seeds: manifest.json names its runs.\n"


def text(job: Job, study: Study, has_sources: bool = False) -> str:
    """The gin text. `study` has the settings of the job's runs, `Study.of(job.settings)`, and the metrics computed;
    has_sources: whether the truth of the data set is real-valued.

    The runs that it expands to are those of the job if these are all of its strengths and seeds; else they are among
    them, and the text says so. All of `nets` and `train` is there, whatever the method uses: it enters the ids.
    """
    hyper = {name: _distinct(run.hyper[name] for run in job.runs) for name in job.runs[0].hyper}
    seeds = _distinct(int(run.seed) for run in job.runs)
    bound: dict[str, dict[str, Any]] = {
        name: {
            field.name: _plain(getattr(getattr(study, name), field.name))
            for field in dataclasses.fields(section)
            if f"{name}.{field.name}" not in HELD
        }
        for name, section in SECTIONS.items()
        if name != "sweep"
    }
    protocol = job.runs[0].protocol
    bound["sweep"] = {"data_sets": [job.data_set], "methods": [job.method], "seeds": seeds, "protocol": protocol}
    bound[job.method] = {**hyper, **_options(method_options(job.method), study.options.get(job.method, {}))}
    if job.data_set in data.COMPUTED:
        declared = known_kind(job.data_set).parameters(job.data_set)
        bound[job.data_set] = _options(declared, study.options.get(job.data_set, {}))
    for name in study.evaluate.metrics:
        default = _defaults(metric_options(name))
        if METRICS[name].factors == "either" and has_sources:
            default["continuous_factors"] = True  # as `scoring.evaluate` has it
        bound[name] = default | options_with(name, study.evaluate, protocol)
    comments = {}
    for holder, (chooser, pattern) in IN_USE.items():
        part, section = pattern.format(study.value(chooser)), holder.partition(".")[0]
        kind = known_kind(part)
        name = f"{section}/{part}" if len(kind.holders) > 1 else part
        bound[name], comments[name] = study.value(holder), _defaults(kind.parameters(part))
    crossed = {(*values, seed) for *values, seed in itertools.product(*hyper.values(), seeds)}
    whole = crossed == {(*run.hyper.values(), run.seed) for run in job.runs}
    used = {name: fields for name, fields in bound.items() if fields}
    return (
        ABOUT + ("" if whole else SOME) + "\n" + written(used, {n: fields for n, fields in comments.items() if fields})
    )


def _options(parameters: Mapping[str, Parameter], given: Mapping[str, Any]) -> dict[str, Any]:
    """Of a method or data set: a list there is several values, so that one which is a list stands in another."""
    values = {name: _plain(value) for name, value in {**_defaults(parameters), **given}.items()}
    return {name: [value] if isinstance(value, list) else value for name, value in values.items()}


def _distinct(values: Iterable[Any]) -> list[Any]:
    return list(dict.fromkeys(values))


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _defaults(parameters: Mapping[str, Parameter]) -> dict[str, Any]:
    return {name: one.default for name, one in parameters.items() if one.default is not Parameter.empty}
