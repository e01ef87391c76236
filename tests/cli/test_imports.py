"""What a command does not import: it would keep the user waiting for its first output."""

import json
import subprocess
import sys

import pytest

from disentanglement_study.runtime import terminal

PROGRAM = """
import contextlib, io, json, sys
from disentanglement_study import cli
said = io.StringIO()
with contextlib.redirect_stdout(said), contextlib.suppress(SystemExit):
    code = cli.main(sys.argv[1:])
    assert code == 0, code
assert said.getvalue()
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""
HEAVY = {"jax", "flax", "ray", "matplotlib", "sklearn", "plotly", "scipy", "numba"}
TABLES = {"pandas", "pyarrow", "duckdb"}


def imported(*command: str) -> set[str]:
    """The packages that a process has imported once it has done this command, and said something."""
    done = subprocess.run([sys.executable, "-c", PROGRAM, *command], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("command", [["--help"], ["run", "--help"], ["data", "list", "--help"]], ids=" ".join)
def test_help_imports_nothing_heavy(command):
    assert not imported(*command) & (HEAVY | TABLES | {"numpy"})


def test_a_list_of_data_sets_needs_no_pandas(tmp_path):
    assert not imported("data", "list", "--data-dir", str(tmp_path)) & (HEAVY | TABLES)
    assert not imported("data", "info", "laplace_pairs") & (HEAVY | TABLES)


def test_a_look_at_a_study_imports_neither_jax_nor_what_draws(finished_study):
    for command in ("status", "logs"):
        assert not imported(command, str(finished_study)) & (HEAVY | {"duckdb"})
    assert not imported("query", str(finished_study), "SELECT 1") & HEAVY


def test_status_names_the_study_before_it_imports_pandas(finished_study, tmp_path):
    (tmp_path / "pandas.py").write_text("raise SystemExit('too early')")
    program = "import sys; sys.path.insert(0, sys.argv.pop(1)); from disentanglement_study import cli; cli.main()"
    command = [sys.executable, "-c", program, str(tmp_path), "status", str(finished_study)]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout == f"{finished_study}\n"
    assert "too early" in done.stderr


def test_what_keeps_the_user_waiting_says_so_at_once(monkeypatch, capsys):
    """On a terminal, and on stderr alone; not before a file or a pipe."""
    from disentanglement_study.cli import display

    said = []
    monkeypatch.setattr(terminal.Terminal, "status", lambda console, text: said.append(str(text)) or console)
    for is_terminal in (False, True):
        monkeypatch.setattr(terminal.Terminal, "is_terminal", is_terminal)
        monkeypatch.setattr(display, "is_animated", lambda console, animated=is_terminal: animated)
        with display.working("planning [red]"):
            pass
    assert said == ["planning [red]"]
    assert capsys.readouterr() == ("", "")
