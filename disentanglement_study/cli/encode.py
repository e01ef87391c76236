"""The console command `disentanglement-study encode`: the codes of trained models as files."""

import argparse
from typing import Annotated

from annotated_types import Ge

from disentanglement_study.cli import options

DETAILS = """\
Each model gets a file RUN_ID.npz, which replaces one of this name. It holds codes [N, D] (posterior means), logvar
[N, D] if there is a posterior, index [N] (the image or point of the data set of each row), and, if the truth is known,
factors [N, F] and factor_names. For real-valued sources factors are what the method identifies, s, |s| or s^2; target
names it. `disentanglement-study evaluate` reads such files; its points differ from those of the study.

Without RUN_ID, the restart of the lowest training loss is encoded for each method at each of its strengths, on the
first draw of the data.

examples:
  disentanglement-study encode studies/quick 3f2a
      Encode with the run whose id begins with 3f2a.
  disentanglement-study encode studies/quick 3f2a --points 10000 --output codes
      Encode 10,000 points, and write to another folder.
  disentanglement-study encode studies/mine --where "method == 'pcl'"
      Encode with the best restart of one method.
"""


def encode(arguments: argparse.Namespace) -> None:
    """Write the codes of trained models as npz files."""
    from disentanglement_study import store
    from disentanglement_study.cli import display

    with display.working("importing JAX"):
        from disentanglement_study.pictures import encode as encoding

    root = store.open(arguments.dir).root
    chosen = arguments.run_id, arguments.where, arguments.output, arguments.points, arguments.seed, arguments.data_dir
    display.lines(lambda begins: (f"{path}: {run}" for run, path in encoding.encode(root, *chosen, begins)))


def add_to(commands: options.Commands) -> None:
    """Add the command."""
    command = options.add_command(commands, encode, DETAILS)
    options.models(command, "codes")
    number = options.whole(Annotated[int, Ge(1)])
    command.add_argument("--points", metavar="N", type=number, help="draw N points at random (default: all)")
    options.seed(command, "of the points that are drawn")
    options.data_dir(command)
