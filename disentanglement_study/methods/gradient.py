"""Learning by the gradient of a loss."""

from collections.abc import Callable, Collection, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax

from disentanglement_study import rng
from disentanglement_study.config import TrainConfig
from disentanglement_study.methods.kinds import Steps


def by_gradient(
    loss: Callable[..., tuple[Any, dict[str, Any]]],
    init: Mapping[str, Callable[..., Any]],
    optimiser: optax.GradientTransformation,
    updates: int,
    average: float = 0.0,
) -> Steps:
    """Steps down the gradient of loss(params, batch, key, hyper) -> (loss, terms).

    init: for each group of parameters a function from a key, named by the seed and the group, to its first values.
    average: the decay of an exponential moving average of the parameters, which is then what is kept of a model.
    """

    def start(seed):
        params = {group: make(rng.key(seed, "init", group)) for group, make in init.items()}
        return params, optimiser.init(params), *([params] if average else [])

    def with_loss(params, batch, key, hyper):
        value, terms = loss(params, batch, key, hyper)
        return value, {"loss": value, **terms}

    def step(state, batch, key, hyper):
        params, moments, *averages = state
        gradients, terms = jax.grad(with_loss, has_aux=True)(params, batch, key, hyper)
        changes, moments = optimiser.update(gradients, moments, params)
        params = optax.apply_updates(params, changes)
        averages = [optax.incremental_update(params, mean, 1 - average) for mean in averages]
        return (params, moments, *averages), terms

    return Steps(
        init=start,
        step=step,
        params=lambda state: state[2] if average else state[0],
        terms=lambda params, batch, key, hyper: with_loss(params, batch, key, hyper)[1],
        updates=updates,
    )


# The learning rate as a function of the update, of so many.
SCHEDULES: dict[str, Callable[[float, int], optax.Schedule]] = {
    "constant": lambda rate, updates: optax.constant_schedule(rate),
    "linear": lambda rate, updates: optax.linear_schedule(rate, 0.0, updates),
    "cosine": optax.cosine_decay_schedule,
    "warmup_cosine": lambda rate, updates: optax.warmup_cosine_decay_schedule(0.0, rate, updates // 10, updates),
    "step": lambda rate, updates: optax.piecewise_constant_schedule(rate, {updates // 2: 0.1}),
}


def optimiser_of(train: TrainConfig, updates: int) -> optax.GradientTransformation:
    """The optimiser that the settings name, for so many updates."""
    make, schedule = OPTIMISERS[train.optimiser], SCHEDULES[train.schedule]
    key = make, schedule, repr(train), updates
    if key not in _MADE:
        optimiser = make(schedule(train.learning_rate, updates), train)
        _MADE[key] = optax.GradientTransformation(optimiser.init, jax.jit(optimiser.update, inline=True))
    return _MADE[key]


# JAX traces an update once for all methods whose parameters have the same shapes.
_MADE: dict[tuple, optax.GradientTransformation] = {}


def adversarial(
    train: TrainConfig, updates: int, groups: Collection[str], adversary: str | None
) -> optax.GradientTransformation:
    """An Adam of its own for the group of parameters that plays against the others, the optimiser of the settings for
    these; for all groups if there is no adversary."""
    others = optimiser_of(train, updates)
    if adversary is None:
        return others
    adam = tf_adam(
        train.discriminator_learning_rate, train.discriminator_beta1, train.discriminator_beta2, train.epsilon
    )
    labels = {group: "adversary" if group == adversary else "others" for group in groups}
    return optax.multi_transform({"others": others, "adversary": adam}, labels)


def tf_adam(
    learning_rate: float | optax.Schedule, b1: float, b2: float, epsilon: float
) -> optax.GradientTransformation:
    """Adam as TensorFlow 1 has it: ε is added to sqrt(v) before the bias correction ("epsilon hat", Kingma & Ba 2015,
    end of section 2), so ε weighs more in early steps than with `optax.adam`."""
    moments = optax.scale_by_adam(b1, b2)

    def update(gradients, state, params=None):
        base = learning_rate(state.count) if callable(learning_rate) else learning_rate
        _, state = moments.update(gradients, state, params)
        count = state.count.astype(jnp.float32)
        rate = base * jnp.sqrt(1 - b2**count) / (1 - b1**count)
        return jax.tree.map(lambda m, v: -rate * m / (jnp.sqrt(v) + epsilon), state.mu, state.nu), state

    return optax.GradientTransformation(moments.init, update)


# The optimiser of a learning rate, which is a function of the update, and the other settings of training.
OPTIMISERS: dict[str, Callable[[optax.Schedule, TrainConfig], optax.GradientTransformation]] = {
    "tf_adam": lambda rate, train: tf_adam(rate, train.beta1, train.beta2, train.epsilon),
    "adam": lambda rate, train: optax.adam(rate, train.beta1, train.beta2, train.epsilon),
    # As TensorFlow starts it: squares of 0.1.
    "adagrad": lambda rate, train: optax.adagrad(rate, initial_accumulator_value=0.1, eps=train.epsilon),
    "sgd": lambda rate, train: optax.sgd(rate, momentum=train.momentum),
}
