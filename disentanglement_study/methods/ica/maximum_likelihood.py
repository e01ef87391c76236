"""Nonlinear ICA by maximum likelihood without noise: the unmixing is an invertible net, whose density is exact.

Model: s = g(x), g square (`nets.square`), x whitened, and with p the density of the sources

    log p(x) = Σ_i log p_i(g_i(x)) + log |det J_g(x)|.

The objective and the relative gradient are those of Gresele, Fissore, Javaloy, Schölkopf and Hyvärinen 2020, "Relative
gradient optimization of the Jacobian term in unsupervised deep learning" (arXiv 2006.15090, sections 3 and 4). Their
sources are standard normal, as are those of `unconditional_likelihood`, which identifies nothing: it is a control.

`conditional_likelihood` has Gaussian sources given u, p_i(s | u) = N(s; m_i(u), v_i(u)), m and log v linear in u: a
table of both if u is a segment. It ASSUMES as many observed as sources, no noise, independent sources given u, and
that means and variances change enough with u, of segments 2D + 1 or more. It IDENTIFIES each source up to the order, an
offset, a scale and the sign (Khemakhem et al. 2020, arXiv 1907.04809, theorem 2: here the noise is 0); if the scale
alone changes, theory is weaker. The target are the sources; no step follows.

From the reference it differs in that biases keep their plain gradient, and in that the loss which is reported has the
log-determinants in it: the relative gradient needs none. Restarts are chosen by "loss".
"""

import dataclasses
import math
from collections.abc import Callable
from typing import Annotated, Any

import jax.numpy as jnp
from annotated_types import Interval
from jax import Array
from jaxtyping import Float

from disentanglement_study.methods.gradient import by_gradient, optimiser_of
from disentanglement_study.methods.ica.sizes import check_square, check_values
from disentanglement_study.methods.kinds import Inputs, Learner, Method, Settings
from disentanglement_study.nets import square


@dataclasses.dataclass(frozen=True)
class Options:
    """num_layers: matrices of g. slope: of the smooth leaky ReLU far below 0. relative_gradient: whether W steps by
    W Wᵀ G in place of the gradient G, before the optimiser."""

    num_layers: Annotated[int, Interval(ge=1, le=20)] = 2
    slope: Annotated[float, Interval(ge=0.001, le=1)] = 0.2
    relative_gradient: bool = False


def build(inputs: Inputs, settings: Settings) -> Learner:
    """Codes g(x) [B,D]. Loss: the negative log-likelihood of a whitened input, nats; also as "log_likelihood".

    Conditional if the inputs have u. ValueError for images, for other than D = `nets.num_latents` observed, and
    for fewer than 2D + 1 segments.
    """
    size, options = settings.nets.num_latents, settings.options
    check_square(inputs, size)
    groups: dict[str, Callable[..., Any]] = {"unmixing": lambda key: square.init(key, size, options.num_layers)}
    if "u" in inputs.auxiliary:
        shape = check_values(inputs, size), size
        groups["sources"] = lambda key: dict.fromkeys(("mean", "log_scale"), jnp.zeros(shape))

    def loss(params, batch, key, hyper):
        codes, log_det = square.apply(params["unmixing"], batch["x"], options.slope, options.relative_gradient)
        density = log_density(params.get("sources"), codes, batch.get("u"))
        value = (density + log_det).mean()
        return -value, {"log_likelihood": value}

    def encode(params, batch):
        return {"mean": square.apply(params["unmixing"], batch["x"], options.slope)[0]}

    updates = settings.train.steps
    return Learner(by_gradient(loss, groups, optimiser_of(settings.train, updates), updates), encode)


def log_density(
    sources: dict[str, Array] | None, s: Float[Array, "b d"], u: Float[Array, "b u"] | None = None
) -> Float[Array, " b"]:
    """Σ_i log N(s_i; m_i(u), v_i(u)), of {"mean", "log_scale"} [U,D], linear in u; without them standard normal."""
    log_scale = jnp.zeros_like(s)
    if sources is not None:
        assert u is not None
        log_scale = u @ sources["log_scale"]
        s = (s - u @ sources["mean"]) * jnp.exp(-log_scale)
    return -(s**2 / 2 + log_scale + math.log(2 * math.pi) / 2).sum(axis=1)


USES = ("nets.num_latents", "train")
CONDITIONAL_LIKELIHOOD = Method(
    build,
    options=Options,
    needs=frozenset({"u"}),
    uses=USES,
    whiten=True,
    about="Maximum likelihood of an invertible net; the sources are Gaussian given u.",
    source="Gresele et al. 2020, arXiv:2006.15090",
)
UNCONDITIONAL_LIKELIHOOD = Method(
    build,
    options=Options,
    uses=USES,
    whiten=True,
    about="Maximum likelihood of an invertible net without u: a control.",
    source="Gresele et al. 2020, arXiv:2006.15090",
)
