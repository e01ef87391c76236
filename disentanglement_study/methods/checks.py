"""Whether a learner keeps the contract of `kinds`: by shapes alone, while a study is planned."""

from typing import Any

import jax
import jax.numpy as jnp

from disentanglement_study.config import TrainConfig
from disentanglement_study.data.draws.sampling import PAIRS
from disentanglement_study.errors import one_line
from disentanglement_study.methods.kinds import NEEDS, AtOnce, Given, Inputs, Learner, Method, Steps


def check(name: str, method: Method, learner: Learner, inputs: Inputs, train: TrainConfig) -> set[str]:
    """The names of the codes, "mean" and of a posterior "logvar"; ValueError, which names the method, for what a job
    would find wrong."""
    _check_draws(name, method, train)
    try:
        match learner.learn:
            case Steps():
                params = _steps(learner, method, inputs, train)
            case Given():
                params = jax.eval_shape(learner.learn.params, _scalar(jnp.int32))
            case AtOnce():
                return {"mean"}  # it runs outside of any program: its shapes are known when it has run
            case _:
                raise ValueError("it learns neither by Steps, AtOnce nor as Given")
        return _codes(learner, params, batch_of(method, inputs, train.batch_size))
    except (TypeError, KeyError, ValueError, ArithmeticError, AttributeError, NotImplementedError) as error:
        what = f"no {error}" if isinstance(error, KeyError) else one_line(error)
        raise ValueError(f"method {name!r}: {what}") from error


def batch_of(method: Method, inputs: Inputs, number: int) -> dict[str, Any]:
    """The shapes of a batch as the method gets it, of `number` images drawn."""
    size = number // 2 if "pair" in method.needs else number
    images = jax.ShapeDtypeStruct((size, *inputs.shape), jnp.float32)
    batch = {"x": images}
    if "factors" in method.needs:
        batch["factors"] = jax.ShapeDtypeStruct((size, len(inputs.factor_sizes)), jnp.int32)
    if "pair" in method.needs:
        batch["pair"] = images
    return batch


def state_of(learn: Steps) -> Any:
    """The shapes of the state of a model that learns by updates."""
    return jax.eval_shape(learn.init, _scalar(jnp.int32))


def parameter_shapes(learner: Learner) -> dict[str, tuple[int, ...]]:
    """{"encoder/Dense_0/kernel": (256, 128)}: those of one model; none where only the training knows them."""
    match learner.learn:
        case Steps():
            params = jax.eval_shape(learner.learn.params, state_of(learner.learn))
        case Given():
            params = jax.eval_shape(learner.learn.params, _scalar(jnp.int32))
        case _:
            params = {}
    leaves = jax.tree_util.tree_leaves_with_path(params)
    return {"/".join(part.key for part in path): leaf.shape for path, leaf in leaves}


def _check_draws(name: str, method: Method, train: TrainConfig) -> None:
    if unknown_needs := method.needs - set(NEEDS):
        raise ValueError(f"method {name!r} needs {min(unknown_needs)!r} of the data, which has only {', '.join(NEEDS)}")
    if "pair" in method.needs and train.sampling not in PAIRS:
        raise ValueError(
            f"method {name!r} learns from pairs: set train.sampling to {' or '.join(PAIRS)}, got {train.sampling!r}"
        )
    if method.draws and train.sampling not in method.draws:
        raise ValueError(
            f"method {name!r} learns from batches drawn as {' or '.join(map(repr, method.draws))}: "
            f"set train.sampling, got {train.sampling!r}"
        )


def _steps(learner: Learner, method: Method, inputs: Inputs, train: TrainConfig) -> Any:
    """The shapes of the parameters; ValueError for a step that is none."""
    learn, key = learner.learn, jax.eval_shape(lambda: jax.random.key(0))
    hyper = {name: _scalar(jnp.float32) for name in method.hyper} | {"step": _scalar(jnp.int32)}
    batch, state = batch_of(method, inputs, train.batch_size), state_of(learn)
    after, terms = jax.eval_shape(learn.step, state, batch, key, hyper)
    if _described(after) != _described(state):
        raise ValueError("a step gives a state of another structure, shape or dtype than it was given")
    params = jax.eval_shape(learn.params, state)
    for of, given in (("step", terms), ("terms", jax.eval_shape(learn.terms, params, batch, key, hyper))):
        if "loss" not in given:
            raise ValueError(f"its {of} gives no term 'loss' (it gives {', '.join(given) or 'none'})")
        for term, value in given.items():
            if value.shape != ():
                raise ValueError(f"its {of} gives the term {term!r} of shape {list(value.shape)}: expected a scalar")
    jax.eval_shape(learner.scores, terms)
    return params


def _codes(learner: Learner, params: Any, batch: dict[str, Any]) -> set[str]:
    size = len(batch["x"].shape) and batch["x"].shape[0]
    codes = jax.eval_shape(learner.encode, params, batch)
    if "mean" not in codes or codes.keys() - {"mean", "logvar"}:
        given = ", ".join(sorted(codes)) or "nothing"
        raise ValueError(f"encode gives {given}: expected mean, and of a posterior logvar")
    for name, values in codes.items():
        if len(values.shape) != 2 or values.shape[0] != size or values.shape != codes["mean"].shape:
            raise ValueError(f"encode gives {name} of shape {list(values.shape)}: expected [{size}, D], a row an input")
    if learner.decode is not None:
        shape = jax.eval_shape(learner.decode, params, codes["mean"]).shape
        if shape != batch["x"].shape:
            raise ValueError(f"decode gives shape {list(shape)}: expected {list(batch['x'].shape)}, that of the inputs")
    return set(codes)


def _scalar(dtype: Any) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct((), dtype)


def _described(tree: Any) -> Any:
    return jax.tree.structure(tree), [(leaf.shape, leaf.dtype) for leaf in jax.tree.leaves(tree)]
