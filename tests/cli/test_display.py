"""Tables on terminals of any width: nothing is cut off, and no name, id, number or path is broken."""

import io
import sys

import pandas as pd
import pytest
from rich import progress
from rich.console import Console

from disentanglement_study import cli
from disentanglement_study.cli import display
from disentanglement_study.runtime.terminal import Terminal

IDS = [f"{number:012x}" for number in (0x2B0F431D9C9D, 7)]
PROSE = ["the sprite in a random colour for each image", "the background uniform noise"]
FRAME = pd.DataFrame(
    {
        "run_id": IDS,
        "input": "64 x 64 x 3",
        "value": [0.125, 12_600.0],
        "path": "/a/long/path/of/one/file",
        "what": PROSE,
    }
)


def lines(frame: pd.DataFrame, width: int, terminal: bool = True) -> list[str]:
    console = Console(file=io.StringIO(), width=width, force_terminal=terminal, color_system=None)
    display.show(frame, console)
    return [line.rstrip() for line in console.file.getvalue().splitlines()]


def test_prose_is_folded_at_its_spaces_and_nothing_else_is():
    shown = lines(FRAME, 85)
    assert max(map(len, shown)) <= 85
    assert shown[1].startswith(f"{IDS[0]}  64 x 64 x 3   0.125  /a/long/path/of/one/file  the sprite in a")
    assert len(shown) > 3
    assert " ".join(" ".join(shown[1:]).split()).count("/a/long/path/of/one/file") == 2
    words = " ".join(line[-85:][61:].strip() for line in shown[1:])
    assert words == " ".join(PROSE)


@pytest.mark.parametrize("width", [20, 40, 65])
def test_what_has_no_room_is_shown_row_by_row(width):
    first, second = ([IDS[row], "64 x 64 x 3", value, "/a/long/path/of/one/file", PROSE[row]]
                     for row, value in enumerate(["0.125", "12,600"]))  # fmt: skip
    names = ["run_id  ", "input   ", "value   ", "path    ", "what    "]
    expected = [["-- row 1 --"], first, ["-- row 2 --"], second]
    expected = [
        line for part in expected for line in (part if len(part) == 1 else map("".join, zip(names, part, strict=True)))
    ]
    assert lines(FRAME, width) == expected


def test_the_lines_of_a_text_stay_below_each_other_row_by_row():
    assert lines(pd.DataFrame({"job": "90b55644cf3c", "error": ["Traceback\n  line"]}), 10) == [
        "-- row 1 --", "job    90b55644cf3c", "error  Traceback", "         line",
    ]  # fmt: skip


def test_a_file_or_a_pipe_has_room_for_every_table():
    shown = lines(FRAME, 20, terminal=False)
    assert len(shown) == 3
    assert shown[1].split("  ")[-1] == PROSE[0]
    assert display.fits(FRAME, Console(file=io.StringIO(), width=20))


@pytest.mark.parametrize("width", [60, 80, 150])
def test_every_value_of_a_query_is_whole_on_a_terminal(finished_study, capsys, monkeypatch, width):
    monkeypatch.setenv("COLUMNS", str(width))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    sql = "SELECT * FROM results ORDER BY ALL LIMIT 30"
    assert cli.main(["query", str(finished_study), sql]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert cli.main(["query", str(finished_study), sql, "--csv"]) == 0
    header, *rows = capsys.readouterr().out.splitlines()
    assert shown[0] == "-- row 1 --"
    assert [line.split()[0] for line in shown[1 : 2 + header.count(",")]] == header.split(",")
    values = dict(line.split(maxsplit=1) for line in shown[1 : 2 + header.count(",")])
    for name in ("run_id", "metric", "score", "versions"):
        assert values[name] in rows[0].split(",")
    assert shown[-2].startswith("error")
    assert shown[-1] == "30 rows, 20 shown; all with --csv"
    assert cli.main(["query", str(finished_study), "SELECT DISTINCT data_set FROM runs"]) == 0
    assert [line.strip() for line in capsys.readouterr().out.splitlines()][1:] == ["dsprites", "1 row"]


def test_data_list_has_each_name_and_size_in_one_piece_at_80_columns(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert cli.main(["data", "list", "--data-dir", str(tmp_path)]) == 0
    shown = capsys.readouterr().out.splitlines()
    assert max(map(len, shown[1:])) <= 80  # the first has the codes of bold
    assert any(line.startswith("dsprites_original  ") and " 3x6x40x32x32  " in line for line in shown)
    assert any(line.startswith("autoregressive_sources  ") for line in shown)


@pytest.mark.parametrize("animated", [True, False])
def test_lines_wait_for_the_end_of_a_bar_and_are_all_printed(animated, monkeypatch, capsys):
    """Also those that were found before an error. Without a bar each is printed at once."""
    seen = []
    monkeypatch.setattr(display, "is_animated", lambda console: animated)
    monkeypatch.setattr(Terminal, "is_terminal", animated)

    def found(begins):
        for name in ("one", "two"):
            begins("pictures", 3)
            yield name
            seen.append(capsys.readouterr().out)
        raise ValueError("no third")

    with pytest.raises(ValueError, match="no third"):
        display.lines(found)
    assert ("one\n" in seen[0]) == (not animated)
    assert ("".join(seen) + capsys.readouterr().out).replace("\r", "").count("two\n") == 1


def test_steps_that_begin_again_are_counted_anew(monkeypatch):
    """As the batches of each of several jobs are: a bar is never beyond its end."""
    console = Console(file=io.StringIO(), width=80, force_terminal=True, color_system=None)
    seen, advance = [], progress.Progress.advance

    def noted(bar, task):
        advance(bar, task)
        seen.append((bar.tasks[task].completed, bar.tasks[task].total))

    monkeypatch.setattr(progress.Progress, "advance", noted)
    with display.counted(console) as begins:
        for total in (2, 3):
            for _ in range(total):
                begins("batches", total)
    assert seen == [(0, 2), (1, 2), (0, 3), (1, 3), (2, 3)]
