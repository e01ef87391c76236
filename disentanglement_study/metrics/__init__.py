"""Scores of codes against factors: NumPy in, floats out; never a model, an image or JAX."""

from disentanglement_study.metrics.beta_vae_score import beta_vae_score
from disentanglement_study.metrics.dci import dci
from disentanglement_study.metrics.dci_es import dci_es
from disentanglement_study.metrics.dcimig import dcimig
from disentanglement_study.metrics.downstream_boosted_trees import downstream_boosted_trees
from disentanglement_study.metrics.downstream_logistic_regression import downstream_logistic_regression
from disentanglement_study.metrics.explicitness import explicitness
from disentanglement_study.metrics.factor_vae_score import factor_vae_score
from disentanglement_study.metrics.fairness import fairness
from disentanglement_study.metrics.higgins_score import check_options as check_higgins_score
from disentanglement_study.metrics.higgins_score import higgins_score
from disentanglement_study.metrics.info_mec import info_mec
from disentanglement_study.metrics.irs import irs
from disentanglement_study.metrics.jemmig import jemmig
from disentanglement_study.metrics.mcc import mcc
from disentanglement_study.metrics.med import med
from disentanglement_study.metrics.mig import mig
from disentanglement_study.metrics.mig_sup import mig_sup
from disentanglement_study.metrics.modularity import modularity
from disentanglement_study.metrics.r2 import r2
from disentanglement_study.metrics.reduced_downstream import reduced_downstream
from disentanglement_study.metrics.rmig import rmig
from disentanglement_study.metrics.sap_score import sap_score
from disentanglement_study.metrics.strong_downstream import strong_downstream
from disentanglement_study.metrics.udr import udr
from disentanglement_study.metrics.unified_scores import unified_scores
from disentanglement_study.metrics.unsupervised import unsupervised
from disentanglement_study.metrics.z_max_variance import z_max_variance
from disentanglement_study.types import Metric

METRICS = {
    "beta_vae_score": Metric(beta_vae_score, sampling="table", version="1"),
    "dci": Metric(dci, sampling="split", version="1"),
    "dci_es": Metric(dci_es, sampling="split", version="2", factors="either"),
    "dcimig": Metric(dcimig, sampling="sample", version="1"),
    "downstream_boosted_trees": Metric(downstream_boosted_trees, sampling="split", version="1"),
    "downstream_logistic_regression": Metric(downstream_logistic_regression, sampling="split", version="2"),
    "explicitness": Metric(explicitness, sampling="split", version="2"),
    "factor_vae_score": Metric(factor_vae_score, sampling="table", version="1"),
    "fairness": Metric(fairness, sampling="table", version="2"),
    "higgins_score": Metric(higgins_score, sampling="table", version="1", check=check_higgins_score),
    "info_mec": Metric(info_mec, sampling="split", version="2"),
    "irs": Metric(irs, sampling="sample", version="2"),
    "jemmig": Metric(jemmig, sampling="sample", version="1"),
    "mcc": Metric(mcc, sampling="split", version="1", factors="numbers"),
    "med": Metric(med, sampling="sample", version="1"),
    "mig": Metric(mig, sampling="sample", version="1"),
    "mig_sup": Metric(mig_sup, sampling="sample", version="1"),
    "modularity": Metric(modularity, sampling="sample", version="1"),
    "r2": Metric(r2, sampling="split", version="1", factors="numbers"),
    "reduced_downstream": Metric(reduced_downstream, sampling="split", version="1"),
    "rmig": Metric(rmig, sampling="sample", version="1"),
    "sap_score": Metric(sap_score, sampling="split", version="1", factors="either"),
    "strong_downstream": Metric(strong_downstream, sampling="table", version="2"),
    "unified_scores": Metric(unified_scores, sampling="split", version="1"),
    "unsupervised": Metric(unsupervised, sampling="sample", version="1", factors="none"),
    "z_max_variance": Metric(z_max_variance, sampling="table", version="1"),
}

__all__ = ["METRICS", "udr", *METRICS]
