"""A sweep becomes runs, and the runs that are left become jobs. All that can be wrong in a sweep is found here."""

import dataclasses
import hashlib
import itertools
import json
import math
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import pandas as pd

from disentanglement_study import data
from disentanglement_study.config import Study
from disentanglement_study.data import sampling
from disentanglement_study.errors import unknown
from disentanglement_study.locatello2019 import dlib_model_num
from disentanglement_study.metrics import METRICS
from disentanglement_study.metrics.options import check_options
from disentanglement_study.objectives import OBJECTIVES
from disentanglement_study.train import build_nets
from disentanglement_study.types import Job, Run

# Points of a grid that are listed to check a sampler. Own data with more, most of them empty, is checked when loaded.
LARGEST_GRID = 2**22


def expand(study: Study, data_dir: Path | None = None) -> list[Run]:
    """The runs of a sweep: data sets x objectives x strengths x seeds, in that order, seeds fastest.

    data_dir: where the user's own data sets are kept.

    Raises ValueError for an unknown data set, objective, hyperparameter, metric or metric option (naming the nearest),
    a value that is no number, an axis without values, and a run that the sweep names twice.
    """
    check_evaluation(study)
    sweep = study.sweep
    seeds = tuple(range(sweep.seeds)) if isinstance(sweep.seeds, int) else sweep.seeds
    for axis, values in (("data_sets", sweep.data_sets), ("objectives", sweep.objectives), ("seeds", seeds)):
        if not values:
            raise ValueError(f"sweep.{axis} is empty: the sweep has no runs")
    positive = {"train.steps", "train.batch_size", "nets.num_latents", "nets.image_size"}
    for name, value in static_bindings(study).items():
        if name in positive and value == 0:
            raise ValueError(f"{name} must be positive")
    for data_set in sweep.data_sets:
        facts = data.facts(data_set, data_dir)
        height = facts.image_shape[0]
        if height % study.nets.image_size:
            raise ValueError(f"nets.image_size = {study.nets.image_size}: {data_set} has images of {height} pixels")
        build_nets(facts.image_shape, study.nets)
        _check_sampling(study, facts)

    strengths = {objective: _strengths(objective, hyper) for objective, hyper in sweep.objectives.items()}
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


def _check_sampling(study: Study, facts: data.Facts) -> None:
    """ValueError for a way to draw images that does not exist, or that this data set does not allow."""
    train, evaluate = study.train, study.evaluate
    grid = facts.factor_names, facts.factor_sizes
    if math.prod(facts.factor_sizes) <= LARGEST_GRID:
        sampling.check(train.sampling, train.sampling_options, *grid, batch_size=train.batch_size)
        sampling.distribution(evaluate.sampling, evaluate.sampling_options, *grid)


def check_evaluation(study: Study) -> None:
    """ValueError for a metric, or an option of a metric, that does not exist."""
    for name in study.evaluate.metrics:
        if name not in METRICS:
            raise unknown("metric", name, METRICS)
    check_options(study.evaluate.options)


def _strengths(objective: str, hyper: dict) -> list[dict[str, float]]:
    """Every combination of an objective's hyperparameters, named in the order in which it declares them."""
    if objective not in OBJECTIVES:
        raise unknown("objective", objective, OBJECTIVES)
    declared = OBJECTIVES[objective].hyper
    for name in hyper:
        if name not in declared:
            raise unknown(f"hyperparameter of {objective!r}", name, declared)
    missing = [name for name in declared if name not in hyper]
    if missing:
        raise ValueError(f"{objective}: the sweep gives no value for {', '.join(missing)}")
    axes = []
    for name in declared:
        values = hyper[name] if isinstance(hyper[name], list | tuple) else [hyper[name]]
        if not values:
            raise ValueError(f"{objective}.{name} is an empty list: the sweep has no runs of {objective}")
        for value in values:
            if isinstance(value, bool) or not isinstance(value, int | float):
                raise ValueError(f"{objective}.{name} = {value!r}: a strength is a number")
        axes.append([float(value) for value in values])
    return [dict(zip(declared, values, strict=True)) for values in itertools.product(*axes)]


def static_bindings(study: Study) -> dict:
    """What every run of a sweep shares and what its scores depend on: nets and training."""
    sections = {"nets": study.nets, "train": study.train}
    return {
        f"{name}.{field}": value
        for name, section in sections.items()
        for field, value in dataclasses.asdict(section).items()
    }


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
