"""Training a population: many models, one compiled program, `lax.scan` over steps."""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax import Array, lax
from jaxtyping import Float, UInt8

from disentanglement_study import nets, rng
from disentanglement_study.config import NetConfig, ResourceConfig, TrainConfig
from disentanglement_study.objectives import OBJECTIVES
from disentanglement_study.population import over_members
from disentanglement_study.types import DataSet, Job

# For programs that run once: compiled in half the time, and no slower where the work is in matrix products.
RUNS_ONCE = {"xla_backend_optimization_level": "1"}


class Member(NamedTuple):
    """The training state of one model; of a population when every leaf has a leading axis."""

    params: dict[str, Any]
    optimiser: Any
    seed: Array
    step: Array


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


def to_float(images: UInt8[Array, "b h w c"], size: int) -> Float[Array, "b size size c"]:
    """Images in [0, 1], averaged down to `size` pixels a side."""
    height, width = images.shape[1:3]
    x = images.astype(jnp.float32) / 255
    if height != size:
        # As products with averaging matrices: XLA's CPU reduction over blocks is several times slower.
        rows, columns = (jnp.repeat(jnp.eye(size), n // size, axis=1) * (size / n) for n in (height, width))
        x = jnp.einsum("hi,wj,bijc->bhwc", rows, columns, x, precision="highest")
    return x


class Trainer:
    """The compiled programs of one data set and objective; every method takes and returns a whole population.

    Draws are named by (seed, step): a member's result depends neither on the others nor on where a call ended.
    """

    def __init__(self, job: Job, data: DataSet, net: NetConfig, train: TrainConfig):
        self.objective = OBJECTIVES[job.objective]
        self.batch_size, self.image_size, self.num_images = train.batch_size, net.image_size, data.num_images
        self.decode = data.decode
        self.nets, self.init_params = build_nets(data.image_shape, net)
        self.optimiser = optimiser(train, self.objective.trains)
        self.init = jax.jit(over_members(self._init), compiler_options=RUNS_ONCE)
        self.advance = jax.jit(self._advance, static_argnames="num_steps", donate_argnames="members")
        self.losses = jax.jit(self._losses, static_argnames="num_batches", compiler_options=RUNS_ONCE)

    def _init(self, seed: Array) -> Member:
        params = {group: self.init_params[group](rng.key(seed, "init", group)) for group in self.objective.trains}
        return Member(params, self.optimiser.init(params), seed, jnp.zeros((), jnp.int32))

    def _batch(self, key: Array, storage: Array) -> Array:
        """Images drawn uniformly from the grid, with replacement."""
        index = jax.random.randint(key, (self.batch_size,), 0, self.num_images)
        return to_float(self.decode(storage[index]), self.image_size)

    def _loss(self, params: dict, hyper: dict, key: Array, storage: Array) -> tuple[Array, dict]:
        key_batch, key_loss = jax.random.split(key)
        loss, terms = self.objective.loss(self.nets, params, self._batch(key_batch, storage), key_loss, hyper)
        return loss, {"loss": loss, **terms}

    def _step(self, member: Member, hyper: dict, storage: Array) -> tuple[Member, dict]:
        key = jax.random.fold_in(rng.key(member.seed, "train"), member.step)
        hyper = {**hyper, "step": member.step}
        gradients, terms = jax.grad(self._loss, has_aux=True)(member.params, hyper, key, storage)
        updates, state = self.optimiser.update(gradients, member.optimiser, member.params)
        return Member(optax.apply_updates(member.params, updates), state, member.seed, member.step + 1), terms

    def _advance(self, members: Member, hyper: dict, storage: Array, num_steps: int) -> tuple[Member, dict]:
        """`num_steps` updates of every member; the loss terms [M] are means over these steps."""

        def one(member: Member, hyper: dict) -> tuple[Member, dict]:
            member, terms = lax.scan(lambda m, _: self._step(m, hyper, storage), member, length=num_steps)
            return member, jax.tree.map(jnp.mean, terms)

        return over_members(one)(members, hyper)

    def _losses(self, members: Member, hyper: dict, storage: Array, num_batches: int) -> dict:
        """The loss terms [M] of the models as they are, means over `num_batches` fresh batches."""

        def one(member: Member, hyper: dict) -> dict:
            hyper = {**hyper, "step": member.step}
            keys = jax.random.split(rng.key(member.seed, "losses"), num_batches)
            batch_terms = lax.map(lambda key: self._loss(member.params, hyper, key, storage)[1], keys)
            return jax.tree.map(jnp.mean, batch_terms)

        return over_members(one)(members, hyper)


def build_nets(image_shape: tuple[int, int, int], net: NetConfig) -> tuple[Any, dict[str, Callable]]:
    """`nets.build` for images of a data set as the nets see them."""
    options = {k: v for k, v in vars(net).items() if k != "image_size"}
    return nets.build((net.image_size, net.image_size, image_shape[2]), **options)


def fit(
    job: Job,
    data: DataSet,
    net: NetConfig,
    train: TrainConfig,
    resources: ResourceConfig,
    training_batches: int,
    on_step: Callable[[int, int], None] = lambda done, total: None,
) -> tuple[dict, dict[str, np.ndarray], list[dict]]:
    """Trains the runs of a job together.

    Returns the parameters (leading axis: the runs), the final loss terms {name: [M]} as means over `training_batches`
    batches, and the loss curves as rows {step, term, values [M]}. `on_step(done, total)` is told of progress.
    """
    trainer = Trainer(job, data, net, train)
    storage = jnp.asarray(data.storage)
    hyper = {name: jnp.array([run.hyper[name] for run in job.runs]) for name in trainer.objective.hyper}
    members = trainer.init(jnp.array([run.seed for run in job.runs]))
    total = num_updates(train, job.objective, job.runs[0].protocol)
    curves, done = [], 0
    while done < total:
        steps = min(max(resources.log_every, 1), total - done)
        members, terms = trainer.advance(members, hyper, storage, num_steps=steps)
        done += steps
        curves += [{"step": done, "term": name, "values": np.asarray(value)} for name, value in terms.items()]
        on_step(done, total)
    losses = trainer.losses(members, hyper, storage, num_batches=max(training_batches, 1))
    return members.params, {name: np.asarray(value) for name, value in losses.items()}, curves
