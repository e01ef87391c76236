"""Does regularisation make the codes independent? (Locatello et al. 2019, appendix)"""

import pandas as pd

from disentanglement_study.analysis.figures import unsupervised_lines
from disentanglement_study.analysis.figures.style import StudyFigure

SCORE = "mutual_information"
LABEL = "Mean mutual information of two codes (nats)"


def mutual_information(results: pd.DataFrame) -> StudyFigure:
    """Mutual information of pairs of codes, sampled (left) and mean (right), against strength.

    The mean over pairs; a row of panels for each data set.

    Of 20 bins a code, in nats; otherwise as `total_correlation`.
    """
    return unsupervised_lines.by_representation(results, SCORE, LABEL, log=False)


def mutual_information_by_method(results: pd.DataFrame) -> StudyFigure:
    """Mutual information of sampled against mean codes, by data set and method.

    A panel for each data set and method.
    """
    return unsupervised_lines.by_method(results, SCORE, LABEL, log=False)
