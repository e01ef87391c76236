"""Arrays from npz files of strangers: whatever is wrong with one is a ValueError in one line."""

import os
import resource
import zipfile
from collections.abc import Collection
from pathlib import Path
from typing import IO

import numpy as np

from disentanglement_study.errors import no_file, one_line


def read(
    path: Path, needed: Collection[str] = (), largest: int | None = None, example: str | None = None
) -> dict[str, np.ndarray]:
    """The arrays of the npz file at `path`, by name. Nothing in it is executed.

    Raises ValueError, in one line that names the file, if it is no npz file, is damaged, lacks an array that is
    `needed`, holds Python objects, or would take more than `largest` bytes of memory: half of the machine's, by
    default, since codes are copied once. That is found before anything is unpacked. example: of what np.savez is given,
    for one who has another kind of file; by default what is needed.
    """
    try:
        with path.open("rb") as file:
            if not zipfile.is_zipfile(file):
                arrays = example or ", ".join(f"{name}=..." for name in needed)
                raise ValueError(f"it is not an npz file; np.savez(FILE, {arrays}) makes one")
        _check_size(path, _half_of_the_memory() if largest is None else largest)
        with np.load(path, allow_pickle=False) as file:
            if absent := [name for name in needed if name not in file.files]:
                raise ValueError(f"it has no array {absent[0]!r} (there are: {', '.join(file.files) or 'none'})")
            return {name: file[name] for name in file.files if f"{name}.npy" in file.zip.namelist()}
    except FileNotFoundError:
        raise no_file(path) from None
    except Exception as error:  # damage shows in whatever part of zipfile, zlib or NumPy comes upon it
        raise ValueError(f"{path}: cannot be read: {one_line(error)}") from error


def _check_size(path: Path, largest: int) -> None:
    total = 0
    with zipfile.ZipFile(path) as archive:
        for entry in archive.infolist():
            if not entry.filename.endswith(".npy"):
                continue
            with archive.open(entry) as file:
                shape, dtype = header(file)
            if dtype.hasobject:
                raise ValueError(f"{entry.filename} holds Python objects, which are never read")
            size = int(np.prod(shape, dtype=object)) * dtype.itemsize
            if size > entry.file_size:
                raise ValueError(f"{entry.filename} claims {_gigabytes(size)} and holds {entry.file_size} bytes")
            total += size
    if total > largest:
        raise ValueError(f"its arrays need {_gigabytes(total)} of memory, and the limit here is {_gigabytes(largest)}")


def header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype]:
    """The shape and dtype of the array that follows in an open npy file, which is a part of an npz file."""
    version = np.lib.format.read_magic(file)
    read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    # Version 3 differs from 2 in how the names of fields are encoded, and no array of ours has fields.
    shape, _, dtype = read_header.get(version, np.lib.format.read_array_header_2_0)(file)
    return shape, dtype


def _half_of_the_memory() -> int:
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return (memory if limit == resource.RLIM_INFINITY else min(memory, limit)) // 2


def _gigabytes(size: int) -> str:
    return f"{size / 1e9:,.3g} GB"
