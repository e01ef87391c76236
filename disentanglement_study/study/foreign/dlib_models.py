"""What disentanglement_lib's gin configuration of a model says, as a run of ours."""

import ast
import functools
from collections.abc import Mapping
from typing import Any, NamedTuple

from disentanglement_study import data
from disentanglement_study.config import SECTIONS
from disentanglement_study.config.declared import check, words
from disentanglement_study.config.sections import Seed
from disentanglement_study.data import cache
from disentanglement_study.errors import clipped, unknown
from disentanglement_study.runtime.files import is_name

# Those that disentanglement_lib has; the one that has another name here.
DATA_SETS = (
    "dsprites_full", "dsprites_noshape", "color_dsprites", "noisy_dsprites", "scream_dsprites", "smallnorb", "cars3d",
    "shapes3d", "mpi3d_toy", "mpi3d_realistic", "mpi3d_real", "dummy_data",
)  # fmt: skip
RENAMED = {"dsprites_full": "dsprites"}
# Of each of their models, its name here, and what its hyperparameters are called there. DIP-VAE is two methods.
METHODS = {
    "vae": ("beta_vae", ("beta",)),
    "annealed_vae": ("annealed_vae", ("c_max", "gamma", "iteration_threshold")),
    "factor_vae": ("factor_vae", ("gamma",)),
    "dip_vae": ("dip_vae_{}", ("lambda_od", "lambda_d_factor")),
    "beta_tc_vae": ("beta_tc_vae", ("beta",)),
}
DIP_TYPES = ("i", "ii")
SEED = "model.random_seed"
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
    "dataset.name", "model.model", "model.name", "model.model_num", SEED, "model.eval_steps",
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
        raise ValueError(f"its model is {clipped(kind)}: expected one of {', '.join(METHODS)}")
    method, names = METHODS[kind]
    if kind == "dip_vae":
        method = method.format(chosen(config, "dip_vae.dip_type", DIP_TYPES))
    data_set = _data_set(value(config, "dataset.name"))
    hyper = {name: number(config, f"{kind}.{name}", float) for name in names}
    settings = {name: _default(name) for name, _ in (*NETS.values(), *NUMBERS.values())}
    for key, (name, known) in NETS.items():
        if key in config:
            settings[name] = known[chosen(config, key, tuple(known))]
    settings |= {name: number(config, key, of) for key, (name, of) in NUMBERS.items() if key in config}
    for key, allowed in ALWAYS.items():
        if key in config:
            chosen(config, key, allowed)
    seed = number(config, SEED, int)
    try:
        check("", seed, Seed)
    except ValueError:
        raise ValueError(f"its {SEED} is {seed}: expected {words(Seed)}") from None
    return Model(data_set, method, hyper, seed, settings)


def _data_set(name: Any) -> str:
    """Our name of a data set that disentanglement_lib has, or that is here; ValueError for any other."""
    if name in DATA_SETS:
        return RENAMED.get(name, name)
    if not is_name(name):
        raise ValueError(f"its data set is {clipped(name)}")
    if not (name in data.CATALOGUE or name in data.COMPUTED or cache.has(name)):
        own = "`disentanglement-study data add FILE` adds one of your own, and then its results can be imported"
        raise ValueError(f"{unknown('data set', name, DATA_SETS)}; {own}")
    return name


def theirs(name: str) -> str:
    """What a setting of ours, such as train.batch_size or beta_vae.beta, is called in their configuration."""
    known = {ours: key for key, (ours, _) in (*NETS.items(), *NUMBERS.items())}
    kinds = {ours.format(of): kind for kind, (ours, _) in METHODS.items() for of in DIP_TYPES}
    section, point, option = name.partition(".")
    return known.get(name, f"{kinds.get(section, section)}{point}{option}")


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
        raise ValueError(f"its {key} is {clipped(found)}: expected {' or '.join(map(str, allowed))}")
    return found


def number(config: Mapping[str, Any], key: str, of: type) -> Any:
    """A finite number, or a whole one."""
    found = value(config, key)
    right = isinstance(found, int | float) and not isinstance(found, bool) and abs(found) < 2**53
    if not right or (of is int and found != int(found)):
        raise ValueError(f"its {key} is {clipped(found)}: expected a number")
    return of(found)
