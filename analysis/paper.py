"""What the scripts of this folder share: the tables and figures of a paper, from the folder of a study."""

import argparse
import sys
from pathlib import Path

from disentanglement_study import store
from disentanglement_study.analysis import figures, models, tables
from disentanglement_study.runtime import files
from disentanglement_study.runtime.words import counted


def main(paper: str, description: str, argv: list[str] | None = None) -> int:
    """Write them; returns the exit status."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", metavar="STUDY", type=Path, help="the folder of a study, as `run` makes it")
    parser.add_argument("folder", metavar="FOLDER", type=Path, nargs="?", help="where the tables and figures go")
    arguments = parser.parse_args(argv)
    try:
        study = store.open(arguments.study)
        folder = arguments.folder or files.folder(files.folder(study.root / "analysis") / paper)
        made = tables.write(study.results(models.stored()), files.folder(folder / "tables"))
        drawn = figures.write(study.results(figures.stored()), files.folder(folder / "figures"), paper)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for name, reason in {**made.skipped, **drawn.skipped}.items():
        print(f"skipped: {name}: {reason}")
    for figure in figures.PAPERS[paper]:
        if figure.why_not:
            print(f"not drawn: {figure.what.lower()}: {figure.why_not}")
    print(f"{counted(len(made.tables), 'table')} and {counted(len(drawn.figures), 'figure')} in {folder}")
    return 0
