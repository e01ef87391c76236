"""Pictures of data sets, and the commands that list and describe them."""

import numpy as np
import pytest
from PIL import Image

from disentanglement_study import cli
from disentanglement_study.data import gallery, load, own
from disentanglement_study.types import DataSet

SIZES = (3, 12)


def shades(points=None, nuisance=None):
    """A grid of 3 x 12 flat images: image i has the shade of its point, 7 * point."""
    shown = np.arange(36) if points is None else points
    storage = np.repeat((7 * shown).astype(np.uint8), 64).reshape(-1, 8, 8, 1)

    def render(storage, index, keys):
        return storage[index] if nuisance is None else storage[index] / np.float32(255)

    return DataSet("shades", ("big", "small"), SIZES, (8, 8, 1), storage, render, points, nuisance)


def shown(figure):
    """The shades of the pictures, row by row, and whether each has a red frame."""
    rows = {}
    for axis in figure.axes:
        row = rows.setdefault(axis.get_subplotspec().rowspan.start, [])
        row += [(int(image.get_array()[0, 0]) // 7, axis.spines["left"].get_linewidth() == 2) for image in axis.images]
    return [rows[row] for row in sorted(rows)]


def test_each_row_changes_one_factor():
    rows = shown(gallery.gallery(shades(), seed=3, columns=10))
    assert [len(row) for row in rows] == [3, 10]
    (big, small), other = np.unravel_index([point for point, _ in rows[0]], SIZES), rows[1]
    assert big.tolist() == [0, 1, 2]
    assert len(set(small.tolist())) == 1
    values = [point % 12 for point, _ in other]
    assert values == sorted(set(values))
    assert (values[0], values[-1]) == (0, 11)
    assert len({point // 12 for point, _ in other}) == 1
    assert not any(framed for row in rows for _, framed in row)


def test_another_seed_starts_elsewhere():
    assert shown(gallery.gallery(shades(), seed=1)) != shown(gallery.gallery(shades(), seed=2))


def test_what_an_incomplete_grid_lacks_is_framed():
    # Only points on a diagonal band: few agree in all other factors; the value 11 of the second factor is missing.
    points = np.array([0, 1, 13, 14, 26, 27])
    rows = shown(gallery.gallery(shades(points), seed=0))
    assert [point // 12 for point, _ in rows[0]] == [0, 1, 2]
    assert {point for row in rows for point, _ in row} <= set(points.tolist())
    assert any(framed for row in rows for _, framed in row)
    base = [point for point, framed in rows[0] if not framed]
    assert base


def test_images_of_one_point_are_a_row():
    rows = shown(gallery.gallery(shades(np.repeat(np.arange(36), 4))))
    assert len(rows) == 3
    assert len(rows[2]) == 4
    assert len({point for point, _ in rows[2]}) == 1
    assert len(shown(gallery.gallery(shades(nuisance="nothing"), columns=5))[2]) == 5


def test_show_writes_a_picture(tmp_path, capsys):
    images = np.random.default_rng(0).integers(0, 256, (36, 8, 8, 3), dtype=np.uint8)
    own.add("mine", images, np.stack(np.unravel_index(np.arange(36), SIZES), axis=1), root=tmp_path)
    path = tmp_path / "picture.png"
    assert cli.main(["data", "show", "mine", "--output", str(path), "--data-dir", str(tmp_path)]) == 0
    assert str(path) in capsys.readouterr().out
    with Image.open(path) as picture:
        assert min(picture.size) > 100
    assert cli.main(["data", "show", "nine", "--data-dir", str(tmp_path)]) == 2
    assert "did you mean 'mine'" in capsys.readouterr().err


def test_list_and_info_describe_what_is_here(tmp_path, capsys):
    images = np.random.default_rng(0).integers(0, 256, (36, 8, 8, 3), dtype=np.uint8)
    own.add("mine", images, np.stack(np.unravel_index(np.arange(36), SIZES), axis=1), ["a", "b"], root=tmp_path)
    assert cli.main(["data", "list", "--data-dir", str(tmp_path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert any(line.startswith("mine ") and "3x12" in line and "yes" in line for line in lines)
    assert any(line.startswith("smallnorb ") and " no " in line for line in lines)
    (scream,) = [line for line in lines if line.startswith("scream_dsprites ")]
    assert " no: needs a picture " in scream
    (tmp_path / "scream.jpg").touch()
    assert cli.main(["data", "list", "--data-dir", str(tmp_path)]) == 0
    (scream,) = [line for line in capsys.readouterr().out.splitlines() if line.startswith("scream_dsprites ")]
    assert " rendered at first use " in scream
    assert cli.main(["data", "info", "mine", "--data-dir", str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    assert "36 images" in printed
    assert f"{images.nbytes:,} bytes" in printed
    assert cli.main(["data", "info", "smallnorb", "--data-dir", str(tmp_path)]) == 0
    assert "here: no" in capsys.readouterr().out


def test_a_rendered_set_is_made_when_prepared(tmp_path, dsprites_root, capsys):
    assert cli.main(["data", "prepare", "dsprites", "--data-dir", str(dsprites_root)]) == 0
    assert "dsprites is ready: 737,280 combinations" in capsys.readouterr().out
    assert load("dsprites", dsprites_root).num_images == 737_280
    with pytest.raises(SystemExit):
        cli.main(["data", "prepare"])
