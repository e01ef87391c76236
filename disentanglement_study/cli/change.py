"""The console commands `retry`, `reproduce` and `merge`: what is done with a study whose sweep file may be gone."""

import argparse
import sys
from typing import TYPE_CHECKING

from disentanglement_study import store
from disentanglement_study.cli import as_json, options, status, study
from disentanglement_study.errors import Failed
from disentanglement_study.runtime.terminal import ERR, OUT
from disentanglement_study.runtime.words import counted

if TYPE_CHECKING:
    from disentanglement_study.study.reproduce import Reproduction

RETRY = """\
The settings are those of the study (study.gin): the sweep file is not needed. Failed runs that --where leaves out stay
as they are. Settings of resources may change, for example after a device ran out of memory.

exit codes: 0: all of them are done now, or none had failed. 2: bad input. 3: some failed again. 130: stopped.

examples:
  disentanglement-study retry studies/quick --list
      Show the runs that failed, and why.
  disentanglement-study retry studies/quick
      Train and score them again.
  disentanglement-study retry studies/quick --where "method == 'factor_vae'" --gin "resources.population = 10"
      Retry the runs of one method, ten models at a time.
"""
REPRODUCE = """\
The run is trained and scored again in a temporary folder, with the settings in the study's study.gin and on the data
set whose contents the study has recorded. Metrics that compare models (udr) are left out. On a CPU a run has the same
scores in any population on as many cores; the study records how many, and they are used if they are there. On an
accelerator sums are rounded in another order: try --whole-job there.

--json prints {run_id, equal, scores, different, left_out}: a row of scores for each score, with its stored and its new
value; different names what changed (versions, device, population).

exit codes: 0: all scores are equal, to the bit or to a relative 1e-5. 3: some differ, or the run failed. 2: bad input.

examples:
  disentanglement-study reproduce studies/quick 3f2a
      Train the run whose id begins with 3f2a again, and compare its scores.
  disentanglement-study reproduce studies/quick 3f2a --json
      Print the comparison as JSON.
  disentanglement-study reproduce studies/quick 3f2a --whole-job --keep studies/again
      Train all runs of its job together, as before, and keep the new study.
"""
MERGE = """\
The studies are of one sweep and ran in several places, finished or not: each has other seeds, strengths, methods or
data sets. Nothing is trained, the studies stay as they are, and a merge that was stopped continues. Settings of nets,
training and scoring must be the same, and so must the contents of data sets. A run that several studies have is kept
once, if its scores are equal (to a relative 1e-5); a run that is done is preferred to one that failed. Scores of udr,
which compares models, are left out: `evaluate INTO --metrics udr` computes them again. INTO/study.gin is that of the
largest study, with the metrics of all. INTO/logs has the logs of the jobs. Imported results are only merged with
results of the same origin.

exit codes: 0: merged. 2: bad input; nothing was written. 130: stopped; the same command continues from there.

examples:
  disentanglement-study merge cluster1/study cluster2/study studies/both
      Make studies/both of two studies.
  disentanglement-study merge a b c studies/all --keep first
      Where scores of a run differ, keep those of the first study that has it.
"""


def retry(arguments: argparse.Namespace) -> None:
    """Run the failed runs of a study again."""
    from disentanglement_study.cli import display

    with display.working("importing JAX"):
        from disentanglement_study.study import failed, plan
        from disentanglement_study.study import run as studies

    opened = store.open(arguments.dir)
    there = failed.listed(opened, arguments.where)
    if there.empty:
        OUT.print(f"{arguments.dir}: no run has failed", soft_wrap=True)
        status.show_harm(opened, ERR)
        return
    if arguments.list:
        display.show(there[["run_id", "data_set", "method", "strength", "seed", "reason"]])
        return
    settings, runs = failed.to_retry(opened.root, arguments.where, arguments.gin)
    studies.run(settings, runs, opened.root, options.site(arguments), retry_failed=True, console=ERR)
    status.status(arguments)
    study.conclude(arguments.dir, plan.frame(runs, settings))


def reproduce(arguments: argparse.Namespace) -> None:
    """Train one run again, and compare every score with the stored one."""
    from disentanglement_study.cli import display

    with display.working("importing JAX"):
        from disentanglement_study.study import reproduce as reproducing

    root = store.open(arguments.dir).root
    site, whole = options.site(arguments), arguments.whole_job
    found = reproducing.reproduce(root, arguments.run_id, site, whole, arguments.keep, ERR)
    number, differ = len(found.scores), int((found.scores["equal"] == "no").sum())
    if arguments.json:
        content = {"run_id": found.run_id, "equal": differ == 0, "scores": as_json.records(found.scores)}
        as_json.write({**content, "different": found.circumstances, "left_out": found.left_out})
    elif arguments.csv:
        found.scores.to_csv(sys.stdout, index=False)
    else:
        _show(found)
    if differ:
        raise Failed(
            f"run {found.run_id}: {differ} of {counted(number, 'score')} {'differs' if differ == 1 else 'differ'}"
        )


def merge(arguments: argparse.Namespace) -> None:
    """Make one study of several that ran in different places."""
    from disentanglement_study.cli import display

    with display.working("importing JAX"):
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
        OUT.print("udr compares models and was left out: `evaluate INTO --metrics udr` adds it", soft_wrap=True)


def _show(found: "Reproduction") -> None:
    import pandas as pd

    from disentanglement_study.cli import display

    table = found.scores.assign(**{name: found.scores[name].map("{:.9g}".format) for name in ("stored", "new")})
    headlines = table.index.isin(display.headlines(table).index)
    shown = table[headlines | (table["equal"] == "no")]
    display.show(shown)
    if len(shown) < len(table):
        OUT.print(
            f"{counted(len(table), 'score')}, {len(shown)} shown: headlines and differences; all with --csv or --json"
        )
    if found.left_out:
        OUT.print(f"left out, because they compare models: {', '.join(found.left_out)}", soft_wrap=True)
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
    resources = 'a setting of resources, such as "resources.population = 1"; no other may change'
    chosen = command.add_argument_group("what runs")
    chosen.add_argument("--gin", metavar="BINDING", action="append", default=[], help=resources)
    options.where(chosen)
    options.place_options(command)
    command = options.add_command(commands, reproduce, REPRODUCE)
    options.folder(command)
    command.add_argument("run_id", metavar="RUN_ID", help="the id of a run that is done, or its beginning")
    command.add_argument("--whole-job", action="store_true", help="train all runs of its job, together as before")
    command.add_argument(
        "--keep", metavar="FOLDER", type=options.path, help="where the new study is kept (default: nowhere)"
    )
    form = command.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print all of it as one JSON object")
    form.add_argument("--csv", action="store_true", help="print the scores as CSV instead of a table")
    options.place_options(command, "inline")
    command = options.add_command(commands, merge, MERGE)
    both = "two studies or more, and last INTO, the new folder"
    command.add_argument("dirs", metavar="DIR", type=options.path, nargs="+", help=both)
    command.usage = "disentanglement-study merge [-h] [--keep first] DIR DIR [DIR ...] INTO"
    command.add_argument(
        "--keep",
        choices=["first"],
        help="if the scores of a run differ, keep those of the first study (default: refuse)",
    )
