"""Do the disentanglement metrics agree on how they rank models? (Locatello et al. 2019, Figure 2)"""

import pandas as pd
from matplotlib.figure import Figure

from analysis import tables
from analysis.figures.heat_map import heat_map
from analysis.rows import only_data_set


def metric_rank_correlation(results: pd.DataFrame, representation: str = "mean") -> Figure:
    """Heat map of the Spearman rank correlation between the headline scores, × 100.

    Over all models (objectives, strengths, seeds) of the one data set in `results`; n in the title. The paper shows
    Noisy-dSprites.
    """
    data_set = only_data_set(results)
    table = tables.rank_correlation(results, representation, resamples=0)
    return heat_map(table, "Rank correlation of the metrics (Spearman × 100)", data_set, representation)
