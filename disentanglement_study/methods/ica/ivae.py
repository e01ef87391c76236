"""iVAE: a VAE whose latents are independent given what is known beside each input; and the same without that."""

import dataclasses
from typing import Annotated

import jax
import jax.numpy as jnp
from annotated_types import Ge, Interval
from jax import Array
from jaxtyping import Float

from disentanglement_study import gaussian
from disentanglement_study.methods.gradient import by_gradient, optimiser_of
from disentanglement_study.methods.ica.sizes import check_codes
from disentanglement_study.methods.kinds import Inputs, Learner, Method, Settings
from disentanglement_study.methods.vae import scores
from disentanglement_study.nets.maxout import initial
from disentanglement_study.nets.xtanh import XtanhMlp
from disentanglement_study.objectives.terms import aggregate_posterior, gaussian_loss, gaussian_sample

PARAMETERS = ("mean", "logvar")  # of a Gaussian, a net for each


@dataclasses.dataclass(frozen=True)
class Options:
    """num_layers: matrices of each net. width: of their hidden layers. slope: a of their units, tanh(x) + a x.
    variance: of the decoder's noise."""

    num_layers: Annotated[int, Interval(ge=1, le=100)] = 3
    width: Annotated[int, Interval(ge=1, le=65_536)] = 100
    slope: Annotated[float, Interval(ge=0, le=1)] = 0.1
    variance: Annotated[float, Interval(gt=0, le=1000)] = 0.1


@dataclasses.dataclass(frozen=True)
class ConditionalOptions(Options):
    """Those of `Options`. prior_mean: whether the prior's mean is learnt, in place of 0. encoder_sees_u: whether the
    posterior is q(z | x, u), as in the authors' code, or q(z | x): with their weights the former has optima of a low
    loss in which codes tell u, and sources are lost."""

    prior_mean: bool = False
    encoder_sees_u: bool = False


def build(inputs: Inputs, settings: Settings) -> Learner:
    """Codes [B,d], d = `nets.num_latents`: means of q(z | x), or q(z | x, u), of a VAE whose prior is p(z | u).

        loss = a reconstruction + b mutual_information + c total_correlation + d dimension_wise_kl
        p(z | u) = N(μ(u), exp l(u)),    q(z | x, u) = N(m(x, u), exp v(x, u)),    p(x | z) = N(f(z), variance I)

    μ, l, m, v and f are nets. Khemakhem, Kingma, Monti and Hyvärinen 2020 (arXiv 1907.04809), section 3. With equal
    weights the last three are KL(q(z | x, u) || p(z | u)), and the loss is the negative ELBO, which is what the paper
    has; its code weighs by 100, 1, 0 and 10 (`in_parts` has the terms). The weights are the hyperparameters of these
    names.

    Assumes x = f(s) + noise, f injective, of as many numbers as sources or more, and s independent and Gaussian given
    u, of variances, and with `prior_mean` means, whose d, or 2d, contrasts between values of u are linearly
    independent: d + 1, or 2d + 1, segments. Identifies s up to order, scale and offset with `prior_mean` (theorem 2);
    else s² up to a linear map (theorem 1). The target is s.

    Scores of the training: "loss", by which restarts are compared, reconstruction, KL and ELBO, nats. ValueError for
    too few segments, for images, and for more codes than an input has numbers. Unlike the authors' code the KL is exact
    given x and u, in place of a draw of z.
    """
    options, codes = settings.options, settings.nets.num_latents
    learnt = PARAMETERS if options.prior_mean else PARAMETERS[1:]
    least, segments = len(learnt) * codes + 1, inputs.auxiliary.get("segment")
    if segments is not None and segments < least:
        raise ValueError(f"{segments} segments: expected at least {least}, for nets.num_latents = {codes}")
    return learner(inputs, settings, inputs.auxiliary["u"] if options.encoder_sees_u else 0, learnt)


def build_unconditional(inputs: Inputs, settings: Settings) -> Learner:
    """The same with the prior N(0, I) and the posterior q(z | x): nothing is identified, it is a control.

    Codes, loss and scores as `build` has them. ValueError for images, and for more codes than an input has numbers.
    """
    return learner(inputs, settings, 0, ())


def learner(inputs: Inputs, settings: Settings, seen: int, learnt: tuple[str, ...]) -> Learner:
    """The VAE whose encoder sees `seen` numbers of u, and whose prior has nets for what is `learnt` of it."""
    codes, options = settings.nets.num_latents, settings.options
    size = check_codes(inputs, codes)
    to_codes, to_inputs = (
        XtanhMlp(outputs, options.num_layers, options.width, options.slope) for outputs in (codes, size)
    )

    def nets_of(names, size):
        return lambda key: {name: initial(to_codes, size)(jax.random.fold_in(key, at)) for at, name in enumerate(names)}

    def encode(params, batch):
        known = jnp.concatenate([batch["x"], batch["u"]], axis=1) if seen else batch["x"]
        return {name: to_codes.apply({"params": params["encoder"][name]}, known) for name in PARAMETERS}

    def prior(params, batch):
        nets, unlearnt = params.get("prior", {}), jnp.zeros((len(batch["x"]), codes))
        return {
            name: to_codes.apply({"params": nets[name]}, batch["u"]) if name in nets else unlearnt
            for name in PARAMETERS
        }

    def decode(params, z):
        return to_inputs.apply({"params": params["decoder"]}, z)

    def loss(params, batch, key, hyper):
        posterior = encode(params, batch)
        z = gaussian_sample(key, **posterior)
        missed = gaussian_loss(decode(params, z), batch["x"], options.variance)
        kl = jnp.mean(jnp.sum(kl_from(posterior, prior(params, batch)), axis=1))
        weighted = sum(hyper[name] * part for name, part in in_parts(kl, z, **posterior).items())
        return hyper["reconstruction"] * missed + weighted, {"reconstruction_loss": missed, "kl_loss": kl}

    groups = {"encoder": nets_of(PARAMETERS, size + seen), "decoder": initial(to_inputs, codes)}
    if learnt:
        groups["prior"] = nets_of(learnt, inputs.auxiliary["u"])
    updates = settings.train.steps
    steps = by_gradient(loss, groups, optimiser_of(settings.train, updates), updates)
    return Learner(steps, encode, decode, scores)


def kl_from(posterior: dict[str, Array], prior: dict[str, Array]) -> Float[Array, "b d"]:
    """KL(q || p) of Gaussians of a mean and a logvar [B,d], elementwise, in nats: that from N(0, 1) in p's units."""
    offset = (posterior["mean"] - prior["mean"]) * jnp.exp(-prior["logvar"] / 2)
    return gaussian.kl(offset, posterior["logvar"] - prior["logvar"])


def in_parts(kl: Array, z: Float[Array, "b d"], mean: Float[Array, "b d"], logvar: Float[Array, "b d"]) -> dict:
    """The KL(q(z | x) || p(z)) as a sum of three, in which only one has the prior (Chen et al. 2018, arXiv 1802.04942,
    eq. 2), nats:

        mutual_information = E log q(z | x) / q(z),    total_correlation = E log q(z) / Π_i q(z_i),
        dimension_wise_kl = E log Π_i q(z_i) / p(z)

    z are draws of q(z | x), of this mean and logvar. q(z) is estimated by the batch, without its constant
    (`aggregate_posterior`), which cancels in the sum.
    """
    log_joint, log_marginals = map(jnp.mean, aggregate_posterior(z, mean, logvar))
    entropy = jnp.mean(jnp.sum(gaussian.entropy(logvar), axis=1))
    return {
        "mutual_information": -entropy - log_joint,
        "total_correlation": log_joint - log_marginals,
        "dimension_wise_kl": log_marginals + entropy + kl,
    }


HYPER = {
    name: Annotated[float, Ge(0)]
    for name in ("reconstruction", "mutual_information", "total_correlation", "dimension_wise_kl")
}
USUAL = dict.fromkeys(HYPER, 1)  # the negative ELBO
USES = ("nets.num_latents", "train")
IVAE = Method(
    build,
    HYPER,
    ConditionalOptions,
    needs=frozenset({"u"}),
    uses=USES,
    usual=USUAL,
    about="A VAE whose latents are independent given u.",
    source="Khemakhem, Kingma et al. 2020, arXiv:1907.04809",
)
UNCONDITIONAL_VAE = Method(
    build_unconditional,
    HYPER,
    Options,
    uses=USES,
    usual=USUAL,
    about="The VAE of iVAE without u: a control that identifies nothing.",
    source="Khemakhem, Kingma et al. 2020, arXiv:1907.04809",
)
