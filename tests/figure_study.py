"""Results of which every figure of a study of methods and strengths can be drawn, and what is read from a figure."""

import numpy as np
import pandas as pd

from disentanglement_study.analysis import models, names
from disentanglement_study.analysis.tables.unified_rank_correlation import SCORES as UNIFIED

STRENGTHS = {"beta_vae": ("beta", [1.0, 4.0]), "dip_vae_i": ("lambda_od", [2.0, 20.0])}
SIZES = (10, 100, 1_000, 10_000)


def make_study(data_sets=("dsprites", "cars3d"), seeds=4, metrics=names.STUDY_METRICS, strengths=2):
    """Results in the store's columns, of which every figure can be drawn."""
    rng = np.random.default_rng(0)
    scores = [("model", "training", s) for s in ("reconstruction_loss", "kl_loss", "elbo", "loss")]
    for r in ("mean", "sampled"):
        scores += [(r, metric, metric) for metric in metrics]
        scores += [(r, "unsupervised", s) for s in ("gaussian_total_correlation", "mutual_information")]
        for task in ("downstream_boosted_trees", "downstream_logistic_regression"):
            scores += [(r, task, models.ACCURACY + f"n_{n}") for n in SIZES] + [(r, task, "statistical_efficiency")]
        scores += [(r, "unified_scores", score) for score in UNIFIED]
        scores += [(r, "unified_scores", f"accuracy_svm.merge.factors_{ab}") for ab in ("0_1", "0_2", "1_2")]
    runs = [
        (f"{data_set}/{method}/{strength:g}/{seed}", data_set, method, name, strength, seed)
        for data_set in data_sets
        for method, (name, swept) in STRENGTHS.items()
        for strength in swept[:strengths]
        for seed in range(seeds)
    ]
    columns = ["run_id", "data_set", "method", "strength_name", "strength", "seed"]
    of_scores = pd.DataFrame(scores, columns=["representation", "metric", "score"])
    table = pd.DataFrame(runs, columns=columns).merge(of_scores, how="cross")
    return table.assign(value=rng.uniform(size=len(table)), error=None)


def panel(figure, *texts):
    """The axis whose title, or title and row label, are these."""
    for axis in figure.axes:
        said = {axis.get_title(), axis.get_title("left"), *(text.get_text() for text in axis.texts)}
        if set(texts) <= said:
            return axis
    raise AssertionError(f"no panel {texts}")


def numbers_in(axis):
    return [text.get_text() for text in axis.texts]


def tick_labels(axis):
    return [label.get_text() for label in axis.get_ticklabels()]
