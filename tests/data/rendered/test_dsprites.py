"""What dSprites looks like, and the filling of polygons."""

import hashlib

import numpy as np
import pytest

from disentanglement_study.data import load
from disentanglement_study.data.rendered import dsprites
from disentanglement_study.data.rendered.fill_polygons import SUBPIXELS, fill_polygons


def some_index(data_set, number):
    return np.random.default_rng(0).integers(data_set.num_images, size=number)


def test_dsprites_have_the_known_numbers_of_white_pixels(dsprites_root):
    storage = load("dsprites", dsprites_root).storage
    white = np.bitwise_count(storage.view(np.uint64)).sum(axis=1).reshape(dsprites.FACTS.factor_sizes)
    assert white.sum() == 128_328_864
    assert white.mean() / 64**2 == pytest.approx(0.0425, abs=5e-5)
    np.testing.assert_array_equal(white.min(axis=(1, 2, 3, 4)), [81, 68, 50])
    np.testing.assert_array_equal(white.max(axis=(1, 2, 3, 4)), [400, 297, 233])


def test_dsprites_turn_by_a_whole_circle(dsprites_root):
    storage = load("dsprites", dsprites_root).storage.reshape(3, 6, 40, 32 * 32, 512)
    np.testing.assert_array_equal(storage[:, :, 39], storage[:, :, 0])
    assert (storage[:, :, 38] != storage[:, :, 0]).any(axis=(0, 1, 3)).all()


def test_dsprites_render_as_they_are_stored(dsprites_root):
    data_set = load("dsprites", dsprites_root)
    index = some_index(data_set, 1000)
    rendered = dsprites.render(data_set.factors(index))
    np.testing.assert_array_equal(data_set.images(index)[..., 0], 255 * rendered)


def test_dsprites_render_the_same_bits_everywhere():
    classes = np.random.default_rng(0).integers(0, dsprites.FACTS.factor_sizes, (1000, 5))
    images = dsprites.render(classes)
    assert images.shape == (1000, 64, 64)
    assert images.sum() == 175_047
    digest = hashlib.sha256(images).hexdigest()
    assert digest == "08fb1b9f48d822ff5528afe6e34b8177d532dea4fffbd2bb26369a77b4d72241"


def test_dsprites_vertices_are_far_from_the_ties_of_their_rounding():
    grids = [np.arange(size) for size in (6, 40, 32)]
    scale, orientation, position = (grid.ravel() for grid in np.meshgrid(*grids))
    classes = np.stack([np.zeros_like(scale), scale, orientation, position, position], axis=1)
    for outline in dsprites.outlines():
        for pixels in dsprites.place(outline, classes):
            assert np.abs(np.mod(SUBPIXELS * pixels, 1) - 0.5).min() > 1e-7


def drawing(*classes):
    """The rendered sprite, cropped to it, as lines of text."""
    image = dsprites.render(np.array([classes]))[0]
    rows, columns = image.any(axis=1).nonzero()[0], image.any(axis=0).nonzero()[0]
    cropped = image[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    return ["".join(".#"[pixel] for pixel in row) for row in cropped]


def test_the_heart_stands_upright_and_turns_anticlockwise():
    upright = drawing(2, 0, 0, 0, 0)
    assert upright == [
        "..#....#..",
        ".########.",
        "##########",
        "##########",
        ".########.",
        ".########.",
        "..######..",
        "...####...",
        "....##....",
    ]
    turned = drawing(2, 5, 10, 0, 0)  # by 92 degrees: the tip, which points down, comes to point right
    widths = [sum(row[column] == "#" for row in turned) for column in range(len(turned[0]))]
    assert max(widths[:6]) > 2 * max(widths[-4:])


def test_positions_move_right_and_down():
    def centre(position_x, position_y):
        rows, columns = dsprites.render(np.array([[0, 0, 0, position_x, position_y]]))[0].nonzero()
        return columns.mean() + 0.5, rows.mean() + 0.5

    assert centre(0, 0) == (16, 16)
    assert centre(31, 0) == (48, 16)
    assert centre(0, 31) == (16, 48)


def test_render_refuses_factors_outside_the_grid():
    with pytest.raises(ValueError, match=r"no image of \[0, 6, 0, 0, 0\].*below \[3, 6, 40, 32, 32\], shape, scale"):
        dsprites.render(np.array([[0, 5, 0, 0, 0], [0, 6, 0, 0, 0]]))
    with pytest.raises(ValueError, match="-1"):
        dsprites.render(np.array([[0, 0, -1, 0, 0]]))


def test_fill_counts_centres_on_left_and_bottom_edges():
    # The square from centre to centre, (1.5, 2.5) to (4.5, 6.5): its left and its bottom edge are in.
    x, y = (SUBPIXELS * np.array([corners]) // 2 for corners in ([3, 9, 9, 3], [5, 5, 13, 13]))
    words = fill_polygons(x, y)
    pixels = np.unpackbits(words.astype(">u8").view(np.uint8), axis=1).reshape(64, 64)
    expected = np.zeros((64, 64))
    expected[3:7, 1:4] = 1
    np.testing.assert_array_equal(pixels, expected)


def test_fill_clips_what_leaves_the_frame():
    x, y = (64 * SUBPIXELS * np.array([corners]) for corners in ([-1, 2, 2, -1], [-1, -1, 2, 2]))
    np.testing.assert_array_equal(fill_polygons(x, y), ~np.uint64(0))
