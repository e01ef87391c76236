"""Trained models of a study, loaded again: their codes of images, and what they decode."""

import dataclasses
from collections.abc import Callable, Collection, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Int, UInt8

from disentanglement_study import gaussian, rng
from disentanglement_study.config import Study
from disentanglement_study.methods.kinds import Learner
from disentanglement_study.runtime import compilation
from disentanglement_study.scoring import represent
from disentanglement_study.store import Store
from disentanglement_study.store.runs import finished_jobs
from disentanglement_study.study import loading
from disentanglement_study.training.inputs import Batches
from disentanglement_study.types import DataSet, Job, Run

MOST_LATENTS = 32  # rows of a picture that can be looked at
Images = UInt8[np.ndarray, "n h w k"]
Decode = Callable[[dict, Float[np.ndarray, "n d"]], Images]


class Model(NamedTuple):
    """A trained model: its parameters, and its codes [N,D] of the sample of images; without a posterior no logvar."""

    run: Run
    params: dict
    mean: Float[np.ndarray, "n d"]
    logvar: Float[np.ndarray, "n d"] | None

    @property
    def weight(self) -> Float[np.ndarray, " d"]:
        """How much each latent says: its KL divergence from the prior in nats, mean over the sample; without a
        posterior the standard deviation of its codes."""
        if self.logvar is None:
            return self.mean.std(axis=0)
        with np.errstate(over="ignore", invalid="ignore"):  # of a model that has diverged
            return gaussian.kl(self.mean, self.logvar).mean(axis=0)

    @property
    def unit(self) -> str:
        """Of `weight`."""
        return "std" if self.logvar is None else "nats"

    @property
    def order(self) -> Int[np.ndarray, " k"]:
        """The latents that are drawn, the most informative first, at most `MOST_LATENTS`: pixels are many."""
        return np.argsort(-self.weight, kind="stable")[:MOST_LATENTS]

    @property
    def has_diverged(self) -> bool:
        """Whether it encodes or decodes what is not finite."""
        leaves = jax.tree.leaves(self.params)
        return not (np.isfinite(self.weight).all() and all(np.isfinite(leaf).all() for leaf in leaves))


# Called before each step with what the steps are and how many there are.
Begins = Callable[[str, int], None]


def quietly(name: str, total: int) -> None:
    """Of `Begins`, for one who does not look on."""


class Loaded(NamedTuple):
    """A finished job with what its models are encoded with, and which of its runs are wanted."""

    job: Job
    run_ids: list[str]
    study: Study
    data_set: DataSet
    learner: Learner
    batches: Batches


def jobs(
    store: Store, run_ids: Collection[str] | None, data_dir: Path | None, begins: Begins = quietly
) -> Iterator[Loaded]:
    """The finished jobs that have one of these runs (None: all), loaded one after the other."""
    settings, chosen = store.settings, []
    for job in finished_jobs(store):
        if wanted := [run.run_id for run in job.runs if run_ids is None or run.run_id in run_ids]:
            chosen.append((job, wanted))
    for job, wanted in chosen:
        begins("jobs", len(chosen))
        study = settings.of(job.settings)
        data_set = loading.load_data(job.data_set, study, store, data_dir)
        learner, batches = loading.learner(job, study, data_set), loading.batches(job, study, data_set)
        yield Loaded(job, wanted, study, data_set, learner, batches)


def sample_index(data_set: DataSet, study: Study, number: int | None, seed: int) -> Int[np.ndarray, " n"]:
    """Images drawn as those that are scored, `number` at most (None: all), in random order; the same for all models."""
    index = represent.table_index(data_set, dataclasses.replace(study.evaluate, table_rows=number, seed=seed))
    return rng.generator(seed, "traverse", data_set.name).permutation(index)


def models(store: Store, loaded: Loaded, index: np.ndarray, seed: int, begins: Begins = quietly) -> list[Model]:
    """The wanted models of a finished job and their codes of the images `index` of its data set."""
    job, run_ids, study, _, learner, batches = loaded
    places = {run.run_id: place for place, run in enumerate(job.runs)}
    chosen = Job(job.job_id, tuple(job.runs[places[run_id]] for run_id in run_ids))
    params = loading.parameters(store, job, learner, [places[run_id] for run_id in run_ids])
    population = store.manifest(job).get("population")
    codes = represent.encode(
        chosen, learner, params, batches, index, study, population, seed, partial(begins, "batches")
    )
    mean = codes.mean.astype(np.float64)
    logvar = [None] * len(mean) if codes.logvar is None else codes.logvar.astype(np.float64)
    return [
        Model(run, jax.tree.map(lambda leaf, at=place: leaf[at], params), mean[place], logvar[place])
        for place, run in enumerate(chosen.runs)
    ]


def decoder(learner: Learner, batch_size: int) -> Decode:
    """A function from a model's parameters and codes [N,D] to images [N,H,W,K].

    It is compiled once, for `batch_size` codes.
    """
    batch_size = max(batch_size, 1)

    decoded = learner.decode
    assert decoded is not None

    def to_bytes(params: dict[str, Any], codes: Array) -> Array:
        return jnp.rint(255 * decoded(params, codes)).astype(jnp.uint8)

    compiled = jax.jit(to_bytes, compiler_options=compilation.briefly_run())

    def decode(params: dict, codes: Float[np.ndarray, "n d"]) -> Images:
        params, images = jax.tree.map(jnp.asarray, params), []
        for start in range(0, len(codes), batch_size):
            cut = codes[start : start + batch_size].astype(np.float32)
            filled = np.resize(cut, (batch_size, codes.shape[1]))
            images.append(np.asarray(compiled(params, filled))[: len(cut)])
        return np.concatenate(images)

    return decode


def originals(batches: Batches, index: np.ndarray, seed: int) -> Images:
    """The images `index` as the models see them."""
    show = jax.jit(lambda source, index: batches.seen(source, index, seed)["x"])
    return np.rint(255 * np.asarray(show(batches.source(), index.astype(np.int32)))).astype(np.uint8)
