"""Generalised contrastive learning: features that tell inputs with their own segment from those with another's."""

import dataclasses
from typing import Annotated

import jax
import jax.numpy as jnp
from annotated_types import Interval
from jax import Array
from jaxtyping import Float, Int

from disentanglement_study.methods.gradient import by_gradient, optimiser_of
from disentanglement_study.methods.ica.contrast import check_codes, logistic
from disentanglement_study.methods.kinds import Inputs, Learner, Method, Settings
from disentanglement_study.nets.maxout import MaxoutMlp, initial


@dataclasses.dataclass(frozen=True)
class Options:
    """num_layers: of the net of features, as many as the mixing has, and of that of x alone. expansion: units of a
    hidden layer, for each code."""

    num_layers: Annotated[int, Interval(ge=1, le=100)] = 3
    expansion: Annotated[int, Interval(ge=1, le=1000)] = 4


def build(inputs: Inputs, settings: Settings) -> Learner:
    """Codes h(x) [B,d], d = `nets.num_latents`, of a logistic regression that tells (x, u) from (x, u*), u a segment.

        loss = ½ mean softplus(-r(x, u)) + ½ mean softplus(r(x, u*)),    nats
        r(x, u) = `of_segment`(h(x), u) + φ(x)

    Hyvärinen, Sasaki and Turner 2019 (arXiv 1805.08651), sections 3 and 4.2: h and φ are nets of maxout units, r is
    log p(x | u) - log p(x). u* are the segments of the batch, permuted: of K segments, one in K is right after all.

    Assumes x = f(s), f invertible, s independent given u, and each s_i Gaussian given u, of a mean and a variance
    that change such that 2d contrasts between segments are linearly independent: K of 2d + 1 or more. Identifies s up
    to order and a function of each component (theorem 1; theorem 3 for exponential families); the target is s.

    Scores of the training: "loss", lower is better, by which restarts are compared, and "accuracy", chance being ½. The
    authors published no code for segments. ValueError for fewer segments than 2d + 1, and for more codes than an input
    has numbers.
    """
    codes, options = settings.nets.num_latents, settings.options
    size = check_codes(inputs, codes)
    segments = inputs.auxiliary["segment"]
    if segments < 2 * codes + 1:
        raise ValueError(f"{segments} segments: expected at least 2 nets.num_latents + 1 = {2 * codes + 1}")
    widths = (options.expansion * codes,) * (options.num_layers - 1)
    net, free = MaxoutMlp(codes, widths), MaxoutMlp(1, widths)

    def features(params, x):
        return net.apply({"params": params["features"]}, x)

    def loss(params, batch, key, hyper):
        h, alone = features(params, batch["x"]), free.apply({"params": params["alone"]}, batch["x"])[:, 0]
        own, other = batch["segment"], jax.random.permutation(key, batch["segment"])
        right, wrong = (of_segment(params["segments"], h, segment) + alone for segment in (own, other))
        return logistic(right, wrong)

    updates = settings.train.steps
    return Learner(
        by_gradient(
            loss,
            {
                "features": initial(net, size),
                "alone": initial(free, size),
                "segments": lambda key: embeddings(key, segments, codes),
            },
            optimiser_of(settings.train, updates),
            updates,
        ),
        lambda params, batch: {"mean": features(params, batch["x"])},
    )


def embeddings(key: Array, segments: int, codes: int) -> dict[str, Array]:
    """The first parameters of `of_segment`: a little apart, for of equal segments there is nothing to learn."""
    draws = 0.1 * jax.random.normal(key, (2, segments, codes))
    return {"log_precision": draws[0], "mean": draws[1], "offset": jnp.zeros(segments)}


def of_segment(segments: dict[str, Array], h: Float[Array, "b d"], segment: Int[Array, " b"]) -> Float[Array, " b"]:
    """c(u) - ½ Σ_i λ_i(u) (h_i - μ_i(u))² [B]: log p(h | u) up to what is of h alone, where c is free.

    The quadratic exponential family (section 4.2): with coefficients of h_i² and h_i from an embedding of the segment.
    """
    precision, mean = jnp.exp(segments["log_precision"][segment]), segments["mean"][segment]
    return segments["offset"][segment] - 0.5 * jnp.sum(precision * (h - mean) ** 2, axis=1)


GCL = Method(
    build,
    options=Options,
    needs=frozenset({"segment"}),
    uses=("nets.num_latents", "train"),
    whiten=True,
)
