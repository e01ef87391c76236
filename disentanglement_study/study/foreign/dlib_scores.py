"""disentanglement_lib's scores under our names. One that we have not keeps its own, and none is made up.

Not ours: `num_active_dims`. Theirs of the FactorVAE score is the number of all codes, and that of IRS a sum of values.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

TRAINING = "training"
ALWAYS_TRAINED = ("reconstruction_loss", "kl_loss", "loss")  # their FactorVAE has no ELBO
TRAIN_RESULTS = {name: (TRAINING, name) for name in (*ALWAYS_TRAINED, "elbo")}
# {their metric: {their key: (metric, score)}}; each of these keys is in every file of the metric.
METRICS: dict[str, dict[str, tuple[str, str]]] = {
    "beta_vae_sklearn": {
        "eval_accuracy": ("beta_vae_score", "beta_vae_score"),
        "train_accuracy": ("beta_vae_score", "train_accuracy"),
    },
    "factor_vae_score": {
        "eval_accuracy": ("factor_vae_score", "factor_vae_score"),
        "train_accuracy": ("factor_vae_score", "train_accuracy"),
    },
    "mig": {"discrete_mig": ("mig", "mig")},
    "dci": {
        "disentanglement": ("dci", "dci"),
        "completeness": ("dci", "completeness"),
        "informativeness_train": ("dci", "informativeness_train"),
        "informativeness_test": ("dci", "informativeness_test"),
    },
    "sap_score": {"SAP_score": ("sap_score", "sap_score")},
    "modularity_explicitness": {
        "modularity_score": ("modularity", "modularity"),
        "explicitness_score_test": ("explicitness", "explicitness"),
        "explicitness_score_train": ("explicitness", "explicitness_train"),
    },
    "irs": {"IRS": ("irs", "irs")},
    "unsupervised_metrics": {
        "gaussian_total_correlation": ("unsupervised", "gaussian_total_correlation"),
        "gaussian_wasserstein_correlation": ("unsupervised", "gaussian_wasserstein_correlation"),
        "gaussian_wasserstein_correlation_norm": ("unsupervised", "gaussian_wasserstein_correlation_normalised"),
        "mutual_info_score": ("unsupervised", "mutual_information"),
    },
}
DOWNSTREAM = {
    "logistic_regression_cv": "downstream_logistic_regression",
    "gradient_boosting_classifier": "downstream_boosted_trees",
}
# The metrics of their study by the names of its configurations: (metric, predictor).
CONFIGURATIONS = {name: (name, "") for name in METRICS} | {
    "factor_vae_metric": ("factor_vae_score", ""),
    "unsupervised": ("unsupervised_metrics", ""),
    "downstream_task_logistic_regression": ("downstream_task", "logistic_regression_cv"),
    "downstream_task_boosted_trees": ("downstream_task", "gradient_boosting_classifier"),
}
ACCURACY = re.compile(r"(\d+):((?:mean|min)_(?:train|test)_accuracy|(?:train|test)_accuracy_factor_(\d+))")
HEADLINE = re.compile(r"mean_test_accuracy\.n_(\d+)")
FAIRNESS = re.compile(
    r"(?:mean|max)_fairness:(?:pred\d+:(?:sens\d+|(?:mean|max)_sens)|sens\d+:(?:mean|max)_pred|"
    r"(?:mean|max)_sens:(?:mean|max)_pred|(?:mean|max)_pred:(?:mean|max)_sens)"
)
FAIRNESS_HEADLINE = "mean_fairness.mean_target.mean_sensitive"
# What a file says of itself, not of the model.
NO_SCORES = ("uuid", "elapsed_time")


class Score(NamedTuple):
    """A score of ours, and the key of theirs that has it; is_ours: whether we have it, or it keeps its own name."""

    metric: str
    score: str
    key: str
    is_ours: bool = True


def of_training(keys: Iterable[str]) -> list[Score]:
    """The scores of `train_results`."""
    keys = list(keys)
    keys += [key for key in ALWAYS_TRAINED if key not in keys] if keys else []  # it was not a number
    own = [Score("train_results", key, key, False) for key in keys if key not in (*TRAIN_RESULTS, *NO_SCORES)]
    return [Score(*TRAIN_RESULTS[key], key) for key in keys if key in TRAIN_RESULTS] + own


def of_evaluation(keys: Iterable[str], metric: str = "", predictor: str = "") -> list[Score]:
    """The scores of `evaluation_results` of their metric, with this predictor.

    Where it is not known which metric the keys are of, because a row has several, they say so themselves, as in
    "mig.discrete_mig", or by what only one of them is called.
    """
    keys = [key for key in keys if key.rpartition(".")[2] not in NO_SCORES]
    keys += [key for key in METRICS.get(metric, ()) if key not in keys]  # it was not a number
    found = [_score(key, metric, predictor) for key in keys]
    for task in DOWNSTREAM.values():
        sizes = [
            (int(size[1]), one.key) for one in found if one.metric == task if (size := HEADLINE.fullmatch(one.score))
        ]
        if sizes:
            found.append(Score(task, task, max(sizes)[1]))
    return found + [Score("fairness", "fairness", one.key) for one in found if one.score == FAIRNESS_HEADLINE]


def _score(key: str, metric: str, predictor: str) -> Score:
    name, prefix = key, ""
    if not metric:
        first, _, rest = key.partition(".")
        if rest and first in CONFIGURATIONS:
            (metric, predictor), name, prefix = CONFIGURATIONS[first], rest, f".{first}"
        else:
            having = [one for one, keys in METRICS.items() if key in keys]
            metric = having[0] if len(having) == 1 else ""
    if found := _ours(name, metric, predictor):
        return Score(*found, key)
    own = prefix or (f".{metric}" if metric else "")
    return Score(f"evaluation_results{own}{f'.{predictor}' if predictor and not prefix else ''}", name, key, False)


def _ours(key: str, metric: str, predictor: str) -> tuple[str, str] | None:
    if metric in METRICS:
        return METRICS[metric].get(key)
    if metric == "downstream_task" and predictor in DOWNSTREAM and (found := ACCURACY.fullmatch(key)):
        size, name, factor = found.groups()
        score = (
            f"{name}.n_{size}"
            if factor is None
            else f"{name.removesuffix(f'_factor_{factor}')}.n_{size}.factor_{factor}"
        )
        return DOWNSTREAM[predictor], score
    if metric == "fairness" and predictor == "gradient_boosting_classifier" and FAIRNESS.fullmatch(key):
        return "fairness", _fairness(key)
    return None


def _fairness(key: str) -> str:
    """ "mean_fairness:pred0:mean_sens" as "mean_fairness.target_0.mean_sensitive"."""
    key = re.sub(r"(pred|sens)(\d+)", r"\1_\2", key)
    return key.replace("pred", "target").replace("sens", "sensitive").replace(":", ".")


def points(config: Mapping[str, Any], metric: str) -> int | None:
    """How many points their metric was trained or estimated on: the most, of several numbers."""
    given = config.get(f"{metric}.num_train")
    given = max(given, default=None) if isinstance(given, list | tuple) else given
    return given if isinstance(given, int) and not isinstance(given, bool) else None
