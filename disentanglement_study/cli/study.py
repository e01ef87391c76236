"""The console commands `plan`, `run`, `quick` and `status`: what launches sweeps."""

import argparse
import atexit
import gc
import os
import sys
from collections.abc import Sequence, Set
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge

from disentanglement_study import store
from disentanglement_study.cli import analysis, options
from disentanglement_study.errors import Failed, reason
from disentanglement_study.runtime.terminal import ERR, OUT
from disentanglement_study.runtime.words import counted

if TYPE_CHECKING:
    import pandas as pd
    from rich.console import Console

    from disentanglement_study.config import Study
    from disentanglement_study.types import Run

HARM = 5  # damaged files that are named


def plan(arguments: argparse.Namespace) -> None:
    """Show what a sweep holds: counts by axis, jobs, estimated cost."""
    from disentanglement_study.cli import plan_text
    from disentanglement_study.study import cost
    from disentanglement_study.study import plan as plans

    atexit.register(_leave_as_it_is)
    settings, _, runs = _sweep(arguments)
    estimates = cost.estimate(runs, settings, arguments.data_dir)
    frame = plans.frame(runs, settings)
    OUT.print(plan_text.headline(frame))
    for table in plan_text.axes(frame, estimates):
        OUT.print("", table, soft_wrap=True)
    OUT.print()
    OUT.print(plan_text.cost(frame, estimates, len(plans.group(runs, settings.resources.job_size)), settings))


def _leave_as_it_is() -> None:
    """At the end of a process: all that JAX has traced is not looked through once more, a tenth of planning. DuckDB, of
    which a program may have asked something too, complains if that is left out."""
    if "duckdb" not in sys.modules:
        gc.freeze()


def run(arguments: argparse.Namespace) -> None:
    """Train and score what a study has not yet; safe to stop and to repeat."""
    plan = _run(arguments, arguments.retry_failed)
    status(arguments)
    conclude(arguments.dir, plan)


def quick(arguments: argparse.Namespace) -> None:
    """Run the small study of sweeps/quick.gin, then its tables, figures and report."""
    arguments.sweep, arguments.paper, arguments.output, arguments.beside = "quick", None, None, None
    plan = _run(arguments)
    if not store.open(arguments.dir).run_ids("done"):
        conclude(arguments.dir, plan)
    analysis.tables(arguments)
    analysis.figures(arguments)
    analysis.report(arguments)
    best = analysis.best(arguments)
    analysis.found(arguments)
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


def status(arguments: argparse.Namespace) -> None:
    """Count the runs of a study: done, failed, running, missing."""
    if getattr(arguments, "watch", False):
        from disentanglement_study.cli import waiting, watching

        if (opened := waiting.awaited(arguments.dir)) is not None:
            watching.watch(opened, arguments.every)
        return
    from disentanglement_study.cli import display
    from disentanglement_study.study import failed as failing
    from disentanglement_study.study import status as standing

    opened = store.open(arguments.dir)
    OUT.print(str(arguments.dir), soft_wrap=True)
    damaged = standing.damaged(opened)
    display.show(standing.status(opened, damaged))
    show_harm(opened, OUT)
    for text in standing.awaited(opened):
        OUT.print(f"waiting: {text}", soft_wrap=True)
    if again := failing.again(opened):
        some = "1 run that failed is" if len(again) == 1 else f"{len(again)} runs that failed are"
        OUT.print(f"{some} done again: if nothing runs, `retry {arguments.dir}` goes on", soft_wrap=True)
    manifests = opened.manifests()
    if broken := [manifest for manifest in manifests if manifest["status"] == "failed"]:
        runs = opened.plan.set_index("run_id")
        for manifest in broken:
            of = runs.reindex(manifest["run_ids"]).iloc[0]
            number = counted(len(manifest["run_ids"]), "run")
            what = f"{of['method']} on {of['data_set']}, {number} (job {manifest['job_id']})"
            OUT.print(f"failed: {what}: {reason(manifest['error'])}", soft_wrap=True)
    for error in damaged.values():
        more = f" ({len(damaged)} jobs are damaged)" if len(damaged) > 1 else ""
        raise ValueError(f"{error}{more}") from error
    _show_failures(opened, {run for one in manifests if one["status"] == "done" for run in one["run_ids"]})


def show_harm(opened: "store.Store", console: "Console") -> None:
    """A line for each file that is lost or damaged, which reading the study does without."""
    from disentanglement_study.study import status as standing

    harm = standing.harm(opened)
    for text in harm[:HARM]:
        console.print(f"damaged: {text}", soft_wrap=True)
    if len(harm) > HARM:
        console.print(f"damaged: {counted(len(harm) - HARM, 'file')} more", soft_wrap=True)


def _show_failures(opened: "store.Store", done: Set[str]) -> None:
    """A line for each metric that some models lack or that failed, and one for each model that diverged."""
    import pandas as pd

    from disentanglement_study.study import status as standing

    outcomes = opened.outcomes()
    for text in standing.lacking(outcomes, done):
        OUT.print(text, soft_wrap=True)
    if outcomes["error"].isna().all():
        return
    results = opened.failures()
    diverged = standing.diverged(results)
    failed = results[(results["metric"] != "training") & ~results["run_id"].isin(diverged["run_id"])]
    for (metric, representation), rows in failed.groupby(["metric", "representation"], observed=True):
        why = reason(rows["error"].iloc[0])
        number = counted(rows["run_id"].nunique(), "model")
        OUT.print(f"failed: {metric} on {representation} codes of {number}: {why}", soft_wrap=True)
    for _, row in diverged.drop_duplicates("run_id").iterrows():
        where = row.error.partition(":")[0]
        given = {row.strength_name: f"{row.strength:g}"} if row.strength_name else {}
        given |= {axis: row[axis] for axis in results if "." in axis and not pd.isna(row[axis])}
        settings = " ".join(f"{name}={value}" for name, value in {**given, "seed": row.seed}.items())
        OUT.print(f"{where}: {row.method} {settings} on {row.data_set}", soft_wrap=True)


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
            why = f'{setting} = {other} is not for it (to change it: --gin "{name} = {other}")'
            ERR.print(f"{method} keeps its own {setting} = {value}: {why}", soft_wrap=True)
    return settings, runs, chosen


def _run(arguments: argparse.Namespace, retry_failed: bool = False) -> "pd.DataFrame":
    """Returns the plan of the runs that were asked for."""
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
    command = options.add_command(commands, plan)
    options.sweep_argument(command)
    options.sweep_options(command)
    options.data_dir(command)
    command = options.add_command(commands, run)
    options.sweep_argument(command)
    options.folder(command)
    again = "do runs again that failed before (`retry DIR` needs no SWEEP)"
    command.add_argument("--retry-failed", action="store_true", help=again)
    options.running_options(command)
    command = options.add_command(commands, quick)
    options.quick_folder(command)
    options.running_options(command)
    command = options.add_command(commands, status)
    options.folder(command)
    command.add_argument("--watch", action="store_true", help="how fast it runs and when it ends, until it does")
    seconds = options.whole(Annotated[int, Ge(1)])
    command.add_argument("--every", metavar="S", type=seconds, default=5, help="look so often, for --watch (default 5)")
