"""The help of every command: short, with examples that work."""

import argparse
import re
import shlex
from pathlib import Path

import pytest

from disentanglement_study import __version__, cli, config
from disentanglement_study.cli import options
from disentanglement_study.cli.parsing import Parser

PROGRAM = "disentanglement-study"


def parsers(parser: argparse.ArgumentParser, name: str = "") -> dict[str, argparse.ArgumentParser]:
    """{name: parser} of every command, and of every command below it: "plan", "data list"."""
    found = {}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for below, inner in action.choices.items():
                found |= {f"{name} {below}".strip(): inner, **parsers(inner, f"{name} {below}".strip())}
    return found


COMMANDS = parsers(cli.parser())


def examples(text: str) -> list[list[str]]:
    """The arguments of every command line in the examples of a help."""
    _, heading, shown = text.rpartition("\nexamples")
    assert heading, text
    lines = re.findall(rf"^  {PROGRAM} (.*)$", shown, flags=re.MULTILINE)
    return [shlex.split(re.split(r"   ", line)[0]) for line in lines]


def test_the_version(capsys):
    with pytest.raises(SystemExit) as stop:
        cli.main(["--version"])
    assert stop.value.code == 0
    assert capsys.readouterr().out == f"{PROGRAM} {__version__}\n"


def test_all_commands_are_here():
    assert {"plan", "run", "status", "query", "data list", "drain"} <= COMMANDS.keys()


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_has_one_to_three_examples_and_says_what_each_does(name):
    text = COMMANDS[name].format_help()
    number = len(examples(text))
    assert 1 <= number <= 3
    shown = text[text.rindex("\nexamples") :].splitlines()[2:]
    commands = [place for place, line in enumerate(shown) if line.startswith(f"  {PROGRAM}")]
    for place in commands:  # beside the command or, as most are long, below it
        assert re.search(r"\S {2,}\S", shown[place]) or re.match(r" {6}[A-Z].*\.$", shown[place + 1])


@pytest.mark.parametrize("name", ["", *COMMANDS])
def test_the_examples_of_a_command_are_real(name):
    """The real parser takes them, and a sweep that they name is there."""
    shown = examples((COMMANDS[name] if name else cli.parser()).format_help())
    assert not name or any(arguments[: len(name.split())] == name.split() for arguments in shown)
    for arguments in shown:
        parsed = cli.parser().parse_args(arguments)
        if sweep := getattr(parsed, "sweep", None):
            assert config.find_sweep(sweep).is_file()


def test_the_help_of_all_commands_fits_a_screen(monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    lines = cli.parser().format_help().splitlines()
    assert len(lines) <= 50
    shown = lines[: lines.index("examples:")]
    assert max(map(len, shown)) <= 80
    assert 1 <= len(examples(cli.parser().format_help())) <= 6


def test_each_command_is_a_line_in_one_group_of_the_help():
    top = cli.parser().format_help()
    for name, command in COMMANDS.items():
        if " " not in name:
            summary = command.description.partition("\n")[0]
            assert re.findall(rf"^  {name} +(.*)$", top, flags=re.MULTILINE) == [summary]
            assert [name in names for names in cli.GROUPS.values()].count(True) == 1


@pytest.mark.parametrize("name", COMMANDS)
def test_prose_is_filled_to_the_width_of_the_terminal(name, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    for line in COMMANDS[name].format_help().splitlines():
        assert len(line) <= 60 or line.startswith(("  ", "usage: "))


def test_the_first_line_of_a_docstring_is_the_summary():
    commands = Parser().add_subparsers()

    def look_(arguments):
        """Look once.

        Then look again.
        """

    command = options.add_command(commands, look_, "examples:\n  disentanglement-study look\n      Look.")
    assert commands.choices == {"look": command}
    assert [action.help for action in commands._choices_actions] == ["Look once."]
    assert "Look once.\n\nThen look again." in command.format_help()


@pytest.mark.parametrize("name", ["run", "quick", "evaluate", "retry", "reproduce", "merge", "doctor", "import"])
def test_the_commands_that_may_fail_in_part_say_what_their_exit_codes_mean(name):
    text = " ".join(COMMANDS[name].format_help().split())
    assert "exit codes:" in text
    assert "2: " in text


def test_the_query_page_is_where_the_help_of_query_says():
    (page,) = re.findall(r"\((\S+\.md) has more\)", COMMANDS["query"].format_help())
    assert (Path(__file__).parents[2] / page).is_file()
