"""The console command `disentanglement-study import`: a study of results that another program has."""

import argparse

from disentanglement_study.cli import options
from disentanglement_study.runtime.terminal import ERR, OUT

DETAILS = """\
PATH is a folder of disentanglement_lib's output, with results/aggregate/*.json for each model, representation and
metric, or the JSON file that its dlib_aggregate_results makes of them. Then query, tables, figures, report, export and
status work on DIR; `tables DIR --beside OTHER` and `figures DIR --beside OTHER` compare it with another study, model
for model. Models of the study of 12,600 have their number in the column dlib_model_num. Scores that we do not have keep
their names.

exit codes: 2: no model could be imported, or DIR holds something else. 3: some results could not be understood; they
are named, and the others are imported.

examples:
  disentanglement-study import disentanglement_lib output/unsupervised_study_v1 studies/published
      Import a folder of its results.
  disentanglement-study import disentanglement_lib results.json studies/published
      Import the file that it aggregates them into.
"""


def import_(arguments: argparse.Namespace) -> None:
    """Make a study of the results of disentanglement_lib."""
    from disentanglement_study.cli import display
    from disentanglement_study.study.foreign import disentanglement_lib

    with display.counted(ERR) as bar:
        imported = disentanglement_lib.import_results(
            arguments.path, arguments.dir, lambda name, total: bar("reading", total),
            lambda name, total: bar("writing", total),
        )  # fmt: skip
    for line in imported.lines:
        OUT.print(line, soft_wrap=True)


def add_to(commands: options.Commands) -> None:
    """Add the command."""
    command = options.add_command(commands, import_, DETAILS)
    command.add_argument("kind", metavar="PROGRAM", choices=["disentanglement_lib"], help="disentanglement_lib")
    command.add_argument(
        "path", metavar="PATH", type=options.path, help="a folder of its results, or the JSON file of all of them"
    )
    options.folder(command)
