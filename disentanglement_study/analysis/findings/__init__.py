"""What did a study find? Three sentences made from its rows, for a reader who reads nothing else."""

from collections.abc import Callable

import pandas as pd

from disentanglement_study.analysis import once
from disentanglement_study.analysis.findings.agreement import agreement
from disentanglement_study.analysis.findings.choice import choice
from disentanglement_study.analysis.findings.methods import methods
from disentanglement_study.analysis.findings.settings import setting
from disentanglement_study.analysis.findings.sources import sources
from disentanglement_study.analysis.findings.systems import claims, systems
from disentanglement_study.analysis.findings.training import training
from disentanglement_study.analysis.rows import NothingToDraw

MOST = 3
INTERVALS = "Numbers in brackets are 95 % intervals over seeds."


def findings(results: pd.DataFrame) -> list[str]:
    """At most three sentences; at least one, which says why there is no other.

    Of a study of sources or of systems: how well these are found, or score. Of any other: which method is best by its
    headline metric, which metrics agree, and whether models could have been chosen without labels, or else what a
    setting changes. Each number is one of a table of `analysis.tables`; what the rows do not allow is left out.
    """
    with once.within(results):
        for kind in (_of_sources, _of_systems, _of_models):
            if found := kind(results):
                return found[:MOST]
        return training(results)


def _of_sources(results: pd.DataFrame) -> list[str]:
    return _sentences(sources, results)


def _of_systems(results: pd.DataFrame) -> list[str]:
    return _sentences(systems, results)


def _of_models(results: pd.DataFrame) -> list[str]:
    found = _sentences(methods, results)
    if not found:
        return []
    if of_grid := claims(results):
        return found + of_grid
    return found + _sentences(agreement, results) + (_sentences(setting, results) or _sentences(choice, results))


def _sentences(function: Callable[[pd.DataFrame], list[str]], results: pd.DataFrame) -> list[str]:
    try:
        return function(results)
    except NothingToDraw:
        return []
