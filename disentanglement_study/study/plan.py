"""A sweep becomes runs, and the runs that are left become jobs. All that can be wrong in a sweep is found here."""

import dataclasses
import hashlib
import itertools
import json
import math
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from disentanglement_study import data, methods
from disentanglement_study.config import EvaluateConfig, Study, identity
from disentanglement_study.config.identity import static_bindings
from disentanglement_study.config.sections import MOST_RUNS
from disentanglement_study.data.draws import sampling
from disentanglement_study.errors import clipped, unknown
from disentanglement_study.methods import METHODS
from disentanglement_study.metrics import METRICS
from disentanglement_study.metrics.settings import SIZES, check_options, metric_options, num_points
from disentanglement_study.scoring import represent
from disentanglement_study.study import axes, condition
from disentanglement_study.study.components import check_data_set_name
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
    crossed = [
        Run("", data_set, method, hyper, seed, sweep.protocol, {**world, **chosen})
        for data_set in sweep.data_sets
        for world, method in itertools.product(axes.combinations(worlds[data_set]), sweep.methods)
        for chosen in axes.of_runs(settings[method], study)
        for hyper, seed in itertools.product(axes.combinations(strengths[method]), seeds)
    ]
    runs, drawn = [], set()
    for _, alike in itertools.groupby(_wanted(crossed, study), _kind):
        members = list(alike)
        data_set, method, own = members[0].data_set, members[0].method, study.of(members[0].settings)
        facts = data.facts(data_set, data_dir, own.options.get(data_set))
        if (group := (data_set, str(own.options.get(data_set)), str(own.train))) not in drawn:
            _check_sampling(own, data_set, facts)
            drawn.add(group)
        _check_method(own, data_set, method, facts)
        statics = json.dumps(static_bindings(own), sort_keys=True)
        options = _options(own, data_set, method)
        for run in members:
            dynamics = [data_set, method, run.hyper, run.seed, sweep.protocol, *options]
            run_id = _hash(statics + json.dumps(dynamics, sort_keys=True))
            runs.append(dataclasses.replace(run, run_id=run_id))
    ((first, times),) = Counter(run.run_id for run in runs).most_common(1)
    if times > 1:
        names = " and ".join(dict.fromkeys(repr(str(run)) for run in runs if run.run_id == first))
        raise ValueError(f"duplicate runs: the sweep names {names} {times} times")
    return runs


def _kind(run: Run) -> tuple[str, str, str]:
    """What the runs of a job have in common."""
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


def _number(values: axes.Values) -> int:
    return math.prod(map(len, values.values()))


def _options(study: Study, data_set: str, method: str) -> list[dict[str, Any]]:
    """What enters a run's id of the options of its method and data set: those that are not defaults, if any."""
    of, given = METHODS[method].options, study.options.get(method, {})
    of_method = {} if of is None else identity.differing(of(**given))
    of_data = data.differing(data_set, study.options.get(data_set))
    return [*([of_method] if of_method else []), *([{data_set: of_data}] if of_data else [])]


def _check_method(study: Study, data_set: str, method: str, facts: data.Facts) -> None:
    """ValueError for settings with which this method cannot be trained on this data set."""
    height, *others = facts.input_shape
    if others and height % study.nets.image_size:
        raise ValueError(f"nets.image_size = {study.nets.image_size}: {data_set} has images of {height} pixels")
    if not facts.factor_names:
        _check_without_truth(study, data_set, method)
    transformed = sorted(represent.TRANSFORMED & set(study.evaluate.representations))
    if transformed and (facts.num_points is None or not facts.factor_names):
        raise ValueError(f"evaluate.representations: {transformed[0]!r} is of real-valued sources; {data_set} has none")
    inputs = methods.inputs_of(facts.input_shape, facts.factor_sizes, study.nets.image_size, facts.auxiliary)
    try:
        has_posterior = methods.check(method, inputs, study)
    except ValueError as error:
        others = len(study.sweep.data_sets) > 1 and len(study.sweep.methods) > 1
        hint = f"; to leave it out: sweep.where = \"method != {method!r} or data_set != {data_set!r}\"" if others else ""
        raise ValueError(f"{error} (data set {data_set!r}{hint})") from error
    represent.available(study.evaluate.representations, method, has_posterior)


def _check_without_truth(study: Study, data_set: str, method: str) -> None:
    """ValueError for what cannot be had of a data set of which only the inputs are known."""
    if needs := METHODS[method].needs & {"factors", "sources"}:
        raise ValueError(f"method {method!r}: it needs {min(needs)!r} of each input, and {data_set} has no truth")
    if compared := [name for name in study.evaluate.metrics if METRICS[name].factors != "none"]:
        others = ", ".join(name for name, metric in METRICS.items() if metric.factors == "none")
        without = f"{data_set} has no truth: expected {others}"
        raise ValueError(f"evaluate.metrics: {compared[0]!r} compares codes with the truth, and {without}")
    for place, name in (("train", study.train.sampling), ("evaluate", study.evaluate.sampling)):
        if name in sampling.DISTRIBUTIONS and name != "iid":
            raise ValueError(f"{place}.sampling = {name!r} draws by the truth, and {data_set} has none: expected 'iid'")


def _check_sampling(study: Study, name: str, facts: data.Facts) -> None:
    """ValueError for a way to draw images that does not exist, or that this data set does not allow."""
    train, evaluate = study.train, study.evaluate
    grid = facts.factor_names, facts.factor_sizes
    if evaluate.sampling in sampling.PAIRS | sampling.SERIES:
        sampling.distribution(evaluate.sampling, evaluate.sampling_options, *grid)  # they have none, as it says
    if facts.num_points is not None:
        number, size = facts.num_points, train.batch_size
        sampling.check(train.sampling, train.sampling_options, *grid, batch_size=size, num_points=number)
        if facts.together is not None and train.sampling in sampling.SERIES:
            _check_together(study, name, facts.together)
        sampling.check(evaluate.sampling, evaluate.sampling_options, *grid, num_points=number)
        _check_points(study, name, facts.num_points, is_grid=False)
        return
    sampling.check(train.sampling, train.sampling_options, *grid, batch_size=train.batch_size)
    if math.prod(facts.factor_sizes) <= sampling.LARGEST_GRID:
        weights = sampling.distribution(evaluate.sampling, evaluate.sampling_options, *grid)
        is_grid = bool((weights == weights[0]).all())
        # Published and own sets may have several images at a point: how many is not known here.
        there = int((weights > 0).sum()) if is_grid or name in data.DATASETS else sampling.LARGEST_GRID
        _check_points(study, name, there, is_grid)
    else:  # own data, most of its points empty
        sampling.check(evaluate.sampling, evaluate.sampling_options, *grid)
        _check_points(study, name, math.prod(facts.factor_sizes), is_grid=True)


def _check_together(study: Study, data_set: str, together: int) -> None:
    """ValueError for neighbours that are of different series, in a set of many short ones."""
    named, options = study.train.sampling, study.train.sampling_options
    every, lag = options.get("every", 1), options.get("lag", 1)
    if named != "successive" or every % together or not 1 <= lag < together:
        expected = f"'successive' with train.sampling_options = {{'every': {together}}}"
        raise ValueError(
            f"train.sampling = {named!r} with {options}: of {data_set} each {together} points are a series of their "
            f"own: expected {expected}"
        )


def _check_points(study: Study, data_set: str, there: int, is_grid: bool) -> None:
    """ValueError if metrics want more points than are encoded of a data set, of whose grid `there` points may be drawn.

    From a whole grid any number is drawn, with replacement; from a part of it no point twice (`metrics.points`).
    """
    evaluate = study.evaluate
    rows = min(there, evaluate.table_rows or there)
    if is_grid and rows == there:
        return
    wanted, name = max((sum(num_points(name, evaluate).values()), name) for name in evaluate.metrics)
    if wanted > rows:
        places = " + ".join(_place(name, size, evaluate) for size in num_points(name, evaluate))
        raise ValueError(
            f"{places} = {wanted}: expected at most {rows}, the points of {data_set} that evaluate.table_rows and "
            "evaluate.sampling leave"
        )


def _place(metric: str, size: str, evaluate: EvaluateConfig) -> str:
    """The setting that says how many points a metric is given."""
    return f"{metric}.{size}" if size in evaluate.options.get(metric, {}) else f"evaluate.{size}"


def _check_resources(study: Study) -> None:
    for name in ("num_gpus", "tpu"):
        value = getattr(study.resources, name) or 0.0
        if value > 1 and value % 1:
            raise ValueError(f"resources.{name} = {value}: expected a share of one (0 to 1) or a whole number")


def check_evaluation(study: Study) -> None:
    """ValueError for a metric, or an option of a metric, that does not exist, and for an option outside its range."""
    evaluate = study.evaluate
    for field, names in (("metrics", evaluate.metrics), ("representations", evaluate.representations)):
        if len(set(names)) < len(names):
            raise ValueError(f"evaluate.{field} names {Counter(names).most_common(1)[0][0]!r} twice: expected once")
    for name in evaluate.metrics:
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
                f"({_place(name, 'num_train', evaluate)})"
            )


def group(runs: Iterable[Run], job_size: int) -> list[Job]:
    """Runs of one data set, method and settings, cut into jobs of at most `job_size` runs."""
    groups: dict[tuple[str, str, str], list[Run]] = {}
    for run in runs:
        groups.setdefault(_kind(run), []).append(run)
    jobs = []
    for members in groups.values():
        for start in range(0, len(members), max(job_size, 1)):
            cut = tuple(members[start : start + max(job_size, 1)])
            jobs.append(Job(_hash(",".join(run.run_id for run in cut)), cut))
    return jobs


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
