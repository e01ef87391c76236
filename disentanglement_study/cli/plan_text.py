"""What `plan` shows of a sweep: its axes, its size, its cost."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from disentanglement_study.cli import as_json
from disentanglement_study.cli.display import Fitted, number
from disentanglement_study.config import Study
from disentanglement_study.runtime.words import counted


def axes(plan: pd.DataFrame, estimates: pd.DataFrame) -> list[Fitted]:
    """The sweep axis by axis: a table of data sets and a table of methods, with runs and training cost."""
    of_method = {"updates": "updates", "weights": "parameters", "GFLOP/step": "gflop_per_step"}
    by_data_set = estimates.groupby("data_set", sort=False)[["runs", "pflop"]].sum().reset_index()
    rows = []
    for method, group in plan.groupby("method", sort=False):
        cost = estimates[estimates["method"] == method]
        rows.append(
            {
                "method": method,
                "hyperparameters": "\n".join(
                    f"{name} = {' '.join(f'{value:g}' for value in values)}"
                    for name, values in _hyperparameters(group).items()
                ),
                "runs": len(group),
                **{shown: _range(cost[column]) for shown, column in of_method.items()},
            }
        )
    return [Fitted(by_data_set), Fitted(pd.DataFrame(rows))]


def headline(plan: pd.DataFrame) -> str:
    """The plan in a line, and its axes, a line each."""
    lines = [f"{counted(len(plan), 'run')}, seeds {_seeds(plan)}, protocol {plan['protocol'].iloc[0]!r}"]
    kinds = plan[["method", "settings"]].drop_duplicates()
    settings = [(method, json.loads(text)) for method, text in kinds.itertuples(index=False)]
    for axis in _names(values for _, values in settings):
        has = {method: any(axis in values for of, values in settings if of == method) for method, _ in settings}
        only = f"  ({', '.join(method for method in has if has[method])})" if not all(has.values()) else ""
        shown = dict.fromkeys(str(values[axis]) for _, values in settings if axis in values)
        lines.append(f"{axis} = {' '.join(shown)}{only}")
    return "\n".join(lines)


def as_dict(plan: pd.DataFrame, estimates: pd.DataFrame, num_jobs: int, study: Study) -> dict[str, Any]:
    """The plan for scripts, as the help of `plan` says."""
    methods = []
    for method, group in plan.groupby("method", sort=False):
        cost = estimates[estimates["method"] == method]
        ranges = {name: [cost[name].min(), cost[name].max()] for name in ("updates", "parameters", "gflop_per_step")}
        methods.append({"method": method, "runs": len(group), "hyperparameters": _hyperparameters(group), **ranges})
    settings = [json.loads(text) for text in plan["settings"].unique()]
    axes = {axis: _distinct(values[axis] for values in settings if axis in values) for axis in _names(settings)}
    return {
        "runs": len(plan),
        "jobs": num_jobs,
        "job_size": study.resources.job_size,
        "protocol": plan["protocol"].iloc[0],
        "seeds": sorted(map(int, plan["seed"].unique())),
        "axes": axes,
        "data_sets": as_json.records(estimates.groupby("data_set", sort=False)[["runs", "pflop"]].sum().reset_index()),
        "methods": methods,
        "pflop": estimates["pflop"].sum(),
        "scores": len(plan) * len(study.evaluate.metrics) * len(study.evaluate.representations),
    }


def _names(settings: Iterable[Mapping[str, Any]]) -> list[str]:
    """The names that these have, each once."""
    return [*dict.fromkeys(name for values in settings for name in values)]


def _distinct(values: Iterable[Any]) -> list[Any]:
    """The values, each once; they may be lists."""
    return [*{json.dumps(value): value for value in values}.values()]


def _range(values: pd.Series) -> float | str:
    """The value that all have as far as it is shown, else the lowest and the highest: "5.2 to 6.2"."""
    low, high = values.min(), values.max()
    shown = number(low), number(high)
    return high.item() if shown[0] == shown[1] else " to ".join(shown)


def _hyperparameters(group: pd.DataFrame) -> dict[str, list[float]]:
    """All values of each hyperparameter, the strength first."""
    hyper = pd.DataFrame([json.loads(text) for text in group["hyper"].unique()])
    return {name: sorted(hyper[name].unique().tolist()) for name in hyper}


def _seeds(plan: pd.DataFrame) -> str:
    seeds = sorted(int(seed) for seed in plan["seed"].unique())
    if len(seeds) > 2 and seeds == list(range(seeds[0], seeds[-1] + 1)):
        return f"{seeds[0]}..{seeds[-1]}"
    return ", ".join(map(str, seeds))


# Sustained on the study's nets, GFLOP/s: orders of magnitude for a plan, not promises.
SUSTAINED = {"one CPU core": 50, "one data-centre GPU": 10_000}


def cost(plan: pd.DataFrame, estimates: pd.DataFrame, num_jobs: int, study: Study) -> str:
    """The plan in words: jobs, operations, and what they would take at a stated rate."""
    pflop = estimates["pflop"].sum()
    rates = "; ".join(
        f"{_duration(pflop * 1e6 / rate)} on {name} at {rate:,} GFLOP/s" for name, rate in SUSTAINED.items()
    )
    metrics = len(study.evaluate.metrics) * len(study.evaluate.representations)
    return (
        f"{counted(len(plan), 'model')} in {counted(num_jobs, 'job')} of up to {study.resources.job_size}; "
        f"{pflop:,.4g} PFLOP of training.\n"
        f"Training would take {rates} (assumed rates).\n"
        f"Scoring: {counted(metrics, 'pair')} of metric and representation for each model, {len(plan) * metrics:,} in "
        "all; not in the estimate."
    )


def _duration(seconds: float) -> str:
    for size, name in ((86400 * 365.25, "years"), (86400, "days"), (3600, "hours"), (60, "minutes")):
        if seconds >= size:
            return f"{seconds / size:,.1f} {name}"
    return counted(round(seconds), "second") if seconds >= 1 else "less than a second"
