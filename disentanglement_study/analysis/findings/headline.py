"""The metric and the representation that the sentences are about."""

import pandas as pd

from disentanglement_study.analysis import models as study
from disentanglement_study.analysis import names
from disentanglement_study.analysis.models import METRIC, Models
from disentanglement_study.analysis.rows import NothingToDraw
from disentanglement_study.analysis.tables.scores import SHOWN

# Codes that are the factors themselves: they are no method that could win.
TRUTH = "ground_truth"


def headline(results: pd.DataFrame) -> tuple[str, list[Models]]:
    """A metric, and the models of each data set that have it: MIG if there is one, else the first of `names.SCORES`.

    Of the mean representation, or of the first that there is. Downstream accuracy is taken only if there is no other.
    """
    found = study.by_data_set(results)
    if not found:
        raise NothingToDraw("no model has a score")
    shown = names.in_order({models.representation for models in found}, names.REPRESENTATIONS)[0]
    found = [models.of(METRIC) for models in found if models.representation == shown]
    there = names.in_order({score for models in found for score in models.scores}, names.SCORES)
    if not there:
        raise NothingToDraw("no model has a headline score of a metric")
    score = min(there, key=lambda one: (*_rank(one), there.index(one)))
    return score, [models for models in found if score in models.scores]


def _rank(score: str) -> tuple[bool, int]:
    return not is_of_disentanglement(score), SHOWN.index(score) if score in SHOWN else len(SHOWN)


def is_of_disentanglement(score: str) -> bool:
    """Whether a headline score judges codes by their factors, rather than by what they are good for."""
    return "downstream" not in score and score not in ("fairness", "udr")


def without_truth(models: Models) -> Models:
    """The models of methods."""
    return models.part(~models.runs["method"].map(lambda method: names.parts(method)[0] == TRUTH).to_numpy(bool))
