"""npz files of strangers: an array, or a line that says what is wrong."""

import io
import random
import zipfile

import numpy as np
import pytest

from disentanglement_study.runtime import npz

ARRAYS = {"codes": np.linspace(0, 1, 600).reshape(200, 3), "factors": np.arange(400).reshape(200, 2) % 7}


def saved(path, **arrays):
    np.savez_compressed(path, **arrays)
    return path


def refused(path, *parts, **options):
    with pytest.raises(ValueError) as error:  # noqa: PT011, the text is looked at
        npz.read(path, **options)
    text = str(error.value)
    assert "\n" not in text
    assert text.startswith(f"{path}: cannot be read: ")
    for part in parts:
        assert part in text


def header(shape, dtype="<f8"):
    """A member of an npz file that claims a shape and holds nothing."""
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": dtype, "fortran_order": False, "shape": shape})
    return file.getvalue()


def archive(path, **members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in members.items():
            file.writestr(f"{name}.npy", content)
    return path


def test_arrays_come_back_as_they_were(tmp_path):
    arrays = npz.read(saved(tmp_path / "a.npz", **ARRAYS, empty=np.zeros((0, 3))), needed=("codes", "factors"))
    assert set(arrays) == {"codes", "factors", "empty"}
    for name, array in ARRAYS.items():
        assert arrays[name].dtype == array.dtype
        np.testing.assert_array_equal(arrays[name], array)


def test_what_is_no_npz_file(tmp_path):
    (tmp_path / "text").write_text("codes")
    refused(tmp_path / "text", "not an npz file", "np.savez(FILE, codes=...)", needed=["codes"])
    with pytest.raises(ValueError, match=f"there is no file {tmp_path}/txt: did you mean 'text'"):
        npz.read(tmp_path / "txt")
    refused(tmp_path, "directory")
    refused(saved(tmp_path / "a.npz", **ARRAYS), "no array 'images' (there are: codes, factors)", needed=["images"])


def test_objects_are_not_unpickled(tmp_path):
    refused(
        saved(tmp_path / "a.npz", codes=np.array([{"a": 1}], dtype=object)),
        "codes.npy holds Python objects, which are never read",
    )


def test_what_unpacks_to_more_than_memory_is_refused_before_it_is_unpacked(tmp_path):
    # 8 MB of zeros in a file of 8 kB, and a claim of 80 TB of which there is nothing.
    path = saved(tmp_path / "bomb.npz", codes=np.zeros((1000, 1000)))
    assert path.stat().st_size < 20_000
    refused(path, "its arrays need 0.008 GB", "the limit here is 0.005 GB", largest=5_000_000)
    assert npz.read(path, largest=8_000_000)["codes"].shape == (1000, 1000)
    refused(archive(tmp_path / "claim.npz", codes=header((10**7, 10**6))), "claims 8e+04 GB and holds")
    refused(archive(tmp_path / "more.npz", codes=header((2**40, 2**40))), "claims 9.67e+15 GB and holds")


def test_several_arrays_count_together(tmp_path):
    path = saved(tmp_path / "two.npz", codes=np.zeros(1000), factors=np.zeros(1000))
    refused(path, "limit", largest=15_999)
    assert len(npz.read(path, largest=16_000)) == 2


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed], ids=["stored", "deflated"])
def test_damage_anywhere_is_a_line_or_does_no_harm(tmp_path, save):
    save(tmp_path / "whole.npz", **ARRAYS)
    whole = (tmp_path / "whole.npz").read_bytes()
    draws, path = random.Random(7), tmp_path / "damaged.npz"
    harmless = 0
    for trial in range(150):
        damaged = bytearray(whole)
        if trial % 3 == 0:
            damaged = damaged[: draws.randrange(len(damaged))]
        else:
            for _ in range(draws.choice([1, 8, 64])):
                damaged[draws.randrange(len(damaged))] = draws.randrange(256)
        path.write_bytes(damaged)
        try:
            npz.read(path, needed=("codes", "factors"))
            harmless += 1
        except ValueError:
            refused(path, needed=("codes", "factors"))
    assert harmless < 50
