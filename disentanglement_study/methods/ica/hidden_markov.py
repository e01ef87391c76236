"""HM-NLICA: non-linear ICA of a series whose states are hidden, by maximum likelihood of a hidden Markov model."""

import dataclasses
import math
from typing import Annotated

import jax
import jax.numpy as jnp
import optax
from annotated_types import Interval
from jax import Array
from jaxtyping import Float, Int

from disentanglement_study.data.draws.series import WINDOW
from disentanglement_study.methods.gradient import by_gradient, optimiser_of
from disentanglement_study.methods.ica import markov
from disentanglement_study.methods.ica.sizes import check_square
from disentanglement_study.methods.kinds import Inputs, Learner, Method, Settings
from disentanglement_study.nets import square

STAYS = 3.0  # of the first log-odds of staying in a state, against each other state


@dataclasses.dataclass(frozen=True)
class Options:
    """num_states: 2 d + 1 if not given, the fewest with which the theory holds. num_layers: matrices of g. slope: of
    the smooth leaky ReLU far below 0. relative_gradient: of g, as `conditional_likelihood` has it."""

    num_states: Annotated[int, Interval(ge=2, le=1000)] | None = None
    num_layers: Annotated[int, Interval(ge=1, le=20)] = 2
    slope: Annotated[float, Interval(ge=0.001, le=1)] = 0.2
    relative_gradient: bool = False


def build(inputs: Inputs, settings: Settings) -> Learner:
    """Codes g(x) [B,D], g an invertible net (`nets.square`), of a series x whose states k are hidden.

        log p(x_1..x_T) = log Σ_k π(k_1) Π_t A(k_t, k_t+1) Π_t N(g(x_t); m_k, v_k) + Σ_t log |det J_g(x_t)|

    Hälvä and Hyvärinen 2020 (arXiv 2006.12107), eq. 3 to 8. Batches are windows of the series, each a series of its
    own. The loss is -log p for a point, in nats. The gradient of log p is that of the expected log-density under the
    posterior of the states (Fisher's identity), with which the authors' generalised EM trains g; here means, variances,
    A and π follow their gradients too, in place of closed forms of a small batch.

    Assumes no noise, as many observed as sources, and sources that are independent and Gaussian given the state, of
    means and variances that differ between 2 D + 1 states or more. Identifies sources up to order, scale and offset;
    the target is s.

    Scores of the training: "loss", by which restarts are compared, and "log_likelihood". Of a data set that knows its
    segments also "state_accuracy", of the most likely path with states matched one to one, and that of "chance", to
    call all the most frequent one. ValueError for images, for other than D = `nets.num_latents` observed, and for fewer
    states than 2 D + 1.
    """
    size, options = settings.nets.num_latents, settings.options
    check_square(inputs, size)
    number = 2 * size + 1 if options.num_states is None else options.num_states
    if number < 2 * size + 1:
        raise ValueError(f"num_states = {number}: expected at least 2 nets.num_latents + 1 = {2 * size + 1}")
    length = settings.train.sampling_options.get("length", WINDOW)
    if length < 2:
        raise ValueError(f"windows.length = {length}: expected 2 or more, to learn transitions between states")

    def unmixed(params, x):
        return square.apply(params["unmixing"], x, options.slope, options.relative_gradient)

    def densities(params, x):
        codes, log_det = unmixed(params, x)
        return in_windows(emission(params["states"], codes), length), log_det

    def loss(params, batch, key, hyper):
        seen, log_det = densities(params, batch["x"])
        of_windows = jax.vmap(markov.log_likelihood, (None, None, 0))(*chain(params["states"]), seen)
        value = of_windows.sum() / log_det.size + log_det.mean()
        return -value, {"log_likelihood": value}

    def terms(params, batch, key, hyper):
        value, found = loss(params, batch, key, hyper)
        if "segment" in batch:
            seen, _ = densities(params, batch["x"])
            path = jax.vmap(markov.viterbi, (None, None, 0))(*chain(params["states"]), seen).reshape(-1)
            known = max(number, inputs.auxiliary["segment"])
            found |= agreement(path, batch["segment"], known)
        return {"loss": value, **found}

    updates = settings.train.steps
    learn = by_gradient(
        loss,
        {
            "unmixing": lambda key: square.init(key, size, options.num_layers),
            "states": lambda key: initial_states(key, number, size),
        },
        optimiser_of(settings.train, updates),
        updates,
    )
    return Learner(learn._replace(terms=terms), lambda params, batch: {"mean": unmixed(params, batch["x"])[0]})


def initial_states(key: Array, number: int, size: int) -> dict[str, Array]:
    """The first parameters of the states: means spread as whitened codes are, so that no two states are the same."""
    return {
        "mean": jax.random.normal(key, (number, size)),
        "log_scale": jnp.zeros((number, size)),
        "transition": STAYS * jnp.eye(number),
        "initial": jnp.zeros(number),
    }


def emission(states: dict[str, Array], codes: Float[Array, "b d"]) -> Float[Array, "b k"]:
    """log N(s; m_k, v_k) of each point in each state."""
    scaled = (codes[:, None] - states["mean"]) * jnp.exp(-states["log_scale"])
    return -(scaled**2 / 2 + states["log_scale"] + math.log(2 * math.pi) / 2).sum(axis=2)


def chain(states: dict[str, Array]) -> tuple[Float[Array, " k"], Float[Array, "k k"]]:
    """log π and log A."""
    return jax.nn.log_softmax(states["initial"]), jax.nn.log_softmax(states["transition"], axis=1)


def in_windows(points: Float[Array, "b k"], length: int) -> Float[Array, "w t k"]:
    """The windows that a batch is made of, as the sampling `windows` draws it."""
    return points.reshape(-1, length, points.shape[1])


def agreement(path: Int[Array, " b"], truth: Int[Array, " b"], number: int) -> dict[str, Array]:
    """The share of points in their own state, states being matched one to one, and in the most frequent state."""
    both = jnp.zeros((number, number)).at[path, truth].add(1.0) / path.size
    rows, columns = optax.assignment.hungarian_algorithm(-both)
    return {"state_accuracy": both[rows, columns].sum(), "chance": both.sum(axis=0).max()}


HIDDEN_MARKOV = Method(
    build,
    options=Options,
    wants=frozenset({"segment"}),
    draws=("windows",),
    uses=("nets.num_latents", "train"),
    whiten=True,
    about="Maximum likelihood of a series whose sources follow hidden Markov states.",
    source="Hälvä and Hyvärinen 2020, arXiv:2006.12107",
)
