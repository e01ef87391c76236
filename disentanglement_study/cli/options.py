"""How a command is added to the program, and the arguments that several commands have."""

import argparse
import inspect
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from disentanglement_study.config.declared import check, words
from disentanglement_study.config.sections import Seed

if TYPE_CHECKING:
    from disentanglement_study.study.dispatch import Site

Commands = argparse._SubParsersAction
EXIT_CODES = """\
exit codes: 0: all done. 2: bad input, or a file that cannot be read or written; one line names it. 3: runs failed, or a
metric failed for every model (of a file: a metric failed); the failures are printed, and a model that diverged counts
as done. 130: stopped by Ctrl-C or SIGTERM; the same command continues from there.

"""


def add_command(
    commands: Commands, function: Callable[[argparse.Namespace], None], details: str = ""
) -> argparse.ArgumentParser:
    """The command that runs `function`, of its name. Its docstring and these details are its help; the first line of
    the docstring is what the list of commands says of it."""
    text = inspect.getdoc(function) or ""
    summary = text.partition("\n")[0]
    name = function.__name__.strip("_")
    command = commands.add_parser(name, help=summary, description=text, epilog=details)
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
    said = f"the study's folder (default: {default})"
    command.add_argument("dir", metavar="DIR", type=path, nargs="?", default=default, help=said)


def sweep_options(command: argparse.ArgumentParser) -> None:
    group = command.add_argument_group("what runs")
    setting = 'a setting in place of the file\'s, such as "train.steps = 1000" or "mig.num_bins = 50"; may be repeated'
    group.add_argument("--gin", metavar="BINDING", action="append", default=[], help=setting)
    where(group)


def where(command: argparse._ActionsContainer) -> None:
    command.add_argument("--where", metavar="EXPRESSION", help='only these runs, such as "seed < 5 and strength > 1"')


def models(command: argparse.ArgumentParser, written: str) -> None:
    """A study, which of its models (`pictures.chosen`), and the folder that gets the results: DIR/`written`."""
    folder(command)
    command.add_argument("run_id", metavar="RUN_ID", nargs="*", help="the id of a run that is done, or its beginning")
    where(command)
    said = f"the folder that is written (default: DIR/{written})"
    command.add_argument("--output", metavar="FOLDER", type=path, help=said)


def json_option(command: argparse._ActionsContainer) -> None:
    command.add_argument("--json", action="store_true", help="print JSON, for scripts")


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
    command.add_argument("--seed", metavar="N", type=whole(Seed), default=default, help=f"the seed {of} (default 0)")


def place_options(command: argparse.ArgumentParser, executor: str = "ray") -> None:
    """Where models are trained or scored; `executor` is the default."""
    group = command.add_argument_group("where it runs")
    kinds = f"ray, or inline: one job at a time, without Ray (default: {executor})"
    group.add_argument("--executor", metavar="NAME", default=executor, help=kinds)
    address = "a Ray cluster, such as auto (default: start Ray on this machine)"
    group.add_argument("--address", metavar="ADDRESS", help=address)
    data_dir(group)


def site(arguments: argparse.Namespace) -> "Site":
    """What `place_options` were given."""
    from disentanglement_study.study.dispatch import Site

    return Site(arguments.executor, arguments.address, arguments.data_dir)


def data_dir(command: argparse._ActionsContainer) -> None:
    command.add_argument("--data-dir", metavar="DIR", type=path, help="where data sets are kept (default: user cache)")


def running_options(command: argparse.ArgumentParser) -> None:
    """The options of commands that train a sweep."""
    sweep_options(command)
    place_options(command)
