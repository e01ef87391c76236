"""Jobs that are told to go: they make a checkpoint, go on elsewhere, and it is no failure of theirs."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import pytest

from disentanglement_study import cli
from disentanglement_study.config import ResourceConfig
from disentanglement_study.runtime import files, signals
from disentanglement_study.study import dispatch
from disentanglement_study.study.dispatch import drain, tasks
from disentanglement_study.study.dispatch.pile import Pile
from disentanglement_study.types import Job, Run

LIMIT = 120.0  # seconds; reached only if what a test waits for never comes


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


def wait_for(condition) -> None:
    deadline = time.monotonic() + LIMIT
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


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
        ended.append(drain.end_jobs(LIMIT))

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
    why = "its process was told to go, for its node is emptied or sent it SIGTERM: it goes on elsewhere"
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
    from ray._private.services import find_gcs_addresses

    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    if find_gcs_addresses():
        pytest.skip("a Ray of others runs on this machine, and would be drained")
    assert cli.main(["drain", "--seconds", "60"]) == 2
    shown = capsys.readouterr()
    assert shown.err == "error: there is nothing to drain: no Ray runs here\n"
    assert shown.out == ""


def test_a_machine_that_ray_does_not_know_is_emptied_all_the_same(private, monkeypatch, capsys):
    monkeypatch.setattr(drain, "close_node", lambda seconds: "no Ray runs here")
    ended = iter([[1, 2], []])
    monkeypatch.setattr(drain, "jobs", lambda: next(ended))
    monkeypatch.setattr(drain, "end_jobs", lambda seconds: [])
    assert cli.main(["drain"]) == 0
    shown = capsys.readouterr().out
    assert shown == "this node may get more jobs: no Ray runs here\n2 jobs ended here and go on elsewhere\n"
    monkeypatch.setattr(drain, "close_node", lambda seconds: "")
    monkeypatch.setattr(drain, "jobs", lambda: [1])
    assert cli.main(["drain"]) == 0
    assert capsys.readouterr().out == (
        "1 job ended here and goes on elsewhere\n"
        "Ray gives this node no jobs any more; if the machine stays, it comes back by `ray stop` and `ray start`\n"
    )
