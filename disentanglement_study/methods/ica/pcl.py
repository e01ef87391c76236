"""Permutation-contrastive learning: features that tell neighbours in time from points of any two times."""

import dataclasses
from typing import Annotated

import jax
import jax.numpy as jnp
from annotated_types import Interval
from jax import Array
from jaxtyping import Float

from disentanglement_study.methods.gradient import by_gradient, optimiser_of
from disentanglement_study.methods.ica.contrast import logistic
from disentanglement_study.methods.ica.sizes import check_codes
from disentanglement_study.methods.kinds import Inputs, Learner, Method, Settings
from disentanglement_study.nets.maxout import MaxoutMlp, initial

AVERAGE = 0.999  # the decay of the moving average of the parameters, as in the authors' code


@dataclasses.dataclass(frozen=True)
class Options:
    """num_layers: of the net; the paper has as many as the mixing. expansion: units of a hidden layer, for each
    code."""

    num_layers: Annotated[int, Interval(ge=1, le=100)] = 3
    expansion: Annotated[int, Interval(ge=1, le=1000)] = 2


def build(inputs: Inputs, settings: Settings) -> Learner:
    """Codes h(x) [B,d], d = `nets.num_latents`, of a logistic regression that tells (x_t, x_t-1) from (x_t, x_t*).

        loss = ½ mean softplus(-r(h(x_t), h(x_t-1))) + ½ mean softplus(r(h(x_t), h(x_t*))),    nats, `log_ratio` being r

    Hyvärinen and Morioka 2017, "Nonlinear ICA of temporally dependent stationary sources", sections 3 and 5: h is a net
    of maxout units. x_t* are the earlier points of the batch, permuted. In the loss each feature is less its mean and
    over its standard deviation, of both times of the batch; codes are before that, which no correlation sees.

    Assumes x = f(s), f invertible, and independent stationary s_i whose neighbours are dependent, and neither Gaussian
    nor a function of such ("quasi-Gaussian"). Identifies s up to order and a function of each component (theorem 1);
    the target is s. This r is of autoregressive sources with Laplace innovations. No FastICA follows: it would mix.

    Scores of the training: "loss", lower is better, by which restarts are compared, and "accuracy", chance being ½.
    Kept is the moving average of the parameters. Unlike the authors' code: e in `log_ratio` is of each component, and
    the exponential of a parameter instead of clamped; the features have no affine map after they are normalised; there
    is no weight decay. ValueError for more codes than an input has numbers.
    """
    codes, options = settings.nets.num_latents, settings.options
    size = check_codes(inputs, codes)
    net = MaxoutMlp(codes, (options.expansion * codes,) * (options.num_layers - 1), bias=False)

    def features(params, x):
        return net.apply({"params": params["features"]}, x)

    def loss(params, batch, key, hyper):
        both = normalised(features(params, jnp.concatenate([batch["x"], batch["pair"]])))
        now, before = jnp.split(both, 2)
        right = log_ratio(params["head"], now, before)
        wrong = log_ratio(params["head"], now, jax.random.permutation(key, before))
        return logistic(right, wrong)

    updates = settings.train.steps
    return Learner(
        by_gradient(
            loss,
            {"features": initial(net, size), "head": lambda key: head(codes)},
            optimiser_of(settings.train, updates),
            updates,
            AVERAGE,
        ),
        lambda params, batch: {"mean": features(params, batch["x"])},
    )


def head(codes: int) -> dict[str, Array]:
    """The first parameters of `log_ratio`: a random walk."""
    ones, zeros = jnp.ones(codes), jnp.zeros(codes)
    return {"now": ones, "before": -ones, "offset": zeros, "log_curvature": zeros, "constant": jnp.zeros(())}


def log_ratio(head: dict[str, Array], now: Float[Array, "b d"], before: Float[Array, "b d"]) -> Float[Array, " b"]:
    """r(h, h') = Σ_i (e_i h_i² - |a_i h_i + b_i h'_i + c_i|) + m: log p(h | h') - log p(h) [B].

    The last term of each component is the innovation's log density, Laplace; the first stands for -log p(h_i), the
    square of a Gaussian's.
    """
    innovation = jnp.abs(head["now"] * now + head["before"] * before + head["offset"])
    return jnp.sum(jnp.exp(head["log_curvature"]) * now**2 - innovation, axis=1) + head["constant"]


def normalised(features: Float[Array, "b d"]) -> Float[Array, "b d"]:
    """Each of mean 0 and variance 1 over the batch."""
    return (features - features.mean(axis=0)) / jnp.sqrt(features.var(axis=0) + 1e-5)


PCL = Method(
    build,
    options=Options,
    needs=frozenset({"pair"}),
    draws=("successive",),
    uses=("nets.num_latents", "train"),
    whiten=True,
    about="Permutation-contrastive learning: tells neighbours in time from other pairs.",
    source="Hyvärinen and Morioka 2017",
)
