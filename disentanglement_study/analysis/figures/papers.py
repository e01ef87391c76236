"""Which figures show what a paper's figures show."""

from typing import NamedTuple

from disentanglement_study.analysis.published import READ, RECALLED
from disentanglement_study.errors import unknown

BY_UNMIX = "drawn by `disentanglement-study unmix`, because it needs the models"
BY_COMPARE = "drawn by `disentanglement-study compare`, because it needs the models"
BY_TRAVERSE = "drawn by `disentanglement-study traverse`, because it needs the models"


class PaperFigure(NamedTuple):
    """A figure or table of a paper, and the names in `figures.FIGURES` of those that show it for the data sets there.

    `certainty` is of the number; `why_not` says what draws it in their place.
    """

    number: str
    certainty: str
    what: str
    figures: tuple[str, ...] = ()
    why_not: str = ""


# Higgins et al. 2017, "beta-VAE", ICLR.
ELSEWHERE = "the harness does not have this data set; `disentanglement-study compare` draws the figure for others"
HIGGINS_2017 = (
    PaperFigure("Figure 1", READ, "Traversals of CelebA by method", why_not=ELSEWHERE),
    PaperFigure("Figure 2", READ, "Traversals of 3D chairs by method", why_not=ELSEWHERE),
    PaperFigure("Figure 3", READ, "Traversals of 3D faces by method", why_not=ELSEWHERE),
    PaperFigure("Figure 4", READ, "Traversals of more latents of CelebA", why_not=ELSEWHERE),
    PaperFigure(
        "Figure 5", RECALLED, "Schematic of the metric", why_not="it shows no data; the metric is `higgins_score`"
    ),
    PaperFigure("Figure 6 left", RECALLED, "Accuracy by system (2D shapes)", ("score_by_system",)),
    PaperFigure(
        "Figure 6 right",
        RECALLED,
        "Score by normalised β and number of latents (2D shapes)",
        ("score_by_latents_and_beta",),
    ),
    PaperFigure(
        "Figure 6 right, images", RECALLED, "Reconstructions by normalised β and number of latents", why_not=BY_COMPARE
    ),
    PaperFigure("Figure 7", RECALLED, "Latent responses and traversals (2D shapes)", why_not=BY_COMPARE),
)
# Locatello et al. 2019, arXiv:1811.12359v4. The appendix is in the order of its sections, numbered by ourselves.
LOCATELLO_2019 = (
    PaperFigure("Figure 1", READ, "Total correlation by strength (Color-dSprites)", ("total_correlation",)),
    PaperFigure("Figure 2", RECALLED, "Metric agreement (Noisy-dSprites)", ("metric_rank_correlation",)),
    PaperFigure(
        "Figure 3",
        READ,
        "Scores by method, and by strength (FactorVAE score, Cars3D)",
        ("score_by_method", "score_by_strength"),
    ),
    PaperFigure(
        "Figure 4",
        READ,
        "Score by strength (Cars3D); scores without labels (Shapes3D); DCI across data sets",
        ("median_score_by_strength", "unsupervised_rank_correlation", "data_set_rank_correlation"),
    ),
    PaperFigure("Table 1", RECALLED, "Transfer across metrics and data sets", ("transfer",)),
    PaperFigure("Figure 5", RECALLED, "Metrics and downstream accuracy (dSprites)", ("downstream_rank_correlation",)),
    PaperFigure(
        "Figure 6",
        RECALLED,
        "Statistical efficiency against the FactorVAE score (dSprites)",
        ("statistical_efficiency_boosted_trees",),
    ),
    PaperFigure("Appendix 1", RECALLED, "Reconstructions", why_not=BY_TRAVERSE),
    PaperFigure("Appendix 2", RECALLED, "Traversals", why_not=BY_TRAVERSE),
    PaperFigure(
        "Appendix 3",
        RECALLED,
        "Total correlation of sampled and mean representations, all data sets",
        ("total_correlation", "total_correlation_by_method"),
    ),
    PaperFigure(
        "Appendix 4",
        RECALLED,
        "Mutual information of codes, all data sets",
        ("mutual_information", "mutual_information_by_method"),
    ),
    PaperFigure("Appendix 5", RECALLED, "Metric agreement, all data sets", ("metric_rank_correlation",)),
    PaperFigure(
        "Appendix 6",
        RECALLED,
        "Scores by method and strength, all metrics and data sets",
        ("score_by_method", "score_by_strength", "median_score_by_strength"),
    ),
    PaperFigure("Appendix 7", RECALLED, "Variance explained", ("variance_explained",)),
    PaperFigure(
        "Appendix 8",
        RECALLED,
        "Scores without labels, all data sets",
        ("unsupervised_rank_correlation", "unsupervised_scatter"),
    ),
    PaperFigure("Appendix 9", RECALLED, "Settings across data sets, all metrics", ("data_set_rank_correlation",)),
    PaperFigure("Appendix 10", RECALLED, "Downstream accuracy, all data sets", ("downstream_rank_correlation",)),
    PaperFigure(
        "Appendix 11",
        RECALLED,
        "Statistical efficiency, and accuracy by train points of low, middle, high scores",
        (
            "statistical_efficiency_boosted_trees",
            "statistical_efficiency_logistic_regression",
            "downstream_accuracy_boosted_trees",
            "downstream_accuracy_logistic_regression",
        ),
    ),
)
# Locatello et al. 2020, arXiv:2010.14766 (JMLR 21(209)): what it adds, numbered by ourselves.
LOCATELLO_2020 = (
    PaperFigure(
        "As in 2019",
        RECALLED,
        "The figures of 2019 with MPI3D",
        tuple(dict.fromkeys(name for figure in LOCATELLO_2019 for name in figure.figures)),
    ),
    PaperFigure("New 1", RECALLED, "Groups of factors by the threshold of a matrix", ("factor_groups",)),
    PaperFigure(
        "New 2",
        RECALLED,
        "Matrices of single models with their dendrograms",
        why_not="a study keeps the scores of matrices, not the matrices",
    ),
    PaperFigure("New 3", RECALLED, "Agreement of matrices and of aggregations", ("unified_rank_correlation",)),
    PaperFigure(
        "New 4",
        RECALLED,
        "Agreement and rankings by the number of points a metric gets",
        why_not="a study scores its models with one number of points",
    ),
    PaperFigure("New 5", RECALLED, "Variance explained", ("variance_explained",)),
    PaperFigure(
        "New 6",
        RECALLED,
        "Downstream accuracy under a shift of the factors",
        why_not="metric_rank_correlation shows the metric strong_downstream (in Python, by its option `scores`)",
    ),
)
# Hyvärinen, Khemakhem and Monti 2023, a review without experiments: what the papers of its methods show.
HYVARINEN_2023 = (
    PaperFigure("Layers", READ, "MCC by layers of the mixing (TCL, PCL, iVAE)", ("mcc_by_num_layers",)),
    PaperFigure(
        "Segments",
        READ,
        "MCC, and accuracy of the classification, by number and length of segments (TCL, iVAE, ICE-BeeM)",
        ("mcc_by_num_segments", "mcc_by_segment_length", "accuracy_by_num_segments"),
    ),
    PaperFigure("Length", READ, "MCC by the length of the series (PCL, HM-NLICA, SNICA)", ("mcc_by_num_points",)),
    PaperFigure("Noise", READ, "MCC by noise (SNICA)", ("mcc_by_noise",)),
    PaperFigure("Scatter", READ, "Sources, mixture, estimate and control", why_not=BY_UNMIX),
)
PAPERS: dict[str, tuple[PaperFigure, ...]] = {
    "higgins2017": HIGGINS_2017,
    "hyvarinen2023": HYVARINEN_2023,
    "locatello2019": LOCATELLO_2019,
    "locatello2020": LOCATELLO_2020,
}


def figures_of(paper: str) -> list[str]:
    """The names of the figures that show a paper's, each once; ValueError for a paper that is not there."""
    if paper not in PAPERS:
        raise unknown("paper", paper, PAPERS)
    return list(dict.fromkeys(name for figure in PAPERS[paper] for name in figure.figures))
