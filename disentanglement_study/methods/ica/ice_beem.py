"""ICE-BeeM: an energy of inputs given u, in which features of the inputs meet a function of u alone."""

import dataclasses
from typing import Annotated, Any

import jax
import jax.numpy as jnp
from annotated_types import Interval
from jax import Array
from jaxtyping import Float

from disentanglement_study.methods.gradient import by_gradient, optimiser_of
from disentanglement_study.methods.ica.sizes import check_codes, check_values
from disentanglement_study.methods.kinds import Inputs, Learner, Method, Settings
from disentanglement_study.nets.maxout import initial
from disentanglement_study.nets.xtanh import XtanhMlp


@dataclasses.dataclass(frozen=True)
class Options:
    """num_layers: matrices of both nets. width: of their hidden layers. slope: a of their units, tanh(x) + a x. noise:
    the standard deviation of what is added to whitened inputs."""

    num_layers: Annotated[int, Interval(ge=1, le=100)] = 3
    width: Annotated[int, Interval(ge=1, le=65_536)] = 32
    slope: Annotated[float, Interval(ge=0, le=1)] = 0.1
    noise: Annotated[float, Interval(gt=0, le=10)] = 0.2


def build(inputs: Inputs, settings: Settings) -> Learner:
    """Codes f(x) [B,d], d = `nets.num_latents`, of an energy-based model of x given u.

        log p(x | u) = f(x)·g(u) - f(x)²·h(u) + a(x) - log Z(u),    h(u) > 0

    Khemakhem, Monti, Kingma and Hyvärinen 2020 (arXiv 2002.11537), eq. 2 and section 3.3. f and a are nets; g and
    log(e^h - 1) are linear in u, a table of both if u is a segment. Learnt by denoising score matching of p(x | u):

        loss = ½ E |σ ∇ log p(x + σ e | u) + e|²,    e ~ N(0, I),    which needs no Z(u) (Vincent 2011, eq. 11)

    The authors learn images so. For vectors they contrast with a flow, in phases that end at accuracies; one loss in
    their place is steadier. Theirs adds f² g², which no density can have where it grows; h is positive here. a(x) is
    the f of theirs whose g is 1.

    Assumes that p(x | u) is such an energy and that 2 d contrasts of (g, h) between values of u are linearly
    independent: 2 d + 1 segments or more. Sources need not be independent. Identifies f up to order, offset and scale
    (with squares of features), of Gaussian sources given u the sources. The target is s. With more numbers than sources
    it was not found to work.

    Score of the training: "loss", by which restarts are compared. ValueError for fewer segments than 2 d + 1, and for
    more codes than an input has numbers.
    """
    codes, options = settings.nets.num_latents, settings.options
    size, values = check_codes(inputs, codes), check_values(inputs, codes)
    net, free = (XtanhMlp(outputs, options.num_layers, options.width, options.slope) for outputs in (codes, 1))

    def features(params, x):
        return net.apply({"params": params["features"]}, x)

    def log_density(params, x, u):
        alone: Any = free.apply({"params": params["alone"]}, x)
        return of_features(params["sources"], features(params, x), u) + alone[:, 0]

    def loss(params, batch, key, hyper):
        noise = jax.random.normal(key, batch["x"].shape)
        noisy = batch["x"] + options.noise * noise
        score = jax.grad(lambda x: log_density(params, x, batch["u"]).sum())(noisy)
        return jnp.mean(jnp.sum((options.noise * score + noise) ** 2, axis=1)) / 2, {}

    updates = settings.train.steps
    groups = {
        "features": initial(net, size),
        "alone": initial(free, size),
        "sources": lambda key: initial_sources(key, values, codes),
    }
    return Learner(
        by_gradient(loss, groups, optimiser_of(settings.train, updates), updates),
        lambda params, batch: {"mean": features(params, batch["x"])},
    )


def initial_sources(key: Array, values: int, codes: int) -> dict[str, Array]:
    """The first parameters of `of_features`: a little apart, for of equal segments there is nothing to learn."""
    linear, square = 0.1 * jax.random.normal(key, (2, values, codes))
    return {"linear": linear, "square": square}


def of_features(sources: dict[str, Array], f: Float[Array, "b d"], u: Float[Array, "b u"]) -> Float[Array, " b"]:
    """f·g(u) - f²·h(u), with g linear in u and h = softplus of what is: log p(x | u) up to what is of x or u alone."""
    return jnp.sum(f * (u @ sources["linear"]) - f**2 * jax.nn.softplus(u @ sources["square"]), axis=1)


ICE_BEEM = Method(
    build,
    options=Options,
    needs=frozenset({"u"}),
    uses=("nets.num_latents", "train"),
    whiten=True,
    about="An energy-based model of x given u, learnt by denoising score matching.",
    source="Khemakhem, Monti et al. 2020, arXiv:2002.11537",
)
