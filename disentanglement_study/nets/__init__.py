"""Encoders, decoders and discriminators. To add one: write its module, add its line here."""

import dataclasses
import math
from collections.abc import Callable, Mapping
from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp

from disentanglement_study.config.declared import check_options
from disentanglement_study.errors import one_line, unknown
from disentanglement_study.nets.conv import ConvDecoder, ConvEncoder
from disentanglement_study.nets.mlp import Discriminator, MlpDecoder, MlpEncoder
from disentanglement_study.nets.options import MOST_WEIGHTS
from disentanglement_study.types import Nets

ENCODERS: dict[str, type[nn.Module]] = {"conv": ConvEncoder, "mlp": MlpEncoder}
DECODERS: dict[str, type[nn.Module]] = {"conv": ConvDecoder, "mlp": MlpDecoder}


def build(
    image_shape: tuple[int, ...],
    *,
    encoder: str,
    decoder: str,
    num_latents: int,
    encoder_options: Mapping[str, Any],
    decoder_options: Mapping[str, Any],
    discriminator_options: Mapping[str, Any],
    form: str = "patches",
) -> tuple[Nets, dict[str, Any]]:
    """The nets as pure functions, and for each parameter group a function from a key to its initial parameters.

    image_shape: [H, W, C], or [D] of vectors, which fully connected nets take.

    `form` is how convolutions are computed: a name of `layers.FORMS`, of which `layers.BEST` has one for each backend.

    Raises ValueError for an unknown net or option, and for an image that the net cannot halve often enough.
    """
    encode = _module("encoder", ENCODERS, encoder, {"num_latents": num_latents, "form": form}, encoder_options)
    decode = _module("decoder", DECODERS, decoder, {"image_shape": image_shape, "form": form}, decoder_options)
    discriminate = _module("discriminator", {"mlp": Discriminator}, "mlp", {}, discriminator_options)
    modules = encode, decode, discriminate
    key = image_shape, num_latents, encoder, decoder, *((type(module), repr(module)) for module in modules)
    if key not in _BUILT:
        _BUILT[key] = _built(image_shape, num_latents, (encoder, decoder), *modules)
    return _BUILT[key]


# JAX traces a function once for all who call it: methods with the same nets share that.
_BUILT: dict[tuple, tuple[Nets, dict[str, Any]]] = {}


def _built(
    image_shape: tuple[int, ...],
    num_latents: int,
    names: tuple[str, str],
    encode: nn.Module,
    decode: nn.Module,
    discriminate: nn.Module,
) -> tuple[Nets, dict[str, Any]]:
    # Arrays are made inside: planning builds nets too, and must not start a device.
    init = {
        "encoder": _init(encode, (1, *image_shape)),
        "decoder": _init(decode, (1, num_latents)),
        "discriminator": _init(discriminate, (1, num_latents)),
    }
    try:
        for kind, name, net in zip(("encoder", "decoder"), names, (encode, decode), strict=True):
            halvings = len(getattr(net, "channels", ()))
            if halvings and len(image_shape) != 3:
                raise ValueError(
                    f"nets.{kind} = {name!r} takes images, got vectors of {image_shape[0]} numbers: set it to 'mlp'"
                )
            if halvings and (image_shape[0] % 2**halvings or image_shape[1] % 2**halvings):
                raise ValueError(
                    f"{type(net).__name__} halves the image {halvings} times: {image_shape} cannot be halved so often"
                )
        weights = jax.eval_shape(lambda: [make(jax.random.key(0)) for make in init.values()])
    except (TypeError, ArithmeticError, NotImplementedError, RuntimeError) as error:
        raise ValueError(f"nets: these options cannot be built: {one_line(error)}") from error
    if (number := sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(weights))) > MOST_WEIGHTS:
        raise ValueError(f"nets: these options have {number:,} weights: expected at most {MOST_WEIGHTS:,}")
    return Nets(_function(encode), _function(decode), _function(discriminate)), init


def _init(net: nn.Module, shape: tuple[int, ...]) -> Callable[..., Any]:
    """A function from a key to the net's first parameters."""
    return jax.jit(lambda key: net.init(key, jnp.zeros(shape))["params"], inline=True)


def _function(net: nn.Module) -> Callable[..., Any]:
    return jax.jit(lambda params, inputs: net.apply({"params": params}, inputs), inline=True)


def _module(kind: str, registry: dict, name: str, given: dict, options: Mapping[str, Any]) -> nn.Module:
    if name not in registry:
        raise unknown(kind, name, registry)
    fields = {f.name: f.type for f in dataclasses.fields(registry[name]) if f.name not in ("parent", "name")}
    declared = {option: kind_of for option, kind_of in fields.items() if option not in given}
    checked = check_options(f"{kind} {name!r}", options, declared)
    return registry[name](**{k: v for k, v in given.items() if k in fields}, **checked)
