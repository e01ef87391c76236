"""Data sets: the contract over the registry, what dSprites looks like, and the cache under mishaps."""

import hashlib
import resource
import signal
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from disentanglement_study.data import CATALOGUE, DATASETS, cache, dsprites, load
from disentanglement_study.data.fill_polygons import SUBPIXELS, fill_polygons


@pytest.fixture(scope="module", params=DATASETS)
def data_set(request, dsprites_root):
    return load(request.param, dsprites_root)


def some_index(data_set, number=200):
    return np.random.default_rng(0).integers(data_set.num_images, size=number)


def test_is_what_the_catalogue_says(data_set):
    facts = CATALOGUE[data_set.name]
    described = (data_set.factor_names, data_set.factor_sizes, data_set.image_shape)
    assert described == (facts.factor_names, facts.factor_sizes, facts.image_shape)
    assert len(data_set.storage) == data_set.num_images == np.prod(facts.factor_sizes)


def test_images_are_bytes_of_the_whole_range(data_set):
    images = data_set.images(some_index(data_set))
    assert images.shape == (200, *data_set.image_shape)
    assert images.dtype == np.uint8
    assert images.min() == 0
    assert images.max() > 200


def test_images_keep_the_order_and_the_repeats_of_the_index(data_set):
    index = some_index(data_set, 5)[[3, 0, 0, 4]]
    one_by_one = [data_set.images(index[i : i + 1])[0] for i in range(4)]
    np.testing.assert_array_equal(data_set.images(index), one_by_one)


def test_last_factor_is_the_fastest(data_set):
    sizes = data_set.factor_sizes
    first = data_set.factors(np.arange(2 * sizes[-1]))
    np.testing.assert_array_equal(first[:, -1], np.tile(np.arange(sizes[-1]), 2))
    np.testing.assert_array_equal(first[:, -2], np.repeat([0, 1], sizes[-1]))
    np.testing.assert_array_equal(first[:, :-2], 0)
    last = data_set.factors(np.array([data_set.num_images - 1]))[0]
    np.testing.assert_array_equal(last, np.array(sizes) - 1)


def test_index_follows_from_factors(data_set):
    index = some_index(data_set)
    factors = data_set.factors(index)
    np.testing.assert_array_equal(np.ravel_multi_index(factors.T, data_set.factor_sizes), index)


@pytest.mark.parametrize("transform", [lambda f: f, jax.jit, jax.vmap], ids=["eager", "jit", "vmap"])
def test_decodes_on_the_device_as_on_the_host(data_set, transform):
    rows = data_set.storage[some_index(data_set)]
    images = transform(data_set.decode)(jnp.asarray(rows))
    assert isinstance(images, jax.Array)
    assert images.dtype == jnp.uint8
    np.testing.assert_array_equal(images, data_set.decode(rows))


def test_decodes_within_a_jitted_scan(data_set):
    storage = jnp.asarray(data_set.storage[:1000])
    index = some_index(data_set, 12).reshape(3, 4) % 1000

    @jax.jit
    def gather(storage, index):
        return jax.lax.scan(lambda _, i: (_, data_set.decode(storage[i])), None, index)[1]

    expected = data_set.images(index.ravel()).reshape(3, 4, *data_set.image_shape)
    np.testing.assert_array_equal(gather(storage, index), expected)


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


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="unknown data set 'dsprite': did you mean 'dsprites'"):
        load("dsprite")
    with pytest.raises(ValueError, match=r"'cars3d' can be planned for but not loaded yet \(can be: dsprites\)"):
        load("cars3d")


def test_catalogue_has_the_grids_of_the_study():
    sizes = {name: int(np.prod(facts.factor_sizes)) for name, facts in CATALOGUE.items()}
    sprites = dict.fromkeys(("dsprites", "color_dsprites", "noisy_dsprites", "scream_dsprites"), 737_280)
    assert sizes == {**sprites, "smallnorb": 4_860, "cars3d": 17_568, "shapes3d": 480_000}
    assert all(len(facts.factor_names) == len(facts.factor_sizes) for facts in CATALOGUE.values())
    assert set(DATASETS) <= set(CATALOGUE)


# The cache: a table of 4 rows stands for a data set.

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

assert (cache.load("table", table.shape, "{DIGEST}", make, pathlib.Path(sys.argv[1])) == table).all()
"""


def table(root, make=lambda: iter([TABLE[:3], TABLE[3:]]), sha256=DIGEST):
    return cache.load("table", TABLE.shape, sha256, make, root)


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


def test_cache_says_what_it_needs_of_an_unwritable_folder(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(NotADirectoryError, match=r"'table' \(Not a directory\).*room for 12 bytes") as raised:
        table(tmp_path / "file" / "folder")
    assert str(tmp_path / "file" / "folder") in str(raised.value)


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
    said = [process.communicate(timeout=60)[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0]
    assert sorted(said) == ["", "making\n"]


def test_cache_survives_a_killed_process(tmp_path):
    process = maker(tmp_path, 60)
    assert process.stdout.readline() == "making\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not (tmp_path / "table.bin").exists()
    np.testing.assert_array_equal(table(tmp_path), TABLE)
    assert {path.name for path in tmp_path.iterdir()} == {".table.lock", "table.bin"}
