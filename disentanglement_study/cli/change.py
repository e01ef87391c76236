"""The console commands `retry`, `reproduce` and `merge`: what is done with a study whose sweep file may be gone."""

import argparse
import json
import sys
from typing import TYPE_CHECKING

from disentanglement_study import store
from disentanglement_study.cli import options, study
from disentanglement_study.errors import Failed
from disentanglement_study.runtime.terminal import ERR, OUT
from disentanglement_study.runtime.words import counted

if TYPE_CHECKING:
    from disentanglement_study.study.reproduce import Reproduction

RETRY = """\
The settings are those of the study (study.gin), so the sweep file is not needed. Failed runs that --where leaves out
stay as they are. Settings of resources may be others, for example after a device ran out of memory.

examples:
  disentanglement-study retry studies/quick --list                what failed, and why
  disentanglement-study retry studies/quick
  disentanglement-study retry studies/quick --where "method == 'factor_vae'" --gin "resources.population = 10"

exit codes: 0: all of them are done now, or none had failed. 2: bad input. 3: some failed again. 130: stopped.
"""
REPRODUCE = """\
The run is trained and scored again in a temporary folder, from the settings in the study's study.gin and on the data
set whose contents the study has recorded. Metrics that compare models (udr) are left out. On a CPU a run has the same
scores in any population on as many cores (how many, the study knows; they are used if they are there). On an
accelerator sums are rounded in another order: try --whole-job there.

examples:
  disentanglement-study reproduce studies/quick 3f2a
  disentanglement-study reproduce studies/quick 3f2a --json
  disentanglement-study reproduce studies/quick 3f2a --whole-job --keep studies/again

exit codes: 0: all scores are equal, to the bit or to a relative 1e-5. 3: some differ, or the run failed. 2: bad input.
"""
MERGE = """\
For studies of one sweep that were run in several places, finished or not: other seeds, strengths, methods or data sets
on each. Nothing is trained, the studies are left as they are, and a merge that was stopped goes on. Settings of nets,
training and scoring, and the contents of data sets, have to be the same. A run that several have is kept once, if its
scores are equal (to a relative 1e-5). One that is done is kept before one that failed. Scores of udr, which compare
models, are left out: `evaluate INTO --metrics udr` makes them again. INTO/study.gin is that of the largest study, with
the metrics of all, and INTO/logs has the logs of the jobs. Imported results are merged with their like alone.

examples:
  disentanglement-study merge cluster1/study cluster2/study studies/both
  disentanglement-study merge a b c studies/all --keep first

exit codes: 0: merged. 2: bad input; nothing was written. 130: stopped; the same command goes on from there.
"""


def retry(arguments: argparse.Namespace) -> None:
    """Do the failed runs of a study again, without its sweep file."""
    from disentanglement_study.cli import display
    from disentanglement_study.study import failed, plan
    from disentanglement_study.study import run as studies

    opened = store.open(arguments.dir)
    there = failed.listed(opened, arguments.where)
    if there.empty:
        OUT.print(f"{arguments.dir}: no run has failed", soft_wrap=True)
        study.show_harm(opened, ERR)
        return
    if arguments.list:
        display.show(there[["run_id", "data_set", "method", "strength", "seed", "reason"]])
        return
    settings, runs = failed.to_retry(opened.root, arguments.where, arguments.gin)
    studies.run(settings, runs, opened.root, options.site(arguments), retry_failed=True, console=ERR)
    study.status(arguments)
    study.conclude(arguments.dir, plan.frame(runs, settings))


def reproduce(arguments: argparse.Namespace) -> None:
    """Train one run of a study again, and compare every score with the stored one."""
    from disentanglement_study.study import reproduce as reproducing

    root = store.open(arguments.dir).root
    site, whole = options.site(arguments), arguments.whole_job
    found = reproducing.reproduce(root, arguments.run_id, site, whole, arguments.keep, ERR)
    number, differ = len(found.scores), int((found.scores["equal"] == "no").sum())
    if arguments.json:
        rows = json.loads(found.scores.to_json(orient="records", double_precision=15))
        for row, (stored, new) in zip(rows, found.scores[["stored", "new"]].to_numpy(), strict=True):
            row |= {name: value if value == value else None for name, value in (("stored", stored), ("new", new))}
        content = {"run_id": found.run_id, "equal": differ == 0, "scores": rows, "different": found.circumstances}
        json.dump({**content, "left_out": found.left_out}, sys.stdout, indent=1)
        print()
    elif arguments.csv:
        found.scores.to_csv(sys.stdout, index=False)
    else:
        _show(found)
    if differ:
        raise Failed(
            f"run {found.run_id}: {differ} of {counted(number, 'score')} {'differs' if differ == 1 else 'differ'}"
        )


def merge(arguments: argparse.Namespace) -> None:
    """Make one study of several that were run in different places."""
    from disentanglement_study.study import merge as merging

    *roots, into = arguments.dirs
    found = merging.merge(roots, into, arguments.keep == "first", ERR)
    of = f"of {counted(len(roots), 'study', 'studies')}"
    OUT.print(
        f"{into}: {counted(found.planned, 'run')} {of}, {found.done:,} done, {found.failed:,} failed", soft_wrap=True
    )
    if found.in_several:
        OUT.print(f"{counted(found.in_several, 'run')} in more than one study: each is kept once", soft_wrap=True)
    if found.jobs_cut:
        OUT.print(f"{counted(found.jobs_cut, 'job')} kept in part: without the runs that an earlier study has")
    if found.without_udr:
        OUT.print("udr compares models and was left out: `evaluate INTO --metrics udr` makes it again", soft_wrap=True)


def _show(found: "Reproduction") -> None:
    import pandas as pd

    from disentanglement_study.cli import display

    table = found.scores.assign(**{name: found.scores[name].map("{:.9g}".format) for name in ("stored", "new")})
    headlines = table.index.isin(display.headlines(table).index)
    shown = table[headlines | (table["equal"] == "no")]
    display.show(shown)
    if len(shown) < len(table):
        OUT.print(
            f"{counted(len(table), 'score')}, {len(shown)} shown: headlines and what differs; all with --csv or --json"
        )
    if found.left_out:
        OUT.print(f"left out, as they are no metric of one model: {', '.join(found.left_out)}", soft_wrap=True)
    bit, near = ((found.scores["equal"] == how).sum() for how in ("bit", "1e-05"))
    if bit + near == len(found.scores):
        how = f"to the bit: {bit}" + (f"; to a relative 1e-05: {near}" if near else "")
        OUT.print(f"run {found.run_id}: all {counted(len(found.scores), 'score')} are equal ({how})", soft_wrap=True)
        return
    if found.circumstances:
        OUT.print("what else is different:")
        display.show(pd.DataFrame(found.circumstances))
    else:
        OUT.print("versions, device and population are the same")


def add_to(commands: options.Commands) -> None:
    """Add the commands."""
    command = options.add_command(commands, retry, RETRY)
    options.folder(command)
    command.add_argument("--list", action="store_true", help="only show the failed runs, and why they failed")
    resources = 'resources alone may differ from the study\'s, such as "resources.population = 1"'
    command.add_argument("--gin", metavar="BINDING", action="append", default=[], help=resources)
    options.where(command)
    options.executor_options(command)
    options.data_dir(command)
    command = options.add_command(commands, reproduce, REPRODUCE)
    options.folder(command)
    command.add_argument("run_id", metavar="RUN_ID", help="of a run that is done, or how it begins")
    command.add_argument("--whole-job", action="store_true", help="train all runs of its job, as many together as then")
    command.add_argument(
        "--keep", metavar="FOLDER", type=options.path, help="where the new study is kept (default: nowhere)"
    )
    form = command.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print all of it as one JSON object")
    form.add_argument("--csv", action="store_true", help="print the scores as CSV instead of a table")
    command.add_argument("--executor", default="inline", help="inline (default) or ray")
    command.add_argument("--address", help="with --executor ray: a cluster, such as auto; default: start Ray here")
    options.data_dir(command)
    command = options.add_command(commands, merge, MERGE)
    both = "two studies or more, and last INTO, the new folder"
    command.add_argument("dirs", metavar="DIR", type=options.path, nargs="+", help=both)
    command.usage = "disentanglement-study merge [-h] [--keep first] DIR DIR [DIR ...] INTO"
    command.add_argument(
        "--keep", choices=["first"], help="of a run whose scores differ, keep that of the first study (default: refuse)"
    )
