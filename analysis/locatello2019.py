"""All tables and figures of Locatello et al. 2019 (arXiv 1811.12359), from the folder of a study.

    python analysis/locatello2019.py STUDY [FOLDER]

Written are FOLDER/tables and FOLDER/figures (default: analysis/locatello2019/ in the study's folder): a CSV file for
each table and tables.md to read them, a PDF, a PNG and the numbers behind for each figure. What the study does not
allow is skipped, and the reason is printed: a table or figure needs its data sets, methods, strengths and metrics.
"""

import argparse
import sys
from pathlib import Path

from disentanglement_study import store
from disentanglement_study.analysis import figures, models, tables
from disentanglement_study.runtime import files

PAPER = "locatello2019"


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", metavar="STUDY", type=Path, help="the folder of a study, as `run` makes it")
    parser.add_argument("folder", metavar="FOLDER", type=Path, nargs="?", help="where the tables and figures go")
    arguments = parser.parse_args(argv)
    try:
        study = store.open(arguments.study)
        folder = arguments.folder or files.folder(files.folder(study.root / "analysis") / PAPER)
        made = tables.write(study.results(models.stored()), files.folder(folder / "tables"))
        drawn = figures.write(study.results(figures.stored()), files.folder(folder / "figures"), PAPER)
    except (ValueError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    for name, reason in {**made.skipped, **drawn.skipped}.items():
        print(f"skipped: {name}: {reason}")
    for figure in figures.PAPERS[PAPER]:
        if figure.why_not:
            print(f"not among them: {figure.what.lower()}: {figure.why_not}")
    print(f"{len(made.tables)} tables and {len(drawn.figures)} figures in {folder}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
