"""The published data sets in the cache folder: what training sees of them, and preparing under mishaps."""

import hashlib
import importlib.util
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import published_files as files
import pytest
from PIL import Image
from waiting import HANG

from disentanglement_study.data import CATALOGUE, cache, load
from disentanglement_study.data.published import common, originals

PREPARE = f"""
import sys, time
sys.path.insert(0, {str(Path(__file__).parent)!r})
import pathlib, socket
import pytest
import published_files as files
from disentanglement_study.data import load
from disentanglement_study.data.published import originals
from disentanglement_study.data.published import common

def refuse(*_, **__):
    raise AssertionError("the network was used")

socket.create_connection = socket.getaddrinfo = refuse
files.shrink(pytest.MonkeyPatch())
common.SHARD = 10
name, folder, seconds = sys.argv[1], pathlib.Path(sys.argv[2]), float(sys.argv[3])
picture, number = common.picture, 0

def slow(array):
    global number
    number += 1
    if number == 15:
        print("making", file=sys.__stdout__, flush=True)
        time.sleep(seconds)
    return picture(array)

common.picture = slow
originals.prepare(name, folder / "cache", folder / "files")
print("tensorflow" in sys.modules, load(name, folder / "cache").num_images)
"""

# Before they are made small.
REAL_SIZES = {name: (*CATALOGUE[name].factor_sizes, made.repeats) for name, made in originals.ORIGINALS.items()}


@pytest.fixture(autouse=True)
def small(monkeypatch):
    files.shrink(monkeypatch)
    monkeypatch.setattr(common, "SHARD", 10)
    monkeypatch.setattr(originals, "BLOCK", 7)
    # SmallNORB has fewer instances here.
    smallnorb = originals.ORIGINALS["smallnorb"]._replace(repeats=files.INSTANCES)
    monkeypatch.setitem(originals.ORIGINALS, "smallnorb", smallnorb)


def prepared(name, tmp_path):
    """A set that was prepared from small files, and the images and labels in those files."""
    published = files.write(name, tmp_path / "files")
    originals.prepare(name, tmp_path / "cache", tmp_path / "files")
    return load(name, tmp_path / "cache"), *published


def process(name, tmp_path, seconds=0.0):
    command = [sys.executable, "-c", PREPARE, name, str(tmp_path), str(seconds)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[2]), *sys.path])}
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment)


def lanczos(image):
    return np.asarray(Image.fromarray(image).resize((64, 64), Image.Resampling.LANCZOS))


@pytest.mark.parametrize("name", ["dsprites_original", "shapes3d", "cars3d", "mpi3d_toy", "mpi3d_complex"])
def test_images_are_the_published_ones_in_the_order_of_the_index(name, tmp_path):
    data_set, images, labels = prepared(name, tmp_path)
    expected = {
        "dsprites_original": lambda: 255 * images,
        "cars3d": lambda: np.stack([lanczos(image) for image in images]),
    }.get(name, lambda: images)()
    index = np.arange(data_set.num_images)
    np.testing.assert_array_equal(data_set.images(index), expected)
    np.testing.assert_array_equal(data_set.factors(index), labels)
    assert data_set.points is None


def test_smallnorb_is_the_first_camera_of_both_splits(tmp_path):
    data_set, images, labels = prepared("smallnorb", tmp_path)
    order = np.lexsort(labels[:, [1, 4, 3, 2, 0]].T)
    expected = np.stack([lanczos(images[i, 0]) for i in order])[..., None]
    index = np.arange(data_set.num_images)
    np.testing.assert_array_equal(data_set.images(index), expected)
    np.testing.assert_array_equal(data_set.factors(index), labels[order][:, [0, 2, 3, 4]])
    np.testing.assert_array_equal(data_set.points, np.repeat(np.arange(24), files.INSTANCES))


def test_every_set_has_its_real_size():
    counts = {name: int(np.prod(sizes)) for name, sizes in REAL_SIZES.items()}
    mpi3d = {f"mpi3d_{config}": 1_036_800 for config in ("toy", "realistic", "real")}
    others = {"dsprites_original": 737_280, "shapes3d": 480_000, "smallnorb": 48_600, "cars3d": 17_568}
    assert counts == {**others, **mpi3d, "mpi3d_complex": 460_800}


def test_dsprites_takes_a_bit_a_pixel(tmp_path):
    data_set, images, _ = prepared("dsprites_original", tmp_path)
    assert data_set.storage.nbytes == images.size // 8


def test_a_thumbnail_of_today_is_that_of_2019():
    # Pillow 7 gave `thumbnail` a first, cheaper step for large reductions; halving is none.
    image = Image.fromarray(files.random_images(128, 128, 3))
    today = image.copy()
    today.thumbnail((64, 64), Image.Resampling.LANCZOS)
    np.testing.assert_array_equal(np.asarray(today), originals.lanczos(np.asarray(image)))


def test_the_digests_of_the_files_are_kept(tmp_path):
    prepared("mpi3d_real", tmp_path)
    digest = hashlib.sha256((tmp_path / "files" / "mpi3d_real.npz").read_bytes()).hexdigest()
    assert cache.about("mpi3d_real", tmp_path / "cache")["source"].endswith(f"(mpi3d_real.npz sha256:{digest})")


def test_what_is_prepared_is_left_alone(tmp_path, capsys):
    prepared("mpi3d_toy", tmp_path)
    before = (tmp_path / "cache" / "mpi3d_toy.bin").stat()
    assert "mpi3d_toy is in" in capsys.readouterr().err
    (tmp_path / "files" / "mpi3d_toy.npz").unlink()
    originals.prepare("mpi3d_toy", tmp_path / "cache", tmp_path / "files")
    said = capsys.readouterr()
    assert said.err == f"mpi3d_toy is in {tmp_path / 'cache'} already\n"
    assert said.out == ""
    assert (tmp_path / "cache" / "mpi3d_toy.bin").stat() == before


def test_tensorflow_and_the_network_are_not_needed(tmp_path):
    files.write("shapes3d", tmp_path / "files")
    child = process("shapes3d", tmp_path)
    out, err = child.communicate(timeout=HANG)
    assert (out, child.returncode) == ("making\nFalse 96\n", 0), err
    assert "\nshapes3d is in" in err
    assert err.count("\n") == 2


def test_one_of_two_processes_makes_it(tmp_path):
    files.write("mpi3d_toy", tmp_path / "files")
    both = [process("mpi3d_toy", tmp_path, seconds=1) for _ in range(2)]
    said = sorted(child.communicate(timeout=HANG)[0] for child in both)
    assert said == ["False 24\n", "making\nFalse 24\n"]


def test_a_killed_process_leaves_nothing_that_counts(tmp_path):
    files.write("mpi3d_toy", tmp_path / "files")
    child = process("mpi3d_toy", tmp_path, seconds=HANG)
    assert child.stdout.readline() == "making\n"
    child.send_signal(signal.SIGKILL)
    child.communicate()
    folder = tmp_path / "cache" / "tfds" / "original_mpi3d" / "toy"
    assert [path.name.split(".")[0] for path in folder.iterdir()] == ["incomplete"]
    originals.prepare("mpi3d_toy", tmp_path / "cache", tmp_path / "files")
    assert [path.name for path in folder.iterdir()] == ["1.0.0"]
    assert load("mpi3d_toy", tmp_path / "cache").num_images == 24


def test_an_interrupt_while_images_are_kept_leaves_none(tmp_path, monkeypatch):
    files.write("mpi3d_toy", tmp_path / "files")

    def interrupt(image):
        raise KeyboardInterrupt

    toy = originals.ORIGINALS["mpi3d_toy"]
    monkeypatch.setitem(originals.ORIGINALS, "mpi3d_toy", toy._replace(image=interrupt))
    with pytest.raises(KeyboardInterrupt):
        originals.prepare("mpi3d_toy", tmp_path / "cache", tmp_path / "files")
    assert not list((tmp_path / "cache").glob("*mpi3d_toy.*n*"))
    monkeypatch.setitem(originals.ORIGINALS, "mpi3d_toy", toy)
    (tmp_path / "files" / "mpi3d_toy.npz").write_bytes(b"")  # what was read once is not read again
    originals.prepare("mpi3d_toy", tmp_path / "cache", tmp_path / "files")


@pytest.mark.parametrize("limit", [2_000, 200_000], ids=["array_record", "images"])
def test_a_full_disk_says_what_is_needed(limit, tmp_path):
    # A limit on the size of files stands for it. A shard of 10 images is 123 kB, all 24 images are 295 kB.
    files.write("mpi3d_toy", tmp_path / "files")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        with pytest.raises(OSError, match=r"cannot keep data set 'mpi3d_toy' .* room for 294,912 bytes") as raised:
            originals.prepare("mpi3d_toy", tmp_path / "cache", tmp_path / "files")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert str(raised.value).count("cannot keep") == 1
    assert "\n" not in str(raised.value)
    assert not list((tmp_path / "cache").glob("mpi3d_toy*"))


def test_a_file_in_the_place_of_the_folder_is_named(tmp_path):
    files.write("mpi3d_toy", tmp_path / "files")
    (tmp_path / "cache").touch()
    with pytest.raises(ValueError, match=f"{tmp_path / 'cache'} is a file, not a folder"):
        originals.prepare("mpi3d_toy", tmp_path / "cache" / "folder", tmp_path / "files")


def test_bad_names_and_folders_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"unknown published data set 'shapes': did you mean 'shapes3d'\?"):
        originals.prepare("shapes", tmp_path)
    (tmp_path / "empty").mkdir()
    for folder in ("nowhere", "empty"):
        with pytest.raises(ValueError, match=f"{folder} is not a folder with files in it: name the folder"):
            originals.prepare("shapes3d", tmp_path / "cache", tmp_path / folder)
    with pytest.raises(ValueError, match=r"there is no 3dshapes\.h5 in .*: put it there, from https://"):
        originals.prepare("shapes3d", tmp_path / "cache", tmp_path)


@pytest.mark.parametrize("module", originals.NEEDED)
def test_without_the_extra_its_name_is_said(module, tmp_path, monkeypatch):
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == module else find(name))
    with pytest.raises(ValueError, match=rf"need {module}: pip install 'disentanglement-study\[data\]'"):
        originals.prepare("shapes3d", tmp_path)


def test_array_record_of_another_length_is_refused(tmp_path, monkeypatch):
    files.write("mpi3d_toy", tmp_path / "files")
    originals.prepare("mpi3d_toy", tmp_path / "cache", tmp_path / "files")
    (tmp_path / "cache" / "mpi3d_toy.bin").unlink()
    monkeypatch.setitem(CATALOGUE, "mpi3d_toy", CATALOGUE["mpi3d_toy"]._replace(factor_sizes=(2, 2, 1, 1, 1, 2, 4)))
    with pytest.raises(ValueError, match="has 24 images, not 32: delete it"):
        originals.prepare("mpi3d_toy", tmp_path / "cache", tmp_path / "files")
