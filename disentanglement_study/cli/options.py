"""How a command is added to the program, and the arguments that several commands have."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any

from disentanglement_study.config.declared import check, words
from disentanglement_study.config.sections import Seed

Commands = argparse._SubParsersAction
EXIT_CODES = """\
exit codes: 0: all done. 2: bad input, or a file that cannot be read or written; one line says which. 3: run, quick,
evaluate: some or all runs failed, or a metric failed for every model (of a file: a metric failed); the list is printed,
and a model that diverged counts as done. 130: stopped by Ctrl-C or SIGTERM; the same command goes on from there.
"""


def add_command(
    commands: Commands, function: Callable[[argparse.Namespace], None], details: str | None = None
) -> argparse.ArgumentParser:
    """The command that runs `function`, of its name; its help is the docstring and these details, or the exit codes."""
    text = function.__doc__
    command = commands.add_parser(
        function.__name__.strip("_"),
        help=text,
        description=text,
        epilog=EXIT_CODES if details is None else details,
        formatter_class=argparse.RawDescriptionHelpFormatter if details else argparse.HelpFormatter,
    )
    command.set_defaults(function=function, command=command)
    return command


def sweep_argument(command: argparse.ArgumentParser) -> None:
    command.add_argument("sweep", metavar="SWEEP", help="a gin file, or the name of one in sweeps/ (see: list sweeps)")


def path(text: str) -> Path:
    """A path that is not empty: an empty one would be the folder that one is in."""
    if not text:
        raise argparse.ArgumentTypeError("the folder's name is empty")
    return Path(text)


def folder(command: argparse.ArgumentParser) -> None:
    command.add_argument("dir", metavar="DIR", type=path, help="the study's folder")


def quick_folder(command: argparse.ArgumentParser) -> None:
    default = Path("studies/quick")
    command.add_argument("dir", metavar="DIR", type=path, nargs="?", default=default, help=f"default: {default}")


def sweep_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--gin",
        metavar="BINDING",
        action="append",
        default=[],
        help='over the file, such as "train.steps = 1000" or "mig.num_bins = 50"',
    )
    where(command)


def where(command: argparse.ArgumentParser) -> None:
    command.add_argument("--where", metavar="EXPRESSION", help='only these runs, such as "seed < 5 and strength > 1"')


def models(command: argparse.ArgumentParser, written: str) -> None:
    """A study, which of its models (`pictures.chosen`), and where what is made of them goes: DIR/`written`."""
    folder(command)
    command.add_argument("run_id", metavar="RUN_ID", nargs="*", help="of a run that is done, or how it begins")
    where(command)
    command.add_argument("--output", metavar="FOLDER", type=path, help=f"default: DIR/{written}")


def whole(declared: Any) -> Callable[[str], int]:
    """What reads the number of an option, in the range of this annotation; argparse names the option in the error."""

    def read(text: str) -> int:
        try:
            return check("", int(text), declared)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{text[:50]}: expected {words(declared)}") from None

    return read


def seed(command: argparse._ActionsContainer, of: str, default: int | None = 0) -> None:
    """The option --seed; `of` says of what. Without a default of its own that of a study counts, 0 too."""
    command.add_argument("--seed", metavar="N", type=whole(Seed), default=default, help=f"{of} (default 0)")


def executor_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--executor", default="ray", help="ray (default) or inline: one job at a time, no Ray")
    command.add_argument("--address", help="a Ray cluster, such as auto; default: start Ray on this machine")


def site(arguments: argparse.Namespace):
    """What `executor_options` and `data_dir` were given."""
    from disentanglement_study.study.dispatch import Site

    return Site(arguments.executor, arguments.address, arguments.data_dir)


def data_dir(command: argparse.ArgumentParser) -> None:
    command.add_argument("--data-dir", metavar="DIR", type=path, help="where data sets are kept (default: user cache)")


def running_options(command: argparse.ArgumentParser) -> None:
    """Those of what trains models."""
    sweep_options(command)
    executor_options(command)
    data_dir(command)
