"""What a study costs, before it is run: floating-point operations counted by XLA on the programs themselves."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import jax
import jax.numpy as jnp
import pandas as pd

from disentanglement_study import data
from disentanglement_study.config import Study
from disentanglement_study.objectives import OBJECTIVES
from disentanglement_study.training.train import build_nets, num_updates
from disentanglement_study.types import Nets, Run


def flops_per_step(objective: str, nets: Nets, shapes: dict, batch: jax.ShapeDtypeStruct) -> float:
    """Operations of one training step of one model without its optimiser; nothing is compiled or run.

    `shapes` are the abstract parameters of all groups, `batch` is the abstract batch [B,H,W,C].
    """
    params = {group: shapes[group] for group in OBJECTIVES[objective].trains}
    hyper = {name: jax.ShapeDtypeStruct((), jnp.float32) for name in (*OBJECTIVES[objective].hyper, "step")}

    def step(params, batch, hyper):
        return jax.grad(lambda p: OBJECTIVES[objective].loss(nets, p, batch, jax.random.key(0), hyper)[0])(params)

    return float(jax.jit(step).lower(params, batch, hyper).cost_analysis()["flops"])


def estimate(runs: Iterable[Run], study: Study, data_dir: Path | None = None) -> pd.DataFrame:
    """A row per data set and objective: runs, updates and parameters of a run, GFLOP a step, PFLOP of training."""
    counts = Counter((run.data_set, run.objective, run.protocol) for run in runs)
    size = study.nets.image_size
    nets: dict[tuple, tuple[Nets, dict]] = {}
    flops: dict[tuple, float] = {}
    rows = []
    for (data_set, objective, protocol), count in counts.items():
        shape = data.facts(data_set, data_dir).image_shape
        if shape not in nets:
            functions, init = build_nets(shape, study.nets)
            key = jax.random.key(0)
            nets[shape] = functions, {group: jax.eval_shape(make, key) for group, make in init.items()}
        if (objective, shape) not in flops:
            batch = jax.ShapeDtypeStruct((study.train.batch_size, size, size, shape[2]), jnp.float32)
            flops[objective, shape] = flops_per_step(objective, *nets[shape], batch)
        gflop = flops[objective, shape] / 1e9
        trained = [nets[shape][1][group] for group in OBJECTIVES[objective].trains]
        parameters = sum(leaf.size for leaf in jax.tree.leaves(trained))
        updates = num_updates(study.train, objective, protocol)
        rows.append((data_set, objective, count, updates, parameters, gflop, gflop * updates * count / 1e6))
    columns = ["data_set", "objective", "runs", "updates", "parameters", "gflop_per_step", "pflop"]
    return pd.DataFrame(rows, columns=columns)
