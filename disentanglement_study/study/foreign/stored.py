"""Models that were trained elsewhere become a study: a plan of runs, and jobs that have scores and no models."""

import json
import math
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from disentanglement_study import config
from disentanglement_study.config import Study
from disentanglement_study.config.identity import scored_with, static_bindings
from disentanglement_study.config.sweep_text import written
from disentanglement_study.metrics import METRICS
from disentanglement_study.runtime import files
from disentanglement_study.store import Store
from disentanglement_study.study import axes, plan
from disentanglement_study.study.foreign.collect import Found
from disentanglement_study.study.foreign.dlib_models import Model, theirs
from disentanglement_study.types import Job, Run

JOB_SIZE = 300
PROTOCOL = "dlib"
VERSION = "disentanglement_lib"  # of metrics, and of what computed them


def runs_of(found: Sequence[Found]) -> tuple[Study, list[Run]]:
    """The study, and a run for each model, in their order.

    A model of a sweep of ours has the id that it has there. What all models have in common is the study's.
    """
    models = [one.model for one in found]
    shared = _shared(models)
    study = config.load_text(_text(models, shared))
    runs, statics = [], {}
    for model in models:
        settings = {name: value for name, value in model.settings.items() if name not in shared}
        run = Run("", model.data_set, model.method, model.hyper, model.seed, PROTOCOL, settings)
        kind = str(settings)
        if kind not in statics:
            statics[kind] = json.dumps(static_bindings(study.of(settings)), sort_keys=True)
        runs.append(Run(plan.identifier(run, statics[kind]), *_bindings(run)))
    return study, runs


class Checked:
    """Whether models can be written down as a sweep: whether a value of theirs is out of the range of its setting."""

    def __init__(self) -> None:
        self.seen: set[str] = set()  # most models differ by their seed alone, and have those of others

    def __call__(self, model: Model) -> None:
        """ValueError, in one line, that names the setting."""
        seedless = str(model._replace(seed=0))
        for key in (seedless, f"seed {model.seed}"):
            if key not in self.seen:
                try:
                    study = config.load_text(_text([model], model.settings))
                    for method, given in study.sweep.methods.items():
                        axes.strengths(method, given)
                except ValueError as error:
                    raise ValueError(f"it cannot be a run here: {_in_theirs(str(error))}") from error
                self.seen |= {seedless, f"seed {model.seed}"}


def _in_theirs(message: str) -> str:
    """An error of a setting, "train.steps = 0: expected ...", by the name that the user's file has of it."""
    message = message.removeprefix("sweep text: ")
    name, is_setting, rest = message.partition(" = ")
    return f"{theirs(name)} = {rest}" if is_setting else message


def _bindings(run: Run) -> tuple:
    return run.data_set, run.method, run.hyper, run.seed, run.protocol, run.settings


def _shared(models: Sequence[Model]) -> dict[str, Any]:
    """The settings that all models have, with the same value."""
    first, *others = models
    return {
        name: value for name, value in first.settings.items() if all(one.settings.get(name) == value for one in others)
    }


def _text(models: Sequence[Model], shared: Mapping[str, Any]) -> str:
    """A study.gin that names the values which occur, whether or not each was crossed with each."""
    methods: dict[str, dict[str, list]] = {}
    for model in models:
        for name, value in model.hyper.items():
            values = methods.setdefault(model.method, {}).setdefault(name, [])
            if value not in values:
                values.append(value)
    sections: dict[str, dict[str, Any]] = {
        "sweep": {
            "data_sets": list(dict.fromkeys(model.data_set for model in models)),
            "methods": {
                method: {name: sorted(values) for name, values in of.items()} for method, of in methods.items()
            },
            "seeds": sorted({model.seed for model in models}),
            "protocol": PROTOCOL,
        }
    }
    for name, value in shared.items():
        section, _, field = name.partition(".")
        sections.setdefault(section, {})[field] = value
    return written(sections)


def write(
    root: Path,
    study: Study,
    runs: Sequence[Run],
    found: Sequence[Found],
    source: dict[str, Any],
    begins: Callable[[str], None] = lambda step: None,
) -> None:
    """Writes the study at `root`, whole or not at all. begins: called with each job before it is written."""
    root.parent.mkdir(parents=True, exist_ok=True)
    made = root.with_name(f".{root.name}.{os.getpid()}")
    files.remove(made)
    try:
        store = Store(made)
        study = _with_metrics(study, found)
        store.create(plan.frame(list(runs), study), study.text, json.dumps(scored_with(study), sort_keys=True))
        of = dict(zip((run.run_id for run in runs), found, strict=True))
        for job in plan.group(runs, JOB_SIZE):
            begins(f"{job.method} on {job.data_set}")
            scores = _table(job, [of[run.run_id] for run in job.runs])
            store.write_job(job, scores, [], {}, {"status": "done", "source": source, "versions": VERSION})
        os.rename(made, root)  # onto a folder that is empty, if there is one
    finally:
        if made.exists():
            shutil.rmtree(made, ignore_errors=True)


def _with_metrics(study: Study, found: Sequence[Found]) -> Study:
    """With the metrics and representations that there are scores of."""
    shown = {representation for one in found for representation, _ in one.scores}
    kinds = {name.metric for one in found for scores in one.scores.values() for name in scores.names if name.is_ours}
    names = [name for name in METRICS if name in kinds]
    representations: list[str] = [name for name in ("mean", "sampled") if name in shown]
    given = {"metrics": names} if names else {}
    given |= {"representations": representations} if representations else {}
    return config.load_text(study.text + "\n" + written({"evaluate": given}))


def _table(job: Job, found: Sequence[Found]) -> pd.DataFrame:
    """The rows of `scores` of a job."""
    rows: dict[str, list] = {
        name: [] for name in ("run_id", "representation", "metric", "score", "value", "n", "seconds", "error")
    }
    for run, one in zip(job.runs, found, strict=True):
        for (representation, _), scores in one.scores.items():
            size = len(scores.names)
            rows["run_id"] += [run.run_id] * size
            rows["representation"] += ["model" if representation == ".model" else representation] * size
            rows["metric"] += [name.metric for name in scores.names]
            rows["score"] += [name.score for name in scores.names]
            rows["n"] += [scores.n] * size
            rows["seconds"] += [scores.seconds if isinstance(scores.seconds, int | float) else math.nan] * size
            right = [value is not None and math.isfinite(value) for value in scores.values]
            rows["value"] += [
                float(value) if good else math.nan for value, good in zip(scores.values, right, strict=True)
            ]
            rows["error"] += [
                None if good else f"its file has no number: {name.key} is {value}"
                for name, value, good in zip(scores.names, scores.values, right, strict=True)
            ]
    return pd.DataFrame(rows).assign(protocol=PROTOCOL, metric_version=VERSION, versions=VERSION)
