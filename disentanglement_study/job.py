"""One job, top to bottom: train, represent, evaluate, store. The only file that knows every stage."""

import platform
import time
import traceback
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import jax
import numpy as np

from disentanglement_study import compilation, data, represent, rng
from disentanglement_study.config import EvaluateConfig, Study
from disentanglement_study.evaluate import evaluate, in_threads
from disentanglement_study.fit import Fit, fit
from disentanglement_study.store import Store
from disentanglement_study.types import Codes, DataSet, Job


def run_job(
    job: Job, study: Study, root: Path, data_dir: Path | None, identities: dict[str, dict] | None = None
) -> None:
    """Trains and scores the runs of a job and writes them to the store; an exception leaves no trace there.

    identities: of the data sets of the command that started the job, for a node may hold others.
    """
    compilation.use_cache()
    store, config = Store(root), study.evaluate
    data_set = load_data(job.data_set, store, data_dir, identities)
    seconds, start = {}, time.perf_counter()

    def lap(stage: str) -> None:
        seconds[stage] = time.perf_counter() - start - sum(seconds.values())

    # Half of the bar is training and half is scoring, whatever their share of the time.
    fitted = fit(
        job,
        data_set,
        study.nets,
        study.train,
        study.resources,
        config.training_batches,
        store.checkpoints / job.job_id,
        report=lambda stage, fraction: store.write_progress(job, stage, 0.5 * fraction),
    )
    seconds["compile"] = fitted.compile_seconds
    lap("train")
    index = represent.table_index(data_set, config)
    batch = study.resources.encode_batch
    codes = represent.encode(fitted.params, data_set, index, study.nets, batch, fitted.population, config.seed)
    factors = data_set.factors(index)
    lap("represent")
    scores = training_scores(job, fitted, config.training_batches * study.train.batch_size, seconds["train"])
    scores += score_members(
        job,
        codes,
        factors,
        config,
        study.resources.num_cpus,
        represent.is_population(data_set, index),
        report=lambda fraction: store.write_progress(job, "scoring", 0.5 + 0.5 * fraction),
    )
    lap("evaluate")

    draws = rng.generator(config.seed, "keep_codes", data_set.name)
    keep = np.sort(draws.choice(len(index), min(config.keep_codes, len(index)), replace=False))
    store.write_job(
        job,
        scores,
        [
            {"run_id": run.run_id, "step": row["step"], "term": row["term"], "value": row["values"][member]}
            for row in fitted.curves
            for member, run in enumerate(job.runs)
        ],
        {
            "params": flat(fitted.params),
            "codes": {"index": index[keep], "mean": codes.mean[:, keep], "logvar": codes.logvar[:, keep]},
        },
        {
            "status": "done",
            "seconds": seconds,
            "population": fitted.population,
            "data": data_set.identity,
            "device": device(),
            "versions": jax_versions(),
        },
    )


def load_data(name: str, store: Store, data_dir: Path | None, identities: dict[str, dict] | None = None) -> DataSet:
    """The data set whose images are to be encoded, the one that the models of the store were trained on.

    ValueError if it is another: see `check_data`. identities: as for `run_job`.
    """
    loaded = data.load(name, data_dir)
    check_data(loaded.identity, store.root, store.manifests())
    if identities and identities[name] != loaded.identity:
        where = f"{data.cache.folder(data_dir)} on {platform.node()}"
        raise ValueError(f"data set {name!r} in {where} has other contents than where the command was started")
    return loaded


def check_data(identity: dict, root: Path, manifests: list[dict]) -> None:
    """ValueError if a job of the study at `root` has models of another data set of this name.

    Codes and scores of two sets under one name would be mixed without a word.
    """
    for manifest in manifests:
        there = manifest.get("data", {})
        if there.get("name") == identity["name"] and there != identity:
            raise ValueError(f"{root} holds models of another data set {identity['name']!r}: its contents have changed")


def score_members(
    job: Job,
    codes: Codes,
    factors: np.ndarray,
    config: EvaluateConfig,
    num_threads: int,
    complete: bool,
    report: Callable[[float], None],
) -> list[dict]:
    """Rows of every run of a job on every representation: `num_threads` runs at a time.

    complete: whether the codes are those of the whole population.
    """

    def score(member: int) -> list[dict]:
        run, rows = job.runs[member], []
        for name in config.representations:
            shown = represent.representation(name, codes, member, run)
            scored = evaluate(shown, factors, name, config, run.protocol, complete=complete)
            rows += [{"run_id": run.run_id, **row} for row in scored]
        return rows

    scores = []
    for member, rows in enumerate(in_threads(score, len(job.runs), num_threads)):
        scores += rows
        report((member + 1) / len(job.runs))
    return scores


def training_scores(job: Job, fitted: Fit, n: int, seconds: float) -> list[dict]:
    """The training run's own scores (metric "training", representation "model"): loss, reconstruction, KL, ELBO.

    Nats, means over fresh batches of the training distribution; terms that not every objective has are in the curves
    only. A model whose loss was not finite has diverged, and its rows say at which update.
    """
    losses = {name: fitted.losses[name] for name in ("loss", "reconstruction_loss", "kl_loss")}
    losses["elbo"] = -(losses["reconstruction_loss"] + losses["kl_loss"])
    return [
        {
            "run_id": run.run_id,
            "representation": "model",
            "metric": "training",
            "score": score,
            "value": values[member],
            "n": n,
            "protocol": run.protocol,
            "metric_version": "1",
            "versions": jax_versions(),
            "seconds": seconds / len(job.runs),
            "error": _divergence(int(fitted.diverged[member]), score, values[member]),
        }
        for member, run in enumerate(job.runs)
        for score, values in losses.items()
    ]


def _divergence(update: int, score: str, value: float) -> str | None:
    if update >= 0:
        return f"diverged at update {update}: {score} is {value}"
    return None if np.isfinite(value) else f"diverged after training: {score} is {value}"


def record_failure(job: Job, root: Path, error: BaseException, attempts: int) -> None:
    """A job that failed for good: each of its runs becomes a row with the traceback, and the study goes on."""
    text = "".join(traceback.format_exception(error)).strip()
    rows = [
        {"run_id": run.run_id, "representation": "model", "metric": "training", "score": "loss", "value": float("nan"),
         "protocol": run.protocol, "metric_version": "1", "versions": jax_versions(), "error": text}
        for run in job.runs
    ]  # fmt: skip
    Store(root).write_job(job, rows, [], {}, {"status": "failed", "attempts": attempts, "error": text})


def flat(tree: dict) -> dict[str, np.ndarray]:
    """Nested parameters as {"encoder/Dense_0/kernel": [M, ...]}."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    return {"/".join(part.key for part in path): np.asarray(leaf) for path, leaf in leaves}


def device() -> str:
    backend, kind = jax.default_backend(), jax.devices()[0].device_kind
    return kind if kind == backend else f"{backend}: {kind}"


def jax_versions() -> str:
    return " ".join(f"{package}={version(package)}" for package in ("jax", "flax", "optax", "numpy"))
