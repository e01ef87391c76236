"""What figures of a study have in common: its models, the scores to show, labels."""

from collections.abc import Iterable

import pandas as pd

from disentanglement_study.analysis import models as study
from disentanglement_study.analysis import names
from disentanglement_study.analysis.models import METRIC, Models
from disentanglement_study.analysis.rows import NothingToDraw


def models(results: pd.DataFrame, representation: str) -> list[Models]:
    """The models of each data set with all scores of a representation."""
    found = study.by_data_set(results, representation)
    if not found:
        raise NothingToDraw(f"no model has a score of the {representation} representation")
    return found


def shown_scores(found: Iterable[str], scores: Iterable[str] | None, data_sets: int = 1) -> list[str]:
    """Those of `scores` that are found. None: every one; in a grid of several data sets those of 2019, if any."""
    found = names.in_order(found, names.SCORES)
    if scores is None:
        of_study = [score for score in found if score in names.STUDY_METRICS]
        return of_study if data_sets > 1 and of_study else found
    if shown := [score for score in found if score in set(scores)]:
        return shown
    raise NothingToDraw(f"no model has any of {', '.join(scores)}")


def headlines(found: list[Models], scores: Iterable[str] | None = None) -> list[str]:
    """The headline scores to show of these models, as `shown_scores`."""
    there = {score for models in found for score in models.of(METRIC).scores}
    if not there:
        raise NothingToDraw("no model has a headline score of a metric")
    return shown_scores(there, scores, len(found))


def data_sets(keys: Iterable[str]) -> dict[str, str]:
    """The distinct data sets in the papers' order with their labels."""
    return {key: names.label(key, names.DATA_SETS) for key in names.in_order(keys, names.DATA_SETS)}


def labels(scores: Iterable[str]) -> dict[str, str]:
    """The scores with their labels."""
    return {score: names.label(score, names.SCORES) for score in scores}
