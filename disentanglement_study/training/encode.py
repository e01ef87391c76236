"""Codes of a population: every image is encoded once for all members."""

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from disentanglement_study.methods.kinds import Learner
from disentanglement_study.runtime.population import over_members
from disentanglement_study.training.inputs import Batches, in_parts

AFTER = "after"  # the name among a model's parameters of those of the step after the training


def encode(
    learner: Learner,
    params: dict[str, Any],
    members: int,
    batches: Batches,
    index: np.ndarray,
    batch_size: int,
    population: int | None = None,
    seed: int = 0,
    begins: Callable[[int], None] = lambda total: None,
) -> dict[str, np.ndarray]:
    """What the learner gives for the images `index` [N]: "mean", perhaps "logvar", [M,N,D] float32.

    params: of `members` models, leading axes [M]; `population` of them are encoded at a time. What is no factor is
    drawn once for each image from `seed`, the same for every model. begins: called before each batch with how many
    there are.
    """
    size = min(population or members, members)
    cuts = (jax.tree.map(lambda leaf, at=at: leaf[at : at + size], params) for at in range(0, members, size))
    counts = (min(size, members - at) for at in range(0, members, size))
    number = math.ceil(members / size) * math.ceil(len(index) / batch_size)
    parts = [
        _encode(learner, cut, count, batches, index, batch_size, seed, lambda: begins(number))
        for cut, count in zip(cuts, counts, strict=True)
    ]
    codes = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    if learner.after is not None:
        codes = {
            "mean": np.stack(
                [
                    learner.after.apply({name: array[member] for name, array in params[AFTER].items()}, mean)
                    for member, mean in enumerate(codes["mean"])
                ]
            ).astype(np.float32)
        }
    return codes


def _encode(learner, params, members, batches, index, batch_size, seed, begins):
    """The same of models that are encoded together, without a step after the training."""
    source = batches.source()
    params = jax.tree.map(jnp.asarray, {k: v for k, v in params.items() if k != AFTER})  # on the device once

    @jax.jit
    def encode_batch(params, source, index):
        batch = batches.seen(source, index, seed)
        # The numbers are for methods that have no parameters: there would be nothing to count the members by.
        return over_members(lambda member, _: learner.encode(member, batch))(params, jnp.arange(members))

    parts = []
    for cut, real in in_parts(index, batch_size):
        begins()
        given = encode_batch(params, source, cut)
        parts.append({name: np.asarray(values)[:, :real] for name, values in given.items()})
    return {name: np.concatenate([part[name] for part in parts], axis=1) for name in parts[0]}
