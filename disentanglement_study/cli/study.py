"""The console commands `plan`, `run` and `quick`: what launches sweeps."""

import argparse
import atexit
import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from disentanglement_study import store
from disentanglement_study.cli import analysis, as_json, options, status, summary
from disentanglement_study.errors import Failed
from disentanglement_study.runtime.terminal import ERR, OUT

if TYPE_CHECKING:
    import pandas as pd

    from disentanglement_study.config import Study
    from disentanglement_study.types import Run

PLAN = """\
Nothing is trained or written. The cost assumes a rate that is printed with it.

--json prints {runs, jobs, job_size, protocol, seeds, axes, data_sets, methods, pflop, scores}: axes has the values of
each setting that runs differ by; data_sets has {data_set, runs, pflop}; methods has {method, runs, hyperparameters} and
[least, greatest] of updates, parameters and gflop_per_step; scores counts pairs of metric and representation.

examples:
  disentanglement-study plan quick
      Show the runs of sweeps/quick.gin.
  disentanglement-study plan locatello2019 --where "data_set == 'dsprites' and seed < 5"
      Show a part of the sweep of the 12,600 models.
  disentanglement-study plan quick --gin "sweep.seeds = 10" --gin "train.steps = 20000"
      Show what a change of two settings costs.
"""
RUN = (
    "A run that is done is not repeated: stop the command whenever you like, and give it again to continue.\n\n"
    + options.EXIT_CODES
    + """\
examples:
  disentanglement-study run quick studies/quick
      Train and score the sweep here, with local Ray.
  disentanglement-study run quick studies/one --gin "sweep.seeds = 1" --where "method == 'beta_vae'"
      Run a part of it, with one setting changed.
  disentanglement-study run locatello2019 /shared/study --address auto --data-dir /shared/data
      Run it on the Ray cluster that this machine is part of.
"""
)
QUICK = (
    "The study takes minutes on two cores. Give the command again to continue one that was stopped.\n\n"
    + options.EXIT_CODES
    + """\
examples:
  disentanglement-study quick
      Train and score 36 models into studies/quick.
  disentanglement-study quick studies/short --gin "train.steps = 200" --executor inline
      Train for fewer steps, without Ray.
"""
)


def plan(arguments: argparse.Namespace) -> None:
    """Show what a sweep holds: runs by axis, jobs, estimated cost."""
    from disentanglement_study.cli import display

    atexit.register(_leave_as_it_is)
    with display.working(f"planning {arguments.sweep}: importing JAX"):
        from disentanglement_study.cli import plan_text
        from disentanglement_study.study import cost
        from disentanglement_study.study import plan as plans
    with display.working(f"planning {arguments.sweep}: tracing its models to count their operations"):
        settings, _, runs = _sweep(arguments)
        estimates = cost.estimate(runs, settings, arguments.data_dir)
        frame = plans.frame(runs, settings)
        num_jobs = len(plans.group(runs, settings.resources.job_size))
    if arguments.json:
        return as_json.write(plan_text.as_dict(frame, estimates, num_jobs, settings))
    OUT.print(plan_text.headline(frame))
    for table in plan_text.axes(frame, estimates):
        OUT.print("", table, soft_wrap=True)
    OUT.print()
    OUT.print(plan_text.cost(frame, estimates, num_jobs, settings))


def _leave_as_it_is() -> None:
    """At the end of a process: all that JAX has traced is not looked through once more, a tenth of planning. DuckDB, of
    which a program may have asked something too, complains if that is left out."""
    if "duckdb" not in sys.modules:
        gc.freeze()


def run(arguments: argparse.Namespace) -> None:
    """Train and score the runs of a sweep that are not done yet."""
    plan = _run(arguments, arguments.retry_failed)
    status.status(arguments)
    conclude(arguments.dir, plan)


def quick(arguments: argparse.Namespace) -> None:
    """Run the small study of sweeps/quick.gin, with tables and report."""
    arguments.sweep, arguments.paper, arguments.output, arguments.beside = "quick", None, None, None
    arguments.json = False
    plan = _run(arguments)
    if not store.open(arguments.dir).run_ids("done"):
        conclude(arguments.dir, plan)
    analysis.tables(arguments, brief=True)
    analysis.figures(arguments, brief=True)
    analysis.report(arguments)
    best = summary.best(arguments)
    summary.found(arguments)
    OUT.print(
        f"\nThe study is in {arguments.dir}: tables/tables.md, figures/, all scores for queries, and\n"
        f"{arguments.dir / 'report' / 'index.html'}, a page to explore in a browser.\n"
        "Next, for example:\n"
        f"  {_command()} status {arguments.dir}\n"
        f"  {_command()} query {arguments.dir} \"SELECT method, strength, avg(value) AS mig FROM results "
        "WHERE score = 'mig' AND representation = 'mean' GROUP BY ALL ORDER BY mig DESC\"\n"
        + (f"  {_command()} traverse {arguments.dir} {best}\n" if best else "")
        + f"  {_command()} plan locatello2019",
        highlight=False, soft_wrap=True,
    )  # fmt: skip
    conclude(arguments.dir, plan)


def _sweep(arguments: argparse.Namespace) -> "tuple[Study, list[Run], list[Run]]":
    """The settings of a sweep, its runs, and those of them that were asked for."""
    from disentanglement_study.study import axes, components
    from disentanglement_study.study import plan as plans

    settings = components.load(arguments.sweep, arguments.gin)
    runs = plans.expand(settings, arguments.data_dir)
    chosen = plans.select(runs, settings, arguments.where)
    methods = {run.method for run in chosen}
    for name, (value, other) in axes.kept(settings, arguments.gin).items():
        method, _, setting = name.partition("/")
        if method in methods:
            why = f'{setting} = {other} does not apply to it (to change it: --gin "{name} = {other}")'
            ERR.print(f"{method} keeps its own {setting} = {value}: {why}", soft_wrap=True)
    return settings, runs, chosen


def _run(arguments: argparse.Namespace, retry_failed: bool = False) -> "pd.DataFrame":
    """Returns the plan of the runs that were asked for."""
    from disentanglement_study.cli import display

    with display.working(f"planning {arguments.sweep}"):
        from disentanglement_study.study import plan as plans
        from disentanglement_study.study import run as study

        settings, sweep, runs = _sweep(arguments)
    study.run(
        runs=runs,
        study=settings,
        root=arguments.dir,
        site=options.site(arguments),
        retry_failed=retry_failed,
        console=ERR,
        sweep=sweep,
    )
    return plans.frame(runs, settings)


def conclude(folder: Path, plan: "pd.DataFrame | None" = None, metrics: Sequence[str] | None = None) -> None:
    """Raises `Failed` if runs of this plan failed, or a metric did for every model: of these metrics, or of all."""
    from disentanglement_study.study import status as standing

    opened = store.open(folder)
    results = opened.outcomes()
    if metrics is not None:
        results = results[results["metric"].isin(metrics) | (results["metric"] == "training")]
    failed = set() if plan is None else opened.run_ids("failed")
    if text := standing.failures(results, opened.plan if plan is None else plan, failed):
        raise Failed(text)


def _command() -> str:
    """How the user reached this program, so that what is printed can be pasted."""
    path = Path(sys.argv[0])
    if path.name == "__main__.py":
        return f"{Path(sys.executable).name} -m disentanglement_study"
    on_path = any(Path(folder) == path.parent for folder in os.environ.get("PATH", "").split(os.pathsep))
    return path.name if on_path else os.path.relpath(path)


def add_to(commands: options.Commands) -> None:
    """Add the commands."""
    command = options.add_command(commands, plan, PLAN)
    options.sweep_argument(command)
    options.sweep_options(command)
    options.data_dir(command)
    options.json_option(command)
    command = options.add_command(commands, run, RUN)
    options.sweep_argument(command)
    options.folder(command)
    again = "run failed runs again (`retry DIR` does so without SWEEP)"
    command.add_argument("--retry-failed", action="store_true", help=again)
    options.running_options(command)
    command = options.add_command(commands, quick, QUICK)
    options.quick_folder(command)
    options.running_options(command)
