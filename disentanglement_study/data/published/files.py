"""The files that authors publish: found in a folder of the user or downloaded, and checked."""

import contextlib
import hashlib
import http.client
import os
import tarfile
import urllib.request
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import tensorflow_datasets as tfds
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from disentanglement_study.runtime.terminal import ERR, is_animated

TIMEOUT = 30  # seconds without a byte
CHUNK = 1 << 20


class File(NamedTuple):
    """A published file: its name, where it is, and its digest.

    digest: "sha256:..." or "md5:...", None if nobody published one: then its structure is all that can be checked.
    by_hand: the address is a page for people, which no program can download from.
    """

    name: str
    url: str
    digest: str | None = None
    by_hand: bool = False


def instructions(files: Sequence[File]) -> str:
    """What tensorflow-datasets shows of files that the user may bring."""
    return "The folder may hold, instead of a download: " + ", ".join(f"{file.name} ({file.url})" for file in files)


def given(dl_manager: tfds.download.DownloadManager) -> Path | None:
    """The folder that the user names as `manual_dir`; None if there is none, or nothing in it."""
    try:
        return Path(dl_manager.manual_dir)
    except AssertionError:
        return None


def obtain(files: Sequence[File], dl_manager: tfds.download.DownloadManager, builder: Any) -> list[Path]:
    """The paths of the files, each with the right digest; the SHA-256 of each goes into the builder's metadata.

    From the folder of the user if there is one, where all must be; else downloaded, once.
    """
    folder = given(dl_manager)
    paths = [_download(file, Path(dl_manager.download_dir)) if folder is None else folder / file.name for file in files]
    for file, path in zip(files, paths, strict=True):
        if not path.is_file():
            raise ValueError(f"there is no {file.name} in {path.parent}: put it there, from {file.url}")
    for file, path in zip(files, paths, strict=True):
        builder.info.metadata[file.name] = "sha256:" + _check(file, path)
    return paths


@contextlib.contextmanager
def reading(file: File) -> Iterator[None]:
    """A file that cannot be read to its end is one ValueError that names it and where to get it."""
    try:
        yield
    except (OSError, EOFError, KeyError, zlib.error, zipfile.BadZipFile, tarfile.TarError) as error:
        raise damaged(file, f"{error or type(error).__name__}") from error


def damaged(file: File, problem: str) -> ValueError:
    """The error for a file that is not what its authors published."""
    return ValueError(f"{file.name} is not as published ({problem}): get it again from {file.url}")


def _check(file: File, path: Path) -> str:
    """The SHA-256 of a file, whose published digest must be right."""
    algorithm, _, expected = (file.digest or "sha256:").partition(":")
    digests = {name: hashlib.new(name, usedforsecurity=False) for name in {algorithm, "sha256"}}
    with open(path, "rb") as opened:
        while chunk := opened.read(CHUNK):
            for digest in digests.values():
                digest.update(chunk)
    found = digests[algorithm].hexdigest()
    if expected and found != expected:
        names = f"its {algorithm} is {found}, not {expected}"
        raise ValueError(f"{path} is not as published ({names}): delete it and get it again from {file.url}")
    return digests["sha256"].hexdigest()


def _download(file: File, folder: Path) -> Path:
    """Download a file into a folder under its published name, once; a part of a file is never left."""
    path = folder / file.name
    if path.exists():
        return path
    advice = f"get {file.name} from {file.url} and name its folder with --from"
    if file.by_hand:
        raise ValueError(f"{file.name} cannot be downloaded by a program: {advice}")
    part = path.with_name(f".{file.name}.part")
    try:
        with _response(file, advice) as response, open(part, "wb") as opened, _progress() as progress:
            size = int(response.headers["Content-Length"] or 0)
            task = progress.add_task(file.name, total=size or None)
            while chunk := _read(response, file, advice):
                opened.write(chunk)
                progress.advance(task, len(chunk))
        if size and part.stat().st_size != size:
            raise OSError(
                f"the download of {file.url} ended after {part.stat().st_size:,} of {size:,} bytes: try again"
            )
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
    return path


def _response(file, advice):
    try:
        return urllib.request.urlopen(file.url, timeout=TIMEOUT)
    except OSError as error:
        raise OSError(f"cannot download {file.url} ({getattr(error, 'reason', error)}): {advice}") from error


def _read(response, file, advice):
    try:
        return response.read(CHUNK)
    except (OSError, http.client.HTTPException) as error:
        raise OSError(f"the download of {file.url} broke off ({error}): try again, or {advice}") from error


def _progress() -> Progress:
    columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn()
    return Progress(*columns, console=ERR, transient=True, disable=not is_animated(ERR))
