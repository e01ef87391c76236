"""What a study costs, before it is run: floating-point operations counted by XLA on the programs themselves."""

from collections.abc import Iterable

import jax
import jax.numpy as jnp
import pandas as pd

from disentanglement_study.config import Study
from disentanglement_study.data import CATALOGUE
from disentanglement_study.nets import num_parameters
from disentanglement_study.objectives import OBJECTIVES
from disentanglement_study.train import build_nets, num_updates
from disentanglement_study.types import Run


def flops_per_step(objective: str, image_shape: tuple[int, int, int], study: Study) -> float:
    """Operations of one training step of one model without its optimiser; nothing is compiled or run."""
    nets, init = build_nets(image_shape, study.nets)
    trains = OBJECTIVES[objective].trains
    params = {group: jax.eval_shape(init[group], jax.random.key(0)) for group in trains}
    size = study.nets.image_size
    batch = jax.ShapeDtypeStruct((study.train.batch_size, size, size, image_shape[2]), jnp.float32)
    hyper = {name: jax.ShapeDtypeStruct((), jnp.float32) for name in (*OBJECTIVES[objective].hyper, "step")}

    def step(params, batch, hyper):
        return jax.grad(lambda p: OBJECTIVES[objective].loss(nets, p, batch, jax.random.key(0), hyper)[0])(params)

    return float(jax.jit(step).lower(params, batch, hyper).cost_analysis()["flops"])


def estimate(runs: Iterable[Run], study: Study) -> pd.DataFrame:
    """A row per data set and objective: runs, updates and parameters of a run, GFLOP a step, PFLOP of training."""
    counts: dict[tuple[str, str, str], int] = {}
    for run in runs:
        group = run.data_set, run.objective, run.protocol
        counts[group] = counts.get(group, 0) + 1
    known: dict[tuple[str, tuple], tuple[float, int]] = {}
    rows = []
    for (data_set, objective, protocol), count in counts.items():
        shape = CATALOGUE[data_set].image_shape
        if (objective, shape) not in known:
            parameters = num_parameters(build_nets(shape, study.nets)[1], OBJECTIVES[objective].trains)
            known[objective, shape] = flops_per_step(objective, shape, study), parameters
        flops, parameters = known[objective, shape]
        updates = num_updates(study.train, objective, protocol)
        rows.append((data_set, objective, count, updates, parameters, flops / 1e9, flops * updates * count / 1e15))
    columns = ["data_set", "objective", "runs", "updates", "parameters", "gflop_per_step", "pflop"]
    return pd.DataFrame(rows, columns=columns)
