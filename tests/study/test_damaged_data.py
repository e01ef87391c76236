"""A data set that is damaged, or goes, after a run was planned: its jobs fail and say why, the others are done."""

import dataclasses
import os

import numpy as np
import pytest

from disentanglement_study import cli, data, store
from disentanglement_study.data import own
from disentanglement_study.store import in_flight
from disentanglement_study.study import loading

DRAWS = np.random.default_rng(0)
IMAGES = DRAWS.integers(0, 256, (60, 16, 16, 3), dtype=np.uint8)
FACTORS = np.stack(np.unravel_index(np.arange(60), (3, 4, 5)), axis=1)
SWEEP = """
include 'gin_configs/quick.gin'
sweep.data_sets = ['good', 'mine']
sweep.methods = ['pca']
sweep.seeds = 2
nets.image_size = 16
evaluate.metrics = ['mig']
evaluate.table_rows = 60
evaluate.num_train = 50
pca.num_points = 40
resources.retries = 1
"""


@pytest.fixture
def folder(tmp_path):
    """With the two data sets, and the sweep's file."""
    (tmp_path / "sweep.gin").write_text(SWEEP)
    own.add("good", IMAGES, FACTORS, root=tmp_path)
    own.add("mine", 255 - IMAGES, FACTORS, root=tmp_path)
    return tmp_path


def command(name: str, folder, executor: str) -> list[str]:
    what = [str(folder / "sweep.gin")] if name == "run" else []
    return [name, *what, str(folder / "study"), "--data-dir", str(folder), "--executor", executor]


def cut(path) -> None:
    """In another file of this name: what has it open keeps what it had."""
    path.with_suffix(".new").write_bytes(path.read_bytes()[:-100])
    os.replace(path.with_suffix(".new"), path)


def changed(path) -> None:
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.with_suffix(".new").write_bytes(content)
    os.replace(path.with_suffix(".new"), path)


@pytest.mark.parametrize(
    ("executor", "damage", "reason"),
    [
        pytest.param("ray", cut, "mine.bin has 45,980 bytes, not 46,080: ", marks=pytest.mark.slow),
        ("inline", cut, "mine.bin has 45,980 bytes, not 46,080: "),
        ("inline", changed, "mine.bin is corrupt (its SHA-256 is not "),
        ("inline", os.remove, "no such data set"),
    ],
    ids=["ray, cut", "cut", "changed", "gone"],
)
def test_a_set_that_is_damaged_after_planning_fails_its_jobs_alone(
    folder, monkeypatch, capsys, executor, damage, reason
):
    path, clear = folder / "mine.bin", in_flight.clear
    whole = path.read_bytes()

    def damaged(opened) -> None:  # all has been checked, nothing has begun
        clear(opened)
        damage(path)

    monkeypatch.setattr(in_flight, "clear", damaged)
    assert cli.main(command("run", folder, executor)) == 3
    monkeypatch.undo()
    shown = capsys.readouterr()
    assert shown.err.splitlines()[-1] == "failed: 2 of 4 runs"
    (line,) = (line for line in shown.out.splitlines() if line.startswith("failed: "))
    assert line.startswith("failed: pca on mine, 2 runs (job ")
    assert f": ValueError: {folder}" in line
    assert reason in line
    opened = store.open(folder / "study")
    of = opened.plan.set_index("run_id")["data_set"]
    assert {of[run_id] for run_id in opened.run_ids("done")} == {"good"}

    assert cli.main(command("retry", folder, executor)) in (2, 3)  # it is as it was
    assert "mine" in capsys.readouterr().err
    path.write_bytes(whole)
    assert cli.main(command("retry", folder, executor)) == 0
    assert len(opened.run_ids("done")) == 4


def test_a_set_whose_reader_raises_while_it_is_learnt_fails_its_jobs_alone(folder, monkeypatch, capsys):
    load = data.load

    def unread(storage, index, keys):
        raise OSError(5, "Input/output error", "mine.bin")

    def loaded(name, *arguments, **options):
        found = load(name, *arguments, **options)
        return dataclasses.replace(found, render=unread) if name == "mine" else found

    monkeypatch.setattr(loading.data, "load", loaded)
    assert cli.main(command("run", folder, "inline")) == 3
    monkeypatch.undo()
    shown = capsys.readouterr()
    assert shown.err.splitlines()[-1] == "failed: 2 of 4 runs"
    (line,) = (line for line in shown.out.splitlines() if line.startswith("failed: "))
    assert line.startswith("failed: pca on mine, 2 runs (job ")
    assert line.endswith(": OSError: [Errno 5] Input/output error: 'mine.bin'")
    assert cli.main(command("retry", folder, "inline")) == 0
    assert len(store.open(folder / "study").run_ids("done")) == 4
