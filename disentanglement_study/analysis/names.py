"""What readers see in place of keys, in the papers' order. A name that is not here is shown as its key."""

import contextlib
import math
import re
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

METRICS = {
    "beta_vae_score": "BetaVAE score",
    "factor_vae_score": "FactorVAE score",
    "mig": "MIG",
    "dci": "DCI",
    "modularity": "Modularity",
    "explicitness": "Explicitness",
    "sap_score": "SAP",
    "irs": "IRS",
    "mig_sup": "MIG-sup",
    "rmig": "RMIG",
    "jemmig": "JEMMIG",
    "dcimig": "DCIMIG",
    "med": "MED",
    "info_mec": "InfoMEC",
    "dci_es": "DCI-ES",
    "mcc": "MCC",
    "z_max_variance": "Z-max Variance",
    "higgins_score": "Higgins score",
    "udr": "UDR",
    "downstream_logistic_regression": "Downstream logistic regression",
    "downstream_boosted_trees": "Downstream boosted trees",
    "reduced_downstream": "Reduced downstream",
    "strong_downstream": "Strong downstream",
    "fairness": "Unfairness",  # 0 is fair: the name says which way it goes
    # Nothing of them is a headline.
    "r2": "R²",
    "unified_scores": "Unified scores",
    "unsupervised": "Unsupervised",
}
# Of metrics without a headline score, what is shown in its place. The size of `dci_es` counts codes, and judges none.
INFO_MEC = {"info_m": "InfoM", "info_c": "InfoC", "info_e": "InfoE"}
DCI_ES = {"probe_explicitness": "DCI-ES explicitness"}
INSTEAD = {"info_mec": INFO_MEC, "dci_es": DCI_ES}
SHOWN_INSTEAD = [score for scores in INSTEAD.values() for score in scores]
HEADLINES = {score: label for key, name in METRICS.items() for score, label in INSTEAD.get(key, {key: name}).items()}
# Scores that need no labels. Losses are in nats per image.
UNSUPERVISED_SCORES = {
    "udr_lasso": "UDR (Lasso)",
    "reconstruction_loss": "Reconstruction",
    "kl_loss": "KL",
    "elbo": "ELBO",
    "loss": "Training loss",
    "explained_variance_ratio": "Explained variance ratio",
    "gaussian_total_correlation": "Gaussian TC",
    "gaussian_wasserstein_correlation": "Gaussian Wasserstein",
    "gaussian_wasserstein_correlation_normalised": "Gaussian Wasserstein (normalised)",
    "mutual_information": "Mutual information",
}
# Of the downstream tasks: accuracy after so many train points, and accuracy at 100 over that at 10,000 points.
DOWNSTREAM_SCORES = {
    f"{metric}.{score}": f"{short} {shown}"
    for metric, short in [("downstream_logistic_regression", "LR"), ("downstream_boosted_trees", "GBT")]
    for score, shown in [
        ("n_10", "10"),
        ("n_100", "100"),
        ("n_1000", "1,000"),
        ("n_10000", "10,000"),
        ("statistical_efficiency", "efficiency"),
    ]
}
SCORES = HEADLINES | UNSUPERVISED_SCORES | DOWNSTREAM_SCORES
# Those of the 2019 study, which its averages over metrics are of.
STUDY_METRICS = ("beta_vae_score", "factor_vae_score", "mig", "dci", "modularity", "sap_score")
METHODS = {
    "beta_vae": "β-VAE",
    "annealed_vae": "AnnealedVAE",
    "factor_vae": "FactorVAE",
    "beta_tc_vae": "β-TC-VAE",
    "dip_vae_i": "DIP-VAE-I",
    "dip_vae_ii": "DIP-VAE-II",
    # Beyond the study of 2019.
    "ground_truth": "Ground truth",
    "raw_pixels": "Raw pixels",
    "pca": "PCA",
    "fast_ica": "FastICA",
    "random_encoder": "Random encoder",
    "untrained_vae": "Untrained VAE",
    "info_gan": "InfoGAN",
    "dc_ign": "DC-IGN",
    "tcl": "TCL",
    "pcl": "PCL",
    "gcl": "GCL",
    "ice_beem": "ICE-BeeM",
    "hidden_markov": "HM-NLICA",
    "snica": "SNICA",
    "slow_vae": "SlowVAE",
    "ivae": "iVAE",
    "unconditional_vae": "Unconditional VAE",
    "conditional_likelihood": "Conditional likelihood",
    "unconditional_likelihood": "Unconditional likelihood",
}
# Those of the 2019 study, which its numbers are of.
STUDY_METHODS = ("beta_vae", "annealed_vae", "factor_vae", "beta_tc_vae", "dip_vae_i", "dip_vae_ii")
STRENGTHS = {"beta": "β", "normalised_beta": "β_norm", "gamma": "γ", "lambda_od": "λ_od"}
DATA_SETS = {
    "dsprites": "dSprites",
    "color_dsprites": "Color-dSprites",
    "noisy_dsprites": "Noisy-dSprites",
    "scream_dsprites": "Scream-dSprites",
    "smallnorb": "SmallNORB",
    "cars3d": "Cars3D",
    "shapes3d": "Shapes3D",
    # Beyond the study of 2019.
    "texture_dsprites": "Texture-dSprites",
    "abstract_dsprites": "AbstractDSprites",
    "shapes3d_rendered": "Shapes3D (rendered)",
    "dsprites_original": "dSprites (original)",
    "mpi3d_toy": "MPI3D toy",
    "mpi3d_realistic": "MPI3D realistic",
    "mpi3d_real": "MPI3D real",
    "mpi3d_complex": "MPI3D complex",
}
# In place of a data set: all of them, pooled.
ALL, ALL_LABEL = "all", "All data sets"
REPRESENTATIONS = {"mean": "mean", "sampled": "sampled", "abs": "absolute", "square": "squared", "model": "model"}


def in_order(keys: Iterable[str], known: Iterable[str]) -> list[str]:
    """The distinct keys: first those known, in the order of `known`, then the others by name."""
    places = {key: place for place, key in enumerate(known)}

    def order(key: str) -> tuple:
        base, settings = parts(key)
        return places.get(base, len(places)), base, [(name, place(value)) for name, value in settings.items()]

    return sorted({str(key) for key in keys}, key=order)


def parts(key: str) -> tuple[str, dict[str, str]]:
    """("pca", {"num_latents": "5"}) of "pca [num_latents=5]": a name and its settings (see `rows.with_method`)."""
    base, _, settings = str(key).removesuffix("]").partition(" [")
    return base, dict(part.split("=", 1) for part in settings.split("; ") if part)


def joined(base: str, settings: Mapping[str, str]) -> str:
    """The key of a name with settings, of which `parts` gives both."""
    return f"{base} [{'; '.join(f'{name}={value}' for name, value in settings.items())}]" if settings else base


def place(value: str) -> tuple[float, list[str | int]]:
    """What the values of a setting are sorted by: numbers by their size, before words, and in these "9" before "10"."""
    words = [int(part) if part.isdecimal() else part for part in re.split(r"(\d+)", value)]
    return float(value) if is_number(value) else math.inf, words


def is_number(value: str) -> bool:
    with contextlib.suppress(ValueError):
        return math.isfinite(float(value))
    return False


def label(key: str, known: Mapping[str, str]) -> str:
    """The readable name of a key; an unknown key with its underscores as spaces.

    A method with its settings, "pca [num_latents=5]" (see `rows.with_method`), is "PCA, num_latents = 5".
    """
    base, settings = parts(key)
    readable = known.get(base, base.replace("_", " "))
    return ", ".join([readable, *(f"{name} = {value}" for name, value in settings.items())])


def sort(table: "pd.DataFrame", by: list[str]) -> "pd.DataFrame":
    """The rows in the papers' order of the columns `by`; values of settings, the columns a and b, as `place` says."""
    known = {"data_set": DATA_SETS, "method": METHODS, "representation": REPRESENTATIONS}
    known |= {"metric": METRICS} | dict.fromkeys(["score", "score_a", "score_b"], SCORES)
    known |= dict.fromkeys(["data_set_a", "data_set_b"], DATA_SETS)

    def position(column: "pd.Series") -> "pd.Series":
        if column.name in ("a", "b"):
            order = sorted(column.unique(), key=place)
        elif column.name in known:
            order = in_order(column.unique(), known[column.name])
        else:
            return column
        return column.map({key: place for place, key in enumerate(order)})

    return table.sort_values(by, key=position, ignore_index=True)


def strength(name: str, value: float | None = None) -> str:
    """ "β" or "β = 4": a swept hyperparameter and, where given, its value; "" for a method that has none."""
    if not name:
        return ""
    shown = STRENGTHS.get(name, str(name))
    return shown if value is None else f"{shown} = {value:g}"


def span(numbers: Iterable[int]) -> str:
    """ "36", or "34–36" where they differ; "1,800"."""
    numbers = [int(number) for number in numbers] or [0]
    low, high = f"{min(numbers):,}", f"{max(numbers):,}"
    return low if low == high else f"{low}–{high}"


def count(numbers: Iterable[int], unit: str = "models") -> str:
    """ "n = 36 models", or "n = 34–36 models" where cells rest on different numbers."""
    shown = span(numbers)
    singular = re.sub("s(?= |$)", "", unit, count=1)
    return f"n = {shown} {singular if shown == '1' else unit}"
