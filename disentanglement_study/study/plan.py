"""A sweep becomes runs, and the runs that are left become jobs. All that can be wrong in a sweep is found here."""

import hashlib
import itertools
import json
import math
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from disentanglement_study import data
from disentanglement_study.config import MOST_RUNS, Study
from disentanglement_study.config.declared import check
from disentanglement_study.config.identity import static_bindings
from disentanglement_study.data.draws import sampling
from disentanglement_study.errors import clipped, unknown
from disentanglement_study.metrics import METRICS
from disentanglement_study.metrics.settings import check_options, metric_options
from disentanglement_study.objectives import OBJECTIVES
from disentanglement_study.study.locatello2019 import dlib_model_num
from disentanglement_study.training.train import build_nets
from disentanglement_study.types import Job, Run

# Points of a grid that are listed to check a sampler. Own data with more, most of them empty, is checked when loaded.
LARGEST_GRID = 2**22


def expand(study: Study, data_dir: Path | None = None) -> list[Run]:
    """The runs of a sweep: data sets x objectives x strengths x seeds, in that order, seeds fastest.

    data_dir: where the user's own data sets are kept.

    Raises ValueError for an unknown data set, objective, hyperparameter, metric or metric option (naming the nearest),
    a value that is no number or outside its range, sizes that a data set cannot give, an axis without values, and a run
    that the sweep names twice.
    """
    check_evaluation(study)
    _check_resources(study)
    sweep = study.sweep
    seeds = range(sweep.seeds) if isinstance(sweep.seeds, int) else sweep.seeds
    for axis, values in (("data_sets", sweep.data_sets), ("objectives", sweep.objectives), ("seeds", seeds)):
        if not values:
            raise ValueError(f"sweep.{axis} is empty: the sweep has no runs")
    hypers = {objective: _strengths(objective, hyper) for objective, hyper in sweep.objectives.items()}
    number = sum(math.prod(map(len, axes.values())) for axes in hypers.values()) * len(sweep.data_sets) * len(seeds)
    if number > MOST_RUNS:
        raise ValueError(f"the sweep names {number:,} runs: expected at most {MOST_RUNS:,}")
    for data_set in sweep.data_sets:
        facts = data.facts(data_set, data_dir)
        height = facts.image_shape[0]
        if height % study.nets.image_size:
            raise ValueError(f"nets.image_size = {study.nets.image_size}: {data_set} has images of {height} pixels")
        build_nets(facts.image_shape, study.nets)
        _check_sampling(study, data_set, facts)

    strengths = {objective: _combinations(axes) for objective, axes in hypers.items()}
    statics = json.dumps(static_bindings(study), sort_keys=True)
    runs = []
    for data_set, objective in itertools.product(sweep.data_sets, sweep.objectives):
        for hyper, seed in itertools.product(strengths[objective], seeds):
            dynamics = json.dumps([data_set, objective, hyper, seed, sweep.protocol], sort_keys=True)
            runs.append(Run(_hash(statics + dynamics), data_set, objective, hyper, seed, sweep.protocol))
    if len({run.run_id for run in runs}) < len(runs):
        twice = Counter(map(str, runs)).most_common(1)[0]
        raise ValueError(f"duplicate runs: the sweep names {twice[0]!r} {twice[1]} times")
    return runs


def _check_sampling(study: Study, name: str, facts: data.Facts) -> None:
    """ValueError for a way to draw images that does not exist, or that this data set does not allow."""
    train, evaluate = study.train, study.evaluate
    grid = facts.factor_names, facts.factor_sizes
    if math.prod(facts.factor_sizes) <= LARGEST_GRID:
        sampling.check(train.sampling, train.sampling_options, *grid, batch_size=train.batch_size)
        weights = sampling.distribution(evaluate.sampling, evaluate.sampling_options, *grid)
        _check_points(study, name, int((weights > 0).sum()), is_grid=bool((weights == weights[0]).all()))
    else:
        _check_points(study, name, math.prod(facts.factor_sizes), is_grid=True)


def _check_points(study: Study, data_set: str, there: int, is_grid: bool) -> None:
    """ValueError if metrics want more points than are encoded of a data set, of whose grid `there` points may be drawn.

    From a whole grid any number is drawn, with replacement; from a part of it no point twice (`metrics.points`).
    """
    evaluate = study.evaluate
    if not is_grid and data_set not in data.DATASETS:
        there = LARGEST_GRID  # published and own sets may have several images at a point: how many is not known here
    rows = min(there, evaluate.table_rows or there)
    kinds = {METRICS[name].sampling for name in evaluate.metrics} - {"table"}
    if (is_grid and rows == there) or not kinds:
        return
    names = ["num_train", "num_test"] if "split" in kinds else ["num_train"]
    if (wanted := sum(getattr(evaluate, name) for name in names)) > rows:
        raise ValueError(
            f"{' + '.join(f'evaluate.{name}' for name in names)} = {wanted}: expected at most {rows}, the points of "
            f"{data_set} that evaluate.table_rows and evaluate.sampling leave"
        )


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
    check_options(evaluate.options)
    for name in evaluate.metrics:
        sizes = evaluate.options.get(name, {}).get("train_sizes")
        if sizes is None and "train_sizes" in metric_options(name):
            sizes = metric_options(name)["train_sizes"].default
        if sizes is not None and min(sizes) > evaluate.num_train:
            raise ValueError(
                f"metric {name!r}: train_sizes = {clipped(sizes)}: expected one of at most {evaluate.num_train} "
                "(evaluate.num_train)"
            )


def _strengths(objective: str, hyper: dict) -> dict[str, list[float]]:
    """The values of each hyperparameter of an objective, in the order in which it declares them."""
    if objective not in OBJECTIVES:
        raise unknown("objective", objective, OBJECTIVES)
    declared = OBJECTIVES[objective].hyper
    for name in hyper:
        if name not in declared:
            raise unknown(f"hyperparameter of {objective!r}", name, declared)
    missing = [name for name in declared if name not in hyper]
    if missing:
        raise ValueError(f"{objective}: the sweep gives no value for {', '.join(missing)}")
    axes = {}
    for name in declared:
        values = hyper[name] if isinstance(hyper[name], list | tuple) else [hyper[name]]
        if not values:
            raise ValueError(f"{objective}.{name} is an empty list: the sweep has no runs of {objective}")
        for value in values:
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise ValueError(f"{objective}.{name} = {clipped(value)}: a strength is a number")
        kind = declared[name] if isinstance(declared, dict) else float
        axes[name] = [check(f"{objective}.{name}", value, kind) for value in values]
    return axes


def _combinations(axes: dict[str, list[float]]) -> list[dict[str, float]]:
    return [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]


def group(runs: Iterable[Run], job_size: int) -> list[Job]:
    """Runs of one data set and objective, cut into jobs of at most `job_size` runs."""
    groups: dict[tuple[str, str], list[Run]] = {}
    for run in runs:
        groups.setdefault((run.data_set, run.objective), []).append(run)
    jobs = []
    for members in groups.values():
        for start in range(0, len(members), max(job_size, 1)):
            cut = tuple(members[start : start + max(job_size, 1)])
            jobs.append(Job(_hash(",".join(run.run_id for run in cut)), cut))
    return jobs


def frame(runs: list[Run], study: Study) -> pd.DataFrame:
    """The plan as a table: a row per run, a column per binding."""
    statics = {k: json.dumps(v) if isinstance(v, dict) else v for k, v in static_bindings(study).items()}
    rows = [
        {
            "run_id": run.run_id,
            "data_set": run.data_set,
            "objective": run.objective,
            "strength_name": next(iter(run.hyper)),
            "strength": next(iter(run.hyper.values())),
            "seed": run.seed,
            "protocol": run.protocol,
            "dlib_model_num": dlib_model_num(run, study),
            "hyper": json.dumps(run.hyper),
        }
        for run in runs
    ]
    table = pd.DataFrame(rows).astype({"dlib_model_num": "Int64"})
    return table.assign(**statics)


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:12]
