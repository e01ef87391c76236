"""The console command `disentanglement-study unmix`: sources, mixture and codes of trained models in pictures."""

import argparse

from disentanglement_study.cli import options

DETAILS = """\
Each data set with real-valued sources gets a PDF, a PNG, and a CSV file of the points. A column shows the sources, what
is observed, or the codes of a model: above, the first two against each other; below, each against its source, with the
correlation. Codes are assigned to sources as MCC assigns them. The colour is the direction of the two sources: they are
found where the colours run as they do among the sources.

Without RUN_ID, the restart of the lowest training loss is drawn for each method at each of its settings, on the first
draw of the data. A picture holds six models; further models get further pictures.

examples:
  disentanglement-study unmix studies/nonlinear_ica_quick
      Draw the best restart of each method.
  disentanglement-study unmix studies/nonlinear_ica_quick --where "method in ['pcl', 'fast_ica']"
      Draw two methods.
  disentanglement-study unmix studies/nonlinear_ica_quick 3f2a 07bc
      Draw two models side by side.
"""


def unmix(arguments: argparse.Namespace) -> None:
    """Draw sources, mixtures and codes of non-linear ICA."""
    from disentanglement_study import store
    from disentanglement_study.cli import display

    with display.working("importing JAX"):
        from disentanglement_study.pictures import unmix as drawing

    root = store.open(arguments.dir).root
    chosen = arguments.run_id, arguments.where, arguments.output, arguments.seed, arguments.data_dir
    display.lines(lambda begins: map(str, drawing.unmix(root, *chosen, begins)))


def add_to(commands: options.Commands) -> None:
    """Add the command."""
    command = options.add_command(commands, unmix, DETAILS)
    options.models(command, "unmixing")
    options.seed(command, "of the points that are drawn")
    options.data_dir(command)
