"""The compiled programs that train a population: many models in one, many steps in one call."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax
from jax import Array, lax
from jaxtyping import Float, UInt8

from disentanglement_study import nets, rng
from disentanglement_study.config import NetConfig, TrainConfig
from disentanglement_study.data.draws.sampling import sampler
from disentanglement_study.nets import layers
from disentanglement_study.objectives import OBJECTIVES
from disentanglement_study.runtime.compilation import briefly_run, long_run
from disentanglement_study.runtime.population import over_members
from disentanglement_study.types import DataSet, Job

# Trainings of fewer updates are over before the better code of a longer compilation pays.
SHORT = 10_000


class Member(NamedTuple):
    """The training state of one model; of a population when every leaf has a leading axis.

    `diverged` is the first update whose loss was not finite, counted from 0, or -1.
    """

    params: dict[str, Any]
    optimiser: Any
    seed: Array
    step: Array
    diverged: Array


class Source(NamedTuple):
    """What batches are drawn from, on the device: the storage of a data set, and `sampler(key, n)`, image indices."""

    storage: Array
    sampler: Callable[..., Array]


def num_updates(train: TrainConfig, objective: str, protocol: str) -> int:
    """Updates that an objective gets from `train.steps`.

    Under protocol "dlib" an objective with a discriminator gets half: in disentanglement_lib both optimisers advance
    the step counter that ends the training, so the published FactorVAEs had about 150,000 updates, not 300,000.
    """
    halved = protocol == "dlib" and "discriminator" in OBJECTIVES[objective].trains
    return max(train.steps // 2, 1) if halved else train.steps


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


def optimiser(train: TrainConfig, groups: tuple[str, ...]) -> optax.GradientTransformation:
    """One Adam for encoder and decoder, one for a discriminator."""
    vae = tf_adam(train.learning_rate, train.beta1, train.beta2, train.epsilon)
    discriminator = tf_adam(
        train.discriminator_learning_rate, train.discriminator_beta1, train.discriminator_beta2, train.epsilon
    )
    if "discriminator" not in groups:
        return vae
    labels = {group: "discriminator" if group == "discriminator" else "vae" for group in groups}
    return optax.multi_transform({"vae": vae, "discriminator": discriminator}, labels)


def to_float(images: UInt8[Array, "b h w c"] | Float[Array, "b h w c"], size: int) -> Float[Array, "b size size c"]:
    """Images in [0, 1], averaged down to `size` pixels a side; bytes stand for 0 to 255."""
    height, width = images.shape[1:3]
    x = images.astype(jnp.float32) / 255 if images.dtype == jnp.uint8 else images
    if height != size:
        # As products with averaging matrices: XLA's CPU reduction over blocks is several times slower.
        rows, columns = (jnp.repeat(jnp.eye(size), n // size, axis=1) * (size / n) for n in (height, width))
        x = jnp.einsum("hi,wj,bijc->bhwc", rows, columns, x, precision="highest")
    return x


class Trainer:
    """The compiled programs of one data set and objective; every method takes and returns a whole population.

    Draws are named by (seed, step): a member's result depends neither on the others nor on where a call ended.
    """

    def __init__(self, job: Job, data: DataSet, net: NetConfig, train: TrainConfig, form: str | None = None):
        self.objective = OBJECTIVES[job.objective]
        self.batch_size, self.image_size = train.batch_size, net.image_size
        self.render = data.render
        grid = data.factor_names, data.factor_sizes, data.points
        # On CPU the storage is the mapped file itself: all processes share one copy.
        self.source = jax.device_put(
            Source(data.storage, sampler(train.sampling, train.sampling_options, *grid)), may_alias=True
        )
        self.nets, self.init_params = build_nets(data.image_shape, net, form or device_form())
        self.optimiser = optimiser(train, self.objective.trains)
        brief = briefly_run()
        self.init = jax.jit(over_members(self._init), compiler_options=brief)
        self.advance = jax.jit(
            self._advance, donate_argnames="members", compiler_options=brief if train.steps < SHORT else long_run()
        )
        self.losses = jax.jit(self._losses, static_argnames="num_batches", compiler_options=brief)

    def _init(self, seed: Array) -> Member:
        params = {group: self.init_params[group](rng.key(seed, "init", group)) for group in self.objective.trains}
        return Member(params, self.optimiser.init(params), seed, jnp.int32(0), jnp.int32(-1))

    def _batch(self, key: Array, source: Source) -> Array:
        """Images as the sampler draws them; what is no factor is drawn anew for each."""
        index = source.sampler(key, self.batch_size)
        keys = jax.random.split(jax.random.fold_in(key, rng.stable_hash("nuisance")), self.batch_size)
        return to_float(self.render(source.storage, index, keys), self.image_size)

    def _loss(self, params: dict, hyper: dict, key: Array, source: Source) -> tuple[Array, dict]:
        key_batch, key_loss = jax.random.split(key)
        loss, terms = self.objective.loss(self.nets, params, self._batch(key_batch, source), key_loss, hyper)
        return loss, {"loss": loss, **terms}

    def _step(self, member: Member, hyper: dict, source: Source) -> tuple[Member, dict]:
        key = jax.random.fold_in(rng.key(member.seed, "train"), member.step)
        hyper = {**hyper, "step": member.step}
        gradients, terms = jax.grad(self._loss, has_aux=True)(member.params, hyper, key, source)
        updates, state = self.optimiser.update(gradients, member.optimiser, member.params)
        first = (member.diverged < 0) & ~jnp.isfinite(terms["loss"])
        diverged = jnp.where(first, member.step, member.diverged)
        return Member(optax.apply_updates(member.params, updates), state, member.seed, member.step + 1, diverged), terms

    def _advance(self, members: Member, hyper: dict, source: Source, num_steps: Array) -> tuple[Member, dict]:
        """`num_steps` updates of every member, and the loss terms [M] summed over them."""

        def one(member: Member, hyper: dict) -> tuple[Member, dict]:
            def add_step(_, state: tuple[Member, dict]) -> tuple[Member, dict]:
                member, terms = self._step(state[0], hyper, source)
                return member, jax.tree.map(jnp.add, state[1], terms)

            terms = jax.eval_shape(self._step, member, hyper, source)[1]
            zeros = jax.tree.map(lambda term: jnp.zeros(term.shape, term.dtype), terms)
            return lax.fori_loop(0, num_steps, add_step, (member, zeros))

        return over_members(one)(members, hyper)

    def _losses(self, members: Member, hyper: dict, source: Source, num_batches: int) -> dict:
        """The loss terms [M] of the models as they are, means over `num_batches` fresh batches."""

        def one(member: Member, hyper: dict) -> dict:
            hyper = {**hyper, "step": member.step}
            keys = jax.random.split(rng.key(member.seed, "losses"), num_batches)
            batch_terms = lax.map(lambda key: self._loss(member.params, hyper, key, source)[1], keys)
            return jax.tree.map(jnp.mean, batch_terms)

        return over_members(one)(members, hyper)


def device_form() -> str:
    """The form of convolutions that is fastest on this process's device."""
    return layers.BEST.get(jax.default_backend(), "patches")


def build_nets(
    image_shape: tuple[int, int, int], net: NetConfig, form: str = "patches"
) -> tuple[Any, dict[str, Callable]]:
    """`nets.build` for images of a data set as the nets see them."""
    return nets.build(
        (net.image_size, net.image_size, image_shape[2]),
        encoder=net.encoder,
        decoder=net.decoder,
        num_latents=net.num_latents,
        encoder_options=net.encoder_options,
        decoder_options=net.decoder_options,
        discriminator_options=net.discriminator_options,
        form=form,
    )
