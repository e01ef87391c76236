"""The console command `disentanglement-study`. Bad input is one line on stderr and exit code 2."""

import argparse
import gc
import os
import sys

from disentanglement_study import __version__
from disentanglement_study.cli import (
    analysis,
    catalogue,
    change,
    compare,
    completion,
    data,
    doctor,
    drain,
    encode,
    export,
    import_results,
    logs,
    options,
    results,
    status,
    study,
    traverse,
    unmix,
)
from disentanglement_study.cli.parsing import Parser
from disentanglement_study.errors import Failed
from disentanglement_study.runtime.signals import interruptible
from disentanglement_study.runtime.terminal import ERR

BAD_INPUT, FAILED, INTERRUPTED = 2, 3, 130

# The commands as the help lists them, by what people do.
GROUPS = {
    "plan and run": ("plan", "run", "quick", "retry", "merge"),
    "look": ("list", "explain", "status", "logs", "report"),
    "results": ("query", "tables", "figures", "export", "import", "evaluate", "reproduce"),
    "models": ("traverse", "compare", "unmix", "encode"),
    "data": ("data",),
    "machines": ("doctor", "drain", "completion"),
}
EXAMPLES = """\
examples:
  disentanglement-study plan locatello2019             what a sweep holds and what it costs
  disentanglement-study run quick studies/quick        train and score a sweep here
  disentanglement-study status studies/quick --watch   how far it is, and when it ends
  disentanglement-study tables studies/quick           what came out
  disentanglement-study figures studies/quick --paper locatello2019
  disentanglement-study evaluate codes.npz             score codes of your own

SWEEP is a gin file, or the name of one in sweeps/. DIR is a study's folder. What is done is not done again. COMMAND
--help has examples and exit codes.
"""
PARTS = (
    study,
    status,
    change,
    results,
    export,
    import_results,
    analysis,
    traverse,
    compare,
    unmix,
    encode,
    data,
    catalogue,
    doctor,
    logs,
    drain,
    completion,
)


def parser() -> argparse.ArgumentParser:
    top = Parser(
        prog="disentanglement-study",
        description="Large reproducibility studies of disentangled representations.",
        usage="%(prog)s [-h] COMMAND ...",
    )
    top.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = top.add_subparsers(prog=top.prog, metavar="COMMAND", required=True, help=argparse.SUPPRESS)
    for part in PARTS:
        part.add_to(commands)
    top.epilog = f"{listing(commands)}\n{EXAMPLES}"
    return top


def listing(commands: options.Commands) -> str:
    """The commands in groups, a line each."""
    summaries = {name: command.description.partition("\n")[0] for name, command in commands.choices.items()}
    lines = []
    for group, names in GROUPS.items():
        lines += [f"{group}:", *(f"  {name:12}{summaries[name]}" for name in names if name in summaries)]
    return "\n".join(lines) + "\n"


def main(argv: list[str] | None = None) -> int:
    # What JAX traces is many small objects, and to look through them again and again was a quarter of planning.
    gc.set_threshold(50_000, 50, 50)
    top = parser()
    if "_ARGCOMPLETE" in os.environ:
        completion.complete(top)
    if not (sys.argv[1:] if argv is None else argv):
        top.print_help(sys.stderr)
        return BAD_INPUT
    arguments, others = top.parse_known_args(argv)
    if others:
        arguments.command.refuse(others)
    try:
        with interruptible(INTERRUPTED):
            arguments.function(arguments)
    except BrokenPipeError:  # who reads our output has seen enough, as `head` has
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # else Python complains when it ends
        return 0
    except (ValueError, OSError) as error:
        if os.environ.get("DISENTANGLEMENT_STUDY_TRACEBACK"):
            raise
        ERR.print(f"error: {_said(error)}", style="red", soft_wrap=True)
        return BAD_INPUT
    except Failed as error:
        ERR.print(str(error), style="red", soft_wrap=True)
        return FAILED
    except MemoryError as error:
        if os.environ.get("DISENTANGLEMENT_STUDY_TRACEBACK"):
            raise
        ERR.print(f"error: there is not enough memory: {_said(error)}", style="red", soft_wrap=True)
        return FAILED
    except KeyboardInterrupt:
        ERR.print("stopped; nothing finished is lost: the same command goes on from here")
        return INTERRUPTED
    return 0


def _said(error: ValueError | OSError | MemoryError) -> str:
    """The message of an error; one of the system begins with the name of the file."""
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return str(error).strip() or type(error).__name__


if __name__ == "__main__":
    sys.exit(main())
