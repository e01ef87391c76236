"""Escape codes: on a terminal that takes them, and nowhere else."""

import os
import subprocess
import sys
import termios

import pytest
from report_study import make_study

ESC = b"\x1b"
# What a user's shell has, whatever the machine of the tests has.
UNSET = ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE", "COLUMNS", "LINES")


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return make_study(tmp_path_factory.mktemp("colour") / "study").root


def in_terminal(*command: str, columns: int = 80, **variables: str) -> bytes:
    """All that a command writes into a terminal, of stdout and stderr."""
    ours, its = os.openpty()
    termios.tcsetwinsize(its, (24, columns))
    place = {name: value for name, value in os.environ.items() if name not in UNSET}
    program = [sys.executable, "-m", "disentanglement_study", *map(str, command)]
    with subprocess.Popen(program, stdout=its, stderr=its, env={**place, "TERM": "xterm", **variables}):
        os.close(its)
        said = b""
        try:
            while more := os.read(ours, 65536):
                said += more
        except OSError:  # the process has ended
            pass
    os.close(ours)
    assert said
    return said


COMMANDS = {
    "status": "",  # the head of a table
    "query": "",  # headings
    "tables": "--json",  # a bar, on stderr
    "reproduce": "no-such-run",  # an error
}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_terminal_has_them_unless_it_or_the_user_says_no(name, study):
    command = [name, study, *COMMANDS[name].split()]
    assert ESC in in_terminal(*command)
    assert ESC not in in_terminal(*command, NO_COLOR="1")
    assert ESC not in in_terminal(*command, TERM="dumb")


def test_an_empty_no_color_is_none(study):
    assert ESC in in_terminal("status", study, NO_COLOR="")


@pytest.mark.parametrize("name", COMMANDS)
def test_a_pipe_has_none(name, study):
    place = {name: value for name, value in os.environ.items() if name not in UNSET} | {"TERM": "xterm"}
    program = [sys.executable, "-m", "disentanglement_study", name, str(study), *COMMANDS[name].split()]
    done = subprocess.run(program, env=place, capture_output=True)
    assert done.stdout + done.stderr
    assert ESC not in done.stdout + done.stderr


def test_without_colour_what_takes_seconds_is_still_said(study):
    said = in_terminal("plan", "quick", "--where", "seed == 7", NO_COLOR="1").decode()
    assert said.startswith("planning quick")
    assert "error: " in said


def test_a_wide_terminal_without_colour_is_as_wide(study):
    """NO_COLOR is no dumb terminal of 80 columns."""
    wide = in_terminal("query", study, "SELECT run_id, run_id || run_id || run_id || run_id AS long FROM runs LIMIT 1",
                       columns=150, NO_COLOR="1")  # fmt: skip
    assert b"-- row 1 --" not in wide
