"""The pictures of runs that `disentanglement-study traverse` and `compare` have drawn into the study's folder."""

import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from disentanglement_study.runtime import files

FOLDER = "traversals"
KINDS = (".png", ".gif")
NAME = re.compile(r"\w[\w.+-]*")


def copy(root: Path, run_ids: Iterable[str], folder: Path) -> dict[str, list[str]]:
    """Copies the pictures of these runs from the study at `root` into `folder`; their names, by run.

    Those that are there already are kept, unless they are older. Links are left out: they may lead anywhere.
    """
    known = set(run_ids)
    found: dict[str, list[str]] = {}
    if (root / FOLDER).is_symlink():
        return found
    for source in sorted((root / FOLDER).glob("*")):
        if source.name not in known or source.is_symlink():
            continue
        if not (names := sorted(path.name for path in source.glob("*") if _is_picture(path))):
            continue
        found[source.name] = names
        target = files.folder(files.folder(folder / FOLDER) / source.name)
        for name in names:
            _copy(source / name, target / name)
    return found


def _is_picture(path: Path) -> bool:
    return path.suffix in KINDS and NAME.fullmatch(path.name) is not None and path.is_file() and not path.is_symlink()


def _copy(source: Path, target: Path) -> None:
    if target.is_symlink() or not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
        with files.replacing(target) as temporary:
            shutil.copy2(source, temporary, follow_symlinks=False)
