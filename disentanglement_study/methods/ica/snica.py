"""SNICA: sources that switch between linear dynamics, seen through a net and noise, by structured inference."""

import dataclasses
import functools
from typing import Annotated, Any, NamedTuple

import jax
import jax.numpy as jnp
from annotated_types import Interval
from jax import Array
from jaxtyping import Float

from disentanglement_study.data.draws.series import WINDOW
from disentanglement_study.methods.gradient import by_gradient, optimiser_of
from disentanglement_study.methods.ica import banded, markov
from disentanglement_study.methods.ica.sizes import check_codes
from disentanglement_study.methods.kinds import Inputs, Learner, Method, Settings
from disentanglement_study.nets.maxout import initial
from disentanglement_study.nets.xtanh import XtanhMlp

LEAST_SCALE = 0.01  # of innovations, beside sources of scale 1: at a third of it float32 loses most of a variance


@dataclasses.dataclass(frozen=True)
class Options:
    """num_states: dynamics of each source. num_layers, width: of encoder and decoder; even of a linear mixing an
    encoder of one layer does worse: its precision can depend on x less. iterations: of coordinate ascent between
    sources and states. burn_in: the share of the training in which the weight of the prior grows to 1."""

    num_states: Annotated[int, Interval(ge=1, le=100)] = 2
    num_layers: Annotated[int, Interval(ge=1, le=100)] = 3
    width: Annotated[int, Interval(ge=1, le=65_536)] = 64
    slope: Annotated[float, Interval(ge=0, le=1)] = 0.1
    iterations: Annotated[int, Interval(ge=1, le=100)] = 3
    burn_in: Annotated[float, Interval(ge=0, le=1)] = 0.2


class Dynamics(NamedTuple):
    """Of a source in K states: s(t) = near s(t-1) + far s(t-2) + drift + e(t), e of precision 1 / variance, all [K]."""

    near: Array
    far: Array
    drift: Array
    precision: Array


class Inferred(NamedTuple):
    """q(s) of a source over a window, and what of the ELBO is of this source: its prior and entropy, nats."""

    factors: banded.Factors
    moments: banded.Moments
    states: Float[Array, "t-2 k"]
    value: Float[Array, ""]


def build(inputs: Inputs, settings: Settings) -> Learner:
    """Codes [B,d], d = `nets.num_latents`: where the encoder puts each source, v(x) / w(x).

        x(t) = f(s(t)) + noise of variances R,    s_i(t) = AR(2) in a state u_i(t), a Markov chain
        loss = -E_q [log p(x | s)] - ν (E_q [log p(s, u)] + H(q)),    of a point, in nats
        q(s) q(u), q(s_i) ∝ exp(E_q(u) log p(s_i | u_i) + Σ_t v_i(t) s_i(t) - ½ w_i(t) s_i(t)²)

    Hälvä, Le Corff, Lehéricy, So, Zhu, Gassiat and Hyvärinen 2021 (arXiv 2106.09620), sections 2 and 4. The encoder
    gives a Gaussian potential to each source at each time; q(s) and q(u) then are exact given each other, and found in
    turns. q(s) is drawn once for the reconstruction. ν grows from 0 to 1. Batches are windows of the series, each a
    series of its own that begins with two points of N(0, 1). The state of the dynamics is (s(t), s(t-1)) exactly, where
    the authors have two free numbers with noise, and score the expectation of s given the past.

    Assumes independent sources, each of which depends on its past and on hidden states that others do not share, and x
    of as many numbers as sources or more, with Gaussian noise; in theory noise may have an unknown distribution
    (theorem 1). Identifies sources up to order and a function of each (theorem 2); the target is s. Codes are of x(t)
    alone, so that noise limits them: true ones have an MCC of 0.987 on `switching_sources`, mixed linearly.

    Scores of the training: "loss", by which restarts are compared, with ν = 1; "reconstruction_loss" and "kl_loss", for
    a point. ValueError for images, for windows of under 3 points, and for more codes than an input has numbers.
    """
    codes, options = settings.nets.num_latents, settings.options
    size, length = check_codes(inputs, codes), settings.train.sampling_options.get("length", WINDOW)
    if length < 3:
        raise ValueError(f"windows.length = {length}: expected 3 or more, for dynamics of second order")
    to_potentials, to_inputs = (
        XtanhMlp(outputs, options.num_layers, options.width, options.slope) for outputs in (2 * codes, size)
    )
    updates = settings.train.steps

    def potentials(params, x):
        both: Any = to_potentials.apply({"params": params["encoder"]}, x)
        linear, log_weight = jnp.split(both, 2, axis=-1)
        weight = jax.nn.softplus(log_weight) + 1e-3
        return linear, weight

    def loss(params, batch, key, hyper):
        x = batch["x"].reshape(-1, length, size)
        linear, weight = (jnp.moveaxis(one, 2, 1) for one in potentials(params, x))  # [windows, sources, times]
        of_source = functools.partial(infer, iterations=options.iterations)
        of_window = jax.vmap(of_source, in_axes=(0, 0, 0, 0, 0))
        inferred = jax.vmap(of_window, in_axes=(None, None, None, 0, 0))(*prior(params["dynamics"]), linear, weight)
        sources = jax.vmap(jax.vmap(banded.draw))(inferred.factors, jax.random.normal(key, linear.shape))
        mean = to_inputs.apply({"params": params["decoder"]}, jnp.moveaxis(sources, 1, 2))
        log_variance = params["noise"]["log_variance"]
        squares = (x - mean) ** 2 * jnp.exp(-log_variance) + log_variance + jnp.log(2 * jnp.pi)
        missed, kl = 0.5 * squares.sum() / (x.shape[0] * length), -inferred.value.sum() / (x.shape[0] * length)
        weight = jnp.minimum(1.0, (hyper["step"] + 1) / max(options.burn_in * updates, 1.0))
        return missed + weight * kl, {"reconstruction_loss": missed, "kl_loss": kl}

    def encode(params, batch):
        linear, weight = potentials(params, batch["x"])
        return {"mean": linear / weight}

    groups = {
        "encoder": initial(to_potentials, size),
        "decoder": initial(to_inputs, codes),
        "noise": lambda key: {"log_variance": jnp.full(size, -2.0, jnp.float32)},
        "dynamics": lambda key: initial_dynamics(key, codes, options.num_states),
    }
    return Learner(by_gradient(loss, groups, optimiser_of(settings.train, updates), updates), encode)


def initial_dynamics(key: Array, sources: int, states: int) -> dict[str, Array]:
    """The first parameters of the dynamics: stationary ones that differ, each source in another way."""
    near, drift, log_scale = jax.random.normal(key, (3, sources, states))
    return {
        "near": 0.5 + 0.3 * near,
        "far": jnp.zeros((sources, states)),
        "drift": 0.3 * drift,
        "log_scale": -1.0 + 0.5 * log_scale,
        "transition": jnp.broadcast_to(3.0 * jnp.eye(states), (sources, states, states)),
        "initial": jnp.zeros((sources, states)),
    }


def prior(params: dict[str, Array]) -> tuple[Dynamics, Array, Array]:
    """Of each source its dynamics, log π [N,K] and log A [N,K,K]."""
    precision = 1 / (jnp.exp(params["log_scale"]) + LEAST_SCALE) ** 2
    dynamics = Dynamics(params["near"], params["far"], params["drift"], precision)
    return dynamics, jax.nn.log_softmax(params["initial"], axis=1), jax.nn.log_softmax(params["transition"], axis=2)


def infer(
    dynamics: Dynamics,
    initial: Float[Array, " k"],
    transition: Float[Array, "k k"],
    linear: Float[Array, " t"],
    weight: Float[Array, " t"],
    iterations: int,
) -> Inferred:
    """q(s) and q(u) of one source over a window, given the potentials of its encoder, in turns; from equal states.

    `Inferred.value` is E log p(s, u) - E log q(s, u), a lower bound of what the potentials' place in p allows.
    """
    number = len(linear) - 2

    def turn(states, _):
        factors = banded.factorise(averaged(dynamics, states, linear, weight))
        found = banded.moments(factors)
        posteriors = markov.posteriors(initial, transition, expected(dynamics, found))
        return posteriors.states, (factors, found, posteriors.log_likelihood)

    equal = jnp.full((number, len(initial)), 1 / len(initial))
    states, each = jax.lax.scan(turn, equal, None, length=iterations)
    factors, found, of_chain = jax.tree.map(lambda leaf: leaf[-1], each)
    of_first = -0.5 * (found.mean[:2] ** 2 + found.variance[:2] + jnp.log(2 * jnp.pi)).sum()
    entropy = 0.5 * (len(linear) * (1 + jnp.log(2 * jnp.pi)) - banded.log_determinant(factors))
    return Inferred(factors, found, states, of_first + of_chain + entropy)


def averaged(
    dynamics: Dynamics, states: Float[Array, "t-2 k"], linear: Float[Array, " t"], weight: Float[Array, " t"]
) -> banded.Precision:
    """Of q(s): E_q(u) log p(s | u) as a quadratic form, with the potentials of the encoder and N(0, 1) of the first."""
    near, far, drift, precision = dynamics
    expect = lambda of_state: states @ (precision * of_state)  # noqa: E731
    ones = jnp.ones_like(near)
    diagonal = weight.at[:2].add(1.0).at[2:].add(expect(ones)).at[1:-1].add(expect(near**2)).at[:-2].add(expect(far**2))
    zero = jnp.zeros_like(weight)
    one = zero.at[2:].add(-expect(near)).at[1:-1].add(expect(near * far))
    pulls = expect(drift), expect(near * drift), expect(far * drift)
    pulled = linear.at[2:].add(pulls[0]).at[1:-1].add(-pulls[1]).at[:-2].add(-pulls[2])
    return banded.Precision(diagonal, one, zero.at[2:].add(-expect(far)), pulled)


def expected(dynamics: Dynamics, found: banded.Moments) -> Float[Array, "t-2 k"]:
    """E_q(s) log p(s(t) | s(t-1), s(t-2), state) [T-2,K]."""
    near, far, drift, precision = dynamics
    mean, variance = found.mean[:, None], found.variance[:, None]
    missed = mean[2:] - near * mean[1:-1] - far * mean[:-2] - drift
    spread = variance[2:] + near**2 * variance[1:-1] + far**2 * variance[:-2]
    spread -= 2 * near * found.one[2:, None] + 2 * far * found.two[2:, None]
    spread += 2 * near * far * found.one[1:-1, None]
    return -0.5 * (precision * (missed**2 + spread) - jnp.log(precision) + jnp.log(2 * jnp.pi))


SNICA = Method(
    build,
    options=Options,
    draws=("windows",),
    uses=("nets.num_latents", "train"),
    about="Structured inference of sources that switch between linear dynamics.",
    source="Hälvä et al. 2021, arXiv:2106.09620",
)
