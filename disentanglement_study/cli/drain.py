"""The console command `drain`: what a machine of a cluster runs that is about to go."""

import argparse
import time
from typing import Annotated

from annotated_types import Ge

from disentanglement_study.cli import options
from disentanglement_study.errors import Failed
from disentanglement_study.runtime.terminal import ERR, OUT
from disentanglement_study.runtime.words import counted

DETAILS = """\
Run it on a node of a Ray cluster that will be stopped, as the user who started Ray there: in a preStop hook, in a
script that is told of a spot instance's end, before maintenance. The node gets no more jobs. Jobs that train write a
checkpoint and end, and other nodes continue them: nothing is trained twice, and it counts as no failure. Jobs that are
being scored are scored again elsewhere. Ray does not take a drained node back: if the machine stays, `ray stop` and
`ray start --address HOST:PORT` make it a new node. Half of the time is for Ray to answer, the rest for the jobs.

On a machine in several clusters, the command drains the cluster that was started last, and ends all jobs of the user;
with --address it drains that cluster, and ends its jobs alone. The output names the cluster and the node.

examples:
  disentanglement-study drain --seconds 90
      Empty this node within 90 seconds.
  disentanglement-study drain --address 10.0.0.1:6379
      Empty it for one of several clusters.
"""


def drain(arguments: argparse.Namespace) -> None:
    """Empty this node of a cluster before it is stopped.

    Its jobs write checkpoints, and other nodes continue them.
    """
    from disentanglement_study.study.dispatch import cluster
    from disentanglement_study.study.dispatch import drain as draining

    cluster.check_given(arguments.address)
    until = time.monotonic() + arguments.seconds
    patience = max(arguments.seconds // 2, 1)  # the other half is for the jobs
    if ERR.is_terminal:
        ERR.print(f"asking Ray to give this node no more jobs, for at most {patience} s", soft_wrap=True)
    closed = draining.close_node(patience, arguments.address)
    of = (closed.cluster or arguments.address) if arguments.address else ""
    there = len(draining.jobs(of))
    where = f"this node ({closed.node} of the cluster at {closed.cluster})" if closed.node else "this node"
    if closed.why:
        if not there:
            raise ValueError(f"there is nothing to drain: {closed.why}")
        OUT.print(f"{where} may get more jobs: {closed.why}", soft_wrap=True)
    if left := draining.end_jobs(max(until - time.monotonic(), 0), of):
        had = f"{len(left)} of {counted(there, 'job')} had not ended after {arguments.seconds} s (process {left[0]})"
        raise Failed(had)
    OUT.print(f"{counted(there, 'job')} ended here and {'goes' if there == 1 else 'go'} on elsewhere")
    if not closed.why:
        back = "if the machine stays, `ray stop` and `ray start` bring it back"
        OUT.print(f"Ray gives {where} no more jobs; {back}", soft_wrap=True)


def add_to(commands: options.Commands) -> None:
    """Add the command."""
    command = options.add_command(commands, drain, DETAILS)
    seconds = options.whole(Annotated[int, Ge(1)])
    command.add_argument("--address", metavar="HOST:PORT", help="the cluster to drain, on a machine in several")
    command.add_argument(
        "--seconds", metavar="S", type=seconds, default=60, help="how long the node has left (default 60)"
    )
