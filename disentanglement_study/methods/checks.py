"""Whether a learner keeps the contract of `kinds`: by shapes alone, while a study is planned."""

import contextlib
import dataclasses
from collections.abc import Iterator, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from disentanglement_study.config import NetConfig, TrainConfig
from disentanglement_study.data.draws.sampling import PAIRS
from disentanglement_study.data.draws.series import WINDOW
from disentanglement_study.errors import one_line, unknown
from disentanglement_study.methods.kinds import (
    AUXILIARY,
    NEEDS,
    TARGETS,
    AtOnce,
    Given,
    Inputs,
    Learner,
    Method,
    Steps,
)

IN_PAIRS = (*PAIRS, "successive")  # the samplings that draw pairs


@contextlib.contextmanager
def named(name: str) -> Iterator[None]:
    """What a method raises while it is built or checked, as a ValueError of one line that names it."""
    try:
        yield
    except Exception as error:  # whatever its author's code raises
        what = f"no {error}" if isinstance(error, KeyError) else one_line(error)
        raise ValueError(f"method {name!r}: {what}") from error


def check(method: Method, learner: Learner, inputs: Inputs, train: TrainConfig) -> set[str]:
    """The names of the codes, "mean" and of a posterior "logvar"; an error for what a job would find wrong.

    What learns at once runs outside of any program: its codes are known, and checked, when it has run (`check_learnt`).
    """
    _check_draws(method, learner, inputs, train)
    match learner.learn:
        case Steps():
            params, terms = _steps(learner.learn, method, inputs, train)
            jax.eval_shape(learner.scores, terms)
        case Given():
            params = jax.eval_shape(learner.learn.params, _scalar(jnp.int32))
        case AtOnce():
            return {"mean"}
        case _:
            raise ValueError("learn must be Steps, AtOnce or Given")
    alone = method._replace(needs=method.needs - {"pair"})  # codes are of single inputs, however they were learnt
    return check_codes(learner, params, batch_of(alone, inputs, train.batch_size))


def check_learnt(params: Any, terms: Any) -> None:
    """An error for what a method that learns at once may not give: the parameters and terms of one model."""
    _names(params)
    if not isinstance(terms, Mapping):
        raise ValueError(f"fit gives {type(terms).__name__} as terms: expected numbers by name")
    for term, value in terms.items():
        if not isinstance(value, int | float | np.number):
            raise ValueError(f"fit gives the term {term!r} as {type(value).__name__}: expected a number")


def _names(params: Any) -> list[str]:
    """The paths of the parameters: nested dicts of arrays, whose keys are names."""
    names = []
    for path, leaf in jax.tree_util.tree_leaves_with_path(params):
        keys = [getattr(part, "key", None) for part in path]
        words = [key for key in keys if isinstance(key, str) and key and "/" not in key]
        if not keys or len(words) < len(keys):
            raise ValueError("parameters must be nested dicts of arrays, with names that have no slash")
        if not hasattr(leaf, "shape"):
            raise ValueError(f"the parameter {'/'.join(words)} is {type(leaf).__name__}: expected an array")
        names.append("/".join(words))
    return names


def needed(method: Method, inputs: Inputs) -> Inputs:
    """The inputs as a method sees them that needs only this of them; ValueError for what the data set has not."""
    for verb, names, known in (("needs", method.needs, NEEDS), ("wants", method.wants, AUXILIARY)):
        if isinstance(names, str):
            raise ValueError(f"it {verb} {names!r}: expected a set of names, frozenset({{{names!r}}})")
        if others := names - set(known):
            raise ValueError(f"it {verb} {min(others)!r} of the data: there are only {', '.join(known)}")
    there, seen = dict(inputs.auxiliary), method.needs | method.wants
    if "u" in method.needs and "u" not in there and "segment" in there:
        there["u"], seen = there["segment"], seen | {"segment"}
    if absent := (method.needs & set(AUXILIARY)) - there.keys():
        also = " or segments" if min(absent) == "u" else ""
        raise ValueError(f"it needs {min(absent)!r}{also} of each input, and the data set has none")
    auxiliary = {name: size for name, size in there.items() if name in seen}
    sizes = inputs.factor_sizes if method.needs & {"factors", "sources"} else ()
    return Inputs(inputs.shape, sizes, auxiliary)


def batch_of(method: Method, inputs: Inputs, number: int) -> dict[str, Any]:
    """The shapes of a batch as the method gets it, of `number` images drawn."""
    size = number // 2 if "pair" in method.needs else number
    inputs = needed(method, inputs)
    images = jax.ShapeDtypeStruct((size, *inputs.shape), jnp.float32)
    batch = {"x": images}
    for need, dtype in (("factors", jnp.int32), ("sources", jnp.float32)):
        if need in method.needs:
            batch[need] = jax.ShapeDtypeStruct((size, len(inputs.factor_sizes)), dtype)
    for need in (method.needs | method.wants) & inputs.auxiliary.keys():
        shape, dtype = ((size, inputs.auxiliary[need]), jnp.float32) if need == "u" else ((size,), jnp.int32)
        batch[need] = jax.ShapeDtypeStruct(shape, dtype)
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
    return dict(zip(_names(params), (leaf.shape for leaf in jax.tree.leaves(params)), strict=True))


def _check_draws(method: Method, learner: Learner, inputs: Inputs, train: TrainConfig) -> None:
    if method.target not in TARGETS:
        raise unknown("target", method.target, TARGETS)
    sections = {"nets": NetConfig, "train": TrainConfig}
    settings = [f"{name}.{field.name}" for name, of in sections.items() for field in dataclasses.fields(of)]
    for use in method.uses or ():
        if use not in (*sections, *settings):
            raise unknown("setting that it uses", use, [*sections, *settings])
    if "pair" in method.needs and train.sampling not in IN_PAIRS:
        wanted = " or ".join(method.draws or IN_PAIRS)
        raise ValueError(f"it learns from pairs: set train.sampling to {wanted}, got {train.sampling!r}")
    if method.draws and train.sampling not in method.draws:
        wanted = " or ".join(map(repr, method.draws))
        raise ValueError(f"it learns from batches drawn as {wanted}: set train.sampling, got {train.sampling!r}")
    for part in (learner.learn, learner.after):
        number = getattr(part, "num_points", None)
        if number is not None and number < 1:
            raise ValueError(f"it learns from {number} points: expected 1 or more")
        if number is not None and number % 2 and train.sampling in IN_PAIRS:
            raise ValueError(f"{number} points cannot be cut into pairs (train.sampling = {train.sampling!r})")
        length = train.sampling_options.get("length", WINDOW)
        if number is not None and train.sampling == "windows" and number % length:
            only = "give train.sampling only to the methods that need it, as in hidden_markov/train.sampling"
            raise ValueError(f"{number} points cannot be cut into windows of {length} (windows.length): {only}")


def _steps(learn: Steps, method: Method, inputs: Inputs, train: TrainConfig) -> tuple[Any, Any]:
    """The shapes of the parameters and of the terms of a step; ValueError for a step that is none."""
    key = jax.eval_shape(lambda: jax.random.key(0))
    hyper = {name: _scalar(jnp.float32) for name in method.hyper} | {"step": _scalar(jnp.int32)}
    batch, state = batch_of(method, inputs, train.batch_size), state_of(learn)
    after, terms = jax.eval_shape(learn.step, state, batch, key, hyper)
    if _described(after) != _described(state):
        raise ValueError("a step must return a state of the structure, shapes and dtypes that it was given")
    params = jax.eval_shape(learn.params, state)
    for of, given in (("step", terms), ("terms", jax.eval_shape(learn.terms, params, batch, key, hyper))):
        if "loss" not in given:
            raise ValueError(f"its {of} gives no term 'loss' (it gives {', '.join(given) or 'none'})")
        for term, value in given.items():
            if value.shape != ():
                raise ValueError(f"its {of} gives the term {term!r} of shape {list(value.shape)}: expected a scalar")
    return params, terms


def check_codes(learner: Learner, params: Any, batch: dict[str, Any]) -> set[str]:
    """The names of the codes of a batch; an error for codes, or decoded inputs, of a wrong shape."""
    _names(params)
    size = batch["x"].shape[0]
    codes = jax.eval_shape(learner.encode, params, batch)
    if "mean" not in codes or codes.keys() - {"mean", "logvar"}:
        given = ", ".join(sorted(codes)) or "nothing"
        raise ValueError(f"encode gives {given}: expected mean, and logvar for a posterior")
    for name, values in codes.items():
        right = len(values.shape) == 2 and values.shape[0] == size and values.shape[1] > 0
        if not right or values.shape != codes["mean"].shape:
            raise ValueError(
                f"encode gives {name} of shape {list(values.shape)}: expected [{size}, D], a row for each input"
            )
    if learner.decode is not None:
        shape = jax.eval_shape(learner.decode, params, codes["mean"]).shape
        if shape != batch["x"].shape:
            raise ValueError(f"decode gives shape {list(shape)}: expected {list(batch['x'].shape)}, that of the inputs")
    return set(codes)


def _scalar(dtype: Any) -> jax.ShapeDtypeStruct:
    return jax.ShapeDtypeStruct((), dtype)


def _described(tree: Any) -> Any:
    return jax.tree.structure(tree), [(leaf.shape, leaf.dtype) for leaf in jax.tree.leaves(tree)]
