"""The console command `disentanglement-study unmix`: sources, mixture and codes of trained models in pictures."""

import argparse

from disentanglement_study.cli import options
from disentanglement_study.runtime.terminal import OUT

DETAILS = """\
written for each data set with real-valued sources: a PDF, a PNG and a CSV file, the points.
A column for the sources, for what is observed, and for each model: above the first two of them against each other,
below each against its source, with the correlation. Codes are assigned to sources as MCC assigns them. The colour is
the direction of the two sources: where it runs as it does among the sources, they are found.

Without RUN_ID, of each method at each of its settings the restart of the lowest training loss, on the first draw of the
data. Six models stand in one picture; more are drawn in further ones.

examples:
  disentanglement-study unmix studies/nonlinear_ica_quick
  disentanglement-study unmix studies/nonlinear_ica_quick --where "method in ['pcl', 'fast_ica']"
  disentanglement-study unmix studies/nonlinear_ica_quick 3f2a 07bc       two models, side by side
"""


def unmix(arguments: argparse.Namespace) -> None:
    """Draw what methods of non-linear ICA make of mixed sources: points of sources, mixture and codes."""
    from disentanglement_study import store
    from disentanglement_study.pictures import unmix as drawing

    root = store.open(arguments.dir).root
    paths = drawing.unmix(root, arguments.run_id, arguments.where, arguments.output, arguments.seed, arguments.data_dir)
    for path in paths:
        OUT.print(str(path), soft_wrap=True)


def add_to(commands: options.Commands) -> None:
    """Add the command."""
    command = options.add_command(commands, unmix, DETAILS)
    options.models(command, "unmixing")
    options.seed(command, "of the points that are drawn")
    options.data_dir(command)
