"""Can models be selected without labels? (Locatello et al. 2019, Figure 4 centre)"""

import pandas as pd
from matplotlib.figure import Figure

from analysis import tables
from analysis.figures.heat_map import heat_map
from analysis.rows import only_data_set


def unsupervised_rank_correlation(results: pd.DataFrame, representation: str = "mean") -> Figure:
    """Heat map of the Spearman rank correlation of unsupervised and training scores with the metrics, × 100.

    Over all models (objectives, strengths, seeds) of the one data set in `results`; n in the title. Rows: losses in
    nats (a better reconstruction is a lower one; a better ELBO a higher one), Gaussian total correlation and its kin
    of the same representation. The paper shows Shapes3D.
    """
    data_set = only_data_set(results)
    table = tables.unsupervised_rank_correlation(results, representation, resamples=0)
    what = "Rank correlation of unsupervised scores with the metrics (Spearman × 100)"
    return heat_map(table, what, data_set, representation)
