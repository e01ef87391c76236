"""Tables of a study: functions from results (one row per score, `rows.COLUMNS`) to a tidy DataFrame, one file each.

Failed runs and metrics enter no number. Beside each number are n, the models behind it, and of the models of the same
data set those that are not: `failed`, where the run or a metric that is needed failed, and `missing`, where it was not
computed. Models of a method that has no such representation, or no such loss, are neither. Intervals are 95 % of a
bootstrap over seeds (`stats`). Models that differ in more than a table's own columns are pooled. Rows that do not allow
a table raise `rows.NothingToDraw`, which says what they lack.

A table that should be written is one file and one line in `TABLES`.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pandas as pd
from threadpoolctl import threadpool_limits

from disentanglement_study.analysis import once
from disentanglement_study.analysis.models import needed
from disentanglement_study.analysis.rows import NothingToDraw, checked
from disentanglement_study.analysis.tables.best_normalised_beta import best_normalised_beta
from disentanglement_study.analysis.tables.chosen_by_loss import chosen_by_loss
from disentanglement_study.analysis.tables.claims_higgins2017 import claims_higgins2017
from disentanglement_study.analysis.tables.data_set_rank_correlation import data_set_rank_correlation
from disentanglement_study.analysis.tables.failures import failures
from disentanglement_study.analysis.tables.identifiability import identifiability, promised
from disentanglement_study.analysis.tables.metric_agreement import metric_agreement
from disentanglement_study.analysis.tables.paired_differences import paired_differences
from disentanglement_study.analysis.tables.paper_vs_measured import paper_vs_measured
from disentanglement_study.analysis.tables.rank_correlation import (
    downstream_rank_correlation,
    fairness_rank_correlation,
    rank_correlation,
    unsupervised_rank_correlation,
)
from disentanglement_study.analysis.tables.scores import best_models, scores_by_method, scores_by_strength
from disentanglement_study.analysis.tables.seeds_needed import detectable_difference, seeds_needed
from disentanglement_study.analysis.tables.strength_rank_correlation import strength_rank_correlation
from disentanglement_study.analysis.tables.systems import systems
from disentanglement_study.analysis.tables.training_scores import training_scores
from disentanglement_study.analysis.tables.transfer import transfer, transfer_pairs
from disentanglement_study.analysis.tables.variance_explained import variance_explained
from disentanglement_study.analysis.tables.verdict import judged
from disentanglement_study.analysis.text import markdown, render
from disentanglement_study.runtime import files

__all__ = [
    "OF_AXES",
    "OF_HIGGINS_2017",
    "OF_SERIES",
    "TABLES",
    "best_models",
    "best_normalised_beta",
    "chosen_by_loss",
    "claims_higgins2017",
    "data_set_rank_correlation",
    "detectable_difference",
    "downstream_rank_correlation",
    "failures",
    "fairness_rank_correlation",
    "identifiability",
    "judged",
    "metric_agreement",
    "paired_differences",
    "paper_vs_measured",
    "promised",
    "rank_correlation",
    "render",
    "scores_by_method",
    "scores_by_strength",
    "seeds_needed",
    "strength_rank_correlation",
    "systems",
    "training_scores",
    "transfer",
    "transfer_pairs",
    "unsupervised_rank_correlation",
    "variance_explained",
    "write",
]

# Of data sets that are drawn with several seeds.
OF_SERIES = {"chosen_by_loss": chosen_by_loss, "identifiability": identifiability}
# Of models with the metric of Higgins et al. 2017, or with a normalised β.
OF_HIGGINS_2017 = {
    "systems": systems,
    "best_normalised_beta": best_normalised_beta,
    "claims_higgins2017": claims_higgins2017,
}
# Of sweeps with an axis beside method, strength and seed.
OF_AXES = {"paired_differences": partial(paired_differences, representation=None)}
# What `write` writes, by file name.
TABLES: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
    "paper_vs_measured": paper_vs_measured,
    "rank_correlation": partial(rank_correlation, representation=None),
    "metric_agreement": partial(metric_agreement, representation=None),
    "unsupervised_rank_correlation": partial(unsupervised_rank_correlation, representation=None),
    "downstream_rank_correlation": partial(downstream_rank_correlation, representation=None),
    "fairness_rank_correlation": partial(fairness_rank_correlation, representation=None),
    "data_set_rank_correlation": partial(data_set_rank_correlation, representation=None),
    "strength_rank_correlation": partial(strength_rank_correlation, representation=None),
    "variance_explained": partial(variance_explained, representation=None),
    "detectable_difference": detectable_difference,
    "seeds_needed": seeds_needed,
    "transfer": transfer,
    "transfer_pairs": transfer_pairs,
    "scores_by_method": scores_by_method,
    "scores_by_strength": scores_by_strength,
    "training_scores": training_scores,
    **OF_AXES,
    **OF_SERIES,
    **OF_HIGGINS_2017,
    "failures": failures,
}
# Written as CSV alone: too long to read.
LONG = ("transfer_pairs",)


class Written(NamedTuple):
    """What `write` wrote: the files, the tables by name, and why each of the others was skipped."""

    paths: list[Path]
    tables: dict[str, pd.DataFrame]
    skipped: dict[str, str]


def write(results: pd.DataFrame, folder: str | Path, begins: Callable[[str], None] = lambda table: None) -> Written:
    """Write every table as CSV (full precision) and all of them, readable, as `tables.md`.

    A table that the rows do not allow is skipped; `tables.md` says why in one line. `begins` is called with the name of
    each before it is computed.
    """
    folder = Path(folder)
    results = needed(checked(results))
    written, parts = Written([], {}, {}), []
    folder.mkdir(parents=True, exist_ok=True)
    # The products are small: threads of linear algebra only wait.
    with once.within(results), threadpool_limits(limits=1):
        for name, function in TABLES.items():
            begins(name)
            heading = name.replace("_", " ").capitalize()
            try:
                table = once.call(function, results)
            except NothingToDraw as reason:
                written.skipped[name] = str(reason)
                (folder / f"{name}.csv").unlink(missing_ok=True)  # of an earlier state of the study
                parts.append(f"## {heading}\n\nSkipped: {reason}.\n")
                continue
            written.tables[name] = table
            written.paths.append(folder / f"{name}.csv")
            with files.replacing(written.paths[-1]) as temporary:
                table.to_csv(temporary, index=False, lineterminator="\n")
            parts.append(f"## {heading}\n\nIn `{name}.csv`.\n" if name in LONG else markdown(table, heading))
    written.paths.append(folder / "tables.md")
    with files.replacing(written.paths[-1]) as temporary:
        temporary.write_text("\n".join(parts), encoding="utf-8")
    return written
