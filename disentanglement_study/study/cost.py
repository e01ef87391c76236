"""What a study costs, before it is run: floating-point operations, counted on the programs themselves."""

import json
import math
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

import jax
import jax.numpy as jnp
import pandas as pd

from disentanglement_study import data, methods
from disentanglement_study.config import Study, TrainConfig
from disentanglement_study.methods import checks
from disentanglement_study.methods.kinds import Inputs, Learner, Method, Steps
from disentanglement_study.study import operations
from disentanglement_study.types import Job, Run

COLUMNS = ("data_set", "method", "settings", "runs", "updates", "parameters", "gflop_per_step", "pflop")


def flops_per_step(method: Method, learner: Learner, inputs: Inputs, train: TrainConfig) -> float:
    """Operations of one update of one model, with its optimiser; nothing is compiled or run."""
    hyper = {name: jax.ShapeDtypeStruct((), jnp.float32) for name in method.hyper}
    hyper["step"] = jax.ShapeDtypeStruct((), jnp.int32)
    learn = learner.learn
    assert isinstance(learn, Steps)  # no other learns by updates
    given = checks.state_of(learn), checks.batch_of(method, inputs, train.batch_size)
    key = jax.eval_shape(lambda: jax.random.key(0))
    return operations.count(jax.jit(learn.step).trace(*given, key, hyper).jaxpr)


def estimate(runs: Iterable[Run], study: Study, data_dir: Path | None = None) -> pd.DataFrame:
    """A row per data set, method and settings: runs, updates and parameters of a run, GFLOP an update, PFLOP in all.

    What learns at once or not at all is 0 updates, and costs nothing here.
    """
    counts = Counter((run.data_set, run.method, json.dumps(run.settings)) for run in runs)
    known: dict[tuple, tuple[int, int, float]] = {}
    rows = []
    for (data_set, method, settings), count in counts.items():
        own = study.of(json.loads(settings))
        facts = data.facts(data_set, data_dir, own.options.get(data_set))
        inputs = methods.inputs_of(facts.input_shape, facts.factor_sizes, own.nets.image_size, facts.auxiliary)
        # What it costs depends on the inputs, not on which data set they are of, or how that was drawn.
        of_model = {name: value for name, value in json.loads(settings).items() if name.partition(".")[0] != data_set}
        group = method, json.dumps(of_model), str(checks.needed(methods.METHODS[method], inputs))
        if group not in known:
            known[group] = of_method(method, own, inputs)
        updates, parameters, gflop = known[group]
        rows.append((data_set, method, settings, count, updates, parameters, gflop, gflop * updates * count / 1e6))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def weight(job: Job, study: Study, data_dir: Path | None = None) -> float:
    """What the training of one run of a job costs, in PFLOP; 0 if its data set went meanwhile: the job will say so."""
    try:
        return float(estimate(job.runs[:1], study, data_dir)["pflop"].iloc[0])
    except (ValueError, OSError):
        return 0.0


def of_method(name: str, study: Study, inputs: Inputs) -> tuple[int, int, float]:
    """Updates, parameters and GFLOP an update of one model of this method."""
    learner = methods.build(name, inputs, study)
    parameters = sum(math.prod(shape) for shape in checks.parameter_shapes(learner).values())
    if not isinstance(learner.learn, Steps):
        return 0, parameters, 0.0
    return learner.learn.updates, parameters, flops_per_step(methods.METHODS[name], learner, inputs, study.train) / 1e9
