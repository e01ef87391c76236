"""Trained models of a study, loaded again: which run is meant, its codes of images, what it decodes."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float, Int, UInt8

from disentanglement_study import gaussian, rng
from disentanglement_study.config import Study
from disentanglement_study.runtime import compilation
from disentanglement_study.scoring import represent
from disentanglement_study.store import Store
from disentanglement_study.study.loading import parameters
from disentanglement_study.training.train import build_nets, device_form
from disentanglement_study.types import DataSet, Job, Run

Images = UInt8[np.ndarray, "n h w k"]
Decode = Callable[[dict, Float[np.ndarray, "n d"]], Images]


class Model(NamedTuple):
    """A trained model: its decoder's parameters, and its codes [N,D] of the sample of images."""

    run: Run
    decoder: dict
    mean: Float[np.ndarray, "n d"]
    logvar: Float[np.ndarray, "n d"]

    @property
    def kl(self) -> Float[np.ndarray, " d"]:
        """The KL divergence of each latent from the prior, in nats, mean over the sample."""
        with np.errstate(over="ignore", invalid="ignore"):  # of a model that has diverged
            return gaussian.kl(self.mean, self.logvar).mean(axis=0)

    @property
    def order(self) -> Int[np.ndarray, " d"]:
        """The latents, the most informative first."""
        return np.argsort(-self.kl, kind="stable")

    @property
    def has_diverged(self) -> bool:
        """Whether it encodes or decodes what is not finite."""
        leaves = jax.tree.leaves(self.decoder)
        return not (np.isfinite(self.kl).all() and all(np.isfinite(leaf).all() for leaf in leaves))


def sample_index(data_set: DataSet, study: Study, number: int, seed: int) -> Int[np.ndarray, " n"]:
    """Images drawn as those that are scored, at most `number`, in random order; the same for all models of a set."""
    index = represent.table_index(data_set, dataclasses.replace(study.evaluate, table_rows=number, seed=seed))
    return rng.generator(seed, "traverse", data_set.name).permutation(index)


def models(
    store: Store, job: Job, run_ids: Sequence[str], study: Study, data_set: DataSet, index: np.ndarray, seed: int
) -> list[Model]:
    """Trained models of a finished job and their codes of the images `index` of its data set (`job.load_data`)."""
    manifest = store.manifest(job)
    places = {run.run_id: place for place, run in enumerate(job.runs)}
    members = [places[run_id] for run_id in run_ids]
    params = parameters(store, job, study, data_set, members)
    batch = study.resources.encode_batch
    codes = represent.encode(params, data_set, index, study.nets, batch, manifest.get("population"), seed)
    mean, logvar = codes.mean.astype(np.float64), codes.logvar.astype(np.float64)
    return [
        Model(job.runs[member], jax.tree.map(lambda leaf, at=place: leaf[at], params["decoder"]), *posterior)
        for place, (member, *posterior) in enumerate(zip(members, mean, logvar, strict=True))
    ]


def decoder(data_set: DataSet, study: Study, batch_size: int) -> Decode:
    """A function from a decoder's parameters and codes [N,D] to images [N,H,W,K]: the logistic function of its logits.

    It is compiled once, for `batch_size` codes.
    """
    functions, _ = build_nets(data_set.image_shape, study.nets, device_form())
    batch_size = max(batch_size, 1)

    def to_bytes(params: dict, codes: Array) -> Array:
        return jnp.rint(255 * jax.nn.sigmoid(functions.decode(params, codes))).astype(jnp.uint8)

    compiled = jax.jit(to_bytes, compiler_options=compilation.briefly_run())

    def decode(params: dict, codes: Float[np.ndarray, "n d"]) -> Images:
        params, images = jax.tree.map(jnp.asarray, params), []
        for start in range(0, len(codes), batch_size):
            cut = codes[start : start + batch_size].astype(np.float32)
            filled = np.resize(cut, (batch_size, codes.shape[1]))
            images.append(np.asarray(compiled(params, filled))[: len(cut)])
        return np.concatenate(images)

    return decode


def originals(data_set: DataSet, study: Study, index: np.ndarray, seed: int) -> Images:
    """The images `index` as the nets see them."""
    size = study.nets.image_size
    storage = jax.device_put(data_set.storage, may_alias=True)
    show = jax.jit(lambda storage, index: represent.seen(data_set, storage, index, size, seed))
    return np.rint(255 * np.asarray(show(storage, index.astype(np.int32)))).astype(np.uint8)
