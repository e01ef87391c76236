"""Learning by the gradient of a loss."""

from collections.abc import Callable, Mapping
from typing import Any

import jax
import jax.numpy as jnp
import optax

from disentanglement_study import rng
from disentanglement_study.methods.kinds import Steps


def by_gradient(
    loss: Callable[..., tuple[Any, dict[str, Any]]],
    init: Mapping[str, Callable[..., Any]],
    optimiser: optax.GradientTransformation,
    updates: int,
) -> Steps:
    """Steps down the gradient of loss(params, batch, key, hyper) -> (loss, terms).

    init: for each group of parameters a function from a key, named by the seed and the group, to its first values.
    """

    def start(seed):
        params = {group: make(rng.key(seed, "init", group)) for group, make in init.items()}
        return params, optimiser.init(params)

    def with_loss(params, batch, key, hyper):
        value, terms = loss(params, batch, key, hyper)
        return value, {"loss": value, **terms}

    def step(state, batch, key, hyper):
        params, moments = state
        gradients, terms = jax.grad(with_loss, has_aux=True)(params, batch, key, hyper)
        changes, moments = optimiser.update(gradients, moments, params)
        return (optax.apply_updates(params, changes), moments), terms

    return Steps(
        init=start,
        step=step,
        params=lambda state: state[0],
        terms=lambda params, batch, key, hyper: with_loss(params, batch, key, hyper)[1],
        updates=updates,
    )


def tf_adam(learning_rate: float, b1: float, b2: float, epsilon: float) -> optax.GradientTransformation:
    """Adam as TensorFlow 1 has it: ε is added to sqrt(v) before the bias correction ("epsilon hat", Kingma & Ba 2015,
    end of section 2), so ε weighs more in early steps than with `optax.adam`."""
    moments = optax.scale_by_adam(b1, b2)

    def update(gradients, state, params=None):
        _, state = moments.update(gradients, state, params)
        count = state.count.astype(jnp.float32)
        rate = learning_rate * jnp.sqrt(1 - b2**count) / (1 - b1**count)
        return jax.tree.map(lambda m, v: -rate * m / (jnp.sqrt(v) + epsilon), state.mu, state.nu), state

    return optax.GradientTransformation(moments.init, update)
