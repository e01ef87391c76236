"""What the benchmark times: training, and two ceilings of the machine.

Each program is what there is to know about it, and a function that takes n steps and waits for the last one. As a
command this file is a worker of training.py.
"""

import json
import math
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent))  # where the package is not installed

import jax
import jax.numpy as jnp
import numpy as np
from rotation import Advance, images, serve

from disentanglement_study.config import NetConfig, TrainConfig
from disentanglement_study.methods import METHODS, checks
from disentanglement_study.methods.kinds import Inputs, Learner, Settings
from disentanglement_study.methods.precision import at_precision
from disentanglement_study.methods.vae import build_nets
from disentanglement_study.objectives import OBJECTIVES
from disentanglement_study.runtime.population import over_members
from disentanglement_study.study import cost
from disentanglement_study.study.locatello2019 import GRID
from disentanglement_study.training.inputs import Batches
from disentanglement_study.training.programs import Trainer
from disentanglement_study.types import DataSet

Program = tuple[dict[str, Any], Advance]
NET, TRAIN = NetConfig(), TrainConfig()  # of Locatello et al. 2019


def training(objective: str, form: str, population: int, net: NetConfig = NET, train: TrainConfig = TRAIN) -> Program:
    """A population that trains; `flops` are those of one step of one model."""
    learner, trainer, values = trainer_of(objective, form, net, train)
    hyper = {name: jnp.full(population, value) for name, value in values.items()}
    members = trainer.init(jnp.arange(population))
    start = time.perf_counter()
    compiled = trainer.advance.lower(members, hyper, trainer.source, num_steps=1).compile()
    compile_seconds = time.perf_counter() - start

    def advance(steps: int) -> None:
        nonlocal members
        members, _ = jax.block_until_ready(compiled(members, hyper, trainer.source, num_steps=steps))

    advance(1)
    return {
        "models": population,
        "parameters": sum(math.prod(shape) for shape in checks.parameter_shapes(learner).values()),
        "flops": flops_per_step(objective, form, net, train),
        "compile_seconds": compile_seconds,
        "temp_bytes": compiled.memory_analysis().temp_size_in_bytes,
        "argument_bytes": compiled.memory_analysis().argument_size_in_bytes,
    }, advance


def matmul(n: int) -> Program:
    """A product of float32 matrices, at the precision that training has."""
    a = jax.random.normal(jax.random.key(0), (n, n))
    product = jax.jit(jnp.matmul).lower(a, a).compile()

    def advance(steps: int) -> None:
        for _ in range(steps):
            c = product(a, a)
        c.block_until_ready()

    advance(2)
    return {"flops": 2 * n**3}, advance


def stream(megabytes: int) -> Program:
    """An array read, added to and written in place."""
    x = jnp.zeros((megabytes << 20) // 4)
    add = jax.jit(lambda x: x + 1, donate_argnums=0).lower(x).compile()

    def advance(steps: int) -> None:
        nonlocal x
        for _ in range(steps):
            x = add(x)
        x.block_until_ready()

    advance(2)
    return {"bytes": 2 * x.nbytes}, advance


PROGRAMS: dict[str, Callable[..., Program]] = {"training": training, "matmul": matmul, "stream": stream}


def differences(forms: Iterable[str], net: NetConfig = NET, train: TrainConfig = TRAIN) -> Iterator[tuple[str, float]]:
    """Each form, and how far the loss and gradients of two beta-VAEs are from those of form "xla" at full precision.

    The largest difference in an array over its largest value; of all arrays the largest.
    """
    draws, objective = np.random.default_rng(0), OBJECTIVES["beta_vae"]
    batch, key = jnp.asarray(images(train.batch_size, net.image_size), jnp.float32), jax.random.key(1)
    _, init = build_nets(_inputs(net), net)
    shapes = {group: jax.eval_shape(init[group], key) for group in objective.trains}

    def drawn(leaf: jax.ShapeDtypeStruct) -> np.ndarray:
        """Kernels for which activations keep their size, and biases that are not zero."""
        scale = np.sqrt(leaf.shape[-1] / leaf.size)
        return draws.normal(scale=scale, size=(2, *leaf.shape)).astype(np.float32)

    params = jax.tree.map(drawn, shapes)

    def loss_and_gradients(form: str) -> list[np.ndarray]:
        functions, _ = build_nets(_inputs(net), net, form)

        def loss(params: dict) -> jax.Array:
            return objective.loss(functions, params, batch, key, {"beta": 4.0, "step": 0})[0]

        with jax.default_matmul_precision("highest"):
            return jax.tree.leaves(jax.device_get(jax.jit(over_members(jax.value_and_grad(loss)))(params)))

    def distance(form: str) -> float:
        if form == "xla":
            return 0.0
        try:
            pairs = zip(loss_and_gradients(form), expected, strict=True)
        except jax.errors.JaxRuntimeError:  # this device cannot
            return np.inf
        return max(float(np.abs(a - b).max() / np.abs(b).max()) for a, b in pairs)

    expected = loss_and_gradients("xla")
    for form in forms:
        yield form, distance(form)


def flops_per_step(objective: str, form: str, net: NetConfig = NET, train: TrainConfig = TRAIN) -> float:
    """Operations of an update of one model."""
    return cost.flops_per_step(METHODS[objective], trainer_of(objective, form, net, train)[0], _inputs(net), train)


def trainer_of(
    objective: str, form: str, net: NetConfig = NET, train: TrainConfig = TRAIN
) -> tuple[Learner, Trainer, dict[str, float]]:
    """A learner, its trainer on the random images, and the first strength of the study's grid."""
    storage = images(size=net.image_size)
    shape = storage.shape[1:]
    data = DataSet("random", ("image",), (len(storage),), shape, storage, lambda bits, index, keys: bits[index] * 255)
    swept, strengths, fixed = GRID.get(objective, ("", (1,), {}))
    hyper = {name: float({swept: strengths[0], **fixed}.get(name, 1)) for name in OBJECTIVES[objective].hyper}
    learner = METHODS[objective].build(_inputs(net), Settings(net, train, protocol="paper", form=form))
    learner = at_precision(learner, train.precision)
    return learner, Trainer(learner.learn, Batches(data, net.image_size), train), hyper


def _inputs(net: NetConfig) -> Inputs:
    """Grey images; the factors are of no matter here."""
    return Inputs((net.image_size, net.image_size, 1), ())


if __name__ == "__main__":
    arguments = json.loads(sys.argv[1])
    serve(*PROGRAMS[arguments.pop("program")](**arguments))
