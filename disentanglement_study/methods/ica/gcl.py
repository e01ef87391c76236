"""Generalised contrastive learning: features that tell inputs with their own u from those with another's."""

import dataclasses
from typing import Annotated, Any

import jax
import jax.numpy as jnp
from annotated_types import Interval
from jax import Array
from jaxtyping import Float

from disentanglement_study.methods.gradient import by_gradient, optimiser_of
from disentanglement_study.methods.ica.contrast import logistic
from disentanglement_study.methods.ica.sizes import check_codes, check_values
from disentanglement_study.methods.kinds import Inputs, Learner, Method, Settings
from disentanglement_study.nets.maxout import MaxoutMlp, initial


@dataclasses.dataclass(frozen=True)
class Options:
    """num_layers: of the net of features, as many as the mixing has, and of that of x alone. expansion: units of a
    hidden layer, for each code."""

    num_layers: Annotated[int, Interval(ge=1, le=100)] = 3
    expansion: Annotated[int, Interval(ge=1, le=1000)] = 4


def build(inputs: Inputs, settings: Settings) -> Learner:
    """Codes h(x) [B,d], d = `nets.num_latents`, of a logistic regression that tells (x, u) from (x, u*).

        loss = ½ mean softplus(-r(x, u)) + ½ mean softplus(r(x, u*)),    nats
        r(x, u) = `given_u`(h(x), u) + φ(x)

    Hyvärinen, Sasaki and Turner 2019 (arXiv 1805.08651), sections 3 and 4.2: h and φ are nets of maxout units, r is
    log p(x | u) - log p(x). u is a segment, or real-valued. u* are those of the batch, permuted: of K segments, one in
    K is right after all.

    Assumes x = f(s), f invertible, s independent given u, and each s_i Gaussian given u, of a mean and a variance
    that change such that 2d contrasts between values of u are linearly independent: 2d + 1 values or more. Identifies s
    up to order and a function of each component; the target is s.

    Scores of the training: "loss", lower is better, by which restarts are compared, and "accuracy", chance being ½. The
    authors published no code. ValueError for fewer segments than 2d + 1, and for more codes than an input has numbers.
    """
    codes, options = settings.nets.num_latents, settings.options
    size = check_codes(inputs, codes)
    values = check_values(inputs, codes)
    widths = (options.expansion * codes,) * (options.num_layers - 1)
    net, free = MaxoutMlp(codes, widths), MaxoutMlp(1, widths)

    def features(params, x):
        return net.apply({"params": params["features"]}, x)

    def loss(params, batch, key, hyper):
        h = features(params, batch["x"])
        alone: Any = free.apply({"params": params["alone"]}, batch["x"])
        alone = alone[:, 0]
        own, other = batch["u"], jax.random.permutation(key, batch["u"])
        right, wrong = (given_u(params["sources"], h, u) + alone for u in (own, other))
        return logistic(right, wrong)

    updates = settings.train.steps
    return Learner(
        by_gradient(
            loss,
            {
                "features": initial(net, size),
                "alone": initial(free, size),
                "sources": lambda key: initial_sources(key, values, codes),
            },
            optimiser_of(settings.train, updates),
            updates,
        ),
        lambda params, batch: {"mean": features(params, batch["x"])},
    )


def initial_sources(key: Array, values: int, codes: int) -> dict[str, Array]:
    """The first parameters of `given_u`: a little apart, for of equal segments there is nothing to learn."""
    draws = 0.1 * jax.random.normal(key, (2, values, codes))
    return {"log_precision": draws[0], "mean": draws[1], "offset": jnp.zeros(values)}


def given_u(sources: dict[str, Array], h: Float[Array, "b d"], u: Float[Array, "b u"]) -> Float[Array, " b"]:
    """½ Σ_i log λ_i(u) - ½ Σ_i λ_i(u) (h_i - μ_i(u))² + c(u) [B]: log p(h | u) up to what is of h alone.

    The quadratic exponential family (section 4.2); log λ, μ and c are linear in u, each a table if u is a segment.
    """
    log_precision, mean, offset = (u @ sources[name] for name in ("log_precision", "mean", "offset"))
    return offset + 0.5 * jnp.sum(log_precision - jnp.exp(log_precision) * (h - mean) ** 2, axis=1)


GCL = Method(
    build,
    options=Options,
    needs=frozenset({"u"}),
    uses=("nets.num_latents", "train"),
    whiten=True,
    about="Generalised contrastive learning: tells inputs with their own u from others.",
    source="Hyvärinen, Sasaki and Turner 2019, arXiv:1805.08651",
)
