"""Does regularisation make the representation uncorrelated? (Locatello et al. 2019, Figure 1)"""

import pandas as pd

from disentanglement_study.analysis.figures import unsupervised_lines
from disentanglement_study.analysis.figures.style import StudyFigure

SCORE = "gaussian_total_correlation"
LABEL = "Gaussian total correlation (nats)"


def total_correlation(results: pd.DataFrame) -> StudyFigure:
    """Total correlation of sampled (left) and mean (right) codes against strength.

    A row of panels for each data set.

    That of a Gaussian fitted to the codes, in nats on a logarithmic axis; medians over seeds with quartiles, a line for
    each method, with a gap where it is 0, as of models that ignore their images. Strengths are numbered in the order of
    the sweep, for the methods' strengths share no scale. n: models per point. The paper's Figure 1 shows Color-dSprites
    without AnnealedVAE, whose strength, a capacity, regularises less as it grows.
    """
    return unsupervised_lines.by_representation(results, SCORE, LABEL, log=True)


def total_correlation_by_method(results: pd.DataFrame) -> StudyFigure:
    """Total correlation of sampled against mean codes, by data set and method.

    The same, sampled against mean representations, a panel for each data set and method (its appendix).
    """
    return unsupervised_lines.by_method(results, SCORE, LABEL, log=True)
