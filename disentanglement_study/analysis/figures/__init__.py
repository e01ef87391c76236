"""Figures of a study: functions from its results (one row per score, `rows.COLUMNS`) to a matplotlib Figure.

A figure shows every data set that is there, a panel or a row of panels for each, and draws the numbers of
`analysis.tables`, which it carries as `figure.numbers`. In its title is n, the models behind a cell or point, and how
many failed or are missing. `scores` of a figure are the headline scores to show (None: every score; where each has a
panel for each of several data sets, those of the study of 2019). Rows that do not allow a figure raise
`rows.NothingToDraw`, which says what they lack.

A figure that should be written is one file and one line in `FIGURES`, and, if it is a paper's, in `papers.PAPERS`.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow.compute as pc

from disentanglement_study.analysis import beside, models
from disentanglement_study.analysis.figures import pool, style
from disentanglement_study.analysis.figures.chosen_by_option import OPTIONS, chosen_by_option
from disentanglement_study.analysis.figures.data_set_rank_correlation import data_set_rank_correlation
from disentanglement_study.analysis.figures.detectable_difference import detectable_difference
from disentanglement_study.analysis.figures.downstream_accuracy import downstream_accuracy
from disentanglement_study.analysis.figures.downstream_rank_correlation import downstream_rank_correlation
from disentanglement_study.analysis.figures.factor_groups import factor_groups
from disentanglement_study.analysis.figures.here_against_there import here_against_there
from disentanglement_study.analysis.figures.median_score_by_strength import median_score_by_strength
from disentanglement_study.analysis.figures.metric_agreement import metric_agreement
from disentanglement_study.analysis.figures.metric_rank_correlation import metric_rank_correlation
from disentanglement_study.analysis.figures.mutual_information import (
    mutual_information,
    mutual_information_by_method,
)
from disentanglement_study.analysis.figures.papers import PAPERS, figures_of
from disentanglement_study.analysis.figures.score_by_latents_and_beta import score_by_latents_and_beta
from disentanglement_study.analysis.figures.score_by_method import score_by_method
from disentanglement_study.analysis.figures.score_by_setting import score_by_setting
from disentanglement_study.analysis.figures.score_by_strength import score_by_strength
from disentanglement_study.analysis.figures.score_by_system import score_by_system
from disentanglement_study.analysis.figures.statistical_efficiency import statistical_efficiency
from disentanglement_study.analysis.figures.total_correlation import total_correlation, total_correlation_by_method
from disentanglement_study.analysis.figures.transfer import transfer
from disentanglement_study.analysis.figures.unified_rank_correlation import unified_rank_correlation
from disentanglement_study.analysis.figures.unsupervised_rank_correlation import unsupervised_rank_correlation
from disentanglement_study.analysis.figures.unsupervised_scatter import unsupervised_scatter
from disentanglement_study.analysis.figures.variance_explained import variance_explained
from disentanglement_study.analysis.rows import NothingToDraw, checked
from disentanglement_study.analysis.tables.unified_rank_correlation import METRIC as UNIFIED

__all__ = [
    "FIGURES",
    "OF_AXES",
    "OF_HIGGINS_2017",
    "OF_SERIES",
    "OF_TWO",
    "PAPERS",
    "Written",
    "figures_of",
    "stored",
    "write",
    "write_beside",
]

# Of models that differ by an axis of the sweep.
OF_AXES: dict[str, Callable[[pd.DataFrame], style.StudyFigure]] = {"score_by_setting": score_by_setting}
# Of data sets that are drawn with several seeds, and differ by an option.
OF_SERIES: dict[str, Callable[[pd.DataFrame], style.StudyFigure]] = {
    **{f"mcc_by_{option}": partial(chosen_by_option, option=option) for option in OPTIONS},
    "accuracy_by_num_segments": partial(chosen_by_option, option="num_segments", score="accuracy", beside="chance"),
}
# Of models with the metric of Higgins et al. 2017, or with a normalised β.
OF_HIGGINS_2017: dict[str, Callable[[pd.DataFrame], style.StudyFigure]] = {
    "score_by_system": score_by_system,
    "score_by_latents_and_beta": score_by_latents_and_beta,
}
FIGURES: dict[str, Callable[[pd.DataFrame], style.StudyFigure]] = {
    "total_correlation": total_correlation,
    "total_correlation_by_method": total_correlation_by_method,
    "mutual_information": mutual_information,
    "mutual_information_by_method": mutual_information_by_method,
    "metric_rank_correlation": metric_rank_correlation,
    "metric_agreement": metric_agreement,
    "score_by_method": score_by_method,
    "score_by_strength": score_by_strength,
    "median_score_by_strength": median_score_by_strength,
    "variance_explained": variance_explained,
    "detectable_difference": detectable_difference,
    "unsupervised_rank_correlation": unsupervised_rank_correlation,
    "unsupervised_scatter": unsupervised_scatter,
    "data_set_rank_correlation": data_set_rank_correlation,
    "transfer": transfer,
    "downstream_rank_correlation": downstream_rank_correlation,
    "statistical_efficiency_boosted_trees": statistical_efficiency,
    "statistical_efficiency_logistic_regression": partial(
        statistical_efficiency, task="downstream_logistic_regression"
    ),
    "downstream_accuracy_boosted_trees": downstream_accuracy,
    "downstream_accuracy_logistic_regression": partial(downstream_accuracy, task="LR"),
    "unified_rank_correlation": unified_rank_correlation,
    "factor_groups": factor_groups,
    **OF_AXES,
    **OF_SERIES,
    **OF_HIGGINS_2017,
}
# Of two studies: functions from what they have of the same runs, `beside.by_run`.
OF_TWO: dict[str, Callable[[pd.DataFrame], style.StudyFigure]] = {"here_against_there": here_against_there}


class Written(NamedTuple):
    """What `write` wrote: the files, the names of the figures, and why each of the others was skipped."""

    paths: list[Path]
    figures: list[str]
    skipped: dict[str, str]


def write(
    results: pd.DataFrame,
    folder: str | Path,
    paper: str | None = None,
    processes: int = 1,
    begins: Callable[[str], None] = lambda figure: None,
) -> Written:
    """Write the figures of a paper (None: every figure) as `folder`/<figure>.pdf, .png and .csv, the numbers behind.

    Each table is computed once for all of them. A figure that the rows do not allow is skipped. With several
    `processes` (see `pool.each`) the files are the same. `begins` is called with the name of each that is waited for.
    """
    chosen = list(FIGURES) if paper is None else figures_of(paper)
    done = pool.each(partial(_write, folder=Path(folder)), chosen, _needed(checked(results)), processes)
    written = Written([], [], {})
    for name in chosen:
        begins(name)
        outcome = next(done)
        if isinstance(outcome, str):
            written.skipped[name] = outcome
        else:
            written.figures.append(name)
            written.paths.extend(outcome)
    return written


def write_beside(here: pd.DataFrame, there: pd.DataFrame, folder: str | Path) -> list[Path]:
    """Write the figures of two studies, given the results of each; `NothingToDraw` if they have nothing in common."""
    for name in OF_TWO:
        style.remove(Path(folder) / name)  # those of other studies
    by_run = beside.by_run(here, there)
    return [path for name, draw in OF_TWO.items() for path in style.save(draw(by_run), Path(folder) / name)]


def _write(name: str, results: pd.DataFrame, folder: Path) -> list[Path] | str:
    """The files of a figure, or why there are none."""
    try:
        figure = FIGURES[name](results)
    except NothingToDraw as reason:
        style.remove(folder / name)  # of an earlier state of the study
        return str(reason)
    return style.save(figure, folder / name)


def stored() -> pc.Expression:
    """The rows that figures read, for `Store.results` to read no others."""
    return models.stored() | (pc.field("metric") == UNIFIED)


def _needed(results: pd.DataFrame) -> pd.DataFrame:
    """The rows that figures read, with text as categories."""
    results = results.reset_index(drop=True)
    of_tables = models.needed(results)
    unified = np.flatnonzero(results["metric"] == UNIFIED)
    if not len(unified):
        return of_tables
    rows = results.iloc[np.union1d(of_tables.index, unified)]
    return rows.astype(dict.fromkeys(of_tables.select_dtypes("category"), "category"))
