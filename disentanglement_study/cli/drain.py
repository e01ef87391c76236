"""The console command `drain`: what a machine of a cluster runs that is about to go."""

import argparse
from typing import Annotated

from annotated_types import Ge

from disentanglement_study.cli import options
from disentanglement_study.errors import Failed
from disentanglement_study.runtime.terminal import OUT

DETAILS = """\
Run it on a node of a Ray cluster, as the user who started Ray there, when the node will be stopped: in a preStop hook,
in a script that is told of a spot instance's end, before maintenance. The node gets no more jobs. Those that train make
a checkpoint and end, and other nodes go on with them: nothing is trained twice, and it is no failure of theirs. Those
that are scored begin that again elsewhere. Ray takes no node back that was drained: if the machine stays, `ray stop`
and `ray start --address HOST:PORT` there make it a new one.

example:
  disentanglement-study drain --seconds 90
"""


def drain(arguments: argparse.Namespace) -> None:
    """Empty this node of a cluster: its jobs make checkpoints, and go on elsewhere."""
    from disentanglement_study.study.dispatch import drain as draining

    there = len(draining.jobs())
    if why := draining.close_node(arguments.seconds):
        if not there:
            raise ValueError(f"there is nothing to drain: {why}")
        OUT.print(f"this node may get more jobs: {why}", soft_wrap=True)
    if left := draining.end_jobs(arguments.seconds):
        raise Failed(f"{len(left)} of {there} jobs had not ended after {arguments.seconds} s (process {left[0]})")
    OUT.print(f"{there} {'job' if there == 1 else 'jobs'} ended here and {'goes' if there == 1 else 'go'} on elsewhere")
    if not why:
        back = "if the machine stays, it comes back by `ray stop` and `ray start`"
        OUT.print(f"Ray gives this node no jobs any more; {back}", soft_wrap=True)


def add_to(commands: options.Commands) -> None:
    """Add the command."""
    command = options.add_command(commands, drain, DETAILS)
    seconds = options.whole(Annotated[int, Ge(1)])
    command.add_argument("--seconds", metavar="S", type=seconds, default=60, help="wait at most so long (default 60)")
