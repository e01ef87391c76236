"""The console command `disentanglement-study compare`: trained models side by side in pictures."""

import argparse
from typing import Annotated

from annotated_types import Ge

from disentanglement_study.cli import options
from disentanglement_study.runtime.terminal import OUT

POINTS = 20_000  # as `pictures.compare` has it, which takes seconds to import
DETAILS = """\
written into the folder, for each data set of images:
  traversals_DATA_SET.png              of each model its five most informative latents, from -2 to 2, around the code
                                       of the same image; a model that does not decode is named with a line
  reconstructions_DATA_SET.png         images, and below them what each model makes of their codes
  responses_DATA_SET_RUN_ID.png .pdf   of each model a row for each latent, ten at most: its mean code at each position,
                                       and against the values of every other factor, a line for each shape
  responses_DATA_SET_RUN_ID.csv        these means, a row each

Without --output each model's responses.png, and traversals_0.png if it decodes, are copied to DIR/traversals/RUN_ID:
`disentanglement-study report` shows them. Latents are z0, z1, ...: those with the highest KL divergence from the prior
(in nats) come first, or where there is no posterior those of the largest standard deviation. "var" is the variance of
the posterior, mean over images: near 1 where a latent says nothing.

Without RUN_ID, of each method at each of its settings the restart of the lowest training loss. At most 40 models.

examples:
  disentanglement-study compare studies/quick
  disentanglement-study compare studies/quick --where "strength_name == '' or strength == 4"
  disentanglement-study compare studies/quick 3f2a 07bc --output pictures       two models, side by side
"""


def compare(arguments: argparse.Namespace) -> None:
    """Draw trained models side by side: traversals, reconstructions, how latents respond to the factors."""
    from disentanglement_study import store
    from disentanglement_study.pictures import compare as drawing

    root = store.open(arguments.dir).root
    chosen = arguments.run_id, arguments.where
    for path in drawing.compare(root, *chosen, arguments.output, arguments.points, arguments.seed, arguments.data_dir):
        OUT.print(str(path), soft_wrap=True)


def add_to(commands: options.Commands) -> None:
    """Add the command."""
    command = options.add_command(commands, compare, DETAILS)
    options.models(command, "comparison")
    number = options.whole(Annotated[int, Ge(1)])
    said = f"images that means are of, or all if there are fewer (default {POINTS:,})"
    command.add_argument("--points", metavar="N", type=number, default=POINTS, help=said)
    options.seed(command, "of the images that are drawn")
    options.data_dir(command)
