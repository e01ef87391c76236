"""The console command `disentanglement-study compare`: trained models side by side in pictures."""

import argparse
from typing import Annotated

from annotated_types import Ge

from disentanglement_study.cli import options

POINTS = 20_000  # as `pictures.compare` has it, which takes seconds to import
DETAILS = """\
The folder gets, for each data set of images:
  traversals_DATA_SET.png              for each model its five most informative latents, from -2 to 2, around the code
                                       of the same image; a model without a decoder is named in a message
  reconstructions_DATA_SET.png         images, and below them what each model makes of their codes
  responses_DATA_SET_RUN_ID.png .pdf   for each model a row for each latent, ten at most: its mean code at each
                                       position, and against the values of every other factor, a line for each shape
  responses_DATA_SET_RUN_ID.csv        these means, a row each

Without --output each model's responses.png, and traversals_0.png if it has a decoder, are copied to
DIR/traversals/RUN_ID, where `disentanglement-study report` shows them. Latents are named z0, z1, ...: those with the
highest KL divergence from the prior (in nats) come first, or, without a posterior, those of the largest standard
deviation. "var" is the variance of the posterior, mean over images: near 1 where a latent carries no information.

Without RUN_ID, the restart of the lowest training loss is drawn for each method at each of its settings. At most 40
models.

examples:
  disentanglement-study compare studies/quick
      Draw the best restart of each method and setting.
  disentanglement-study compare studies/quick --where "strength_name == '' or strength == 4"
      Draw only the models of one strength.
  disentanglement-study compare studies/quick 3f2a 07bc --output pictures
      Draw two models side by side.
"""


def compare(arguments: argparse.Namespace) -> None:
    """Draw trained models side by side, and how latents respond.

    The pictures are traversals, reconstructions, and the mean code against each factor.
    """
    from disentanglement_study import store
    from disentanglement_study.cli import display

    with display.working("importing JAX"):
        from disentanglement_study.pictures import compare as drawing

    root = store.open(arguments.dir).root
    chosen = arguments.run_id, arguments.where, arguments.output, arguments.points, arguments.seed, arguments.data_dir
    display.lines(lambda begins: map(str, drawing.compare(root, *chosen, begins)))


def add_to(commands: options.Commands) -> None:
    """Add the command."""
    command = options.add_command(commands, compare, DETAILS)
    options.models(command, "comparison")
    number = options.whole(Annotated[int, Ge(1)])
    said = f"images to average over, or all if there are fewer (default {POINTS:,})"
    command.add_argument("--points", metavar="N", type=number, default=POINTS, help=said)
    options.seed(command, "of the images that are drawn")
    options.data_dir(command)
