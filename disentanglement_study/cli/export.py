"""The console command `disentanglement-study export`: the results of a study as files for others."""

import argparse
import functools

from disentanglement_study import store
from disentanglement_study.cli import options
from disentanglement_study.runtime.terminal import ERR, OUT
from disentanglement_study.runtime.words import counted

DETAILS = """\
The new folder OUT appears whole or not at all. It holds a file for each table: results (a row for each score, with the
bindings of its run), runs, jobs (time, device, machine, commit), curves, and rescored if something was rescored;
study.gin, the settings, and operative/JOB_ID.gin, all that a job used, defaults included; columns.csv, what each column
holds; datapackage.json, all of that for programs (Frictionless), with the SHA-256 of each table; and README.md: how the
study was made, how to load it (pandas, R, DuckDB) and how to cite it. The table jobs says why a job failed. The logs of
jobs name paths of your machines: they are copied to logs/JOB_ID.log only with --logs.

examples:
  disentanglement-study export studies/quick quick_results
      Write the tables as Parquet.
  disentanglement-study export studies/quick quick_results --format csv --license CC-BY-4.0
      Write them as CSV, and name a licence.
"""


def export(arguments: argparse.Namespace) -> None:
    """Write the results of a study as documented files for others."""
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
    command.add_argument("out", metavar="OUT", type=options.path, help="a folder that does not exist, or is empty")
    command.add_argument("--format", default="parquet", help="parquet (default), csv or jsonl (JSON lines)")
    command.add_argument("--license", metavar="NAME", help="the licence of the data, such as CC-BY-4.0 (default: none)")
    command.add_argument("--logs", action="store_true", help="copy the logs of jobs too, which name your paths")
