"""The console command `disentanglement-study export`: the results of a study as files for others."""

import argparse
import functools

from disentanglement_study import store
from disentanglement_study.cli import options
from disentanglement_study.runtime.terminal import ERR, OUT
from disentanglement_study.runtime.words import counted

DETAILS = """\
written into the new folder OUT, which appears whole or not at all: a file each of results (a row for each score, with
the bindings of its run), runs, jobs (time, device, machine, commit), curves, and rescored if something was; study.gin,
the settings, and operative/JOB_ID.gin, all that a job used, defaults included; columns.csv, what each column holds;
datapackage.json, all of that for programs (Frictionless), with the SHA-256 of each table; and README.md: how the study
was made, how to load it (pandas, R, DuckDB) and how to cite it. Why a job failed is in jobs; the logs of jobs, which
name paths of your machines, are copied to logs/JOB_ID.log with --logs only.

examples:
  disentanglement-study export studies/quick quick_results
  disentanglement-study export studies/quick quick_results --format csv --license CC-BY-4.0
"""


def export(arguments: argparse.Namespace) -> None:
    """Write the results of a study as files for others, with what each column is and how they were made."""
    from disentanglement_study import export as exporting
    from disentanglement_study.cli import display
    from disentanglement_study.study import provenance

    rows = exporting.export(
        store.open(arguments.dir),
        arguments.out,
        provenance.now(),
        arguments.format,
        arguments.license,
        arguments.logs,
        functools.partial(display.steps, ERR),
    )
    for table, number in rows.items():
        OUT.print(f"{arguments.out / table}.{arguments.format}: {counted(number, 'row')}", soft_wrap=True)
    OUT.print(f"{arguments.out / 'README.md'} says what they are", soft_wrap=True)


def add_to(commands: options.Commands) -> None:
    """Add the command."""
    command = options.add_command(commands, export, DETAILS)
    options.folder(command)
    command.add_argument("out", metavar="OUT", type=options.path, help="a folder that is not there, or is empty")
    command.add_argument("--format", default="parquet", help="parquet (default), csv or jsonl (JSON lines)")
    command.add_argument("--license", metavar="NAME", help="of the data, such as CC-BY-4.0 (default: none is named)")
    command.add_argument("--logs", action="store_true", help="with the logs of the jobs, which name paths of machines")
