"""How many floating-point operations a traced function is, counted on its jaxpr: nothing is lowered or compiled."""

import math
from typing import Any

import jax.numpy as jnp
from jax.extend.core import Jaxpr

# What moves numbers, or chooses between them, and computes none.
MOVES = {
    "bitcast_convert_type", "broadcast_in_dim", "concatenate", "convert_element_type", "copy", "device_put",
    "dynamic_slice", "dynamic_update_slice", "gather", "iota", "pad", "reshape", "rev", "scatter", "select_n",
    "slice", "sort", "split", "squeeze", "stop_gradient", "transpose",
}  # fmt: skip


def count(jaxpr: Any) -> float:
    """The operations of a `jax.core.ClosedJaxpr` or `Jaxpr`.

    An addition and a multiplication are one each, so that a product of matrices [m, k] and [k, n] is 2 m k n; any
    other function of an element is one too. Loops count as often as they run; one of which that is not known, as a
    `while` that tests what it computes, counts once. Of branches the longest counts.
    """
    return sum(map(_of_equation, getattr(jaxpr, "jaxpr", jaxpr).eqns))


def _of_equation(equation: Any) -> float:
    name, params = equation.primitive.name, equation.params
    inputs = [variable.aval for variable in equation.invars]
    match name:
        case "scan":
            return params["length"] * count(params["jaxpr"])
        case "cond":
            return max(map(count, params["branches"]))
        case "custom_linear_solve":
            return count(params["jaxprs"].solve)
        case "dot_general":
            (contracted, _), _ = params["dimension_numbers"]
            return 2.0 * _outputs(equation) * math.prod(inputs[0].shape[axis] for axis in contracted)
        case "conv_general_dilated":  # of each output the whole kernel, the channels that it does not sum over left out
            channels = inputs[1].shape[params["dimension_numbers"].rhs_spec[0]]
            return 2.0 * _outputs(equation) * inputs[1].size / channels
        case "lu" | "cholesky":
            *batch, _, size = inputs[0].shape
            return math.prod(batch) * size**3 * (2 / 3 if name == "lu" else 1 / 3)
        case "triangular_solve":
            return inputs[0].shape[-1] * float(inputs[1].size)
    if name in MOVES:
        return 0.0
    if name.startswith("scatter"):  # sums, products
        return _floats(inputs[2])
    if name.startswith(("reduce", "cum", "arg")):
        return _floats(inputs[0])
    within = [part for value in params.values() for part in (value if isinstance(value, tuple | list) else [value])]
    if within := [part for part in within if isinstance(getattr(part, "jaxpr", part), Jaxpr)]:
        return sum(map(count, within))
    return _outputs(equation) if any(map(_floats, inputs)) else 0.0


def _outputs(equation: Any) -> float:
    return float(sum(variable.aval.size for variable in equation.outvars))


def _floats(value: Any) -> float:
    """How many floating-point numbers an array is."""
    return float(value.size) if jnp.issubdtype(value.dtype, jnp.floating) else 0.0
