"""A VAE of pairs of neighbours in time, between which few latents change."""

import dataclasses
import math
from typing import Annotated

import jax
import jax.numpy as jnp
from annotated_types import Ge, Gt, Interval
from jax import Array

from disentanglement_study import gaussian
from disentanglement_study.methods.gradient import by_gradient, optimiser_of
from disentanglement_study.methods.kinds import Inputs, Learner, Method, Settings
from disentanglement_study.methods.vae import WITHOUT_ADVERSARY, build_nets, coder
from disentanglement_study.objectives.terms import bernoulli_loss, gaussian_loss, gaussian_sample


@dataclasses.dataclass(frozen=True)
class Options:
    """variance: of the Gaussian decoder of vectors."""

    variance: Annotated[float, Interval(gt=0, le=1000)] = 0.01


def build(inputs: Inputs, settings: Settings) -> Learner:
    """SlowVAE (Klindt et al. 2021, arXiv:2007.10930, eq. 8), of the encoder and decoder of `nets`.

        2 reconstruction + β [H(q, N(0, I)) - H(q)] + γ [H(q, Laplace(z', λ)) - H(q)]

    The terms are means over both inputs of a pair and all pairs; H(q, Laplace) is about the mean z' of the other input,
    and taken both ways. β, γ and λ (`beta`, `gamma`, `rate`) are 1, 10 and 6 in the paper. Images have a Bernoulli
    decoder, vectors, which are whitened, a Gaussian one. Nats.

    Whitening matters: a posterior of independent latents prefers principal axes (Rolínek et al. 2019,
    arXiv:1812.06775), and would hold to them against the transitions if they differed in variance.

    It assumes that sources change between neighbours by independent Laplace steps, mostly small, and identifies them up
    to permutation and sign. Held against the sources; the paper's MCC is of ranks (`spearman`). Any sampling of pairs
    will do: `transitions` of a grid of factors, `successive` points of a series.
    """
    functions, init = build_nets(inputs, settings.nets, settings.form)
    is_image, variance = len(inputs.shape) == 3, settings.options.variance
    encode, decode = coder(functions)

    def loss(params, batch, key, hyper):
        both = jnp.concatenate([batch["x"], batch["pair"]])
        mean, logvar = functions.encode(params["encoder"], both)
        decoded = functions.decode(params["decoder"], gaussian_sample(key, mean, logvar))
        missed = bernoulli_loss(decoded, both) if is_image else gaussian_loss(decoded, both, variance)
        first, second = jnp.split(mean, 2)
        entropy = gaussian.entropy(logvar)
        step = laplace_cross_entropy(mean - jnp.concatenate([second, first]), jnp.exp(logvar), hyper["rate"])
        terms = {
            "reconstruction_loss": missed,
            "kl_loss": jnp.mean(jnp.sum(gaussian.kl(mean, logvar), axis=1)),
            "transition_loss": jnp.mean(jnp.sum(step - entropy, axis=1)),
        }
        return (
            2 * terms["reconstruction_loss"]
            + hyper["beta"] * terms["kl_loss"]
            + hyper["gamma"] * terms["transition_loss"]
        ), terms

    return Learner(
        by_gradient(
            loss,
            {group: init[group] for group in ("encoder", "decoder")},
            optimiser_of(settings.train, settings.train.steps),
            settings.train.steps,
        ),
        encode,
        decode if is_image else lambda params, codes: functions.decode(params["decoder"], codes),
    )


def laplace_cross_entropy(offset: Array, variance: Array, rate: Array) -> Array:
    """-E log Laplace(z | 0, 1 / rate) of z ~ N(offset, variance), elementwise, in nats.

    -log(λ / 2) + λ E|z|, of a folded Gaussian (Klindt et al. 2021, appendix A.2).
    """
    deviation = jnp.sqrt(variance)
    folded = deviation * math.sqrt(2 / math.pi) * jnp.exp(-(offset**2) / (2 * variance))
    folded += offset * jax.lax.erf(offset / (deviation * math.sqrt(2)))
    return rate * folded - jnp.log(rate / 2)


SLOW_VAE = Method(
    build,
    hyper={
        "gamma": Annotated[float, Ge(0)],
        "beta": Annotated[float, Ge(0)],
        "rate": Annotated[float, Gt(0)],
    },
    options=Options,
    needs=frozenset({"pair"}),
    uses=WITHOUT_ADVERSARY,
    whiten=True,
    usual={"gamma": 10, "beta": 1, "rate": 6},
    about="A VAE of pairs of neighbours in time, between which few latents change.",
    source="Klindt et al. 2021, arXiv:2007.10930",
)
