"""Files are whole, on the disk and under their name, in this order."""

import os
import threading

import pytest

from disentanglement_study.runtime import files
from disentanglement_study.store import Store
from disentanglement_study.types import Job, Run


@pytest.fixture
def done(monkeypatch) -> list[tuple[str, str]]:
    """What is synchronised and renamed, by the names of the files, in its order."""
    found: list[tuple[str, str]] = []
    fsync, rename, replace = os.fsync, os.rename, os.replace

    def sync(handle: int) -> None:
        found.append(("sync", os.path.basename(os.readlink(f"/proc/self/fd/{handle}"))))
        fsync(handle)

    def move(call):
        def moved(source, target, **options) -> None:
            found.append(("rename", os.path.basename(target)))
            call(source, target, **options)

        return moved

    monkeypatch.setattr(os, "fsync", sync)
    monkeypatch.setattr(os, "rename", move(rename))
    monkeypatch.setattr(os, "replace", move(replace))
    return found


def test_a_file_is_on_the_disk_before_it_has_its_name(tmp_path, done):
    with files.replacing(tmp_path / "plan", tmp_path / "new") as temporary:
        temporary.write_text("text")
    assert done == [("sync", "new"), ("rename", "plan"), ("sync", tmp_path.name)]


def test_what_is_only_of_interest_now_is_not_waited_for(tmp_path, done):
    with files.replacing(tmp_path / "progress", lasting=False) as temporary:
        temporary.write_text("text")
    assert done == [("rename", "progress")]


def test_all_of_a_job_is_on_the_disk_before_it_is_there(tmp_path, done):
    store, job = Store(tmp_path), Job("0" * 12, (Run("1" * 12, "dsprites", "beta_vae", {"beta": 1.0}, 0, "dlib"),))
    store.jobs.mkdir()
    (tmp_path / "study.gin").write_text("sweep.seeds = 1")
    store.write_job(job, [], [], {"codes": {}}, {"status": "failed", "error": "on purpose"})
    place = done.index(("rename", job.job_id))
    folder = {path.name for path in (store.jobs / job.job_id).iterdir()}
    assert {"manifest.json", "scores.parquet", "curves.parquet", "codes.npz", "config.gin"} == folder
    assert {name for what, name in done[:place] if what == "sync"} >= folder
    assert done[place - 1] == ("sync", f"{job.job_id}.{os.getpid()}")
    assert done[place + 1] == ("sync", "jobs")


def test_a_folder_that_comes_back_is_waited_for_and_one_that_does_not_is_not_for_ever(tmp_path):
    there = tmp_path / "study"
    timer = threading.Timer(0.2, there.mkdir)
    timer.start()
    files.await_return(there, seconds=600.0)
    assert there.is_dir()
    files.await_return(tmp_path / "never", seconds=0.0)
