"""Checkpoints of one training: written in the background, each whole or not there, the newest few kept.

A checkpoint is a flat dict, from the path of each leaf of the state to its value. What is read must have the names,
shapes and dtypes that are wanted: nothing is broadcast or cast.
"""

import contextlib
import errno
import logging
import os
import shutil
import sys
import time
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import absl.logging
import jax
import numpy as np
import orbax.checkpoint as ocp

from disentanglement_study.errors import FULL


class Checkpoints(contextlib.AbstractContextManager):
    """Checkpoints of one training: asynchronous, the newest `keep` are kept."""

    def __init__(self, folder: Path, keep: int = 2):
        self.folder = Path(folder).absolute()
        # Orbax tells of every save, and prints the stack of each thread that fails: what fails reaches us as an error.
        absl.logging.set_verbosity(absl.logging.FATAL)
        logging.getLogger("asyncio").setLevel(logging.CRITICAL)
        sys.unraisablehook = _without_late_writes
        options = ocp.CheckpointManagerOptions(
            max_to_keep=keep,
            cleanup_tmp_directories=True,
            lightweight_initialize=True,  # a damaged checkpoint must not keep the folder from being opened
            # Else a thread waits 20 minutes for a folder that could not be made.
            async_options=ocp.AsyncOptions(create_directories_asynchronously=False),
        )
        self._manager = ocp.CheckpointManager(self.folder, options=options)

    def __exit__(self, *_: object) -> None:
        self.close()

    def save(self, step: int, state: Any) -> None:
        """Starts to write a pytree of arrays and returns once they are copied: the caller may donate them.

        Waits for the write before; OSError if that one failed. While the folder that it is in is gone, it does
        nothing but warn. Removes the checkpoints of this and later steps: they are damaged, or of a training that went
        back.
        """
        leaves = _by_path(jax.device_get(state))
        content = {**leaves, "crc32": _crc32(leaves)}
        with self._if_there(), self._writing():
            self.folder.stat()  # Orbax would make it, where another folder will be again
            self._manager.wait_until_finished()
            for old in [old for old in self._manager.all_steps() if old >= step]:
                self._manager.delete(old)
            # An item by name: the unnamed one is looked for in whichever folder is read first, damaged or not.
            self._manager.save(step, args=ocp.args.Composite(state=ocp.args.StandardSave(content)), force=True)

    def latest(self, like: Any) -> tuple[int, Any] | None:
        """The newest readable checkpoint as (step, state), or None; `like` may be of `jax.ShapeDtypeStruct`.

        One that is damaged, or has not the leaves, shapes and dtypes of `like`, is skipped with a warning. Leaves are
        NumPy where those of `like` are, else on the default device. OSError as from `save`.
        """
        with self._writing():
            self._manager.wait_until_finished()
        likes = _by_path(like)
        wanted = _described(likes)
        for step in sorted(self._manager.all_steps(), reverse=True):
            try:
                found = self._read(step, wanted)
            except Exception as error:  # Orbax raises many kinds for a damaged file
                warnings.warn(f"skipped the checkpoint {self.folder / str(step)}: {_line(error)}", stacklevel=2)
            else:
                leaves = [
                    found[path] if isinstance(leaf, np.ndarray | np.generic) else jax.device_put(found[path])
                    for path, leaf in likes.items()
                ]
                return step, jax.tree.unflatten(jax.tree.structure(like), leaves)
        return None

    def close(self) -> None:
        """Waits for the last write, which is lost if the process ends without this; OSError if it failed."""
        with self._if_there(), self._writing(), contextlib.closing(self._manager):
            self._manager.wait_until_finished()

    def remove(self) -> None:
        """Closes and deletes the folder, whether or not the last write succeeded."""
        with contextlib.suppress(OSError):
            self.close()
        for _ in range(100):  # where one write failed, another may still make a file
            shutil.rmtree(self.folder, ignore_errors=True)
            if not self.folder.exists():
                break
            time.sleep(0.05)

    @contextlib.contextmanager
    def _if_there(self) -> Iterator[None]:
        """A folder that is gone for a while, as on a file server that starts again, is no reason to end a training."""
        try:
            yield
        except OSError as error:
            if error.errno != errno.ENOENT and self.folder.parent.exists():
                raise
            message = f"no checkpoint was written, as its folder is gone: {self.folder}: {_line(error)}"
            warnings.warn(message, stacklevel=3)

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            # The libraries say in words alone that a disk is full, or a folder gone.
            number = next((full for full in FULL if os.strerror(full) in str(error)), errno.EIO)
            if number == errno.EIO and (isinstance(error, FileNotFoundError) or "NOT_FOUND" in str(error)):
                number = errno.ENOENT
            message = f"{self.folder}: a checkpoint could not be written: {_line(error)}"
            raise OSError(number, message, str(self.folder)) from error

    def _read(self, step: int, wanted: dict[str, str]) -> dict[str, np.ndarray]:
        leaves = self._manager.restore(step, args=ocp.args.Composite(state=ocp.args.StandardRestore())).state
        crc32 = leaves.pop("crc32")
        found = _described(leaves)
        for path in wanted | found:
            if found.get(path) != wanted.get(path):
                raise ValueError(f"{path} is {found.get(path, 'absent')}, not {wanted.get(path, 'absent')}")
        if (crc32 != _crc32(leaves)).any():  # Orbax has checksums of its indices, none of the arrays
            raise ValueError("wrong checksum")
        return leaves


_shown = sys.unraisablehook


def _without_late_writes(late: Any) -> None:
    """Where one write of a checkpoint fails, Orbax ends its event loop; each other write finds it gone, and says so."""
    if not (isinstance(late.exc_value, RuntimeError) and str(late.exc_value) == "Event loop is closed"):
        _shown(late)


def _by_path(state: Any) -> dict[str, Any]:
    return {jax.tree_util.keystr(path): leaf for path, leaf in jax.tree_util.tree_leaves_with_path(state)}


def _described(leaves: dict[str, Any]) -> dict[str, str]:
    return {path: f"{leaf.dtype}{list(leaf.shape)}" for path, leaf in leaves.items()}


def _crc32(leaves: dict[str, np.ndarray]) -> np.ndarray:
    return np.array([zlib.crc32(leaves[path].ravel().view(np.uint8).data) for path in sorted(leaves)], np.uint32)


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).partition(' [tensorstore_spec=')[0].split())}"
