"""Codes of a trained population on the rows of a data set's grid: every image is encoded once for all metrics."""

import jax
import jax.numpy as jnp
import numpy as np
from jax import Array
from jaxtyping import Float

from disentanglement_study import gaussian, rng
from disentanglement_study.config import EvaluateConfig, NetConfig
from disentanglement_study.data.draws.sampling import distribution
from disentanglement_study.runtime.population import over_members
from disentanglement_study.training.train import build_nets, device_form, to_float
from disentanglement_study.types import Codes, DataSet, Run


def table_index(data: DataSet, evaluate: EvaluateConfig) -> np.ndarray:
    """The images that are encoded, ascending; the same for every model of a study and a data set.

    Those that the distribution `evaluate.sampling` has, or `table_rows` of them drawn without replacement. If it has
    some more often than others, as many are drawn with replacement.
    """
    grid = data.factor_names, data.factor_sizes, data.points
    weights = distribution(evaluate.sampling, evaluate.sampling_options, *grid)
    (there,) = np.nonzero(weights)
    rows = min(len(there), evaluate.table_rows or len(there))
    draws = rng.generator(evaluate.seed, "represent", data.name)
    if (weights[there] != weights[there[0]]).any():
        return np.sort(draws.choice(data.num_images, rows, p=weights / weights.sum()))
    return there if rows == len(there) else there[np.sort(draws.choice(len(there), rows, replace=False))]


def is_population(data: DataSet, index: np.ndarray) -> bool:
    """Whether the images `index` are the whole population of a data set."""
    return data.is_complete and np.array_equal(index, np.arange(data.num_images))


def encode(
    params: dict,
    data: DataSet,
    index: np.ndarray,
    net: NetConfig,
    batch_size: int,
    population: int | None = None,
    seed: int = 0,
) -> Codes:
    """Posterior mean and logvar [M,N,D] of every member at the images `index` [N], `population` members at a time.

    What is no factor is drawn once for each image from `seed`, the same for every model.
    """
    members = len(jax.tree.leaves(params["encoder"])[0])
    if population is not None and population < members:
        starts = range(0, members, population)
        cuts = (jax.tree.map(lambda leaf, at=at: leaf[at : at + population], params) for at in starts)
        parts = [encode(cut, data, index, net, batch_size, seed=seed) for cut in cuts]
        means, logvars = (np.concatenate([getattr(part, name) for part in parts]) for name in ("mean", "logvar"))
        return Codes(index, means, logvars)
    functions, _ = build_nets(data.image_shape, net, device_form())
    batch_size = max(batch_size, 1)
    encoder = jax.tree.map(jnp.asarray, params["encoder"])  # on the device once, not once a batch

    @jax.jit
    def encode_batch(params: dict, storage: Array, cut: Array) -> tuple[Array, Array]:
        images = seen(data, storage, cut, net.image_size, seed)
        return over_members(lambda member: functions.encode(member, images))(params)

    storage, means, logvars = jax.device_put(data.storage, may_alias=True), [], []
    for start in range(0, len(index), batch_size):
        cut = index[start : start + batch_size]
        # The last batch is filled up: one program serves all.
        mean, logvar = encode_batch(encoder, storage, np.resize(cut, batch_size).astype(np.int32))
        means.append(np.asarray(mean)[:, : len(cut)])
        logvars.append(np.asarray(logvar)[:, : len(cut)])
    return Codes(index, np.concatenate(means, axis=1), np.concatenate(logvars, axis=1))


def seen(data: DataSet, storage: Array, index: Array, image_size: int, seed: int) -> Float[Array, "n h w c"]:
    """The images `index` [N] as `encode` shows them to the nets."""
    return to_float(data.render(storage, index, rng.keys(seed, index, "represent", data.name)), image_size)


def representation(name: str, codes: Codes, member: int, run: Run) -> Float[np.ndarray, "n d"]:
    """The codes [N,D] of one member that metrics see.

    "mean" is the posterior mean. "sampled" is mean + exp(logvar / 2) ε with one ε for each row of the table, drawn from
    the run's seed (disentanglement_lib draws anew whenever a metric asks for the same image again).
    """
    mean = codes.mean[member].astype(np.float64)
    if name == "mean":
        return mean
    noise = rng.generator(run.seed, "represent", "sampled", run.run_id).standard_normal(mean.shape)
    return gaussian.sample(mean, codes.logvar[member].astype(np.float64), noise)
