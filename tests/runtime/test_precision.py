"""The precision of products: what their operands are rounded to, and that nothing else is."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax import lax

from disentanglement_study.runtime import precision

# The smallest steps above 1 that a precision keeps and loses: half of a step is rounded to the even 1.
KEPT = {"float32": 2.0**-23, "tf32": 2.0**-10, "bfloat16": 2.0**-7}
LOST = {"tf32": 2.0**-11, "bfloat16": 2.0**-8}
roundings = pytest.mark.parametrize("name", LOST)

LAYOUT = ("NHWC", "HWIO", "NHWC")


@jax.custom_vjp
def product(x, w):
    return x @ w


product.defvjp(lambda x, w: (x @ w, (x, w)), lambda saved, y: (y @ saved[1].T, saved[0].T @ y))

# Functions of a 1 x 1 matrix, with one product by ones each, wherever it may stand in a program.
PLACES = {
    "plain": lambda x: x @ jnp.ones((1, 1)),
    "convolution": lambda x: lax.conv_general_dilated(
        x[None, None], jnp.ones((1, 1, 1, 1)), (1, 1), "SAME", dimension_numbers=LAYOUT
    )[0, 0],
    "jit": jax.jit(lambda x: x @ jnp.ones((1, 1))),
    "scan": lambda x: lax.scan(lambda c, _: (c, c @ jnp.ones((1, 1))), x, None, length=2)[1][0],
    "for": lambda x: lax.fori_loop(0, 1, lambda _, c: c @ jnp.ones((1, 1)), x),
    "while": lambda x: lax.while_loop(lambda s: s[1] < 1, lambda s: (s[0] @ jnp.ones((1, 1)), s[1] + 1), (x, 0))[0],
    "cond": lambda x: lax.cond(x[0, 0] > 0, lambda c: c @ jnp.ones((1, 1)), jnp.zeros_like, x),
    "map": lambda x: lax.map(lambda row: row @ jnp.ones((1, 1)), x[None])[0],
    "vmap": lambda x: jax.vmap(lambda row: row @ jnp.ones((1, 1)))(x[None])[0],
    "checkpoint": jax.checkpoint(lambda x: x @ jnp.ones((1, 1))),
    "custom_vjp": lambda x: product(x, jnp.ones((1, 1))),
    "custom_jvp": lambda x: jax.nn.relu(x @ jnp.ones((1, 1))),
    "gradient": lambda x: jax.grad(lambda w: jnp.sum(x @ w))(jnp.ones((1, 1))),
    "custom gradient": lambda x: jax.grad(lambda w: jnp.sum(product(x, w)))(jnp.ones((1, 1))),
    "gradient in a loop": lambda x: lax.fori_loop(
        0, 1, lambda _, c: jax.grad(lambda w: jnp.sum(c @ w))(jnp.ones((1, 1))), x
    ),
}


def at_one_and(step: float, name: str, function) -> float:
    return float(jax.jit(precision.at(name, function))(jnp.full((1, 1), 1 + step, jnp.float32))[0, 0]) - 1


@pytest.mark.parametrize("place", PLACES)
@roundings
def test_operands_are_rounded_wherever_the_product_is(name, place):
    assert at_one_and(KEPT[name], name, PLACES[place]) == KEPT[name]
    assert at_one_and(LOST[name], name, PLACES[place]) == 0


@pytest.mark.parametrize("place", PLACES)
def test_float32_rounds_nothing(place):
    assert at_one_and(KEPT["float32"], "float32", PLACES[place]) == KEPT["float32"]


@roundings
def test_sums_are_float32(name):
    """513 ones and a step of 2^-13: bfloat16 would sum to 512, TF32 would lose the step."""
    ones = jnp.append(jnp.ones(513), 2.0**-13)
    assert float(jax.jit(precision.at(name, jnp.dot))(ones, jnp.ones(514))) == 513 + 2.0**-13


@roundings
def test_what_is_no_product_keeps_its_bits(name):
    step = KEPT["float32"]
    for function in (lambda x: x * x.T, lambda x: x + 0, lambda x: jnp.cumsum(x)[None]):
        exact = float(function(jnp.full((1, 1), 1 + step))[0, 0]) - 1
        assert at_one_and(step, name, function) == exact > 0


@roundings
def test_a_product_that_asks_for_a_precision_gets_it(name):
    assert at_one_and(LOST[name], name, lambda x: jnp.matmul(x, jnp.ones((1, 1)), precision="highest")) == LOST[name]


@roundings
def test_whole_numbers_and_other_types_are_left_alone(name):
    whole = jax.jit(precision.at(name, lambda a, b: a @ b))(jnp.full((1, 1), 2**20 + 1), jnp.ones((1, 1), int))
    assert whole.dtype == jnp.int32
    assert int(whole[0, 0]) == 2**20 + 1


def test_structure_of_arguments_and_results_is_that_of_the_function():
    def function(given, key):
        return {"y": given["x"] @ given["w"], "key": jax.random.split(key)}, [given["x"]]

    given = {"x": jnp.ones((2, 3)), "w": jnp.ones((3, 4))}
    expected = function(given, jax.random.key(0))
    found = precision.at("tf32", function)(given, jax.random.key(0))
    assert jax.tree.structure(found) == jax.tree.structure(expected)
    np.testing.assert_array_equal(found[0]["y"], expected[0]["y"])
    assert (found[0]["key"] == expected[0]["key"]).all()


ON_A_GPU = {
    "float32": "precision = [HIGHEST, HIGHEST]",
    "tf32": "tf32",
    "bfloat16": "tensor<4x4xbf16>, tensor<4x4xbf16>",
}


@pytest.mark.parametrize("name", ON_A_GPU)
def test_on_a_gpu_its_tensor_cores_round(name):
    """Of the program as it is lowered for one: no card is needed."""
    x = jnp.ones((4, 4))
    lowered = jax.jit(precision.at(name, lambda a, b: a @ b)).trace(x, x).lower(lowering_platforms=("cuda",))
    (line,) = (line for line in lowered.as_text().splitlines() if "dot_general" in line)
    assert ON_A_GPU[name] in line
    assert line.rstrip().endswith("-> tensor<4x4xf32>")
    assert "reduce_precision" not in lowered.as_text()
