"""Who looks on at a study before it is there."""

import os
import signal
import subprocess
import sys

import pytest
from report_study import make_study

from disentanglement_study import cli
from disentanglement_study.cli import waiting, watching
from disentanglement_study.live import server
from disentanglement_study.runtime.terminal import Terminal
from disentanglement_study.store import Store, making

LIVE, WATCH = ("report", "--live"), ("status", "--watch")
WAITS = "waiting for a study in {} (Ctrl-C ends)\n"


@pytest.fixture
def terminal(monkeypatch):
    monkeypatch.setattr(Terminal, "is_terminal", True)


@pytest.fixture
def seen(monkeypatch):
    """The studies that were looked at."""
    found = []
    monkeypatch.setattr(server, "serve", lambda store, *arguments: found.append(store))
    monkeypatch.setattr(watching, "watch", lambda store, every: found.append(store))
    return found


def call(command, folder):
    return cli.main([command[0], str(folder), *command[1:]])


def begun(folder):
    """What `run` has made just before the plan."""
    (folder / "tmp").mkdir(parents=True)
    (folder / "tmp" / "lock").touch()
    (folder / "jobs").mkdir()
    (folder / "tmp" / "plan.123").write_bytes(b"PAR1")


@pytest.mark.parametrize("command", [LIVE, WATCH])
def test_it_begins_when_the_plan_is_there(command, tmp_path, terminal, seen, monkeypatch, capsys):
    folder, there = tmp_path / "new" / "study", make_study(tmp_path / "made")

    def made():
        (folder / "tmp" / "plan.123").unlink()
        (there.root / "plan.parquet").rename(folder / "plan.parquet")

    steps = iter([lambda: folder.mkdir(parents=True), lambda: begun(folder), made])

    def step(seconds):
        assert seen == []
        next(steps)()

    monkeypatch.setattr(waiting.time, "sleep", step)
    assert call(command, folder) == 0
    assert next(steps, None) is None
    assert [store.root for store in seen] == [folder]
    assert capsys.readouterr().out.endswith(f" makes one\n{WAITS.format(folder)}")


def test_the_nearest_study_is_named(tmp_path, terminal, seen, monkeypatch, capsys):
    there = make_study(tmp_path / "quick").root
    monkeypatch.setattr(waiting.time, "sleep", lambda seconds: there.rename(tmp_path / "qiuck"))
    assert call(LIVE, tmp_path / "qiuck") == 0
    assert f"(did you mean {there}?)" in capsys.readouterr().out


@pytest.mark.parametrize("command", [LIVE, WATCH])
def test_a_study_that_is_there_is_not_waited_for(command, tmp_path, terminal, seen, capsys):
    folder = make_study(tmp_path / "study").root
    assert call(command, folder) == 0
    assert [store.root for store in seen] == [folder]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("command", [LIVE, WATCH])
def test_without_a_terminal_it_is_an_error(command, tmp_path, capsys):
    for folder in (tmp_path, tmp_path / "nowhere"):
        assert call(command, folder) == 2
        assert capsys.readouterr().err.endswith(
            f"holds no study; `disentanglement-study run SWEEP {folder}` makes one\n"
        )


def page(folder):
    (folder / "page.md").write_text("mine")


def a_job(folder):
    (folder / "jobs" / ("0" * 12)).mkdir(parents=True)


def own_tmp(folder):
    (folder / "tmp").mkdir()
    (folder / "tmp" / "notes").write_text("mine")


def linked(folder):
    (folder / "jobs").symlink_to(folder.parent)


@pytest.mark.parametrize("made", [page, a_job, own_tmp, linked])
def test_what_holds_something_else_is_an_error(made, tmp_path, terminal, seen, capsys):
    folder = tmp_path / "folder"
    folder.mkdir()
    made(folder)
    assert call(LIVE, folder) == 2
    shown = capsys.readouterr()
    assert shown.err.startswith(f"error: {folder} ")
    assert (shown.out, seen) == ("", [])


def test_a_file_is_an_error(tmp_path, terminal, seen, capsys):
    (tmp_path / "file").write_text("mine")
    assert call(LIVE, tmp_path / "file") == 2
    assert "is a file, and holds no study" in capsys.readouterr().err


def test_a_run_that_was_cut_off_before_its_plan_may_begin_again(tmp_path):
    begun(tmp_path / "study")
    assert making.may_become(Store(tmp_path / "study"))
    assert make_study(tmp_path / "study").run_ids("done")


@pytest.mark.parametrize("command", [LIVE, WATCH])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_ends_the_waiting(command, number, tmp_path):
    ours, its = os.openpty()
    folder = tmp_path / "study"
    program = [sys.executable, "-m", "disentanglement_study", command[0], str(folder), *command[1:]]
    with subprocess.Popen(program, stdout=its, stderr=subprocess.PIPE, text=True) as process:
        os.close(its)
        said = b""
        while not said.endswith(b"ends)\r\n"):
            said += os.read(ours, 1000)
        process.send_signal(number)
        _, err = process.communicate()
    os.close(ours)
    assert said.decode().replace("\r\n", "\n").endswith(f" makes one\n{WAITS.format(folder)}")
    assert (process.returncode, err) == (0, "")
