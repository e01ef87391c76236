"""A job's log: all that is said while it runs, whole over attempts, bounded, and never in the way."""

import logging
import os
import signal
import warnings

import pytest

from disentanglement_study.runtime import job_log, signals


def test_what_is_logged_and_warned_of_is_in_the_log_with_the_traceback_of_a_failure(tmp_path):
    path = tmp_path / "logs" / "0123456789ab.log"

    @job_log.kept(path, "3 runs")
    def fails():
        job_log.append(path, "training\n")
        logging.getLogger("a.package").warning("%d things", 5)
        warnings.warn("beware", stacklevel=1)
        assert "5 things" in path.read_text()  # at once, not at the end
        1 / 0  # noqa: B018

    with pytest.warns(UserWarning, match="beware"), pytest.raises(ZeroDivisionError):
        fails()
    with job_log.kept(path, "3 runs"):
        pass
    logging.getLogger("a.package").warning("after")
    text = path.read_text()
    places = [
        text.index(part)
        for part in (
            f"attempt 1 begins on {os.uname().nodename}, process {os.getpid()}: 3 runs", "training\n",
            "WARNING a.package: 5 things", "UserWarning: beware", "attempt 1 failed\nTraceback",
            "ZeroDivisionError: division by zero", "attempt 2 begins", " done\n",
        )
    ]  # fmt: skip
    assert places == sorted(places)
    assert "after" not in text


def test_a_warning_that_nobody_else_hears_is_still_on_stderr(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    with job_log.kept(tmp_path / "logs" / "a.log", ""):
        logging.getLogger("a.package").warning("heard")
        logging.getLogger("a.package").info("not heard")
    assert capsys.readouterr().err == "heard\n"


@pytest.mark.parametrize("is_before", [True, False])
def test_what_the_program_tells_of_its_work_is_in_the_log_alone_whoever_prints_what_is_logged(
    tmp_path, capsys, monkeypatch, is_before
):
    root, ours = logging.getLogger(), logging.getLogger("disentanglement_study.some.part")
    monkeypatch.setattr(root, "handlers", [])
    if is_before:
        logging.basicConfig()
    path = tmp_path / "logs" / "a.log"
    with job_log.kept(path, ""):
        if not is_before:
            root.addHandler(logging.StreamHandler())
        ours.info("makes a checkpoint")
        ours.warning("beware")
    ours.info("after")
    assert [line.split(":")[-1] for line in capsys.readouterr().err.splitlines()] == ["beware"]
    text = path.read_text()
    assert text.count("makes a checkpoint\n") == text.count("beware\n") == 1
    assert "after" not in text


def test_a_warning_of_the_program_is_heard_once_where_nobody_prints_what_is_logged(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    with job_log.kept(tmp_path / "logs" / "a.log", ""):
        logging.getLogger("disentanglement_study.some.part").warning("beware")
    assert capsys.readouterr().err == "beware\n"


def test_an_interrupted_attempt_says_so(tmp_path):
    with pytest.raises(KeyboardInterrupt), job_log.kept(tmp_path / "logs" / "a.log", ""):
        raise KeyboardInterrupt
    assert job_log.tail(tmp_path / "logs" / "a.log").endswith("attempt 1 was stopped: KeyboardInterrupt\n")


@pytest.mark.parametrize(
    ("number", "why"),
    [
        (signal.SIGTERM, "it was told to stop (SIGTERM)"),
        (signal.SIGINT, "by Ctrl-C, or by the command that started it (SIGINT)"),
    ],
)
def test_an_attempt_that_a_signal_ends_names_it_before_it_is_obeyed(tmp_path, number, why):
    """What obeys it may end the process at once, as in a worker: nothing can be written after that."""
    path, seen = tmp_path / "logs" / "a.log", []

    def obey(number, frame):
        seen.append(path.read_text().splitlines()[-1])
        raise KeyboardInterrupt

    def trains():
        with job_log.kept(path, "") as say, signals.deferred():
            os.kill(os.getpid(), number)
            say("makes a checkpoint")

    before = signal.signal(number, obey)
    try:
        with pytest.raises(KeyboardInterrupt):
            trains()
        assert signal.getsignal(number) is obey
    finally:
        signal.signal(number, before)
    (last,) = seen
    assert last.endswith(f"attempt 1 was stopped: {why}")
    text = path.read_text()
    assert text.endswith(f"makes a checkpoint\n{last}\n")


def test_what_this_program_tells_of_its_work_is_in_the_log_alone(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(logging.getLogger(), "handlers", [])
    logger = logging.getLogger("disentanglement_study.training.fit")
    with job_log.kept(tmp_path / "a.log", ""):
        logger.info("goes on from update %d", 5)
        logging.getLogger("a.package").info("nobody asked")
    logger.info("after")
    lines = (tmp_path / "a.log").read_text().splitlines()
    assert [line.split(" ", 2)[2] for line in lines[1:]] == ["goes on from update 5", "done"]
    assert capsys.readouterr().err == ""


def test_a_log_keeps_its_last_lines(tmp_path, monkeypatch):
    monkeypatch.setattr(job_log, "MOST", 1000)
    path = tmp_path / "logs" / "a.log"
    for number in range(1000):
        job_log.append(path, f"line {number}\n")
        assert path.stat().st_size <= 1000
    lines = path.read_text().splitlines()
    assert lines == [f"line {number}" for number in range(1000 - len(lines), 1000)]
    assert len(lines) > 40
    job_log.append(path, "x" * 5000 + "\n")
    assert path.stat().st_size <= 1000


@pytest.mark.parametrize("kind", ["link", "folder link", "folder", "fifo", "file for folder", "no root"])
def test_what_cannot_be_written_is_no_error_and_no_link_is_followed(tmp_path, kind):
    outside, root = tmp_path / "outside", tmp_path / "study"
    path = root / "logs" / "a.log"
    outside.mkdir()
    (outside / "a.log").write_text("mine\n")
    if kind != "no root":
        root.mkdir()
    if kind in ("link", "folder", "fifo"):
        path.parent.mkdir()
    if kind == "link":
        path.symlink_to(outside / "a.log")
    elif kind == "folder link":
        path.parent.symlink_to(outside)
    elif kind == "folder":
        path.mkdir()
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "file for folder":
        path.parent.write_text("")
    with job_log.kept(path, "") as say:
        say("training")
    assert (outside / "a.log").read_text() == "mine\n"
    assert job_log.tail(path) == ""
    assert root.exists() == (kind != "no root")
