"""Jobs that are told to go: they make a checkpoint, go on elsewhere, and it is no failure of theirs."""

import io
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest
from rich.console import Console
from waiting import LIMIT, wait_for

from disentanglement_study import cli
from disentanglement_study.cli import drain as draining_command
from disentanglement_study.config import ResourceConfig
from disentanglement_study.runtime import files, signals
from disentanglement_study.study import dispatch
from disentanglement_study.study.dispatch import drain, tasks
from disentanglement_study.study.dispatch.pile import Pile
from disentanglement_study.types import Job, Run


def job(name: str) -> Job:
    return Job(name, (Run(name, "dsprites", "beta_vae", {"beta": 1.0}, 0, "dlib"),))


def counting(folder: str, last: int):
    """Work that counts to `last`, a number each tenth of a second, and goes on from where it was told to stop; each
    attempt leaves a line in a file."""

    def work(job: Job, resources: ResourceConfig) -> None:
        checkpoint, attempts = (Path(folder) / f"{job.job_id}.{name}" for name in ("checkpoint", "attempts"))
        count = int(checkpoint.read_text()) if checkpoint.exists() else 0
        with attempts.open("a") as handle:
            handle.write(f"{count}\n")
        with signals.deferred() as stop:
            while count < last and not stop:
                time.sleep(0.1)
                count += 1
            checkpoint.write_text(str(count))

    return work


def attempts(folder, name: str) -> list[int]:
    path = folder / f"{name}.attempts"
    return [int(line) for line in path.read_text().split()] if path.exists() else []


@pytest.fixture
def private(tmp_path, monkeypatch):
    """A folder of its own for what processes of this machine tell each other: other tests run jobs at the same time.

    Its name is short: Ray's sockets are in it."""
    with tempfile.TemporaryDirectory(prefix="ds", dir="/tmp") as folder:
        monkeypatch.setattr("tempfile.tempdir", folder)
        monkeypatch.setenv("TMPDIR", folder)
        yield tmp_path


def test_jobs_whose_machine_is_emptied_go_on_from_their_checkpoints_and_have_not_failed(private, capfd):
    names = ["one", "two"]
    ended, said = [], []
    resources = ResourceConfig(retries=0, num_gpus=0.0)
    pile, work = Pile([job(name) for name in names]), counting(str(private), 60)
    running = dispatch.ray(pile, work, resources, None, notes=lambda job, text: said.append((job.job_id, text)))

    def end() -> None:
        wait_for(lambda: all(attempts(private, name) for name in names) and len(drain.jobs()) == 2)
        time.sleep(0.5)
        (address,) = {path.read_text() for path in drain._marks()}
        ended.append(drain.end_jobs(LIMIT, address))

    thread = threading.Thread(target=end)
    thread.start()
    assert {one.job_id: error for one, error in running} == dict.fromkeys(names)
    thread.join()
    assert ended == [[]]
    for name in names:
        first, second = attempts(private, name)
        assert first == 0
        assert second >= 1
    assert drain.jobs() == []
    why = "its process was told to stop, as its node is being drained or sent it SIGTERM: it goes on elsewhere"
    assert sorted(said) == [(name, why) for name in names]
    shown = capfd.readouterr()
    assert "A worker died" not in shown.out + shown.err


def test_jobs_of_a_driver_that_stops_make_their_checkpoints(private):
    resources = ResourceConfig(retries=0, num_gpus=0.0)
    running = dispatch.ray(Pile([job("short"), job("long")]), counting_short_and_long(str(private)), resources, None)
    next(running)
    wait_for(lambda: attempts(private, "long"))
    running.close()
    assert int((private / "long.checkpoint").read_text()) >= 1
    assert int((private / "long.checkpoint").read_text()) < 6000


def counting_short_and_long(folder: str):
    short, long = counting(folder, 10), counting(folder, 6000)
    return lambda job, resources: (short if job.job_id == "short" else long)(job, resources)


def test_what_a_killed_process_leaves_is_no_job(private):
    folder = files.private()
    (folder / "job999999").touch()
    (folder / "jobless").touch()
    with drain.here():
        assert drain.jobs() == [os.getpid()]
    assert drain.jobs() == []
    assert [path.name for path in folder.iterdir()] == ["jobless"]


def test_a_job_that_does_not_end_is_named(private):
    with drain.here(), signals.deferred() as stop:
        signal.signal(signal.SIGTERM, lambda number, frame: None)
        assert drain.end_jobs(0.3) == [os.getpid()]
    assert not stop


def test_what_has_gone_needs_no_end():
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    tasks._kill(process.pid)
    assert process.wait(LIMIT) == -signal.SIGKILL
    tasks._kill(process.pid)


@pytest.mark.slow
def test_a_job_that_fills_the_memory_is_ended_by_ray_and_told_so(private, monkeypatch):
    """Ray ends a worker while more than a share of the machine's memory is in use: here 3.5 GB more than now."""
    memory = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
    total, available = (int(memory[name].split()[0]) for name in ("MemTotal", "MemAvailable"))
    if (share := 1 - (available - 3.5e6) / total) > 0.9:
        pytest.skip("too little memory is free")
    monkeypatch.setenv("RAY_memory_usage_threshold", f"{share:.3f}")
    monkeypatch.setenv("RAY_memory_monitor_refresh_ms", "100")
    folder = str(private)

    def work(job: Job, resources: ResourceConfig) -> None:
        import numpy as np

        with (Path(folder) / "attempts").open("a") as handle:
            handle.write(f"{job.job_id}\n")
        if job.job_id == "small":
            return
        held = []
        for _ in range(60):
            held.append(np.ones(25_000_000))  # 200 MB
            time.sleep(0.05)
        time.sleep(LIMIT)

    resources = ResourceConfig(retries=1, num_gpus=0.0)
    ended = {
        one.job_id: error for one, error in dispatch.ray(Pile([job("large"), job("small")]), work, resources, None)
    }
    assert str(ended["large"]).startswith("the memory of the job's node was full, and Ray ended the job")
    assert (private / "attempts").read_text().split().count("large") == 2
    assert ended["small"] is None


def test_a_machine_without_ray_and_without_jobs_is_not_drained(private, monkeypatch, capsys):
    # Ray also looks among the processes of the machine, and would find, and drain, that of another test or a real one.
    blind = "import ray, psutil\npsutil.process_iter = lambda *_, **__: iter(())\n"
    (private / "sitecustomize.py").write_text(blind)
    monkeypatch.setenv("PYTHONPATH", str(private), prepend=os.pathsep)
    monkeypatch.setenv("RAY_TMPDIR", str(private))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    assert cli.main(["drain", "--seconds", "60"]) == 2
    shown = capsys.readouterr()
    assert shown.err == "error: there is nothing to drain: no Ray runs here\n"
    assert shown.out == ""


def test_a_machine_that_ray_does_not_know_is_emptied_all_the_same(private, monkeypatch, capsys):
    monkeypatch.setattr(drain, "close_node", lambda seconds, address: drain.Closed("no Ray runs here"))
    monkeypatch.setattr(drain, "jobs", lambda address: [1, 2])
    monkeypatch.setattr(drain, "end_jobs", lambda seconds, address: [])
    assert cli.main(["drain"]) == 0
    shown = capsys.readouterr().out
    assert shown == "this node may get more jobs: no Ray runs here\n2 jobs ended here and go on elsewhere\n"
    monkeypatch.setattr(drain, "close_node", lambda seconds, address: drain.Closed("", "10.0.0.1:6379", "node7"))
    monkeypatch.setattr(drain, "jobs", lambda address: [1])
    assert cli.main(["drain"]) == 0
    assert capsys.readouterr().out == (
        "1 job ended here and goes on elsewhere\n"
        "Ray gives this node (node7 of the cluster at 10.0.0.1:6379) no more jobs; if the machine stays, `ray stop` "
        "and `ray start` bring it back\n"
    )
    monkeypatch.setattr(drain, "end_jobs", lambda seconds, address: [1])
    assert cli.main(["drain", "--seconds", "7"]) == 3
    assert "1 of 1 job had not ended after 7 s (process 1)" in capsys.readouterr().err


def test_who_drains_at_a_terminal_is_told_that_ray_is_asked_and_jobs_get_half_of_the_time(monkeypatch):
    shown, given = io.StringIO(), []
    monkeypatch.setattr(draining_command, "ERR", Console(file=shown, force_terminal=True, width=200))

    def close(seconds: float, address: str) -> drain.Closed:
        assert "asking Ray" in shown.getvalue()  # before it answers
        given.append((seconds, address))
        return drain.Closed("Ray did not answer")

    monkeypatch.setattr(drain, "close_node", close)
    monkeypatch.setattr(drain, "jobs", lambda address: given.append(address) or [1])
    monkeypatch.setattr(drain, "end_jobs", lambda seconds, address: given.append((seconds > 30, address)) or [])
    assert cli.main(["drain", "--seconds", "600", "--address", "10.0.0.1:6379"]) == 0
    assert given == [(300, "10.0.0.1:6379"), "10.0.0.1:6379", (True, "10.0.0.1:6379")]


def test_of_several_clusters_only_the_jobs_of_one_are_told_to_go(private, monkeypatch):
    monkeypatch.setattr(drain, "_cluster", lambda: "10.0.0.1:6379")
    with drain.here():
        for same in ("", "10.0.0.1:6379", "localhost:6379"):
            assert drain.jobs(same) == [os.getpid()]
        for other in ("10.0.0.1:6380", "10.0.0.2:6379"):
            assert drain.jobs(other) == []
            assert drain.end_jobs(0, other) == []


def test_where_nothing_listens_ray_is_not_asked(private):
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{one.getsockname()[1]}"
        closed = drain.close_node(LIMIT, address)
    assert closed == drain.Closed(f"no Ray cluster at {address!r}: Connection refused")


def test_an_address_that_is_empty_drains_nothing(private, monkeypatch, capsys):
    monkeypatch.setattr(drain, "jobs", lambda address: pytest.fail("looked for jobs"))
    assert cli.main(["drain", "--address", ""]) == 2
    assert capsys.readouterr().err.startswith("error: --address is empty: give HOST:PORT")
