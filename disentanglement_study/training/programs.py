"""The compiled programs that train a population: many models in one, many steps in one call."""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax

from disentanglement_study import rng
from disentanglement_study.config import TrainConfig
from disentanglement_study.methods.kinds import Steps
from disentanglement_study.runtime.compilation import briefly_run, long_run
from disentanglement_study.runtime.population import over_members
from disentanglement_study.training.inputs import Batches, Source

# Trainings of fewer updates are over before the better code of a longer compilation pays.
SHORT = 10_000


class Member(NamedTuple):
    """The training state of one model; of a population when every leaf has a leading axis.

    `state` is the method's own. `diverged` is the first update whose loss was not finite, counted from 0, or -1.
    """

    state: Any
    seed: Array
    step: Array
    diverged: Array


class Trainer:
    """The compiled programs of one method on one data set; every function takes and returns a whole population.

    Draws are named by (seed, step): a member's result depends neither on the others nor on where a call ended.
    """

    def __init__(self, learn: Steps, batches: Batches, train: TrainConfig):
        self.learn, self.batches, self.batch_size = learn, batches, train.batch_size
        self.source = batches.source(train)
        brief = briefly_run()
        self.init = jax.jit(over_members(self._init), compiler_options=brief)
        self.advance = jax.jit(
            self._advance, donate_argnames="members", compiler_options=brief if learn.updates < SHORT else long_run()
        )
        self.losses = jax.jit(self._losses, static_argnames="num_batches", compiler_options=brief)

    def _init(self, seed: Array) -> Member:
        return Member(self.learn.init(seed), seed, jnp.int32(0), jnp.int32(-1))

    def _drawn(self, key: Array, source: Source) -> tuple[dict[str, Array], Array]:
        """A batch, and the key of what else is drawn in a step."""
        key_batch, key_loss = jax.random.split(key)
        return self.batches.drawn(source, key_batch, self.batch_size), key_loss

    def _step(self, member: Member, hyper: dict, source: Source) -> tuple[Member, dict]:
        batch, key = self._drawn(jax.random.fold_in(rng.key(member.seed, "train"), member.step), source)
        state, terms = self.learn.step(member.state, batch, key, {**hyper, "step": member.step})
        first = (member.diverged < 0) & ~jnp.isfinite(terms["loss"])
        diverged = jnp.where(first, member.step, member.diverged)
        return Member(state, member.seed, member.step + 1, diverged), terms

    def _advance(self, members: Member, hyper: dict, source: Source, num_steps: Array) -> tuple[Member, dict]:
        """`num_steps` updates of every member, and the terms [M] summed over them."""

        def one(member: Member, hyper: dict) -> tuple[Member, dict]:
            def add_step(_: Any, state: tuple[Member, dict]) -> tuple[Member, dict]:
                member, terms = self._step(state[0], hyper, source)
                return member, jax.tree.map(jnp.add, state[1], terms)

            terms = jax.eval_shape(self._step, member, hyper, source)[1]
            zeros = jax.tree.map(lambda term: jnp.zeros(term.shape, term.dtype), terms)
            return lax.fori_loop(0, num_steps, add_step, (member, zeros))

        return over_members(one)(members, hyper)

    def _losses(self, members: Member, hyper: dict, source: Source, num_batches: int) -> dict:
        """The terms [M] of the models as they are, means over `num_batches` fresh batches."""

        def one(member: Member, hyper: dict) -> dict:
            params, hyper = self.learn.params(member.state), {**hyper, "step": member.step}

            def of_batch(key: Array) -> dict:
                batch, key = self._drawn(key, source)
                return self.learn.terms(params, batch, key, hyper)

            keys = jax.random.split(rng.key(member.seed, "losses"), num_batches)
            return jax.tree.map(jnp.mean, lax.map(of_batch, keys))

        return over_members(one)(members, hyper)
