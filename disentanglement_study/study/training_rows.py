"""The rows of a study that are of the training itself: its losses, or why it failed."""

import traceback
from importlib.metadata import version
from pathlib import Path

import numpy as np

from disentanglement_study.methods.kinds import Learner
from disentanglement_study.store import Store
from disentanglement_study.study import provenance
from disentanglement_study.training.learnt import Learnt
from disentanglement_study.types import Job


def training_scores(job: Job, learner: Learner, learnt: Learnt, n: int, seconds: float) -> list[dict]:
    """The scores of the training (metric "training", representation "model") that the method has: of a VAE the loss,
    reconstruction, KL and ELBO.

    Means over fresh batches of the training distribution. A model whose loss was not finite has diverged, and its rows
    say at which update.
    """
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
            "error": _divergence(int(learnt.diverged[member]), score, values[member]),
        }
        for member, run in enumerate(job.runs)
        for score, values in learner.scores(learnt.terms).items()
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
    about = {
        "attempts": attempts,
        "error": text,
        "versions": jax_versions(),
        "provenance": provenance.of_failure(error),
    }
    Store(root).write_job(job, rows, [], {}, {"status": "failed", **about})


def jax_versions() -> str:
    return " ".join(f"{package}={version(package)}" for package in ("jax", "flax", "optax", "numpy"))
