"""The console command `disentanglement-study`. Bad input is one line on stderr and exit code 2; see EXIT_CODES."""

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from disentanglement_study import cli_analysis, cli_data, cli_traverse, config, store
from disentanglement_study.errors import Failed
from disentanglement_study.signals import interruptible
from disentanglement_study.terminal import ERR, OUT

BAD_INPUT, FAILED, INTERRUPTED = 2, 3, 130
SHOWN_ROWS = 200
FILE_OPTIONS = ("num_train", "num_test", "seed", "protocol", "option", "all_scores", "csv")

EXAMPLES = """\
examples:
  disentanglement-study plan locatello2019                       what a sweep holds and what it costs
  disentanglement-study run quick studies/quick                  train and score it here, with local Ray
  disentanglement-study run quick studies/one --gin "sweep.seeds = 1" --where "objective == 'beta_vae'"
  disentanglement-study run SWEEP /shared/DIR --address auto     on the Ray cluster that this machine is part of
  disentanglement-study status studies/quick
  disentanglement-study evaluate codes.npz --metrics mig,dci      score codes of your own
  disentanglement-study evaluate studies/quick --metrics irs      score a finished study on one metric more
  disentanglement-study figures studies/quick --paper locatello2019
  disentanglement-study report studies/quick                      a page to explore in a browser
  disentanglement-study traverse studies/quick RUN_ID              what a model has learnt: pictures, animations
  disentanglement-study data show dsprites                        what a data set looks like (data list: all of them)
  disentanglement-study query studies/quick "SELECT objective, avg(value) FROM results WHERE score = 'mig' GROUP BY ALL"

SWEEP is a gin file, or the name of one in sweeps/. Every command can be repeated: what is there is not done again.

"""
EXIT_CODES = """\
exit codes: 0: all done. 2: bad input, or a file that cannot be read or written; one line says which. 3: run, quick,
evaluate: some or all runs failed, or a metric failed for every model (of a file: a metric failed); the list is printed,
and a model that diverged counts as done. 130: stopped by Ctrl-C or SIGTERM; the same command goes on from there.
"""


def plan(arguments: argparse.Namespace) -> None:
    """Show what a sweep holds: counts by axis, jobs, estimated cost."""
    from disentanglement_study import cost, display, study

    settings, runs = _sweep(arguments)
    estimates = cost.estimate(runs, settings, arguments.data_dir)
    frame = study.plan.frame(runs, settings)
    OUT.print(display.headline(frame))
    for table in display.axes(frame, estimates):
        OUT.print("", table)
    OUT.print()
    OUT.print(display.cost(frame, estimates, len(study.plan.group(runs, settings.resources.job_size)), settings))


def run(arguments: argparse.Namespace) -> None:
    """Train and score what a study has not yet; safe to stop and to repeat."""
    plan = _run(arguments, arguments.retry_failed)
    status(arguments)
    _conclude(arguments.dir, plan)


def quick(arguments: argparse.Namespace) -> None:
    """Run the small study of sweeps/quick.gin, then its tables, figures and report."""
    arguments.sweep, arguments.paper, arguments.output = "quick", None, None
    plan = _run(arguments)
    if not store.open(arguments.dir).run_ids("done"):
        _conclude(arguments.dir, plan)
    cli_analysis.tables(arguments)
    cli_analysis.figures(arguments)
    cli_analysis.report(arguments)
    best = cli_analysis.best(arguments)
    OUT.print(
        f"\nThe study is in {arguments.dir}: tables/tables.md, figures/, all scores for queries, and\n"
        f"{arguments.dir / 'report' / 'index.html'}, a page to explore in a browser.\n"
        "Next, for example:\n"
        f"  {_command()} status {arguments.dir}\n"
        f"  {_command()} query {arguments.dir} \"SELECT objective, strength, avg(value) AS mig FROM results "
        "WHERE score = 'mig' AND representation = 'mean' GROUP BY ALL ORDER BY mig DESC\"\n"
        + (f"  {_command()} traverse {arguments.dir} {best}\n" if best else "")
        + f"  {_command()} plan locatello2019",
        highlight=False, soft_wrap=True,
    )  # fmt: skip
    _conclude(arguments.dir, plan)


def status(arguments: argparse.Namespace) -> None:
    """Count the runs of a study: done, failed, running, missing."""
    from disentanglement_study import display

    opened = store.open(arguments.dir)
    OUT.print(str(arguments.dir), soft_wrap=True)
    OUT.print(display.table(display.status(opened)))
    for text in display.awaited(opened):
        OUT.print(f"waiting: {text}", soft_wrap=True)
    for manifest in opened.manifests():
        if manifest["status"] == "failed":
            reason = manifest["error"].splitlines()[-1]
            OUT.print(f"failed: {len(manifest['run_ids'])} runs (job {manifest['job_id']}): {reason}")
    results = opened.results()
    failed = results[results["error"].notna() & (results["metric"] != "training")]
    for (metric, representation), rows in failed.groupby(["metric", "representation"]):
        reason = rows["error"].iloc[0].strip().splitlines()[-1]
        OUT.print(f"failed: {metric} on {representation} codes of {len(rows)} models: {reason}")
    for _, row in results[
        results["error"].str.startswith("diverged", na=False) & (results["score"] == "loss")
    ].iterrows():
        where = row.error.partition(":")[0]
        OUT.print(f"{where}: {row.objective} {row.strength_name}={row.strength:g} seed={row.seed} on {row.data_set}")


def evaluate(arguments: argparse.Namespace) -> None:
    """Score codes of your own (an npz file), or a finished study on metrics that it lacks."""
    if not arguments.target.is_dir():
        return _score_file(arguments)
    if misplaced := [name for name in FILE_OPTIONS if getattr(arguments, name) is not None]:
        raise ValueError(f"--{misplaced[0].replace('_', '-')} is for a file of codes; a study has its own settings")
    from disentanglement_study import rescore

    arguments.dir = store.open(arguments.target).root
    where = arguments.executor, arguments.address, arguments.data_dir
    metrics = rescore.rescore(arguments.dir, arguments.metrics, *where, ERR)
    status(arguments)
    _conclude(arguments.dir, metrics=metrics)


def _score_file(arguments: argparse.Namespace) -> None:
    import dataclasses

    from disentanglement_study import display, score_file
    from disentanglement_study.metrics.settings import parse_options

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
        OUT.print(display.table(shown.assign(score=detail)[["score", "value", "n", "seconds"]]))
        if len(shown) < len(scores):
            OUT.print(f"{len(scores)} scores, {len(shown)} shown; the others with --all-scores or --csv")
    if (failed := scores[scores["error"].notna()]).empty:
        return
    for _, row in failed.iterrows():
        ERR.print(f"failed: {row.metric}: {row.error.strip().splitlines()[-1]}", style="red", soft_wrap=True)
    raise Failed(f"{len(failed)} of {len(settings.metrics)} metrics could not be computed")


def query(arguments: argparse.Namespace) -> None:
    """Ask the results in SQL (DuckDB), which only reads: views runs, scores, curves, and results = scores with runs."""
    from disentanglement_study import display

    frame = store.open(arguments.dir).query(arguments.sql)
    if arguments.csv:
        frame.to_csv(sys.stdout, index=False)
    else:
        OUT.print(display.table(frame.head(SHOWN_ROWS)))
        OUT.print(f"{len(frame):,} rows" + (f", {SHOWN_ROWS} shown; all with --csv" if len(frame) > SHOWN_ROWS else ""))


def _sweep(arguments: argparse.Namespace):
    from disentanglement_study import study

    settings = config.load(arguments.sweep, arguments.gin)
    return settings, study.select(study.plan.expand(settings, arguments.data_dir), settings, arguments.where)


def _run(arguments: argparse.Namespace, retry_failed: bool = False):
    """Returns the plan of the runs that were asked for."""
    from disentanglement_study import study

    settings, runs = _sweep(arguments)
    study.run(
        runs=runs,
        study=settings,
        root=arguments.dir,
        executor=arguments.executor,
        address=arguments.address,
        data_dir=arguments.data_dir,
        retry_failed=retry_failed,
        console=ERR,
    )
    return study.plan.frame(runs, settings)


def _conclude(folder: Path, plan=None, metrics: Sequence[str] | None = None) -> None:
    """Raises `Failed` if runs of this plan failed, or a metric did for every model: of these metrics, or of all."""
    from disentanglement_study import display

    opened = store.open(folder)
    results = opened.results()
    if metrics is not None:
        results = results[results["metric"].isin(metrics) | (results["metric"] == "training")]
    failed = set() if plan is None else opened.run_ids("failed")
    if text := display.failures(results, opened.plan if plan is None else plan, failed):
        raise Failed(text)


def _command() -> str:
    """How the user reached this program, so that what is printed can be pasted."""
    path = Path(sys.argv[0])
    if path.name == "__main__.py":
        return f"{Path(sys.executable).name} -m disentanglement_study"
    on_path = any(Path(folder) == path.parent for folder in os.environ.get("PATH", "").split(os.pathsep))
    return path.name if on_path else os.path.relpath(path)


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="disentanglement-study",
        description="Large reproducibility studies of disentangled representations.",
        epilog=EXAMPLES + EXIT_CODES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = top.add_subparsers(metavar="COMMAND", required=True)

    def add(function: Callable[[argparse.Namespace], None], *parts: Callable) -> argparse.ArgumentParser:
        name, text = function.__name__, function.__doc__
        command = commands.add_parser(name, help=text, description=text, epilog=EXIT_CODES)
        for part in parts:
            part(command)
        command.set_defaults(function=function)
        return command

    add(plan, _sweep_argument, _sweep_options, _data_dir)
    add(run, _sweep_argument, _folder, _sweep_options, _executor_options, _data_dir).add_argument(
        "--retry-failed", action="store_true", help="do runs again that failed before"
    )
    add(quick, _quick_folder, _sweep_options, _executor_options, _data_dir)
    command = add(evaluate)
    command.add_argument("target", metavar="TARGET", type=Path, help="an npz file, or the folder of a study")
    command.add_argument("--metrics", help="names, separated by commas, or all (default: all; of a study: its own)")
    _executor_options(command)
    _data_dir(command)
    of_file = command.add_argument_group(
        "for an npz file: codes [N, D] of floats, and factors [N, F] of integers (most metrics), real numbers, or none"
    )
    of_file.add_argument("--num-train", type=int, help="points to train and estimate on (default 10000)")
    of_file.add_argument("--num-test", type=int, help="points to test on (default 5000)")
    of_file.add_argument("--seed", type=int, help="of the metrics' draws (default 0)")
    of_file.add_argument("--protocol", choices=("dlib", "paper"), help="dlib: what was published (default)")
    of_file.add_argument(
        "--option",
        metavar="METRIC.NAME=VALUE",
        action="append",
        help="such as dci.num_stages=50 (may be repeated)",
    )
    of_file.add_argument("--all-scores", action="store_const", const=True, help="not only the headline of each metric")
    of_file.add_argument("--csv", action="store_const", const=True, help="print all scores as CSV instead of a table")
    add(status, _folder)
    command = add(query, _folder)
    command.add_argument("sql", metavar="SQL", help='such as "SELECT * FROM results LIMIT 5"')
    command.add_argument("--csv", action="store_true", help="print CSV instead of a table")
    cli_analysis.add_to(commands, _folder)
    cli_traverse.add_to(commands, _data_dir)
    cli_data.add_to(commands, _data_dir)
    return top


def _sweep_argument(command: argparse.ArgumentParser) -> None:
    command.add_argument("sweep", metavar="SWEEP", help="a gin file, or the name of one in sweeps/")


def _folder(command: argparse.ArgumentParser) -> None:
    command.add_argument("dir", metavar="DIR", type=Path, help="the study's folder")


def _quick_folder(command: argparse.ArgumentParser) -> None:
    default = Path("studies/quick")
    command.add_argument("dir", metavar="DIR", type=Path, nargs="?", default=default, help=f"default: {default}")


def _sweep_options(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--gin", metavar="BINDING", action="append", default=[], help='over the file, such as "train.steps = 1000"'
    )
    command.add_argument("--where", metavar="EXPRESSION", help='only these runs, such as "seed < 5 and strength > 1"')


def _executor_options(command: argparse.ArgumentParser) -> None:
    command.add_argument("--executor", default="ray", help="ray (default) or inline: one job at a time, no Ray")
    command.add_argument("--address", help="a Ray cluster, such as auto; default: start Ray on this machine")


def _data_dir(command: argparse.ArgumentParser) -> None:
    command.add_argument("--data-dir", metavar="DIR", type=Path, help="where data sets are kept (default: user cache)")


def main(argv: list[str] | None = None) -> int:
    arguments = parser().parse_args(argv)
    try:
        with interruptible(INTERRUPTED):
            arguments.function(arguments)
    except (ValueError, OSError) as error:
        if os.environ.get("DISENTANGLEMENT_STUDY_TRACEBACK"):
            raise
        ERR.print(f"error: {str(error).strip() or type(error).__name__}", style="red", soft_wrap=True)
        return BAD_INPUT
    except Failed as error:
        ERR.print(str(error), style="red", soft_wrap=True)
        return FAILED
    except KeyboardInterrupt:
        ERR.print("stopped; nothing finished is lost: the same command goes on from here")
        return INTERRUPTED
    return 0


if __name__ == "__main__":
    sys.exit(main())
