"""Fused convolutions: against XLA's, interpreted on this CPU, and what becomes of them for a GPU."""

import re
import subprocess
import sys

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from chosen import slow, some_of
from jax import lax

from disentanglement_study.nets import conv, fused, views

pytestmark = pytest.mark.usefixtures("quick_compilation")

# Side of the large image, its channels, those of the small image, kernel. The first three have sizes that no tile
# divides, and more rows or columns than one tile; the others are layers of the study's nets.
SHAPES = [
    (10, 3, 5, 4),
    (12, 36, 70, 6),
    (6, 1, 2, 2),
    (64, 1, 32, 4),
    (8, 64, 64, 4),
    (16, 32, 64, 2),
    (64, 3, 32, 4),
    (32, 32, 32, 4),
    (16, 32, 64, 4),
]
directions = pytest.mark.parametrize("transposed", [False, True], ids=["halve", "double"])
LAYOUT = ("NHWC", "HWIO", "NHWC")


def inputs(shape, transposed, members=1, batch=3):
    """What goes into a layer, its kernel, its bias, and a gradient of what comes out."""
    side, c, o, k = shape
    large, small = (batch, side, side, c), (batch, side // 2, side // 2, o)
    into, out = (small, large) if transposed else (large, small)
    draws = np.random.default_rng(0)
    return [
        jnp.asarray(draws.normal(size=(members, *size)), jnp.float32) for size in (into, (k, k, c, o), out[-1:], out)
    ]


def by_xla(x, w, bias, transposed, rectified):
    x = jax.nn.relu(x) if rectified else x
    if transposed:
        return lax.conv_transpose(x, w, (2, 2), "SAME", dimension_numbers=LAYOUT, transpose_kernel=True) + bias
    return lax.conv_general_dilated(x, w, (2, 2), "SAME", dimension_numbers=LAYOUT) + bias


def with_gradients(layer, transposed, rectified=True):
    """(x, w, bias, gradient of the output) -> the output, and the gradients of x, w and bias."""

    def call(x, w, bias, gradient):
        out, pull_back = jax.vjp(lambda *inputs: layer(*inputs, transposed, rectified), x, w, bias)
        return out, *pull_back(gradient)

    return call


def assert_equal(ours, theirs, tolerance=1e-5):
    for mine, reference in zip(jax.tree.leaves(ours), jax.tree.leaves(theirs), strict=True):
        assert mine.shape == reference.shape
        np.testing.assert_allclose(mine, reference, rtol=0, atol=tolerance * np.abs(reference).max())


@directions
@pytest.mark.parametrize("members", [1, slow(3)])
@pytest.mark.parametrize("shape", some_of(SHAPES, 4), ids=str)
def test_a_layer_and_its_gradients_equal_xlas(shape, members, transposed):
    arrays = inputs(shape, transposed, members)
    ours, theirs = (jax.jit(jax.vmap(with_gradients(layer, transposed)))(*arrays) for layer in (fused.layer, by_xla))
    assert_equal(ours, theirs)


@directions
def test_members_do_not_mix_and_the_first_layer_is_not_rectified(transposed):
    arrays = inputs((8, 2, 3, 4), transposed, members=3)
    ours = jax.jit(jax.vmap(with_gradients(fused.layer, transposed, rectified=False)))(*arrays)
    for member in range(3):
        alone = (array[member] for array in arrays)
        assert_equal([array[member] for array in ours], with_gradients(by_xla, transposed, rectified=False)(*alone))


@directions
def test_a_net_takes_the_layer_of_its_form(transposed, monkeypatch):
    x, w, bias, _ = (array[0] for array in inputs((8, 2, 3, 4), transposed))
    form = conv.layers.FORMS["fused"]
    out = conv.layer(x, w, bias, "fused", transposed=transposed, rectified=True)
    assert_equal(out, by_xla(x, w, bias, transposed, rectified=True))
    monkeypatch.setitem(conv.layers.FORMS, "fused", form._replace(layer=None))
    assert_equal(out, conv.layer(x, w, bias, "fused", transposed=transposed, rectified=True))


@directions
def test_gradients_have_gradients(transposed):
    """As the penalties on a discriminator's slopes need them."""
    arrays = [array[0] for array in inputs((8, 2, 3, 4), transposed)]

    def penalty(layer):
        def of(x, w, bias, gradient):
            return sum(jnp.sum(slope**2) for slope in with_gradients(layer, transposed)(x, w, bias, gradient))

        return jax.jit(jax.grad(of, argnums=(0, 1, 2, 3)))(*arrays)

    assert_equal(penalty(fused.layer), penalty(by_xla))


def for_a_gpu(shape, transposed):
    """The program of a layer and its gradients, of three members, for a GPU that need not be there."""
    function = jax.jit(jax.vmap(with_gradients(fused.layer, transposed)))
    return function.trace(*inputs(shape, transposed, members=3)).lower(lowering_platforms=("cuda",)).as_text()


@directions
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_a_layer_is_three_kernels_on_a_gpu(shape, transposed):
    program = for_a_gpu(shape, transposed)
    assert program.count("@__gpu$xla.gpu.triton(") == 3
    assert not re.search(r"stablehlo\.(convolution|dot_general|while|gather|pad|concatenate)\b", program)


@pytest.mark.parametrize("precision", ["default", "highest"])
def test_products_are_as_precise_as_is_asked(precision):
    x, w, bias, _ = (array[0] for array in inputs((8, 2, 3, 4), False))
    with jax.default_matmul_precision(precision):
        program = str(jax.make_jaxpr(lambda *arrays: fused.layer(*arrays, False, True))(x, w, bias))
    assert ("HIGHEST" in program) == (precision == "highest")


@pytest.mark.parametrize("axis", [(40,), (3, 4, 32), (5, 3, 2), (2, 2, 64)], ids=str)
@pytest.mark.parametrize("size", [16, 64])
def test_runs_go_through_an_axis(axis, size):
    count, places = int(np.prod(axis)), []
    for start in range(0, count, size):
        run = views.run(axis, jnp.int32(start), size)
        places.append(np.broadcast_to(views.place(run.places, axis), size))
        expected = np.arange(start, start + size) < count
        np.testing.assert_array_equal(np.ones(size, bool) if run.there is None else run.there, expected)
    np.testing.assert_array_equal(np.concatenate(places)[:count], np.arange(count))


def test_other_forms_do_not_import_pallas():
    program = "import sys; from disentanglement_study.nets import conv; print('jax.experimental.pallas' in sys.modules)"
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
