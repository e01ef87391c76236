"""Every objective of `OBJECTIVES` is a method: a VAE that is trained on it."""

import dataclasses
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import jax
from annotated_types import Interval

from disentanglement_study import nets
from disentanglement_study.config import NetConfig, TrainConfig
from disentanglement_study.methods.gradient import adversarial, by_gradient
from disentanglement_study.methods.kinds import Inputs, Learner, Method, Settings
from disentanglement_study.types import Objective

# The settings that make a difference to a VAE that has no adversary.
WITHOUT_ADVERSARY = tuple(
    f"{section}.{field.name}"
    for section, of in (("nets", NetConfig), ("train", TrainConfig))
    for field in dataclasses.fields(of)
    if not field.name.startswith("discriminator_")
)


@dataclasses.dataclass(frozen=True)
class Options:
    """pixels: how many full-size pixels one pixel of a downsized image counts for, in the reconstruction loss and the
    ELBO, also as scores: compare these only between models with the same `pixels`.

    The loss sums over pixels, so a strength weighs 16 times as much on images of 64x64 pixels that are averaged down to
    16x16. With `pixels` of 16 it weighs as it does at 64x64.
    """

    pixels: Annotated[float, Interval(gt=0, le=1e6)] = 1.0


def vae(objective: Objective) -> Method:
    """The method that trains encoder and decoder, and an adversary if the objective has one, on the objective."""

    def build(inputs: Inputs, settings: Settings) -> Learner:
        check_images(inputs)
        functions, init = build_nets(inputs, settings.nets, settings.form)
        functions = functions._replace(pixels=(settings.options or Options()).pixels)

        def loss(params, batch, key, hyper):
            return objective.loss(functions, params, batch["x"], key, hyper)

        updates = num_updates(settings.train, objective, settings.protocol)
        return Learner(
            by_gradient(
                loss,
                {group: init[group] for group in objective.trains},
                adversarial(settings.train, updates, objective.trains, objective.adversary),
                updates,
            ),
            *coder(functions),
            scores=scores,
        )

    uses = None if objective.adversary else WITHOUT_ADVERSARY
    return Method(
        build,
        hyper=objective.hyper,
        options=Options,
        uses=uses,
        usual=objective.usual,
        instead=objective.instead,
        about=objective.about,
        source=objective.source,
    )


def build_nets(inputs: Inputs, net: NetConfig, form: str = "patches") -> tuple[Any, dict[str, Callable[..., Any]]]:
    """`nets.build` for these inputs. ValueError for nets that cannot take them."""
    return nets.build(
        inputs.shape,
        encoder=net.encoder,
        decoder=net.decoder,
        num_latents=net.num_latents,
        encoder_options=net.encoder_options,
        decoder_options=net.decoder_options,
        discriminator_options=net.discriminator_options,
        form=form,
    )


def check_images(inputs: Inputs, what: str = "a VAE of pixels") -> None:
    """ValueError for vectors: what these nets decode are the logits of pixels in [0, 1]."""
    if len(inputs.shape) != 3:
        raise ValueError(f"{what} takes images, got vectors of {inputs.shape[0]} numbers")


def coder(functions: Any) -> tuple[Callable[..., Any], Callable[..., Any]]:
    """`encode` and `decode` of a learner whose parameters are those of these nets."""

    def encode(params, batch):
        mean, logvar = functions.encode(params["encoder"], batch["x"])
        return {"mean": mean, "logvar": logvar}

    return encode, lambda params, codes: jax.nn.sigmoid(functions.decode(params["decoder"], codes))


def scores(terms: Mapping[str, Any]) -> dict[str, Any]:
    """Loss, and where the objective gives both, reconstruction, KL and ELBO. Nats.

    Other terms are in the curves only.
    """
    shown = {name: terms[name] for name in ("loss", "reconstruction_loss", "kl_loss") if name in terms}
    if {"reconstruction_loss", "kl_loss"} <= shown.keys():
        shown["elbo"] = -(shown["reconstruction_loss"] + shown["kl_loss"])
    return shown


def num_updates(train: TrainConfig, objective: Objective, protocol: str) -> int:
    """Updates that an objective gets from `train.steps`.

    Under protocol "dlib" an objective with an adversary gets half: in disentanglement_lib both optimisers advance the
    step counter that ends the training, so the published FactorVAEs had about 150,000 updates, not 300,000.
    """
    halved = protocol == "dlib" and objective.adversary is not None
    return max(train.steps // 2, 1) if halved else train.steps
