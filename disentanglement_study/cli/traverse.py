"""The console command `disentanglement-study traverse`: a trained model in pictures."""

import argparse

from disentanglement_study.cli import options
from disentanglement_study.runtime.terminal import ERR, OUT

DETAILS = """\
The folder gets:
  reconstructions.png             64 images, each beside its reconstruction (not of a model that only generates, as
                                  InfoGAN does)
  samples.png                     64 samples of the prior
  traversals_0.png ..._4.png      a row for each latent, from -2 to 2, around one of the first five images
  FAMILY.gif                      a column for each latent, a row for each of five images; 20 frames, 10 a second

Latents are named z0, z1, ...: those with the highest KL divergence from the prior (in nats) come first. "var" is the
variance of the posterior, mean over images: near 1 where a latent carries no information.

A family sets how far a latent is moved:
  std_gaussian_cycle       quantiles of the prior
  fitted_gaussian_cycle    quantiles of a Gaussian fitted to the codes
  fixed_interval_cycle     -2 to 2
  conf_interval_cycle      two standard deviations of that Gaussian on both sides
  minmax_interval_cycle    least to greatest mean code

examples:
  disentanglement-study traverse studies/quick 3f2a
      Draw the run whose id begins with 3f2a.
  disentanglement-study traverse studies/quick 3f2a --family conf_interval_cycle --output pictures
      Draw one family of animations, in another folder.
  disentanglement-study query studies/quick "SELECT run_id, value FROM results WHERE score = 'mig' ORDER BY value DESC"
      Find the run of the highest MIG.
"""


def traverse(arguments: argparse.Namespace) -> None:
    """Draw a trained model: traversals, reconstructions, samples."""
    from disentanglement_study import store
    from disentanglement_study.cli import display

    with display.working("importing JAX"):
        from disentanglement_study.pictures import traverse as drawing

    root = store.open(arguments.dir).root
    chosen = arguments.run_id, arguments.output, arguments.family, arguments.seed, arguments.data_dir
    with display.counted(ERR) as begins:
        run, paths = drawing.traverse(root, *chosen, begins)
    OUT.print(f"{run.run_id}: {run}", soft_wrap=True)
    for path in paths:
        OUT.print(str(path), soft_wrap=True)
    if not any(path.name == "reconstructions.png" for path in paths):
        OUT.print(f"no reconstructions.png: {run.method} generates images, and reconstructs none", soft_wrap=True)


def add_to(commands: options.Commands) -> None:
    """Add the command."""
    command = options.add_command(commands, traverse, DETAILS)
    options.folder(command)
    command.add_argument("run_id", metavar="RUN_ID", help="the id of a run that is done, or its beginning")
    command.add_argument(
        "--output",
        metavar="FOLDER",
        type=options.path,
        help="default: DIR/traversals/RUN_ID",
    )
    command.add_argument("--family", metavar="NAME", default="all", help="a family of animations (default: all)")
    options.seed(command, "of the images and samples that are drawn")
    options.data_dir(command)
