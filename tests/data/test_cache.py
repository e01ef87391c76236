"""The cache of arrays under mishaps; a table of 4 rows stands for a data set."""

import hashlib
import os
import resource
import signal
import subprocess
import sys

import numpy as np
import pytest
from waiting import HANG

from disentanglement_study.data import cache

TABLE = np.arange(12, dtype=np.uint8).reshape(4, 3)
DIGEST = hashlib.sha256(TABLE).hexdigest()

MAKER = f"""
import pathlib, sys, time
import numpy as np
from disentanglement_study.data import cache

table = np.arange(12, dtype=np.uint8).reshape(4, 3)

def make():
    yield table[:1]
    print("making", flush=True)
    time.sleep(float(sys.argv[2]))
    yield table[1:]

assert (cache.load("table", table.shape, make, pathlib.Path(sys.argv[1]), sha256="{DIGEST}") == table).all()
"""


def table(root, make=lambda: iter([TABLE[:3], TABLE[3:]]), sha256=DIGEST):
    return cache.load("table", TABLE.shape, make, root, sha256=sha256)


def maker(root, seconds):
    command = [sys.executable, "-c", MAKER, str(root), str(seconds)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def never():
    raise AssertionError("made again")


def test_cache_makes_once_and_maps_after(tmp_path):
    np.testing.assert_array_equal(table(tmp_path / "new" / "folder"), TABLE)
    again = table(tmp_path / "new" / "folder", make=never)
    np.testing.assert_array_equal(again, TABLE)
    assert not again.flags.writeable


def test_cache_folder_is_the_root_else_from_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv(cache.VARIABLE, raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert cache.folder() == tmp_path / "home" / ".cache" / "disentanglement_study"
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    assert cache.folder() == tmp_path / "xdg" / "disentanglement_study"
    monkeypatch.setenv(cache.VARIABLE, "~/sets")
    assert cache.folder() == tmp_path / "home" / "sets"
    assert cache.folder(tmp_path) == tmp_path


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (TABLE.tobytes()[:-1], "has 11 bytes, not 12"),
        (b"", "has 0 bytes, not 12"),
        (b"\x93NUMPY of somebody else", "has 23 bytes, not 12"),
        (TABLE.tobytes()[:-1] + b"\0", "is corrupt"),
    ],
    ids=["truncated", "empty", "foreign", "corrupt"],
)
def test_cache_refuses_a_wrong_file_and_leaves_it(tmp_path, content, problem):
    file = tmp_path / "table.bin"
    file.write_bytes(content)
    with pytest.raises(ValueError, match=f"{problem}.*: delete it") as raised:
        table(tmp_path, make=never)
    assert str(file) in str(raised.value)
    assert "\n" not in str(raised.value)
    assert file.read_bytes() == content
    file.unlink()
    np.testing.assert_array_equal(table(tmp_path), TABLE)


def test_cache_keeps_nothing_of_a_failed_making(tmp_path):
    def fail():
        yield TABLE[:2]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        table(tmp_path, make=fail)
    with pytest.raises(RuntimeError, match="expected"):
        table(tmp_path, make=lambda: iter([TABLE + 1]))
    assert [path.name for path in tmp_path.iterdir()] == [".table.lock"]
    np.testing.assert_array_equal(table(tmp_path), TABLE)


def test_cache_says_that_its_folder_is_a_file_or_below_one(tmp_path):
    file = tmp_path / "file"
    file.touch()
    for folder, what in ((file, f"{file}"), (file / "folder", f"{file / 'folder'}: {file}")):
        with pytest.raises(ValueError, match=f"^{what} is a file, not a folder: name the folder of data sets") as said:
            table(folder)
        assert "room" not in str(said.value)


def test_a_new_folder_is_made_with_a_word(tmp_path, capsys):
    table(tmp_path / "new" / "folder")
    assert capsys.readouterr().err == f"making {tmp_path / 'new' / 'folder'} for data sets\n"
    (tmp_path / "new" / "folder" / "table.bin").unlink()
    table(tmp_path / "new" / "folder")
    assert capsys.readouterr().err == ""


def test_cache_says_what_it_needs_of_a_full_disk(tmp_path):
    # A limit on the size of files stands for the full disk: a write fails after some bytes.
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (5, limit[1]))
    try:
        with pytest.raises(OSError, match="room for 12 bytes"):
            table(tmp_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert [path.name for path in tmp_path.iterdir()] == [".table.lock"]


def test_cache_is_made_by_one_of_two_processes(tmp_path):
    processes = [maker(tmp_path, 0.5) for _ in range(2)]
    said = [process.communicate(timeout=HANG)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert sorted(said) == ["", "making\n"]


def test_cache_survives_a_killed_process(tmp_path):
    process = maker(tmp_path, HANG)
    assert process.stdout.readline() == "making\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not (tmp_path / "table.bin").exists()
    np.testing.assert_array_equal(table(tmp_path), TABLE)
    assert {path.name for path in tmp_path.iterdir()} == {".table.lock", "table.bin"}


@pytest.fixture
def hashed(tmp_path, monkeypatch):
    """How often a whole array was hashed; this machine has nothing in memory, and files settle at once."""
    (tmp_path / "machine").mkdir()
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "machine"))
    monkeypatch.setattr(cache, "SETTLED", -1.0)
    counted, sha256 = [], hashlib.sha256

    def count(content=b""):
        if isinstance(content, memoryview):  # and not a path
            counted.append(len(content))
        return sha256(content)

    monkeypatch.setattr(cache.hashlib, "sha256", count)
    return counted


def test_the_digest_of_a_file_is_found_once_on_a_machine(tmp_path, hashed):
    table(tmp_path)
    for _ in range(3):
        np.testing.assert_array_equal(table(tmp_path, make=never), TABLE)
    assert len(hashed) == 1
    assert not list(tmp_path.glob("verified*"))


def test_a_file_that_was_touched_is_looked_at_again(tmp_path, hashed):
    table(tmp_path)
    table(tmp_path)
    path, about = tmp_path / "table.bin", (tmp_path / "table.bin").stat()
    path.write_bytes(bytes(12))
    os.utime(path, ns=(about.st_atime_ns, about.st_mtime_ns))  # of the same size and time: its time of change is not
    with pytest.raises(ValueError, match="is corrupt"):
        table(tmp_path, make=never)
    path.unlink()
    np.testing.assert_array_equal(table(tmp_path), TABLE)
    with pytest.raises(ValueError, match="is corrupt"):  # another digest is asked for
        table(tmp_path, make=never, sha256="0" * 64)


def test_a_file_that_has_just_changed_is_not_remembered(tmp_path, hashed, monkeypatch):
    monkeypatch.setattr(cache, "SETTLED", 3600.0)
    for _ in range(2):
        table(tmp_path)
    assert len(hashed) == 2
