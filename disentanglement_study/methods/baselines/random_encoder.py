"""Features of an encoder that has learnt nothing: what its architecture alone gives."""

from disentanglement_study import rng
from disentanglement_study.methods.kinds import Given, Inputs, Learner, Method, Settings
from disentanglement_study.methods.vae import build_nets


def build(inputs: Inputs, settings: Settings) -> Learner:
    """Codes [B,D]: the means of the encoder of `nets` with random parameters, without a posterior."""
    functions, init = build_nets(inputs, settings.nets, settings.form)
    return Learner(
        Given(lambda seed: {"encoder": init["encoder"](rng.key(seed, "init", "random_encoder"))}),
        encode=lambda params, batch: {"mean": functions.encode(params["encoder"], batch["x"])[0]},
    )


RANDOM_ENCODER = Method(
    build,
    uses=("nets",),
    about="An encoder with random weights: what the architecture alone gives.",
    source="none: a baseline",
)
