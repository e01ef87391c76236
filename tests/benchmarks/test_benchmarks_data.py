"""The benchmark of data sets: what it counts, its errors beside known images, and its tables."""

import importlib.util
import json
import sys
from pathlib import Path

import numpy as np
import pytest

from disentanglement_study.data import load, own

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))
spec = importlib.util.spec_from_file_location("benchmark_of_data", BENCHMARKS / "data.py")
data = importlib.util.module_from_spec(spec)
spec.loader.exec_module(data)

SIZES = (3, 4)
IMAGES = np.random.default_rng(0).integers(0, 256, (12, 8, 8, 3), dtype=np.uint8)


@pytest.fixture
def root(tmp_path):
    own.add("mine", IMAGES, np.stack(np.unravel_index(np.arange(12), SIZES), axis=1), root=tmp_path)
    return tmp_path


def test_errors_beside_images_that_are_known(root):
    changed = IMAGES[[3, 7, 11, 2]].astype(int)
    changed[1, 0, 0, 0] += 24 if changed[1, 0, 0, 0] < 200 else -24
    changed[2, 4, :, :] = np.where(changed[2, 4] < 128, changed[2, 4] + 8, changed[2, 4] - 8)
    np.savez(root / "real.npz", imgs=changed.astype(np.uint8), classes=np.array([[0, 3], [1, 3], [2, 3], [0, 2]]))
    np.savez(root / "by_index.npz", imgs=changed.astype(np.uint8), index=[3, 7, 11, 2])
    found = data.error(load("mine", root), root / "real.npz")
    assert found == data.error(load("mine", root), root / "by_index.npz")
    assert found == {
        "images": 4,
        "median": pytest.approx(24 / 192 / 2),
        "worst": pytest.approx(8 * 24 / 192),
        "exact_images": 2,
        "wrong_pixels": 1 + 8,
    }


def test_a_set_is_measured_in_a_process_of_its_own_and_kept_as_a_table(root, capsys):
    np.savez(root / "real.npz", imgs=IMAGES, index=np.arange(12))
    output = root / "results" / "data.json"
    arguments = ["--sets", "mine", "--data-dir", str(root), "--batches", "2", "--output", str(output)]
    assert data.main([*arguments, "--real", f"mine={root / 'real.npz'}"]) == 0, capsys.readouterr().err
    (row,) = json.loads(output.read_text())["rows"]
    assert row["bytes"] == IMAGES.nbytes
    assert row["float32_bytes"] == 4 * IMAGES.nbytes
    assert row["images_per_second"] > 0
    assert row["numpy_images_per_second"] > 0
    assert row["error"]["exact_images"] == 12
    capsys.readouterr()
    assert data.main(["--markdown", str(output)]) == 0
    assert "| mine | 3 x 4 | published or own | 12 | 0.0 | 1/4 |" in capsys.readouterr().out


def test_a_set_that_cannot_be_measured_is_a_row(root, capsys):
    (root / "mine.bin").write_bytes(b"cut")
    output = root / "data.json"
    assert data.main(["--sets", "mine", "--data-dir", str(root), "--output", str(output)]) == 0
    assert "bytes, not" in json.loads(output.read_text())["rows"][0]["failed"]
    assert "failed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--sets", "nine"], "did you mean 'mine'"),
        (["--batches", "0"], "--batches 0"),
        (["--real", "nine=x.npz"], "unknown data set 'nine'"),
        (["--colour"], "unrecognized arguments: --colour"),
    ],
)
def test_bad_options_are_one_line(root, capsys, arguments, problem):
    assert data.main([*arguments, "--data-dir", str(root)]) == 2
    assert problem in capsys.readouterr().err


def test_the_page_shows_the_latest_result():
    results = [json.loads(file.read_text()) for file in (BENCHMARKS / "results").glob("data-*.json")]
    table = data.markdown(max(results, key=lambda result: result["date"]))
    assert table in (BENCHMARKS / "README.md").read_text()
