"""A sweep becomes runs, and the runs that are left become jobs. All that can be wrong in a sweep is found here."""

import dataclasses
import hashlib
import itertools
import json
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from disentanglement_study import data
from disentanglement_study.config import Study, identity, resources_on
from disentanglement_study.config.identity import static_bindings
from disentanglement_study.config.sections import MOST_RUNS
from disentanglement_study.errors import clipped, unknown
from disentanglement_study.methods import METHODS
from disentanglement_study.metrics import METRICS
from disentanglement_study.metrics.settings import SIZES, check_options, metric_options, num_points
from disentanglement_study.study import axes, condition
from disentanglement_study.study.components import check_data_set_name
from disentanglement_study.study.fits import check, place
from disentanglement_study.study.locatello2019 import dlib_model_num
from disentanglement_study.types import Job, Run


def expand(study: Study, data_dir: Path | None = None) -> list[Run]:
    """The runs of a sweep: data sets and their options x methods x axes x strengths x seeds, seeds fastest.

    data_dir: where the user's own data sets are kept.

    Raises ValueError for an unknown data set, method, hyperparameter, axis, metric or option (naming the nearest), a
    value that is no number or outside its range, sizes that a data set cannot give, a method that cannot use a data
    set, an axis without values, and a run that the sweep names twice.
    """
    check_evaluation(study)
    _check_resources(study)
    kinds = [list(alike) for _, alike in itertools.groupby(crossed(study), kind_of)]
    check(study, [members[0] for members in kinds], data_dir)
    runs = []
    for members in kinds:
        ids = run_ids(members, study)
        runs += [dataclasses.replace(run, run_id=run_id) for run, run_id in zip(members, ids, strict=True)]
    ((first, times),) = Counter(run.run_id for run in runs).most_common(1)
    if times > 1:
        names = " and ".join(dict.fromkeys(repr(str(run)) for run in runs if run.run_id == first))
        raise ValueError(f"duplicate runs: the sweep names {names} {times} times")
    return runs


def crossed(study: Study) -> list[Run]:
    """The runs that a sweep names, without ids: neither data sets nor methods are looked at, and no program is traced.

    Raises ValueError for what is wrong with the sweep itself.
    """
    sweep = study.sweep
    seeds = range(sweep.seeds) if isinstance(sweep.seeds, int) else sweep.seeds
    for axis, values in (("data_sets", sweep.data_sets), ("methods", sweep.methods), ("seeds", seeds)):
        if not values:
            raise ValueError(f"sweep.{axis} is empty: the sweep has no runs")
        if len(set(values)) < len(values):
            raise ValueError(f"sweep.{axis} names {Counter(values).most_common(1)[0][0]!r} twice: expected once")
    strengths = {method: axes.strengths(method, given) for method, given in sweep.methods.items()}
    settings = {method: axes.settings(method, given, study) for method, given in sweep.methods.items()}
    for data_set in sweep.data_sets:
        check_data_set_name(data_set)
    worlds = {data_set: axes.of_data_set(data_set, study) for data_set in sweep.data_sets}
    models = sum(_number(strengths[method]) * _number(settings[method]) for method in sweep.methods)
    if (number := models * sum(map(_number, worlds.values())) * len(seeds)) > MOST_RUNS:
        raise ValueError(f"the sweep names {number:,} runs: expected at most {MOST_RUNS:,}")
    runs = [
        Run("", data_set, method, hyper, seed, sweep.protocol, {**world, **chosen})
        for data_set in sweep.data_sets
        for world, method in itertools.product(axes.combinations(worlds[data_set]), sweep.methods)
        for chosen in axes.of_runs(settings[method], study)
        for hyper, seed in itertools.product(axes.combinations(strengths[method]), seeds)
    ]
    return _wanted(runs, study)


def run_ids(runs: Sequence[Run], study: Study) -> list[str]:
    """The ids of runs of one data set, method and settings, as these settings of the study make them."""
    data_set, method, own = runs[0].data_set, runs[0].method, study.of(runs[0].settings)
    statics = json.dumps(static_bindings(own), sort_keys=True)
    options = _options(own, data_set, method)
    return [identifier(run, statics, options) for run in runs]


def identifier(run: Run, statics: str, options: Sequence[dict[str, Any]] = ()) -> str:
    """The id of a run: of its bindings, of the static ones (`static_bindings` as JSON), and of options."""
    dynamics = [run.data_set, run.method, run.hyper, run.seed, run.protocol, *options]
    return _hash(statics + json.dumps(dynamics, sort_keys=True))


def kind_of(run: Run) -> tuple[str, str, str]:
    """What the runs of a job have in common: the data set, the method, and the settings as the plan has them."""
    return run.data_set, run.method, json.dumps(run.settings)


def _wanted(runs: list[Run], study: Study) -> list[Run]:
    """Those for which `sweep.where` holds; ValueError if none of a method, or of a data set, is left."""
    where = study.sweep.where
    if not where:
        return runs
    table = frame(runs, study)
    kept = condition.rows(table, where, "sweep.where")
    for axis in ("data_set", "method"):
        if absent := [name for name in table[axis].unique() if name not in set(kept[axis])]:
            raise ValueError(
                f"sweep.where {clipped(where)} leaves no run of the {axis.replace('_', ' ')} {absent[0]!r}"
            )
    return [runs[place] for place in kept.index]


def select(runs: list[Run], study: Study, where: str | None) -> list[Run]:
    """The runs for which `where` holds, an expression over the plan's columns such as "seed < 5 and strength > 1".

    The method has its name of before too, `objective`.
    """
    if where is None:
        return runs
    chosen = set(condition.rows(frame(runs, study).assign(objective=lambda table: table["method"]), where)["run_id"])
    if not chosen:
        raise ValueError(f"--where {where!r} selects none of the {len(runs)} runs")
    return [run for run in runs if run.run_id in chosen]


def _number(values: axes.Values) -> int:
    return math.prod(map(len, values.values()))


def _options(study: Study, data_set: str, method: str) -> list[dict[str, Any]]:
    """What enters a run's id of the options of its method and data set: those that are not defaults, if any."""
    of, given = METHODS[method].options, study.options.get(method, {})
    of_method = {} if of is None else identity.differing(of(**given))
    of_data = data.differing(data_set, study.options.get(data_set))
    return [*([of_method] if of_method else []), *([{data_set: of_data}] if of_data else [])]


def _check_resources(study: Study) -> None:
    at = {"resources": study.resources}
    at |= {f"resources.by_device[{kind!r}]": resources_on(study.resources, kind) for kind in study.resources.by_device}
    for where, resources in at.items():
        for name in ("num_gpus", "tpu"):
            value = getattr(resources, name) or 0.0
            if value > 1 and value % 1:
                raise ValueError(f"{where}.{name} = {value}: expected a share of one (0 to 1) or a whole number")


def check_evaluation(study: Study) -> None:
    """ValueError for a metric, or an option of a metric, that does not exist, and for an option outside its range."""
    evaluate = study.evaluate
    for field, names in (("metrics", evaluate.metrics), ("representations", evaluate.representations)):
        if len(set(names)) < len(names):
            raise ValueError(f"evaluate.{field} names {Counter(names).most_common(1)[0][0]!r} twice: expected once")
    for name in evaluate.metrics:
        if name == "udr":  # it compares finished models, and is no metric of one
            raise ValueError("evaluate.metrics: 'udr' compares models: `evaluate DIR --metrics udr` adds it to a study")
        if name not in METRICS:
            raise unknown("metric", name, METRICS)
        if METRICS[name].sampling not in SIZES:
            raise ValueError(f"metric {name!r}: {unknown('sampling', METRICS[name].sampling, SIZES)}")
    check_options(evaluate.options)
    for name in evaluate.metrics:
        if "train_sizes" not in metric_options(name):
            continue
        sizes = evaluate.options.get(name, {}).get("train_sizes", metric_options(name)["train_sizes"].default)
        most = num_points(name, evaluate)["num_train"]
        if min(sizes) > most:
            raise ValueError(
                f"metric {name!r}: train_sizes = {clipped(sizes)}: expected one of at most {most} "
                f"({place(name, 'num_train', evaluate)})"
            )


def group(runs: Iterable[Run], job_size: int) -> list[Job]:
    """Runs of one data set, method and settings, cut into jobs of at most `job_size` runs."""
    groups: dict[tuple[str, str, str], list[Run]] = {}
    for run in runs:
        groups.setdefault(kind_of(run), []).append(run)
    jobs = []
    for members in groups.values():
        for start in range(0, len(members), max(job_size, 1)):
            jobs.append(job_of(members[start : start + max(job_size, 1)]))
    return jobs


def job_of(runs: Iterable[Run]) -> Job:
    """The job of runs of one data set, method and settings."""
    runs = tuple(runs)
    return Job(_hash(",".join(run.run_id for run in runs)), runs)


def cut(job: Job, number: int) -> tuple[Job, Job]:
    """A job's first runs, so many, and its others."""
    return job_of(job.runs[:number]), job_of(job.runs[number:])


def frame(runs: list[Run], study: Study) -> pd.DataFrame:
    """The plan as a table: a row per run, a column per binding. Without a hyperparameter the strength is 0."""
    bindings: dict[str, tuple[Study, dict[str, Any]]] = {}  # of the runs with these settings
    rows = []
    for run in runs:
        settings = json.dumps(run.settings)
        if settings not in bindings:
            own = study.of(run.settings)
            columns = {**run.settings, **static_bindings(own)}
            shown = {k: json.dumps(v) if isinstance(v, dict | list | tuple) else v for k, v in columns.items()}
            bindings[settings] = own, shown
        own, columns = bindings[settings]
        rows.append(
            {
                "run_id": run.run_id,
                "data_set": run.data_set,
                "method": run.method,
                "strength_name": next(iter(run.hyper), ""),
                "strength": next(iter(run.hyper.values()), 0.0),
                "seed": run.seed,
                "protocol": run.protocol,
                "dlib_model_num": dlib_model_num(run, own),
                "hyper": json.dumps(run.hyper),
                "settings": settings,
                **columns,
            }
        )
    return pd.DataFrame(rows).astype({"dlib_model_num": "Int64"})


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
