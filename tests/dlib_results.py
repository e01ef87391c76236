"""Result files as disentanglement_lib writes them, of made-up scores: names, gin text and folders are the true ones."""

import json
import random
from pathlib import Path

import pandas as pd

from disentanglement_study import store
from disentanglement_study.study.foreign.disentanglement_lib import import_results
from disentanglement_study.study.locatello2019 import GRID

DATA_SETS = {
    "dsprites_full": 5, "color_dsprites": 5, "noisy_dsprites": 5, "scream_dsprites": 5, "smallnorb": 4, "cars3d": 3,
    "shapes3d": 6,
}  # fmt: skip
GIN = {"beta_vae": "vae", "dip_vae_i": "dip_vae", "dip_vae_ii": "dip_vae"}
SHARED = {
    "decoder.decoder_fn": "@deconv_decoder",
    "encoder.encoder_fn": "@conv_encoder",
    "encoder.num_latent": "10",
    "model.batch_size": "64",
    "model.eval_steps": "1000",
    "model.training_steps": "300000",
    "reconstruction_loss.activation": "'logits'",
    "reconstruction_loss.loss_fn": "@bernoulli_loss",
    "bernoulli_loss.subtract_true_image_entropy": "False",
    "vae_optimizer.optimizer_fn": "@vae/AdamOptimizer",
    "vae/AdamOptimizer.beta1": "0.9",
    "vae/AdamOptimizer.beta2": "0.999",
    "vae/AdamOptimizer.epsilon": "1e-08",
    "vae/AdamOptimizer.learning_rate": "0.0001",
    "vae/AdamOptimizer.name": "'Adam'",
    "vae/AdamOptimizer.use_locking": "False",
}
DISCRIMINATOR = {
    "discriminator.discriminator_fn": "@fc_discriminator",
    "discriminator_optimizer.optimizer_fn": "@discriminator/AdamOptimizer",
    "discriminator/AdamOptimizer.beta1": "0.5",
    "discriminator/AdamOptimizer.beta2": "0.9",
    "discriminator/AdamOptimizer.epsilon": "1e-08",
    "discriminator/AdamOptimizer.learning_rate": "0.0001",
    "discriminator/AdamOptimizer.name": "'Adam'",
    "discriminator/AdamOptimizer.use_locking": "False",
}
# By the names of the configurations: the function, its other bindings, and what it reports.
SIZES = ("num_train", "10000"), ("num_test", "5000")
TASK = {"num_train": "[10, 100, 1000, 10000]", "num_test": "5000"}
VOTES = {"num_train": "10000", "num_eval": "5000", "num_variance_estimate": "10000"}
TRAIN_SIZES = (10, 100, 1000, 10000)
METRICS = {
    "beta_vae_sklearn": ("beta_vae_sklearn", {"batch_size": "64", "num_train": "10000", "num_eval": "5000"},
                         ("train_accuracy", "eval_accuracy")),
    "dci": ("dci", dict(SIZES), ("informativeness_train", "informativeness_test", "disentanglement", "completeness")),
    "downstream_task_boosted_trees": ("downstream_task", TASK, ()),
    "downstream_task_logistic_regression": ("downstream_task", TASK, ()),
    "factor_vae_metric": ("factor_vae_score", VOTES,
                          ("train_accuracy", "eval_accuracy", "num_active_dims")),
    "mig": ("mig", {"num_train": "10000"}, ("discrete_mig",)),
    "modularity_explicitness": ("modularity_explicitness", dict(SIZES),
                                ("modularity_score", "explicitness_score_train", "explicitness_score_test")),
    "sap_score": ("sap_score", {**dict(SIZES), "continuous_factors": "False"}, ("SAP_score",)),
    "unsupervised": ("unsupervised_metrics", {"num_train": "10000"},
                     ("gaussian_total_correlation", "gaussian_wasserstein_correlation",
                      "gaussian_wasserstein_correlation_norm", "mutual_info_score")),
}  # fmt: skip
PREDICTORS = {"downstream_task_boosted_trees": "@gradient_boosting_classifier",
              "downstream_task_logistic_regression": "@logistic_regression_cv"}  # fmt: skip


def train_config(number: int) -> dict[str, str]:
    """Of the model of this number in their study."""
    cell, seed = divmod(number, 50)
    data_set, cell = divmod(cell, 36)
    method, place = divmod(cell, 6)
    name = list(GRID)[method]
    swept, strengths, fixed = GRID[name]
    gin = GIN.get(name, name)
    hyper = {f"{gin}.{key}": repr(float(value)) for key, value in {swept: strengths[place], **fixed}.items()}
    kind = {"dip_vae.dip_type": f"'{name.removeprefix('dip_vae_')}'"} if gin == "dip_vae" else {}
    own = {
        "dataset.name": f"'{list(DATA_SETS)[data_set]}'",
        "model.model": f"@{gin}()",
        "model.model_num": str(number),
        "model.name": f"'{name}'",
        "model.random_seed": str(seed),
    }
    return {**SHARED, **(DISCRIMINATOR if name == "factor_vae" else {}), **own, **hyper, **kind}


def results(metric: str, num_factors: int, draws: random.Random) -> dict[str, float]:
    keys = METRICS[metric][2]
    if metric in PREDICTORS:
        keys = [
            f"{n}:{key}" for n in TRAIN_SIZES
            for key in ["mean_train_accuracy", "mean_test_accuracy", "min_train_accuracy", "min_test_accuracy",
                        *(f"{split}_accuracy_factor_{k}" for k in range(num_factors) for split in ("train", "test"))]
        ]  # fmt: skip
    return {key: 10 if key == "num_active_dims" else round(draws.random(), 10) for key in keys}


def files(number: int, metrics=tuple(METRICS), representations=("mean", "sampled"), config=None) -> dict[str, dict]:
    """{path: content} of the `evaluation.json` of a model."""
    config = config or train_config(number)
    draws = random.Random(str(config))
    data_set = config["dataset.name"]
    losses = {"elbo": -draws.uniform(20, 60), "global_step": 300000, "kl_loss": draws.uniform(2, 20),
              "loss": draws.uniform(20, 60), "reconstruction_loss": draws.uniform(10, 50),
              "regularizer": draws.uniform(2, 20), "elapsed_time": 5432.1, "uuid": f"{draws.random()}"}  # fmt: skip
    if "factor_vae.gamma" in config:
        del losses["elbo"]
    found = {}
    for representation in representations:
        for metric in metrics:
            function, bindings, _ = METRICS[metric]
            evaluation = {f"{function}.{key}": value for key, value in bindings.items()}
            evaluation |= {"evaluation.evaluation_fn": f"@{function}", "evaluation.name": f"'{metric}'",
                           "evaluation.random_seed": "3638918503", "dataset.name": data_set}  # fmt: skip
            if metric in PREDICTORS:
                evaluation["predictor.predictor_fn"] = PREDICTORS[metric]
            if metric in ("mig", "modularity_explicitness", "unsupervised"):
                evaluation |= {"discretizer.discretizer_fn": "@histogram_discretizer", "discretizer.num_bins": "20"}
            parts = {
                "train_config": config,
                "train_results": losses,
                "postprocess_config": {
                    "dataset.name": data_set,
                    "postprocess.name": f"'{representation}'",
                    "postprocess.postprocess_fn": f"@{representation}_representation",
                    "postprocess.random_seed": "2357136044",
                },
                "postprocess_results": {"elapsed_time": 12.5, "uuid": f"{draws.random()}"},
                "evaluation_config": evaluation,
                "evaluation_results": {
                    **results(metric, DATA_SETS.get(data_set.strip("'"), 5), draws), "elapsed_time": 77.7,
                    "uuid": f"{draws.random()}",
                },
            }  # fmt: skip
            content = {f"{part}.{key}": value for part, values in parts.items() for key, value in values.items()}
            found[f"{number}/metrics/{representation}/{metric}/results/aggregate/evaluation.json"] = content
    return found


def write(folder: Path, contents: dict[str, dict]) -> Path:
    """The files in a folder, as `dlib_reproduce` leaves them."""
    for name, content in contents.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content, indent=2))
    return folder


def aggregated(path: Path, contents: dict[str, dict]) -> Path:
    """One file, as `dlib_aggregate_results` writes it."""
    rows = [{**content, "path": f"output/{name}"} for name, content in contents.items()]
    pd.DataFrame(rows).to_json(path_or_buf=path)
    return path


# A few metrics, for what is about something else, and the file of one of them.
SOME = ("mig", "unsupervised")
MIG = "0/metrics/mean/mig/results/aggregate/evaluation.json"


def small(**changed) -> dict[str, dict]:
    """The files of one model, with a few metrics of one representation; changed: bindings of its configuration."""
    config = {**train_config(0), **{key.replace("__", "."): value for key, value in changed.items()}}
    return files(0, SOME, ["mean"], config)


def brought(folder: Path, contents: dict) -> tuple[store.Store, list[str]]:
    """The study of these files, and what was said of it."""
    path = write(folder / "output", contents)
    said = import_results(path, folder / "study").lines
    return store.open(folder / "study"), said
