"""The console commands `evaluate` and `query`: scores, of a study or of codes in a file."""

import argparse
import atexit
import gc
import sys

from disentanglement_study import config, store
from disentanglement_study.cli import options, study
from disentanglement_study.errors import Failed, reason
from disentanglement_study.runtime import files
from disentanglement_study.runtime.terminal import ERR, OUT
from disentanglement_study.runtime.words import counted
from disentanglement_study.store.columns import ABOUT

SHOWN_ROWS = 100
SHOWN_ROW_BY_ROW = 20  # where the terminal is too narrow for a table
TABLES = "\n".join(f"  {name:9} {about}" for name, about in ABOUT.items())
QUESTIONS = """\
examples (docs/query.md has more):
  disentanglement-study query {dir} "SELECT method, strength, avg(value) AS mig FROM results
      WHERE score = 'mig' AND representation = 'mean' GROUP BY ALL ORDER BY mig DESC"
  disentanglement-study query {dir} "SELECT commit, dirty, device, host, sum(runs) AS models FROM jobs GROUP BY ALL"
  disentanglement-study query {dir} "SELECT run_id, term, step, value FROM curves WHERE term = 'loss' LIMIT 5" --csv
"""

FILE_OPTIONS = ("num_train", "num_test", "seed", "protocol", "option", "all_scores", "csv")


def evaluate(arguments: argparse.Namespace) -> None:
    """Score codes of your own (an npz file), or a finished study on metrics that it lacks."""
    if not files.led_to(arguments.target).is_dir():
        return _score_file(arguments)
    if misplaced := [name for name in FILE_OPTIONS if getattr(arguments, name) is not None]:
        raise ValueError(f"--{misplaced[0].replace('_', '-')} is for a file of codes; a study has its own settings")
    from disentanglement_study.study import rescore

    arguments.dir = arguments.target
    store.open(arguments.dir)
    metrics = rescore.rescore(arguments.dir, options.site(arguments), arguments.metrics, ERR)
    study.status(arguments)
    study.conclude(arguments.dir, metrics=metrics)


def _score_file(arguments: argparse.Namespace) -> None:
    import dataclasses

    from disentanglement_study.cli import display
    from disentanglement_study.metrics.settings import parse_options
    from disentanglement_study.scoring import score_file

    options = parse_options(arguments.option or ())
    points = score_file.read(arguments.target)
    names, left_out = score_file.choose(arguments.metrics or "all", points)
    if left_out:
        ERR.print(left_out, soft_wrap=True)
    given = {name: getattr(arguments, name) for name in ("num_train", "num_test", "seed")}
    settings = config.EvaluateConfig(metrics=names, options=options)
    settings = dataclasses.replace(settings, **{name: value for name, value in given.items() if value is not None})
    with display.steps(ERR, len(settings.metrics)) as report:
        scores = score_file.score(points, settings, arguments.protocol or "dlib", report)
    if arguments.csv:
        scores.to_csv(sys.stdout, index=False)
    else:
        shown = scores if arguments.all_scores else display.headlines(scores)
        detail = shown["metric"].where(shown["score"] == shown["metric"], shown["metric"] + ": " + shown["score"])
        display.show(shown.assign(score=detail)[["score", "value", "n", "seconds"]])
        if len(shown) < len(scores):
            OUT.print(f"{counted(len(scores), 'score')}, {len(shown)} shown; the others with --all-scores or --csv")
    if (failed := scores[scores["error"].notna()]).empty:
        return
    for _, row in failed.iterrows():
        ERR.print(f"failed: {row.metric}: {reason(row.error)}", style="red", soft_wrap=True)
    raise Failed(f"{len(failed)} of {counted(len(settings.metrics), 'metric')} could not be computed")


def query(arguments: argparse.Namespace) -> None:
    """Ask the results in SQL (DuckDB), which only reads. Without SQL: the tables, their columns, example questions."""
    from disentanglement_study.cli import display
    from disentanglement_study.store import queries

    atexit.register(gc.disable)  # else all objects are looked through once more when the process ends
    opened = store.open(arguments.dir)
    if arguments.sql is None:
        return _show_tables(opened)
    frame, part = queries.ask(opened, arguments.sql)
    if arguments.csv:
        frame.to_csv(sys.stdout, index=False)
    else:
        shown = frame.head(SHOWN_ROWS)
        shown = shown if display.fits(shown, OUT) else shown.head(SHOWN_ROW_BY_ROW)
        display.show(shown)
        OUT.print(
            counted(len(frame), "row") + (f", {len(shown)} shown; all with --csv" if len(shown) < len(frame) else "")
        )
    if part:
        ERR.print(f"{part} (`status {arguments.dir}`)", soft_wrap=True)


def _show_tables(opened: "store.Store") -> None:
    import pandas as pd

    from disentanglement_study.cli import display
    from disentanglement_study.store import columns

    for name, about in columns.ABOUT.items():
        OUT.print(f"{name}: {about}", style="bold", soft_wrap=True)
        display.show(pd.DataFrame(columns.described(name), columns=["column", "type", "what it holds"]))
        OUT.print()
    settings = [name for name in opened.plan if "." in name]
    OUT.print(
        f'settings, which are columns of runs too (in double quotes, as "{settings[0]}"): {", ".join(settings)}\n'
    )
    OUT.print(QUESTIONS.format(dir=opened.root), soft_wrap=True)


def add_to(commands: options.Commands) -> None:
    """Add the commands."""
    command = options.add_command(commands, evaluate)
    command.add_argument("target", metavar="TARGET", type=options.path, help="an npz file, or the folder of a study")
    command.add_argument(
        "--metrics", help="names, separated by commas (see: list metrics), or all (default: all; of a study: its own)"
    )
    options.executor_options(command)
    options.data_dir(command)
    of_file = command.add_argument_group(
        "for an npz file: codes [N, D] of floats, and factors [N, F] of integers (most metrics), real numbers, or none"
    )
    of_file.add_argument("--num-train", metavar="N", type=int, help="points to train and estimate on (default 10000)")
    of_file.add_argument("--num-test", metavar="N", type=int, help="points to test on (default 5000)")
    options.seed(of_file, "of the metrics' draws", None)
    of_file.add_argument("--protocol", choices=("dlib", "paper"), help="dlib: what was published (default)")
    of_file.add_argument(
        "--option", metavar="METRIC.NAME=VALUE", action="append", help="such as dci.num_stages=50 (may be repeated)"
    )
    of_file.add_argument("--all-scores", action="store_const", const=True, help="not only the headline of each metric")
    of_file.add_argument("--csv", action="store_const", const=True, help="print all scores as CSV instead of a table")
    about = f"tables:\n{TABLES}\n\nDIR alone, without SQL, prints their columns and what these hold.\n\n"
    command = options.add_command(commands, query, about + QUESTIONS.format(dir="DIR"))
    options.folder(command)
    command.add_argument("sql", metavar="SQL", nargs="?", help='such as "SELECT * FROM results LIMIT 5"')
    command.add_argument("--csv", action="store_true", help="print CSV instead of a table")
