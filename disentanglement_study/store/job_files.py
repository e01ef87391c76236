"""A file of a job that cannot be read: the error says what to do about it."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

from disentanglement_study.runtime.files import Damaged, reading


class DamagedJob(Damaged):
    """A file of a job that does not hold what it should."""

    def __str__(self) -> str:
        return f"{self.what}; {_advice(self.path)}"


@contextlib.contextmanager
def reading_job(path: Path) -> Iterator[None]:
    """As `files.reading`, of a file in the folder of a job."""
    try:
        with reading(path):
            yield
    except DamagedJob:
        raise
    except Damaged as error:
        raise DamagedJob(error.path, error.reason) from error


def _advice(path: Path) -> str:
    job, _, root, *_ = path.parents
    with contextlib.suppress(OSError, ValueError, AttributeError, RecursionError):
        if json.loads((job / "manifest.json").read_text(encoding="utf-8")).get("source"):
            return "import the study again, into a new folder"  # `run` has no models to go on with
    return f"`run SWEEP {root}` sets the damaged job aside and does its runs again"
