"""Scores of codes against factors: NumPy in, floats out; never a model, an image or JAX."""

from disentanglement_study.metrics.beta_vae_score import beta_vae_score
from disentanglement_study.metrics.dci import dci
from disentanglement_study.metrics.downstream_boosted_trees import downstream_boosted_trees
from disentanglement_study.metrics.downstream_logistic_regression import downstream_logistic_regression
from disentanglement_study.metrics.factor_vae_score import factor_vae_score
from disentanglement_study.metrics.mig import mig
from disentanglement_study.metrics.modularity import modularity
from disentanglement_study.metrics.sap_score import sap_score
from disentanglement_study.metrics.unsupervised import unsupervised
from disentanglement_study.types import Metric

METRICS = {
    "beta_vae_score": Metric(beta_vae_score, sampling="table", version="1"),
    "dci": Metric(dci, sampling="split", version="1"),
    "downstream_boosted_trees": Metric(downstream_boosted_trees, sampling="split", version="1"),
    "downstream_logistic_regression": Metric(downstream_logistic_regression, sampling="split", version="1"),
    "factor_vae_score": Metric(factor_vae_score, sampling="table", version="1"),
    "mig": Metric(mig, sampling="sample", version="1"),
    "modularity": Metric(modularity, sampling="sample", version="1"),
    "sap_score": Metric(sap_score, sampling="split", version="1"),
    "unsupervised": Metric(unsupervised, sampling="sample", version="1"),
}

__all__ = ["METRICS", *METRICS]
