"""The console commands `tables`, `figures` and `report`: what a study says, from its rows alone."""

import argparse
import os
from collections.abc import Callable
from pathlib import Path

from disentanglement_study import files, store
from disentanglement_study.terminal import ERR, OUT

MAX_DRAWING = 4  # Processes that draw figures: each holds the results.

TABLES = """\
written into DIR/tables: a CSV file for each table, and tables.md, all of them to be read. Intervals are of a bootstrap
over seeds; failed and missing models are counted. What the rows do not allow is skipped, and what they lack is named.
"""
FIGURES = """\
written into DIR/figures: a PDF, a PNG and a CSV file, the numbers behind, for each figure. What the rows do not allow
is skipped, and what they lack is named. Reconstructions and traversals need a model: disentanglement-study traverse.

examples:
  disentanglement-study figures studies/quick
  disentanglement-study figures studies/quick --paper locatello2019
"""
REPORT = """\
written: index.html, with every score of every run, and beside it the loss curves and the pictures that traverse has
drawn so far. Copy the whole folder anywhere, and open index.html from there.
"""


def tables(arguments: argparse.Namespace) -> None:
    """Write the tables (CSV and Markdown) and print what the paper claims beside what the study says."""
    from analysis import models
    from analysis import tables as analysis_tables
    from disentanglement_study import display

    results = store.open(arguments.dir).results(models.stored())
    with display.steps(ERR, len(analysis_tables.TABLES)) as begins:
        written = analysis_tables.write(results, files.folder(arguments.dir / "tables"), begins)
    for name in ("rank_correlation", "paper_vs_measured"):
        if name in written.tables:
            text = analysis_tables.render(written.tables[name])
            OUT.print(text, highlight=False, markup=False, soft_wrap=True)
    for name, reason in written.skipped.items():
        OUT.print(f"skipped: {name}: {reason}", highlight=False, markup=False, soft_wrap=True)
    OUT.print(f"{len(written.tables)} tables in {arguments.dir / 'tables'}", highlight=False)


def figures(arguments: argparse.Namespace) -> None:
    """Draw the figures of a paper, or all (PDF, PNG, and the numbers behind as CSV)."""
    from analysis import figures as analysis_figures
    from disentanglement_study import display

    paper = arguments.paper
    folder = arguments.dir / "figures"
    if paper is not None:
        analysis_figures.figures_of(paper)  # an unknown one is refused before the study is read
    results = store.open(arguments.dir).results(analysis_figures.stored())
    files.folder(folder)
    total = len(analysis_figures.figures_of(paper) if paper else analysis_figures.FIGURES)
    with display.steps(ERR, total) as begins:
        written = analysis_figures.write(results, folder, paper, min(os.cpu_count() or 1, MAX_DRAWING), begins)
    for name, reason in written.skipped.items():
        OUT.print(f"skipped: {name}: {reason}", highlight=False, markup=False, soft_wrap=True)
    for figure in analysis_figures.PAPERS[paper] if paper else ():
        if figure.why_not:
            shown = f"not among them: {figure.what.lower()}: {figure.why_not}"
            OUT.print(shown, highlight=False, markup=False, soft_wrap=True)
    OUT.print(f"{len(written.figures)} figures in {folder}", highlight=False)


def report(arguments: argparse.Namespace) -> None:
    """Write the report: a page to explore in a browser, without a network."""
    from analysis import report as analysis_report
    from disentanglement_study import display

    opened = store.open(arguments.dir)
    with display.steps(ERR, len(analysis_report.STEPS)) as begins:
        page = analysis_report.write(opened, arguments.output, begins)
    OUT.print(f"{page} ({page.stat().st_size / 1e6:.1f} MB)", highlight=False, markup=False, soft_wrap=True)


def add_to(commands: argparse._SubParsersAction, folder: Callable[[argparse.ArgumentParser], None]) -> None:
    """Add the commands; `folder` adds the argument that all of them have."""
    for function, details in ((tables, TABLES), (figures, FIGURES), (report, REPORT)):
        command = commands.add_parser(
            function.__name__,
            help=function.__doc__,
            description=function.__doc__,
            epilog=details,
            formatter_class=argparse.RawDescriptionHelpFormatter,
        )
        folder(command)
        if function is figures:
            papers = "locatello2019 or locatello2020"
            command.add_argument("--paper", metavar="PAPER", help=f"only those of this paper: {papers} (default: all)")
        if function is report:
            command.add_argument("--output", metavar="FOLDER", type=Path, help="default: DIR/report")
        command.set_defaults(function=function)
