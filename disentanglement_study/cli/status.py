"""The console command `status`: where a study stands."""

import argparse
from collections.abc import Set
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge

from disentanglement_study import store
from disentanglement_study.cli import options
from disentanglement_study.errors import reason
from disentanglement_study.runtime.terminal import OUT
from disentanglement_study.runtime.words import counted

if TYPE_CHECKING:
    from rich.console import Console

HARM = 5  # damaged files that are named
COUNTS = ("planned", "done", "failed", "running", "missing")
DETAILS = """\
Runs are counted for each data set and method. Below are the jobs and metrics that failed, the models that diverged, and
the files that are damaged. --watch shows how fast the study runs and when it ends, until it does or Ctrl-C.

--json prints {study, planned, done, failed, running, missing, by_method, running_now, waiting, retrying, failed_jobs,
failed_scores, damaged}: counts of runs, the same for each data set and method, whether a process runs the study, what
its jobs wait for, ids of runs that are being run again, {job, run_ids, error}, {run_id, metric, representation, error}
(the metric of a model that diverged is training), and a line for each damaged file.

examples:
  disentanglement-study status studies/quick
      Count what is done.
  disentanglement-study status studies/quick --watch
      Follow a study while it runs, on any machine that sees its folder.
"""


def status(arguments: argparse.Namespace) -> None:
    """Count the runs of a study: done, failed, running, missing."""
    if getattr(arguments, "watch", False):
        from disentanglement_study.cli import waiting, watching

        if arguments.json:
            raise ValueError("--json shows one look: leave out --watch")
        if (opened := waiting.awaited(arguments.dir)) is not None:
            watching.watch(opened, arguments.every)
        return
    if getattr(arguments, "json", False):
        return _write_json(arguments)
    if (arguments.dir / "plan.parquet").is_file():  # now: it takes half a second to import what reads it
        OUT.print(str(arguments.dir), soft_wrap=True)
    from disentanglement_study.cli import display
    from disentanglement_study.study import failed as failing
    from disentanglement_study.study import status as standing

    opened = store.open(arguments.dir)
    damaged = standing.damaged(opened)
    display.show(standing.status(opened, damaged))
    show_harm(opened, OUT)
    for text in standing.awaited(opened):
        OUT.print(f"waiting: {text}", soft_wrap=True)
    if again := failing.again(opened):
        some = f"{counted(len(again), 'failed run')} {'is' if len(again) == 1 else 'are'}"
        stopped = f"if no process runs the study, `retry {arguments.dir}` continues"
        OUT.print(f"{some} being run again; {stopped}", soft_wrap=True)
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


def _write_json(arguments: argparse.Namespace) -> None:
    from disentanglement_study.cli import as_json
    from disentanglement_study.study import failed as failing
    from disentanglement_study.study import status as standing

    opened = store.open(arguments.dir)
    damaged = standing.damaged(opened)
    counts, manifests = standing.status(opened, damaged), opened.manifests()
    content = {
        "study": str(arguments.dir),
        **counts[list(COUNTS)].sum().to_dict(),
        "by_method": as_json.records(counts),
        "running_now": opened.is_running(),
        "waiting": standing.awaited(opened),
        "retrying": sorted(failing.again(opened)),
        "failed_jobs": [
            {"job": one["job_id"], "run_ids": one["run_ids"], "error": reason(one["error"])}
            for one in manifests
            if one["status"] == "failed"
        ],
        "failed_scores": [] if damaged else _failed_scores(opened),
        "damaged": [*map(str, damaged.values()), *standing.harm(opened)],
    }
    as_json.write(content)
    for error in damaged.values():
        raise ValueError(str(error)) from error


def _failed_scores(opened: "store.Store") -> list[dict]:
    """A row for each score that could not be computed, and for each model that diverged (metric "training")."""
    from disentanglement_study.cli import as_json

    found = opened.failures()
    found = found[found["run_id"].isin(opened.run_ids("done"))]
    return [
        {**row, "error": reason(row["error"])}
        for row in as_json.records(found[["run_id", "metric", "representation", "error"]])
    ]


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


def add_to(commands: options.Commands) -> None:
    """Add the command."""
    command = options.add_command(commands, status, DETAILS)
    options.folder(command)
    options.json_option(command)
    command.add_argument("--watch", action="store_true", help="show how fast it runs and when it ends, until it does")
    seconds = options.whole(Annotated[int, Ge(1)])
    command.add_argument("--every", metavar="S", type=seconds, default=5, help="seconds between looks (default 5)")
