"""A VAE as it is before its first update."""

from disentanglement_study import rng
from disentanglement_study.methods.kinds import Given, Inputs, Learner, Method, Settings
from disentanglement_study.methods.vae import build_nets, check_images, coder


def build(inputs: Inputs, settings: Settings) -> Learner:
    """The codes of a VAE of `nets`, with the parameters with which one of this seed begins its training."""
    check_images(inputs)
    functions, init = build_nets(inputs, settings.nets, settings.form)

    def params(seed):
        return {group: init[group](rng.key(seed, "init", group)) for group in ("encoder", "decoder")}

    return Learner(Given(params), *coder(functions))


UNTRAINED_VAE = Method(build, uses=("nets",), about="A VAE before its first update.", source="none: a baseline")
