"""Hidden Markov chains in log space: likelihood, posteriors and the most likely path, of one series.

    log π [K], log A [K,K] from row to column, log b [T,K]: the log-density of what is seen at each time in each state

Rabiner 1989, "A tutorial on hidden Markov models", section III. Sums are of logarithms, so that no length underflows.
All work inside jit, vmap and grad.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp
from jax import Array
from jax.nn import logsumexp
from jaxtyping import Float, Int


class Posteriors(NamedTuple):
    """Of states and of transitions between neighbours in time, probabilities; and log p of what is seen, nats."""

    states: Float[Array, "t k"]
    transitions: Float[Array, "t-1 k k"]
    log_likelihood: Float[Array, ""]


def forward(initial: Float[Array, " k"], transition: Float[Array, "k k"], seen: Float[Array, "t k"]) -> Array:
    """log p(seen up to t, state at t) [T,K]."""

    def step(before, at):
        now = logsumexp(before[:, None] + transition, axis=0) + at
        return now, now

    first = initial + seen[0]
    _, others = jax.lax.scan(step, first, seen[1:])
    return jnp.concatenate([first[None], others])


def backward(transition: Float[Array, "k k"], seen: Float[Array, "t k"]) -> Array:
    """log p(seen after t | state at t) [T,K]."""

    def step(after, at):
        before = logsumexp(transition + at + after, axis=1)
        return before, before

    last = jnp.zeros_like(seen[-1])
    _, others = jax.lax.scan(step, last, seen[1:], reverse=True)
    return jnp.concatenate([others, last[None]])


def log_likelihood(
    initial: Float[Array, " k"], transition: Float[Array, "k k"], seen: Float[Array, "t k"]
) -> Float[Array, ""]:
    """log p of what is seen, over all paths, in nats."""
    return logsumexp(forward(initial, transition, seen)[-1])


def posteriors(initial: Float[Array, " k"], transition: Float[Array, "k k"], seen: Float[Array, "t k"]) -> Posteriors:
    """Of each state at each time, and of each transition between times t and t + 1, given all that is seen."""
    ahead, behind = forward(initial, transition, seen), backward(transition, seen)
    steps = ahead[:-1, :, None] + transition + (seen + behind)[1:, None, :]
    # Each time by its own sum, which is that of the last: rounding does not add up along the series.
    return Posteriors(jax.nn.softmax(ahead + behind, axis=1), jax.nn.softmax(steps, axis=(1, 2)), logsumexp(ahead[-1]))


def viterbi(
    initial: Float[Array, " k"], transition: Float[Array, "k k"], seen: Float[Array, "t k"]
) -> Int[Array, " t"]:
    """The most likely path of states."""

    def step(best, at):
        through = best[:, None] + transition
        return through.max(axis=0) + at, through.argmax(axis=0)

    def back(state, came_from):
        return came_from[state], came_from[state]

    best, came_from = jax.lax.scan(step, initial + seen[0], seen[1:])
    last = best.argmax()
    _, path = jax.lax.scan(back, last, came_from, reverse=True)
    return jnp.concatenate([path, last[None]])
