"""The builders: small files in the published formats, written as array_record and read back; and damaged ones."""

import functools
import gzip
import http.server
import shutil
import socket
import threading
from pathlib import Path

import h5py
import numpy as np
import published_files as files
import pytest
import tensorflow_datasets as tfds

from disentanglement_study.data.published import cars3d, common, dsprites, mpi3d, shapes3d, smallnorb

BUILDERS = {
    "dsprites_original": dsprites.OriginalDsprites,
    "shapes3d": shapes3d.OriginalShapes3d,
    "smallnorb": smallnorb.OriginalSmallnorb,
    "cars3d": cars3d.OriginalCars3d,
    **{f"mpi3d_{config}": functools.partial(mpi3d.OriginalMpi3d, config=config) for config in mpi3d.FILES},
}

FILES = [dsprites.HDF5, dsprites.NPZ, shapes3d.FILE, cars3d.FILE, *smallnorb.FILES.values(), *mpi3d.FILES.values()]
DIGESTS = {file.name: file.digest for file in FILES}


@pytest.fixture(autouse=True)
def small(monkeypatch):
    files.shrink(monkeypatch)
    monkeypatch.setattr(common, "SHARD", 10)  # so that there are several
    monkeypatch.setattr(common, "ROWS", 7)


@pytest.fixture
def no_network(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("the network was used")

    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def build(name, tmp_path, folder=None):
    """Prepares a set from a folder; the builder and its examples, all splits, as tensorflow-datasets reads them."""
    builder = BUILDERS[name](data_dir=tmp_path / "tfds")
    config = tfds.download.DownloadConfig(manual_dir=folder)
    builder.download_and_prepare(
        download_dir=tmp_path / "downloads", download_config=config, file_format="array_record"
    )
    read = tfds.builder_from_directory(builder.data_path)
    return read, list(read.as_data_source("+".join(read.info.splits)))


def by_label(examples, labels):
    """The number of the example that has each tuple of labels."""
    return {tuple(int(example[label]) for label in labels): i for i, example in enumerate(examples)}


@pytest.mark.parametrize("name", ["dsprites_original", "shapes3d", "mpi3d_toy", "mpi3d_complex"])
def test_ordered_sets_come_back_pixel_by_pixel(name, tmp_path, no_network):
    images, labels = files.write(name, tmp_path / "files")
    builder, examples = build(name, tmp_path, tmp_path / "files")
    names = {"dsprites_original": dsprites, "shapes3d": shapes3d}.get(name, mpi3d).LABELS
    np.testing.assert_array_equal([[example[label] for label in names] for example in examples], labels)
    np.testing.assert_array_equal([example["image"] for example in examples], images)
    assert builder.info.splits["train"].num_shards == -(-len(images) // 10)
    assert [builder.info.features[label].num_classes for label in names] == list(files.SIZES[name])
    assert all(digest.startswith("sha256:") for digest in builder.info.metadata.values())


def test_dsprites_comes_from_the_npz_too(tmp_path):
    (tmp_path / "files").mkdir()
    images, labels = files.write_dsprites(tmp_path / "files", npz=True)
    _, examples = build("dsprites_original", tmp_path, tmp_path / "files")
    np.testing.assert_array_equal([[example[label] for label in dsprites.LABELS] for example in examples], labels)
    np.testing.assert_array_equal([example["image"] for example in examples], images)


def test_smallnorb_holds_both_cameras_and_splits(tmp_path, no_network):
    images, labels = files.write("smallnorb", tmp_path / "files")
    builder, examples = build("smallnorb", tmp_path, tmp_path / "files")
    assert {name: split.num_examples for name, split in builder.info.splits.items()} == {"train": 48, "test": 48}
    np.testing.assert_array_equal([[example[label] for label in smallnorb.LABELS] for example in examples], labels)
    np.testing.assert_array_equal([example["image"][..., 0] for example in examples], images[:, 0])
    np.testing.assert_array_equal([example["image2"][..., 0] for example in examples], images[:, 1])


def test_cars3d_numbers_cars_by_their_sorted_names(tmp_path, no_network):
    images, labels = files.write("cars3d", tmp_path / "files")
    _, examples = build("cars3d", tmp_path, tmp_path / "files")
    at = by_label(examples, cars3d.LABELS)
    assert len(at) == len(examples) == len(labels)
    np.testing.assert_array_equal([examples[at[tuple(row)]]["image"] for row in labels.tolist()], images)


def test_names_are_not_those_of_tensorflow_datasets():
    ours = [module.name for module in (*list(BUILDERS.values())[:4], mpi3d.OriginalMpi3d)]
    assert all(name.startswith("original_") for name in ours)
    assert not set(ours) & {path.name for path in (Path(tfds.__file__).parent / "datasets").iterdir()}


# Files that are not as published: each is one line that names the file, what is wrong, and where to get it.


def refused(name, tmp_path, problem):
    with pytest.raises(ValueError, match=problem) as raised:
        build(name, tmp_path, tmp_path / "files")
    message = str(raised.value)
    assert "\n" not in message
    assert "http" in message
    assert not list((tmp_path / "tfds").rglob("*array_record*"))
    return message


@pytest.mark.parametrize("name", BUILDERS)
def test_a_missing_file_is_named_with_its_address(name, tmp_path, no_network):
    files.write(name, tmp_path / "files")
    first = sorted((tmp_path / "files").iterdir())[0]
    first.rename(tmp_path / "files" / "renamed")
    message = refused(name, tmp_path, f"there is no {first.name}")
    assert str(tmp_path / "files") in message


@pytest.mark.parametrize("name", BUILDERS)
@pytest.mark.parametrize("part", [0.0, 0.5, 0.98])
def test_a_truncated_file_is_refused(name, part, tmp_path):
    files.write(name, tmp_path / "files")
    largest = max((tmp_path / "files").iterdir(), key=lambda file: file.stat().st_size)
    with open(largest, "r+b") as file:
        file.truncate(int(part * largest.stat().st_size))
    assert largest.name in refused(name, tmp_path, "not as published")


@pytest.mark.parametrize("name", ["cars3d", "mpi3d_toy", "smallnorb"])
def test_a_changed_byte_is_refused_where_the_format_has_a_checksum(name, tmp_path):
    files.write(name, tmp_path / "files")
    largest = max((tmp_path / "files").iterdir(), key=lambda file: file.stat().st_size)
    content = bytearray(largest.read_bytes())
    content[len(content) // 2] ^= 1
    largest.write_bytes(content)
    refused(name, tmp_path, "not as published")


@pytest.mark.parametrize("algorithm", ["sha256", "md5"])
def test_a_wrong_digest_names_both(algorithm, tmp_path, monkeypatch):
    files.write("shapes3d", tmp_path / "files")
    expected = "0" * 32
    monkeypatch.setattr(shapes3d, "FILE", shapes3d.FILE._replace(digest=f"{algorithm}:{expected}"))
    refused("shapes3d", tmp_path, rf"its {algorithm} is [0-9a-f]{{32,64}}, not {expected}\): delete it")


@pytest.mark.parametrize("name", ["dsprites", "shapes3d", "smallnorb"])
def test_the_digests_are_those_of_tensorflow_datasets(name):
    lines = (Path(tfds.__file__).parent / "datasets" / name / "checksums.tsv").read_text().splitlines()
    theirs = {line.split("\t")[3]: "sha256:" + line.split("\t")[2] for line in lines}
    assert theirs.items() <= DIGESTS.items()


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        (lambda labels: labels[:, :5], r"its labels are \(96, 5\), not \(96, 6\)"),
        (lambda labels: labels + np.eye(96, 6), r"must be below \[2, 2, 2, 2, 2, 3\]"),
        (lambda labels: labels[::-1] * 0 + labels[0], "are there 96 times, not once"),
        (lambda labels: np.where(np.arange(96)[:, None] == 95, labels[0], labels), "are there 2 times, not once"),
    ],
    ids=["columns", "one value more", "constant", "repeated"],
)
def test_labels_that_are_no_grid_are_refused(values, problem, tmp_path):
    (tmp_path / "files").mkdir()
    files.write_shapes3d(tmp_path / "files", values(files.grid(files.SIZES["shapes3d"]).astype(float)))
    refused("shapes3d", tmp_path, problem)


@pytest.mark.parametrize(
    ("column", "value", "problem"),
    [(0, 2, "which must be below"), (3, -1, "which must be below"), (4, 0, "times, not once")],
    ids=["above", "below", "repeated"],
)
def test_smallnorb_labels_that_are_no_grid_are_refused(column, value, problem, tmp_path):
    (tmp_path / "files").mkdir()
    files.write_smallnorb(tmp_path / "files", lambda labels: labels.__setitem__((slice(3), column), value))
    refused("smallnorb", tmp_path, problem)


def test_smallnorb_with_an_odd_azimuth_is_refused(tmp_path):
    files.write("smallnorb", tmp_path / "files")
    files.write_matrix(tmp_path / "files" / smallnorb.FILES["test", "info"].name, np.ones((48, 4), np.int32))
    refused("smallnorb", tmp_path, "an azimuth is odd")


@pytest.mark.parametrize(
    ("array", "problem"),
    [
        (np.zeros((48, 2, 96, 96), np.int32), "it is int32 "),
        (np.zeros((48, 2, 96, 95), np.uint8), r"\(48, 2, 96, 95\)"),
        (np.zeros((47, 2, 96, 96), np.uint8), r"\(47, 2, 96, 96\)"),
    ],
    ids=["type", "shape", "number"],
)
def test_a_matrix_of_another_shape_is_refused(array, problem, tmp_path):
    files.write("smallnorb", tmp_path / "files")
    files.write_matrix(tmp_path / "files" / smallnorb.FILES["train", "dat"].name, array)
    refused("smallnorb", tmp_path, problem)


def test_a_file_that_is_no_matrix_is_refused(tmp_path):
    files.write("smallnorb", tmp_path / "files")
    with gzip.open(tmp_path / "files" / smallnorb.FILES["train", "cat"].name, "wb") as file:
        file.write(b"MATLAB 5.0 MAT-file")
    refused("smallnorb", tmp_path, "no binary matrix")


@pytest.mark.parametrize(
    ("arrays", "problem"),
    [
        ({"images": np.zeros((24, 64, 64, 1), np.uint8)}, r"uint8 \(24, 64, 64, 1\), not uint8 \(24, 64, 64, 3\)"),
        ({"images": np.zeros((23, 64, 64, 3), np.uint8)}, r"\(23, 64, 64, 3\)"),
        ({"images": np.zeros((24, 64, 64, 3), np.float32)}, "float32"),
        ({"images": np.asfortranarray(np.zeros((24, 64, 64, 3), np.uint8))}, "not uint8"),
        ({"imgs": np.zeros((24, 64, 64, 3), np.uint8)}, "images.npy"),
    ],
    ids=["channels", "number", "type", "order", "name"],
)
def test_an_npz_of_another_shape_is_refused(arrays, problem, tmp_path):
    (tmp_path / "files").mkdir()
    np.savez(tmp_path / "files" / mpi3d.FILES["toy"].name, **arrays)
    refused("mpi3d_toy", tmp_path, problem)


def test_dsprites_of_other_values_is_refused(tmp_path):
    files.write("dsprites_original", tmp_path / "files")
    with h5py.File(tmp_path / "files" / dsprites.HDF5.name, "a") as file:
        file["imgs"][5, 3, 3] = 255
    refused("dsprites_original", tmp_path, "image 5 has a value of 255, not 0 or 1")


def test_cars3d_of_another_number_or_shape_is_refused(tmp_path):
    (tmp_path / "files").mkdir()
    files.write_cars3d(tmp_path / "files", cars=files.CARS[:3])
    refused("cars3d", tmp_path, "it has 3 cars, not 4")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(files.SIZES, "cars3d", (3, 3, 4))
        files.write_cars3d(tmp_path / "files")
    refused("cars3d", tmp_path, r"car_010_mesh.mat is uint8 \(128, 128, 3, 3, 3\), not uint8 \(128, 128, 3, 3, 2\)")


# Downloads, from a server of ours.


class Server(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@pytest.fixture
def served(tmp_path):
    """A folder, and the address at which it is served."""
    folder = tmp_path / "served"
    folder.mkdir()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Server, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield folder, f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def at(monkeypatch, url, config="toy"):
    file = mpi3d.FILES[config]._replace(url=f"{url}/{mpi3d.FILES[config].name}")
    monkeypatch.setitem(mpi3d.FILES, config, file)
    return file


def test_a_file_is_downloaded_once(tmp_path, served, monkeypatch):
    folder, url = served
    file = at(monkeypatch, url)
    images, _ = files.write("mpi3d_toy", folder)
    _, examples = build("mpi3d_toy", tmp_path)
    np.testing.assert_array_equal([example["image"] for example in examples], images)
    assert (tmp_path / "downloads" / file.name).read_bytes() == (folder / file.name).read_bytes()
    (folder / file.name).unlink()
    shutil.rmtree(tmp_path / "tfds")
    build("mpi3d_toy", tmp_path)


def failed(tmp_path, problem):
    with pytest.raises(OSError, match=problem) as raised:
        build("mpi3d_toy", tmp_path)
    assert "\n" not in str(raised.value)
    assert not list((tmp_path / "downloads").glob("*mpi3d*"))
    return str(raised.value)


def test_no_such_address_and_no_network_say_what_to_do(tmp_path, served, monkeypatch):
    file = at(monkeypatch, served[1])
    assert f"get {file.name} from {file.url} and name its folder with --from" in failed(
        tmp_path, "cannot download .*not found"
    )
    at(monkeypatch, "http://127.0.0.1:9")
    failed(tmp_path, "cannot download .*refused")


def test_a_download_that_breaks_off_is_not_kept(tmp_path, served, monkeypatch):
    at(monkeypatch, served[1])
    files.write("mpi3d_toy", served[0])
    monkeypatch.setattr(Server, "copyfile", lambda self, source, out: out.write(source.read(1000)))
    failed(tmp_path, "ended after 1,000 of [0-9,]+ bytes|broke off")


def test_an_address_for_people_is_not_downloaded_from(tmp_path, no_network):
    with pytest.raises(
        ValueError, match=r"cannot be downloaded by a program: get real3d.* from https://drive.google.com"
    ):
        build("mpi3d_complex", tmp_path)


def test_an_interrupted_preparation_leaves_nothing(tmp_path, monkeypatch):
    files.write("mpi3d_toy", tmp_path / "files")
    picture, calls = common.picture, []

    def interrupt(array):
        calls.append(1)
        if len(calls) == 15:
            raise KeyboardInterrupt
        return picture(array)

    monkeypatch.setattr(common, "picture", interrupt)
    with pytest.raises(KeyboardInterrupt):
        build("mpi3d_toy", tmp_path, tmp_path / "files")
    assert not list((tmp_path / "tfds").rglob("*array_record*"))
    assert len(build("mpi3d_toy", tmp_path, tmp_path / "files")[1]) == 24


def test_a_user_folder_is_not_written_to(tmp_path):
    files.write("cars3d", tmp_path / "files")
    build("cars3d", tmp_path, tmp_path / "files")
    assert [path.name for path in (tmp_path / "files").iterdir()] == [cars3d.FILE.name]
