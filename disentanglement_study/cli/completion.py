"""The console command `completion`: the shell completes commands, options, sweeps, studies, runs, metrics, ..."""

import argparse
from collections.abc import Callable, Iterator
from typing import Any

from disentanglement_study.cli import completers, options
from disentanglement_study.runtime.terminal import OUT

SHELLS = ("bash", "zsh", "fish", "powershell")
DETAILS = """\
The shell reads the script at its start. Add the line of your shell to its start file:
  bash         ~/.bashrc                    eval "$(disentanglement-study completion bash)"
  zsh          ~/.zshrc, after compinit     eval "$(disentanglement-study completion zsh)"
  fish         ~/.config/fish/config.fish   disentanglement-study completion fish | source
  powershell   $PROFILE                     disentanglement-study completion powershell | Out-String | Invoke-Expression

Then the Tab key completes commands, options, sweeps, folders of studies, ids of runs and jobs, metrics and data sets.

examples:
  disentanglement-study completion bash
      Print the script for bash.
"""


def completion(arguments: argparse.Namespace) -> None:
    """Print the script that lets your shell complete commands."""
    import argcomplete

    OUT.file.write(argcomplete.shellcode(["disentanglement-study"], shell=arguments.shell))


def complete(parser: argparse.ArgumentParser) -> None:
    """Answers the shell that asks how a command line may go on, and ends the process."""
    import argcomplete

    for place, action in _actions(parser, ""):
        name = place if place in completers.COMPLETERS else action.dest
        if name in completers.COMPLETERS and not hasattr(action, "completer"):
            setattr(action, "completer", _quiet(completers.COMPLETERS[name]))  # noqa: B010 (argcomplete reads it)
    argcomplete.autocomplete(parser, always_complete_options=False)


def _actions(parser: argparse.ArgumentParser, name: str) -> Iterator[tuple[str, argparse.Action]]:
    """Every argument of every command, by its whole name: "data info name"."""
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below, inner in action.choices.items():
                yield from _actions(inner, f"{name} {below}".strip())
        else:
            yield f"{name} {action.dest}".strip(), action


def _quiet(completer: completers.Completer) -> Callable[..., list[str]]:
    """A completer that has no answer where it fails: an error would be drawn into the line that the user types."""

    def answers(prefix: str, parsed_args: argparse.Namespace, **others: Any) -> list[str]:
        try:
            return [*completer(prefix, parsed_args)]
        except Exception:
            return []

    return answers


def add_to(commands: options.Commands) -> None:
    """Add the command."""
    command = options.add_command(commands, completion, DETAILS)
    command.add_argument("shell", metavar="SHELL", choices=SHELLS, help=f"{', '.join(SHELLS[:-1])} or {SHELLS[-1]}")
