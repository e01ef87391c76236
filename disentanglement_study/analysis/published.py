"""What the papers claim, as data: numbers and directions, each with its source and how sure we are of it.

No number here is ours, and none of ours is here: `tables.paper_vs_measured`, `tables.systems` and
`tables.claims_higgins2017` compute those beside.
"""

from typing import NamedTuple

# How sure we are of a claim as it stands here.
READ = "read in the paper"
RECALLED = "recalled, not checked against the paper"


class Claim(NamedTuple):
    """A published claim.

    `number` is None for a claim of a direction; `rounding` is half of its last digit. `needs` are the data sets
    without which the claim is another.
    """

    key: str
    text: str
    source: str
    certainty: str
    number: float | None = None
    rounding: float = 0.0
    needs: tuple[str, ...] = ()


PAPER = "Locatello et al. 2019, arXiv:1811.12359v4"
ALL = ("dsprites", "color_dsprites", "noisy_dsprites", "scream_dsprites", "smallnorb", "cars3d", "shapes3d")
TABLE_1 = f"{PAPER}, section 5.4, Table 1"
RANDOM_SEED = "beats a random model on another seed"

# The paper's objectives are methods here.
CLAIMS = (
    Claim(
        "sampled_is_less_correlated",
        "Total correlation is lower for sampled than for mean representations",
        f"{PAPER}, section 5.1, Figure 1",
        READ,
    ),
    Claim(
        "total_correlation_rises",
        "Total correlation of the mean representation rises with the strength",
        f"{PAPER}, section 5.1, Figure 1",
        READ,
    ),
    Claim(
        "total_correlation_of_dip_vae_i",
        "DIP-VAE-I is the exception: its total correlation does not rise",
        f"{PAPER}, section 5.1, Figure 1",
        READ,
    ),
    Claim(
        "metrics_agree",
        "All metrics except Modularity are mildly correlated (Noisy-dSprites)",
        f"{PAPER}, section 5.2, Figure 2",
        RECALLED,
        needs=("noisy_dsprites",),
    ),
    Claim(
        "modularity_disagrees",
        "Modularity is less correlated with the other metrics than these with each other (Noisy-dSprites)",
        f"{PAPER}, section 5.2, Figure 2",
        RECALLED,
        needs=("noisy_dsprites",),
    ),
    Claim(
        "strong_pairs",
        "Two pairs agree strongly: BetaVAE and FactorVAE score, MIG and DCI (Noisy-dSprites)",
        f"{PAPER}, section 5.2, Figure 2",
        RECALLED,
        needs=("noisy_dsprites",),
    ),
    Claim(
        "method_explains",
        "The objective explains 37 % of the variance of the scores",
        f"{PAPER}, section 5.3 and its appendix",
        RECALLED,
        number=0.37,
        rounding=0.005,
        needs=ALL,
    ),
    Claim(
        "method_and_strength_explain",
        "The objective and its strength explain 59 % of the variance of the scores",
        f"{PAPER}, section 5.3 and its appendix",
        RECALLED,
        number=0.59,
        rounding=0.005,
        needs=ALL,
    ),
    Claim(
        "seed_and_strength_matter_more",
        "Strength and seed matter more than the objective",
        f"{PAPER}, section 5.3",
        READ,
    ),
    Claim(
        "lucky_seed_wins",
        "A good run with a bad strength can beat a bad run with a good strength",
        f"{PAPER}, section 5.3, Figure 3",
        READ,
    ),
    Claim(
        "no_score_without_labels",
        "No score without labels correlates reliably with the metrics",
        f"{PAPER}, section 5.4, Figure 4",
        READ,
    ),
    Claim(
        "transfer_same_same",
        f"A setting chosen by a metric on a data set {RANDOM_SEED} by the same metric on the same data set",
        TABLE_1,
        RECALLED,
        number=0.807,
        rounding=0.0005,
        needs=ALL,
    ),
    Claim(
        "transfer_other_same",
        f"A setting chosen by a metric on a data set {RANDOM_SEED} by another metric on the same data set",
        TABLE_1,
        RECALLED,
        number=0.626,
        rounding=0.0005,
        needs=ALL,
    ),
    Claim(
        "transfer_same_other",
        f"A setting chosen by a metric on a data set {RANDOM_SEED} by the same metric on another data set",
        TABLE_1,
        RECALLED,
        number=0.593,
        rounding=0.0005,
        needs=ALL,
    ),
    Claim(
        "transfer_other_other",
        f"A setting chosen by a metric on a data set {RANDOM_SEED} by another metric on another data set",
        TABLE_1,
        RECALLED,
        number=0.549,
        rounding=0.0005,
        needs=ALL,
    ),
    Claim(
        "no_sample_efficiency",
        "Higher disentanglement scores do not reliably go with higher sample efficiency",
        f"{PAPER}, section 5.5, Figures 5 and 6",
        READ,
    ),
)


class System(NamedTuple):
    """A published accuracy of a method, whose strength is beta (None: whatever it is), or the same normalised.

    `mean` and `spread` (a standard deviation; None where none is given) are in [0, 1]; `rounding` is half of the last
    digit of a mean without a spread.
    """

    name: str
    method: str
    mean: float
    certainty: str
    spread: float | None
    spread_certainty: str
    beta: float | None = None
    rounding: float = 0.0


HIGGINS = "Higgins et al. 2017, beta-VAE, ICLR"
FIGURE_6_LEFT = f"{HIGGINS}, Figure 6 left"
# The paper's 2D shapes. Each number is of 30 accuracies, of 10 models and 3 classifiers each, without their lower half;
# a classifier tells 4 factors apart, not the shape. All of this is recalled.
OF_SYSTEMS = ("dsprites", "dsprites_original")
CHANCE = 1 / 4
LATENTS, PIXELS = 10, 64 * 64  # of those that have latents, and of the images

SYSTEMS = (
    System("Ground truth", "ground_truth", 1.0, READ, None, "", rounding=0.005),
    System("Raw pixels", "raw_pixels", 0.4575, READ, 0.008, RECALLED),
    System("PCA", "pca", 0.849, READ, 0.004, RECALLED),
    System("ICA", "fast_ica", 0.420, READ, 0.106, RECALLED),
    System("DC-IGN", "dc_ign", 0.993, READ, 0.001, READ),
    System("InfoGAN", "info_gan", 0.735, READ, 0.009, READ),
    System("Untrained VAE", "untrained_vae", 0.4414, RECALLED, 0.025, RECALLED),
    System("VAE", "beta_vae", 0.6158, READ, 0.005, READ, beta=1),
    System("β-VAE", "beta_vae", 0.9923, READ, 0.001, READ, beta=4),
)

CLAIMS_HIGGINS_2017 = (
    Claim(
        "best_normalised_beta_rises",
        "The best normalised β rises with the number of latents",
        f"{HIGGINS}, section 4.2, Figure 6 right",
        RECALLED,
    ),
    Claim(
        "inverted_u",
        "The score is an inverted U of the normalised β",
        f"{HIGGINS}, section 4.2, Figure 6 right",
        RECALLED,
    ),
)
