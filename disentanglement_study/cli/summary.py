"""What `quick` prints at its end: the best models, and what the study found."""

import argparse
import textwrap

from disentanglement_study import store
from disentanglement_study.cli.analysis import WIDTH
from disentanglement_study.runtime.terminal import OUT


def best(arguments: argparse.Namespace) -> str | None:
    """Print the model of each method with the highest MIG; returns the run id of the best of all, if there is one.

    Scores are those of the mean representation.
    """
    from disentanglement_study.analysis import models, names
    from disentanglement_study.analysis import tables as analysis_tables
    from disentanglement_study.analysis.rows import NothingToDraw
    from disentanglement_study.cli import display

    try:
        table = analysis_tables.best_models(store.open(arguments.dir).results(models.stored()))
    except NothingToDraw:
        return None
    shown = table.rename(columns=names.METRICS).drop(columns=["strength_name", "strength", "data_set"])
    shown["method"] = [names.label(key, names.METHODS) for key in table["method"]]
    strengths = zip(table["strength_name"], table["strength"], strict=True)
    shown.insert(1, "strength", [names.strength(*each) for each in strengths])
    scores = [names.METRICS[score] for score in table if score in names.METRICS]
    shown[scores] = shown[scores].map("{:.2f}".format)
    OUT.print("\nThe model of each method with the highest MIG, and what it scores:\n")
    display.show(shown[["method", "strength", "seed", *scores, "run_id"]])
    return table.loc[table["mig"].idxmax(), "run_id"]


def found(arguments: argparse.Namespace) -> None:
    """Print what the study found, in three sentences."""
    from disentanglement_study.analysis import findings, models

    opened = store.open(arguments.dir)
    sentences = findings.findings(models.needed(opened.results(models.stored())))
    so_far = "" if len(opened.run_ids("done")) == len(opened.plan) else " so far"
    intervals = f" {findings.INTERVALS}" if any("[" in sentence for sentence in sentences) else ""
    OUT.print(f"\nWhat this study found{so_far}.{intervals}", soft_wrap=True)
    for sentence in sentences:
        shown = textwrap.fill(sentence, min(WIDTH, OUT.width), initial_indent="- ", subsequent_indent="  ")
        OUT.print(shown, highlight=False, soft_wrap=True)
