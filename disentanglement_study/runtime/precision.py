"""The precision of training: to how many bits the operands of matrix products and convolutions are rounded.

Nothing else is rounded: products are summed in float32, and weights, the optimiser's moments and losses are float32. An
operand of 16 bits is half the traffic on a device that is bound by memory; tensor cores take 11 or 8 significant bits
at several times the speed of 24. What asks for a precision of its own, such as a loss, gets it.
"""

import functools
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from jax import Array, lax
from jax.extend import core
from jax.extend.core.primitives import conv_general_dilated_p, dot_general_p

FLOAT32 = "float32"
EXPONENT = 8  # bits, of float32 and of both below
MANTISSA = {"tf32": 10, "bfloat16": 7}  # bits after the leading one, which is not stored; float32 has 23
# What has programs of its own, by the name of the primitive, and which of its parameters they are.
CALLS = {
    "jit": "jaxpr", "pjit": "jaxpr", "checkpoint": "jaxpr", "remat2": "jaxpr", "closed_call": "call_jaxpr",
    "custom_jvp_call": "call_jaxpr", "custom_vjp_call": "call_jaxpr",
}  # fmt: skip
LOOPS = {"scan": ("jaxpr",), "while": ("cond_jaxpr", "body_jaxpr"), "cond": ("branches",)}


def at(precision: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """`function` of arrays, whose products of float32 take operands of a precision: "float32", "tf32" or "bfloat16".

    "float32" is all 24 bits, also on a GPU or TPU, where JAX rounds by default. The others round alike on all devices:
    what a device cannot is done in float32, on rounded operands. They are not for functions that are differentiated
    afterwards, whose gradients would not be rounded: differentiate first.
    """

    @functools.wraps(function)
    def exact(*arguments):
        with jax.default_matmul_precision("highest"):
            return function(*arguments)

    @functools.wraps(function)
    def rounded(*arguments):
        with jax.default_matmul_precision(None):
            program, shapes = jax.make_jaxpr(function, return_shape=True)(*arguments)
        values = _evaluate(program, precision, jax.tree.leaves(arguments))
        return jax.tree.unflatten(jax.tree.structure(shapes), values)

    return exact if precision == FLOAT32 else rounded


def _evaluate(program: core.ClosedJaxpr, precision: str, arguments: list) -> list:
    """What a program gives, equation by equation, its products rounded; also those in calls and loops."""
    values: dict[core.Var, Any] = dict(zip(program.jaxpr.constvars, program.consts, strict=True))
    values |= zip(program.jaxpr.invars, arguments, strict=True)

    def value(atom):
        return atom.val if isinstance(atom, core.Literal) else values[atom]

    for equation in program.eqns:
        given, name = [value(atom) for atom in equation.invars], equation.primitive.name
        if _is_rounded(equation):
            found = [_product(equation, precision, *given)]
        elif name in CALLS:
            found = _evaluate(_closed(equation.params[CALLS[name]]), precision, given)
        else:
            parameters = equation.params | {
                key: _rounded(equation.params[key], precision) for key in LOOPS.get(name, ())
            }
            found = equation.primitive.bind(*given, **parameters)
            found = found if equation.primitive.multiple_results else [found]
        values |= zip(equation.outvars, found, strict=True)
    return [value(atom) for atom in program.jaxpr.outvars]


def _rounded(held: Any, precision: str) -> Any:
    """The program of a loop, or a tuple of those of its branches, with their products rounded."""
    if isinstance(held, tuple):
        return tuple(_rounded(branch, precision) for branch in held)
    shapes = [jax.ShapeDtypeStruct(aval.shape, aval.dtype, weak_type=aval.weak_type) for aval in held.in_avals]
    return jax.make_jaxpr(lambda *arguments: _evaluate(held, precision, list(arguments)))(*shapes)


def _closed(program: core.ClosedJaxpr | core.Jaxpr) -> core.ClosedJaxpr:
    return program if isinstance(program, core.ClosedJaxpr) else core.ClosedJaxpr(program, ())


def _is_rounded(equation: core.JaxprEqn) -> bool:
    """Whether it is a product of float32 that asks for no precision of its own."""
    return (
        equation.primitive in (dot_general_p, conv_general_dilated_p)
        and equation.params["precision"] is None
        and all(getattr(atom.aval, "dtype", None) == jnp.float32 for atom in equation.invars)
    )


def _product(equation: core.JaxprEqn, precision: str, a: Array, b: Array) -> Array:
    def product(a: Array, b: Array, asked: Any) -> Array:
        parameters = {**equation.params, "precision": asked, "preferred_element_type": jnp.dtype("float32")}
        return equation.primitive.bind(a, b, **parameters)

    def in_float32(a: Array, b: Array) -> Array:
        a, b = (lax.reduce_precision(operand, EXPONENT, MANTISSA[precision]) for operand in (a, b))
        return product(a, b, (lax.Precision.HIGHEST,) * 2)

    def by_tensor_cores(a: Array, b: Array) -> Array:
        dot = equation.primitive is dot_general_p
        return product(a, b, lax.DotAlgorithmPreset.TF32_TF32_F32 if dot else (lax.Precision.DEFAULT,) * 2)

    def of_16_bits(a: Array, b: Array) -> Array:
        return product(a.astype(jnp.bfloat16), b.astype(jnp.bfloat16), None)

    if precision == "tf32":
        return lax.platform_dependent(a, b, cuda=by_tensor_cores, default=in_float32)
    return lax.platform_dependent(a, b, cpu=in_float32, default=of_16_bits)
