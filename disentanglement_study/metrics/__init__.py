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
    "beta_vae_score": Metric(
        beta_vae_score,
        sampling="table",
        version="1",
        asks="Which factor do pairs of points have in common?",
        source="Higgins et al. 2017",
    ),
    "dci": Metric(
        dci,
        sampling="split",
        version="1",
        asks="Does each code matter to one factor only?",
        source="Eastwood and Williams 2018",
    ),
    "dci_es": Metric(
        dci_es,
        sampling="split",
        version="2",
        factors="either",
        asks="How little capacity does a good probe need?",
        source="Eastwood et al. 2023",
        headline="none; `probe_explicitness` -1 to 1, higher is more explicit; `size` 1 for as many codes as factors",
    ),
    "dcimig": Metric(
        dcimig,
        sampling="sample",
        version="1",
        asks="How much is known by codes of one factor?",
        source="Sepliarskaia et al. 2019",
    ),
    "downstream_boosted_trees": Metric(
        downstream_boosted_trees,
        sampling="split",
        version="1",
        asks="How well do boosted trees predict the factors?",
        source="Locatello et al. 2019",
    ),
    "downstream_logistic_regression": Metric(
        downstream_logistic_regression,
        sampling="split",
        version="2",
        asks="How well do logistic regressions predict the factors?",
        source="Locatello et al. 2019",
    ),
    "explicitness": Metric(
        explicitness,
        sampling="split",
        version="2",
        asks="Does a linear classifier tell a factor's values apart?",
        source="Ridgeway and Mozer 2018",
    ),
    "factor_vae_score": Metric(
        factor_vae_score,
        sampling="table",
        version="1",
        asks="Does the least varying code tell the fixed factor?",
        source="Kim and Mnih 2018",
    ),
    "fairness": Metric(
        fairness,
        sampling="table",
        version="2",
        asks="How much do predictions change with a sensitive factor?",
        source="Locatello, Abbati et al. 2019",
        headline="0 to below 1, lower is better",
    ),
    "higgins_score": Metric(
        higgins_score,
        sampling="table",
        version="1",
        check=check_higgins_score,
        asks="Which factor do pairs share, by the protocol of the paper?",
        source="Higgins et al. 2017",
    ),
    "info_mec": Metric(
        info_mec,
        sampling="split",
        version="2",
        asks="Are codes and factors one to one, and linear?",
        source="Hsu et al. 2023",
        headline="none; `info_m`, `info_c` 0 to 1, `info_e` at most 1, higher is better",
    ),
    "irs": Metric(
        irs,
        sampling="sample",
        version="2",
        asks="Does a code stay put when other factors change?",
        source="Suter et al. 2019",
    ),
    "jemmig": Metric(
        jemmig,
        sampling="sample",
        version="1",
        asks="Are one code and one factor about each other only?",
        source="Do and Tran 2020",
    ),
    "mcc": Metric(
        mcc,
        sampling="split",
        version="1",
        factors="numbers",
        asks="How well does each factor correlate with one code?",
        source="Hyvärinen and Morioka 2016, Khemakhem et al. 2020",
    ),
    "med": Metric(
        med,
        sampling="sample",
        version="1",
        asks="What is DCI with information in place of importance?",
        source="Cao et al. 2022",
    ),
    "mig": Metric(
        mig, sampling="sample", version="1", asks="How far is a factor's best code ahead?", source="Chen et al. 2018"
    ),
    "mig_sup": Metric(
        mig_sup, sampling="sample", version="1", asks="How far is a code's best factor ahead?", source="Li et al. 2020"
    ),
    "modularity": Metric(
        modularity,
        sampling="sample",
        version="1",
        asks="Does each code share information with one factor?",
        source="Ridgeway and Mozer 2018",
    ),
    "r2": Metric(
        r2,
        sampling="split",
        version="1",
        factors="numbers",
        asks="How much of a factor do regressions on all codes explain?",
        source="Zimmermann et al. 2021",
        headline="none; `r2_linear`, `r2_boosted` at most 1, higher is better",
    ),
    "reduced_downstream": Metric(
        reduced_downstream,
        sampling="split",
        version="1",
        asks="Does only one factor suffer when its codes go?",
        source="disentanglement_lib",
        headline="-1 to 1, higher is better",
    ),
    "rmig": Metric(
        rmig,
        sampling="sample",
        version="1",
        asks="How far is the best code ahead, in fixed bins?",
        source="Do and Tran 2020",
    ),
    "sap_score": Metric(
        sap_score,
        sampling="split",
        version="1",
        factors="either",
        asks="How much better does one code predict a factor?",
        source="Kumar et al. 2018",
    ),
    "strong_downstream": Metric(
        strong_downstream,
        sampling="table",
        version="2",
        asks="How well are factors predicted in unseen combinations?",
        source="disentanglement_lib",
    ),
    "unified_scores": Metric(
        unified_scores,
        sampling="split",
        version="1",
        asks="What if DCI, MIG, SAP, modularity swapped matrices?",
        source="disentanglement_lib",
        headline="none; all but the merges: higher is better",
    ),
    "unsupervised": Metric(
        unsupervised,
        sampling="sample",
        version="1",
        factors="none",
        asks="How dependent are the codes on each other?",
        source="Locatello et al. 2019",
        headline="none; 0 for independent codes, unbounded",
    ),
    "z_max_variance": Metric(
        z_max_variance,
        sampling="table",
        version="1",
        asks="Does the most varying code tell the varying factor?",
        source="Kim et al. 2019",
    ),
}
# They compare models: no score is of one model alone.
COMPARED = {
    "udr": Metric(
        udr,
        sampling="models",
        version="1",
        asks="Did other models find the same codes?",
        source="Duan et al. 2020",
        headline="0 to 1, higher is more alike",
    ),
}

__all__ = ["COMPARED", "METRICS", "udr", *METRICS]
