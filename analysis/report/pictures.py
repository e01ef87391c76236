"""The pictures of runs that `disentanglement-study traverse` has drawn into the study's folder."""

import shutil
from collections.abc import Iterable
from pathlib import Path

FOLDER = "traversals"
KINDS = (".png", ".gif")


def copy(root: Path, run_ids: Iterable[str], folder: Path) -> dict[str, list[str]]:
    """Copies the pictures of these runs from the study at `root` into `folder`; their names, by run.

    Those that are there already are kept, unless they are older.
    """
    known, found = set(run_ids), {}
    for source in sorted((root / FOLDER).glob("*")):
        names = sorted(path.name for path in source.glob("*") if path.suffix in KINDS)
        if source.name not in known or not names:
            continue
        found[source.name] = names
        target = folder / FOLDER / source.name
        target.mkdir(parents=True, exist_ok=True)
        for name in names:
            _copy(source / name, target / name)
    return found


def _copy(source: Path, target: Path) -> None:
    if not target.exists() or target.stat().st_mtime < source.stat().st_mtime:
        shutil.copy2(source, target)
