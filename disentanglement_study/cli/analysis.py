"""The console commands `tables`, `figures` and `report`: what a study says, from its rows alone."""

import argparse
import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from annotated_types import Ge, Le

from disentanglement_study import store
from disentanglement_study.cli import as_json, options
from disentanglement_study.cli.completers import PAPERS
from disentanglement_study.runtime import files
from disentanglement_study.runtime.terminal import ERR, OUT, Terminal
from disentanglement_study.runtime.words import counted

if TYPE_CHECKING:
    import pandas as pd

MAX_DRAWING = 4  # Processes that draw figures: each holds the results.
# The others are in tables.md.
PRINTED = ("rank_correlation", "paper_vs_measured", "chosen_by_loss", "systems", "claims_higgins2017")
WIDTH = 120  # columns of what is printed

TABLES = """\
DIR/tables gets a CSV file for each table, and tables.md with all of them to read. Intervals come from a bootstrap over
seeds. Failed and missing models are counted. A table that the rows do not allow is skipped, and what they lack is
named.

--beside OTHER compares the runs that both studies have: beside.csv has a row for each score of each method (means,
their difference, rank correlation), beside_by_run.csv one for each score of each run. Runs are matched by their
dlib_model_num, else by their run_id. A difference is the value of DIR less the value of OTHER.

--json prints {files, skipped}: the paths of the files that were written, and why each other table was skipped.

examples:
  disentanglement-study tables studies/quick
      Write the tables, and print the rank correlations and the claims of the paper.
  disentanglement-study tables studies/quick --beside studies/published
      Compare the runs that both studies have, score by score.
"""
FIGURES = """\
DIR/figures gets a PDF, a PNG and a CSV file with the numbers for each figure. A figure that the rows do not allow is
skipped, and what they lack is named. Reconstructions and traversals need a model: see `disentanglement-study traverse`.

--beside OTHER also draws here_against_there: the scores in DIR against those in OTHER, for the runs that both have (by
their dlib_model_num, else by their run_id), with the rank correlation of the two.

examples:
  disentanglement-study figures studies/quick
      Draw all figures that the scores allow.
  disentanglement-study figures studies/quick --paper locatello2019
      Draw the figures of one paper.
  disentanglement-study figures studies/quick --beside studies/published
      Plot the scores of two studies against each other.
"""
REPORT = """\
The folder gets index.html, with every score of every run, the loss curves, and the pictures that traverse and compare
have drawn so far. Copy the whole folder anywhere, and open index.html from there. It needs no network.

--live writes nothing: it serves a page of a running study until Ctrl-C, and prints the address to open. The page shows
how far the study is, when it ends, the losses of running jobs, what failed and why, and the scores so far. It is served
to this machine alone, to everyone who is logged in there. The study may run on another machine, if this one sees its
folder. On a terminal, --live waits for a study that does not exist yet. To look from another machine, run there
`ssh -L 8000:127.0.0.1:8000 MACHINE`, and serve with --port 8000.

examples:
  disentanglement-study report studies/quick
      Write studies/quick/report/index.html.
  disentanglement-study report studies/quick --live
      Serve a page of the study while it runs.
  disentanglement-study report /shared/studies/mine --live --port 8000
      Serve it at a port of your choice.
"""


def _say_state(opened: "store.Store", console: Terminal = OUT) -> None:
    """A line if not all of the study is done, and one if it has scores that compare models, and other models than those
    that were compared."""
    from disentanglement_study.store import peers
    from disentanglement_study.store.part import part

    with contextlib.suppress(ValueError):  # of a file that is damaged those tell who need it
        if text := part(opened.plan, opened.manifests()):
            console.print(f"{text} (`status {opened.root}`)", soft_wrap=True)
        if number := sum(len(job.runs) for job in peers.outdated(opened)):
            console.print(
                f"udr of {counted(number, 'model')} was computed with other seeds than there are now: "
                f"`evaluate {opened.root} --metrics udr` computes it again",
                soft_wrap=True,
            )


def tables(arguments: argparse.Namespace, brief: bool = False) -> None:
    """Write the tables of a study, and print the main ones.

    Those are the rank correlations of metrics and the claims of the papers beside what the study says.
    """
    from disentanglement_study.cli import display

    with display.working("reading the scores"):
        from disentanglement_study.analysis import beside, models
        from disentanglement_study.analysis import tables as analysis_tables

        other = _other(arguments)
        opened = store.open(arguments.dir)
        results = opened.results(models.stored())
    _say_state(opened, ERR if arguments.json else OUT)
    compared = []
    if other is not None:
        compared = _beside(results, other.results(models.stored()), files.folder(arguments.dir / "tables"), arguments)
    with display.steps(ERR, len(analysis_tables.TABLES)) as begins:
        written = analysis_tables.write(results, files.folder(arguments.dir / "tables"), begins)
    if arguments.json:
        return as_json.write({"files": [*compared, *written.paths], "skipped": written.skipped})
    shown, unjudged = {name: written.tables[name] for name in PRINTED if name in written.tables}, ""
    if "paper_vs_measured" in shown:
        shown["paper_vs_measured"], unjudged = analysis_tables.judged(shown["paper_vs_measured"], results)
    if "rank_correlation" in shown and (shown["rank_correlation"]["representation"] == "mean").any():
        shown["rank_correlation"] = shown["rank_correlation"].query("representation == 'mean' and score_a != score_b")
    if "chosen_by_loss" in shown:
        shown["chosen_by_loss"] = analysis_tables.promised(shown["chosen_by_loss"])
    if "scores_by_method" not in written.tables and "training_scores" in written.tables:
        shown["training_scores"] = written.tables["training_scores"]  # nothing is known of the truth
    for table in shown.values():
        if len(table):
            OUT.print(analysis_tables.render(table, WIDTH), soft_wrap=True)
    if unjudged:
        where = f"{unjudged}; for what each needs see {arguments.dir / 'tables' / 'tables.md'}"
        OUT.print(where, soft_wrap=True)
    _print_skipped(written.skipped, "table", arguments, brief)
    folder = arguments.dir / "tables"
    OUT.print(
        f"{folder}: {counted(len(written.tables), 'table')} as CSV, and tables.md with all of them", soft_wrap=True
    )
    if other is None and (older := [name for name in beside.FILES if (folder / name).exists()]):
        OUT.print(f"{' and '.join(older)} are from an earlier --beside, and may be out of date", soft_wrap=True)


def _other(arguments: argparse.Namespace) -> "store.Store | None":
    """The study of --beside; ValueError if it is the study itself."""
    if arguments.beside is None:
        return None
    if arguments.beside.resolve() == arguments.dir.resolve():
        raise ValueError(f"{arguments.beside} is named twice: --beside compares a study with another one")
    return store.open(arguments.beside)


def _beside(here: "pd.DataFrame", there: "pd.DataFrame", folder: Path, arguments: argparse.Namespace) -> list[Path]:
    """Write what two studies have of the same runs, and print the headline scores; returns the files."""
    from disentanglement_study.analysis import beside

    found, paths = beside.write(here, there, folder)
    if arguments.json:
        return [*paths]
    number = counted(found.by_run["run_id"].nunique(), "run")
    OUT.print(f"{number} that both studies have are compared. A difference is the value here minus the value there.\n")
    OUT.print(beside.shown(found.summary).to_string(index=False), soft_wrap=True)
    OUT.print(f"\n{' and '.join(map(str, paths))} have all scores\n", soft_wrap=True)
    return [*paths]


def figures(arguments: argparse.Namespace, brief: bool = False) -> None:
    """Draw the figures of a study, or those of one paper."""
    from disentanglement_study.cli import display

    paper = arguments.paper
    folder = arguments.dir / "figures"
    with display.working("reading the scores"):
        from disentanglement_study.analysis import figures as analysis_figures

        if paper is not None:
            analysis_figures.figures_of(paper)  # an unknown one is refused before the study is read
        other = _other(arguments)
        opened = store.open(arguments.dir)
        results = opened.results(analysis_figures.stored())
    _say_state(opened)
    files.folder(folder)
    if other is not None:
        drawn = analysis_figures.write_beside(results, other.results(analysis_figures.stored()), folder)
        OUT.print(f"{drawn[0]} shows the runs that both studies have, here against there", soft_wrap=True)
    total = len(analysis_figures.figures_of(paper) if paper else analysis_figures.FIGURES)
    with display.steps(ERR, total) as begins:
        written = analysis_figures.write(results, folder, paper, min(os.cpu_count() or 1, MAX_DRAWING), begins)
    _print_skipped(written.skipped, "figure", arguments, brief)
    for figure in analysis_figures.PAPERS[paper] if paper else ():
        if figure.why_not:
            shown = f"not drawn: {figure.what.lower()}: {figure.why_not}"
            OUT.print(shown, soft_wrap=True)
    of_both = [] if other is None else list(analysis_figures.OF_TWO)
    OUT.print(_drawn(written.figures, of_both, paper, arguments.dir, folder), soft_wrap=True)


def _drawn(own: list[str], of_both: list[str], paper: str | None, root: Path, folder: Path) -> str:
    """How many figures there are now: those of a study, or of a paper, and those of it beside another."""
    found = f"{counted(len(own) + len(of_both), 'figure')} in {folder}"
    if own:
        return found + (f", {' and '.join(of_both)} among them" if of_both else "")
    hint = "; leave out --paper to draw all that can be" if paper else ""
    none = f"no figure{f' of {paper}' if paper else ''} can be drawn from {root}, for the reasons above{hint}"
    return f"{found}: {' and '.join(of_both)}; {none}" if of_both else none


def report(arguments: argparse.Namespace) -> None:
    """Write a study as a page for a browser, or serve a live page."""
    if getattr(arguments, "live", False):
        return _live(arguments)
    if getattr(arguments, "port", None) is not None:
        raise ValueError("--port needs --live: a report that is written is not served")
    from disentanglement_study.cli import display

    with display.working("importing what draws"):
        from disentanglement_study.analysis import report as analysis_report

    opened = store.open(arguments.dir)
    _say_state(opened)
    with display.steps(ERR, len(analysis_report.STEPS)) as begins:
        page = analysis_report.write(opened, arguments.output, begins)
    OUT.print(f"{page} ({page.stat().st_size / 1e6:.1f} MB)", soft_wrap=True)


def _live(arguments: argparse.Namespace) -> None:
    if arguments.output is not None:
        raise ValueError("--output cannot be used with --live, which writes no file")
    from disentanglement_study.cli import waiting

    if (opened := waiting.awaited(arguments.dir)) is None:
        return
    from disentanglement_study.live import server

    def begins(url: str) -> None:
        OUT.print(f"{url} shows {arguments.dir} until Ctrl-C", soft_wrap=True)

    server.serve(opened, arguments.port or 0, begins)


def _print_skipped(skipped: Mapping[str, str], kind: str, arguments: argparse.Namespace, brief: bool) -> None:
    """A line for each reason, with all that it leaves out; brief: one line in all."""
    if brief and skipped:
        more = f"{counted(len(skipped), f'more {kind}')} {'need' if len(skipped) > 1 else 'needs'} other studies"
        OUT.print(f"{more}: `disentanglement-study {kind}s {arguments.dir}` says what each lacks", soft_wrap=True)
        return
    for reason in dict.fromkeys(skipped.values()):
        names = ", ".join(name for name, why in skipped.items() if why == reason)
        OUT.print(f"skipped: {names}: {reason}", soft_wrap=True)


def add_to(commands: options.Commands) -> None:
    """Add the commands."""
    for function, details in ((tables, TABLES), (figures, FIGURES), (report, REPORT)):
        command = options.add_command(commands, function, details)
        options.folder(command)
        if function is not report:
            command.add_argument(
                "--beside", metavar="OTHER", type=options.path, help="the folder of a study to compare with"
            )
        if function is tables:
            options.json_option(command)
        if function is figures:
            papers = f"{', '.join(PAPERS[:-1])} or {PAPERS[-1]}"
            command.add_argument("--paper", metavar="PAPER", help=f"only those of this paper: {papers} (default: all)")
        if function is report:
            command.add_argument("--output", metavar="FOLDER", type=options.path, help="default: DIR/report")
            command.add_argument("--live", action="store_true", help="serve a page of a study that runs, until Ctrl-C")
            port = options.whole(Annotated[int, Ge(0), Le(65535)])
            command.add_argument(
                "--port", metavar="N", type=port, help="the port of the live page (default: a free one)"
            )
