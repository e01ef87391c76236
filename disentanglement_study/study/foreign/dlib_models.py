"""What disentanglement_lib's gin configuration of a model says, as a run of ours."""

import ast
import functools
from collections.abc import Mapping
from typing import Any, NamedTuple

from disentanglement_study.config import SECTIONS
from disentanglement_study.errors import clipped
from disentanglement_study.runtime.files import is_name

DATA_SETS = {"dsprites_full": "dsprites"}  # the others have the same names
# Of each of their models, its name here, and what its hyperparameters are called there. DIP-VAE is two methods.
METHODS = {
    "vae": ("beta_vae", ("beta",)),
    "annealed_vae": ("annealed_vae", ("c_max", "gamma", "iteration_threshold")),
    "factor_vae": ("factor_vae", ("gamma",)),
    "dip_vae": ("dip_vae_{}", ("lambda_od", "lambda_d_factor")),
    "beta_tc_vae": ("beta_tc_vae", ("beta",)),
}
NETS = {"encoder.encoder_fn": ("nets.encoder", {"conv_encoder": "conv", "fc_encoder": "mlp"}),
        "decoder.decoder_fn": ("nets.decoder", {"deconv_decoder": "conv", "fc_decoder": "mlp"})}  # fmt: skip
NUMBERS = {
    "encoder.num_latent": ("nets.num_latents", int),
    "model.batch_size": ("train.batch_size", int),
    "model.training_steps": ("train.steps", int),
    "vae/AdamOptimizer.learning_rate": ("train.learning_rate", float),
    "vae/AdamOptimizer.beta1": ("train.beta1", float),
    "vae/AdamOptimizer.beta2": ("train.beta2", float),
    "vae/AdamOptimizer.epsilon": ("train.epsilon", float),
    "discriminator/AdamOptimizer.learning_rate": ("train.discriminator_learning_rate", float),
    "discriminator/AdamOptimizer.beta1": ("train.discriminator_beta1", float),
    "discriminator/AdamOptimizer.beta2": ("train.discriminator_beta2", float),
}
# What is the same for all models here.
ALWAYS = {
    "reconstruction_loss.loss_fn": ("bernoulli_loss",),
    "reconstruction_loss.activation": ("logits",),
    "bernoulli_loss.subtract_true_image_entropy": (False,),
    "vae_optimizer.optimizer_fn": ("AdamOptimizer",),
    "discriminator_optimizer.optimizer_fn": ("AdamOptimizer",),
    "discriminator.discriminator_fn": ("fc_discriminator",),
    "discriminator/AdamOptimizer.epsilon": (1e-8,),  # for discriminators ours has train.epsilon too
}
# Names, numbers and what changes no model.
WITHOUT_EFFECT = {
    "dataset.name", "model.model", "model.name", "model.model_num", "model.random_seed", "model.eval_steps",
    "vae/AdamOptimizer.name", "vae/AdamOptimizer.use_locking", "discriminator/AdamOptimizer.name",
    "discriminator/AdamOptimizer.use_locking", "dip_vae.dip_type",
}  # fmt: skip
KNOWN = {*NETS, *NUMBERS, *ALWAYS, *WITHOUT_EFFECT} | {
    f"{model}.{name}" for model, (_, names) in METHODS.items() for name in names
}


class Model(NamedTuple):
    """A model by our names; settings: {"nets.num_latents": 10}. What is not given is as in the study of 2019."""

    data_set: str
    method: str
    hyper: dict[str, float]
    seed: int
    settings: dict[str, Any]


def model(config: Mapping[str, Any]) -> Model:
    """The model of a `train_config`, {"vae.beta": "4.0"}, whose values are gin text.

    ValueError for what it leaves out that is needed, and for what there is nothing like here.
    """
    kind = value(config, "model.model")
    if kind not in METHODS:
        raise ValueError(f"its model is {clipped(kind)}: known are {', '.join(METHODS)}")
    method, names = METHODS[kind]
    if kind == "dip_vae":
        method = method.format(chosen(config, "dip_vae.dip_type", ("i", "ii")))
    data_set = value(config, "dataset.name")
    data_set = DATA_SETS.get(data_set, data_set)
    if not is_name(data_set):
        raise ValueError(f"its data set is {clipped(data_set)}")
    hyper = {name: number(config, f"{kind}.{name}", float) for name in names}
    settings = {name: _default(name) for name, _ in (*NETS.values(), *NUMBERS.values())}
    for key, (name, known) in NETS.items():
        if key in config:
            settings[name] = known[chosen(config, key, tuple(known))]
    settings |= {name: number(config, key, of) for key, (name, of) in NUMBERS.items() if key in config}
    for key, allowed in ALWAYS.items():
        if key in config:
            chosen(config, key, allowed)
    return Model(data_set, method, hyper, number(config, "model.random_seed", int), settings)


def not_given(config: Mapping[str, Any]) -> list[str]:
    """The settings of a `train_config` that it leaves out, and that are taken to be the study's of 2019."""
    of_all = [name for name in (*NETS, *NUMBERS) if not name.startswith("discriminator/")]
    wanted = (*NETS, *NUMBERS) if value(config, "model.model") == "factor_vae" else of_all
    return [name for name in wanted if name not in config]


def _default(name: str) -> Any:
    section, _, setting = name.partition(".")
    return getattr(SECTIONS[section], setting)


def unknown_names(config: Mapping[str, Any]) -> list[str]:
    """The settings of a `train_config` that nothing is known of, and that were not looked at."""
    return [name for name in config if name not in KNOWN]


def value(config: Mapping[str, Any], key: str) -> Any:
    """The value of a binding: of "@scope/vae()" the name, "vae". ValueError if it is not there."""
    if config.get(key) is None:
        raise ValueError(f"its configuration has no {key}")
    return plain(config[key])


def plain(text: Any) -> Any:
    """What gin text stands for; what is no text, as it is."""
    return _literal(text) if isinstance(text, str) else text


@functools.lru_cache(4096)  # the same texts are in each of many thousand files
def _literal(text: str) -> Any:
    if text.startswith("@"):
        return text[1:].removesuffix("()").rpartition("/")[2]
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return text  # a text that lost its quotes


def chosen(config: Mapping[str, Any], key: str, allowed: tuple) -> Any:
    """A value that is one of these."""
    if (found := value(config, key)) not in allowed:
        raise ValueError(f"its {key} is {clipped(found)}: known here is {' or '.join(map(str, allowed))}")
    return found


def number(config: Mapping[str, Any], key: str, of: type) -> Any:
    """A finite number, or a whole one."""
    found = value(config, key)
    right = isinstance(found, int | float) and not isinstance(found, bool) and abs(found) < 2**53
    if not right or (of is int and found != int(found)):
        raise ValueError(f"its {key} is {clipped(found)}: expected a number")
    return of(found)
