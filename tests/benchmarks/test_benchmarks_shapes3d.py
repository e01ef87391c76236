"""The error of the rendered 3D Shapes: that it is none beside themselves, and counts what was changed."""

import sys
from pathlib import Path

import numpy as np
import pytest

from disentanglement_study.data import CATALOGUE
from disentanglement_study.data.rendered.shapes3d_rendered import render

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))

import shapes3d_error

CLASSES = np.random.default_rng(0).integers(0, CATALOGUE["shapes3d"].factor_sizes, (6, 6))


def test_there_is_none_beside_themselves():
    found = shapes3d_error.error(render(CLASSES), CLASSES)
    assert (found["images"], found["mae_worst"], found["within_16"]) == (6, 0, 1)
    assert set(found["by_surface"].values()) == {0}


def test_it_is_told_by_surface():
    images = render(CLASSES)
    images[:, 0] -= 20  # the uppermost of the rows, where there is sky alone
    found = shapes3d_error.error(images, CLASSES)
    assert found["mae_median"] == pytest.approx(20 / 64)
    assert found["within_16"] == pytest.approx(1 - 1 / 64)
    assert found["by_surface"]["sky"] > 0
    assert found["by_surface"]["floor"] == found["by_surface"]["wall"] == 0


def test_both_kinds_of_file_are_read(tmp_path, capsys):
    np.savez(tmp_path / "some.npz", imgs=render(CLASSES), classes=CLASSES)
    assert shapes3d_error.main([str(tmp_path / "some.npz")]) == 0
    assert "6 images" in capsys.readouterr().out
    h5py = pytest.importorskip("h5py")
    with h5py.File(tmp_path / "3dshapes.h5", "w") as file:
        images = file.create_dataset("images", (480_000, 64, 64, 3), np.uint8, chunks=(1, 64, 64, 3))
        index = np.random.default_rng(3).choice(480_000, 4, replace=False)
        for i in index:
            images[i] = render(np.stack(np.unravel_index([i], CATALOGUE["shapes3d"].factor_sizes), axis=1))[0]
    read, classes = shapes3d_error.read(tmp_path / "3dshapes.h5", 4, 3)
    np.testing.assert_array_equal(read, render(classes))


@pytest.mark.parametrize(("arguments", "problem"), [(["absent.npz"], "absent.npz"), (["x.npz", "--number", "0"], "0")])
def test_what_cannot_be_is_an_error_in_a_line(arguments, problem, capsys):
    assert shapes3d_error.main(arguments) == 2
    assert problem in capsys.readouterr().err
