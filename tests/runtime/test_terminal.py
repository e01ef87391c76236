"""What is printed is text: neither markup nor a terminal's commands."""

import io

import pandas as pd
import pytest
from rich.console import Console

from disentanglement_study.cli import display
from disentanglement_study.runtime.terminal import OUT, Terminal, printable
from disentanglement_study.store import Store
from disentanglement_study.study.watch import Watch
from disentanglement_study.types import Job, Run

HOSTILE = "[/red] [bold]x[/bold] a[1] :smile: \x1b[2J\x1b]0;title\x07 \x9b31m"
SHOWN = "[/red] [bold]x[/bold] a[1] :smile: \\x1b[2J\\x1b]0;title\\x07 \\x9b31m"


def test_control_characters_are_written_out_and_lines_stay():
    assert printable(HOSTILE) == SHOWN
    assert printable("a\tb\nc é ü 中") == "a\tb\nc é ü 中"
    assert printable("\r\x7f") == "\\x0d\\x7f"


def printed(*objects, console=None, **options):
    console = console or Terminal()
    file = console.file = io.StringIO()
    console.print(*objects, **options)
    return file.getvalue()


def test_a_terminal_shows_a_text_as_it_is():
    assert printed(HOSTILE, soft_wrap=True) == SHOWN + "\n"
    assert printed(HOSTILE, style="red", markup=False, soft_wrap=True) == SHOWN + "\n"


@pytest.mark.parametrize("console", [Terminal, Console], ids=["terminal", "rich"])
def test_cells_and_headers_of_a_table_are_text(console):
    frame = pd.DataFrame({"[/x]": [HOSTILE], "n": [1]})
    shown = printed(display.Fitted(frame), console=console(), width=200)
    assert "[/x]" in shown
    assert SHOWN in shown


def test_a_failed_jobs_reason_is_text(tmp_path):
    run = Run("0123456789ab", "[/dsprites]", "beta_vae", {"beta": 1.0}, 0, "dlib")
    job = Job("ba9876543210", (run,))
    console = Terminal()
    file = console.file = io.StringIO()
    Watch(console, Store(tmp_path), 1).job_ended(job, RuntimeError(HOSTILE), seconds={})
    assert f"failed: beta_vae on [/dsprites], 1 run: {SHOWN}" in file.getvalue()


def test_the_commands_print_on_a_terminal():
    assert isinstance(OUT, Terminal)


def test_lists_structs_and_maps_are_cells():
    frame = pd.DataFrame({"l": [[1, 2]], "s": [{"a": 1}], "none": [None], "nan": [float("nan")]})
    row = printed(display.Fitted(frame), width=100).splitlines()[1].split("  ")
    assert [cell.strip() for cell in row if cell.strip()] == ["[1, 2]", "{'a': 1}", "-", "-"]
