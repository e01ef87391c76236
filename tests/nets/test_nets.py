"""Nets: the convolutions against XLA's, and whole nets against TensorFlow's (golden/tf_nets, measured)."""

import functools
import json
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from chosen import slow, some_of
from jax import lax

from disentanglement_study import nets
from disentanglement_study.nets import layers

GOLDEN = Path(__file__).parent / "golden"
MEASURED = json.loads((GOLDEN / "tf_nets.json").read_text())

# Side of the large image, its channels, those of the small image, kernel: every convolution of the study's nets. An
# encoder goes from large to small, a decoder from small to large.
CONVOLUTIONS = [
    (64, 1, 32, 4),
    (64, 3, 32, 4),
    (32, 32, 32, 4),
    (16, 32, 64, 2),
    (16, 32, 64, 4),
    (8, 64, 64, 2),
    (8, 64, 64, 4),
]
UNTILED = (10, 3, 5, 4)  # a large image that tiles of 4 x 4 do not cut, a small one of odd size

# Of each measured net: how it is built, its parameter group, and our layers in the order of TensorFlow's variables.
NETS = {
    "conv_encoder": ("conv", 1, "encoder", ["Conv_0", "Conv_1", "Conv_2", "Conv_3", "Dense_0", "mean", "logvar"]),
    "conv_decoder": ("conv", 1, "decoder", ["Dense_0", "Dense_1", *(f"ConvTranspose_{i}" for i in range(4))]),
    "conv_decoder_colour": ("conv", 3, "decoder", ["Dense_0", "Dense_1", *(f"ConvTranspose_{i}" for i in range(4))]),
    "mlp_encoder": ("mlp", 1, "encoder", ["Dense_0", "Dense_1", "mean", "logvar"]),
    "mlp_decoder": ("mlp", 1, "decoder", ["Dense_0", "Dense_1", "Dense_2", "Dense_3"]),
    "discriminator": ("mlp", 1, "discriminator", [*(f"Dense_{i}" for i in range(6)), "logits"]),
}


def build(net="conv", colours=1, **changes):
    options = {"encoder": net, "decoder": net, "num_latents": 10, "encoder_options": {}, "decoder_options": {}}
    return nets.build((64, 64, colours), **{**options, "discriminator_options": {}, **changes})


pytestmark = pytest.mark.usefixtures("quick_compilation")
forms = pytest.mark.parametrize("form", layers.FORMS)


SHAPES = some_of([UNTILED, *(CONVOLUTIONS[i] for i in (0, 3, 4, 1, 2, 5, 6))], 3)


def xla_conv(x, w):
    layout = ("NHWC", "HWIO", "NHWC")
    return lax.conv_general_dilated(x, w, (2, 2), "SAME", dimension_numbers=layout)


def xla_conv_transpose(y, w):
    layout = ("NHWC", "HWIO", "NHWC")
    return lax.conv_transpose(y, w, (2, 2), "SAME", dimension_numbers=layout, transpose_kernel=True)


def arrays(side, large, small, kernel, members=()):
    """A large image, a small image and a kernel; `members` is a leading axis of all three."""
    normal = np.random.default_rng(0).normal
    shapes = ((2, side, side, large), (2, side // 2, side // 2, small), (kernel, kernel, large, small))
    return [jnp.asarray(normal(size=(*members, *shape)), jnp.float32) for shape in shapes]


def assert_close(ours, theirs, tolerance=1e-5):
    """Equal up to `tolerance` times the largest entry."""
    ours, theirs = np.asarray(ours), np.asarray(theirs)
    assert ours.shape == theirs.shape
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=tolerance * np.abs(theirs).max())


def value_and_gradients(function):
    """(inputs, w, cotangent) -> the value and its two gradients."""

    def call(inputs, w, cotangent):
        value, pull_back = jax.vjp(function, inputs, w)
        return value, *pull_back(cotangent)

    return call


def ours(form):
    return [lambda inputs, w, layer=layer: layer(inputs, w, form) for layer in (layers.conv, layers.conv_transpose)]


@functools.cache
def compared(form, shape):
    """For each direction, a value and its gradients: ours and XLA's, of one compiled program."""

    @jax.jit
    def both(large, small, w):
        conv, conv_transpose = ours(form)
        down = [value_and_gradients(function)(large, w, small) for function in (conv, xla_conv)]
        up = [value_and_gradients(function)(small, w, large) for function in (conv_transpose, xla_conv_transpose)]
        return down, up

    return both(*arrays(*shape))


@forms
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_convolutions_and_their_gradients_equal_xlas(shape, form):
    for mine, theirs in compared(form, shape):
        for value, reference in zip(mine, theirs, strict=True):
            assert_close(value, reference)


@forms
@pytest.mark.parametrize("shape", SHAPES[1:], ids=str)
def test_conv_transpose_is_the_adjoint_of_conv(shape, form):
    large, small, _ = (np.asarray(x, np.float64) for x in arrays(*shape))
    down, up = (np.asarray(mine[0], np.float64) for mine, _ in compared(form, shape))
    assert abs(np.vdot(down, small) - np.vdot(large, up)) < 1e-6 * np.linalg.norm(down) * np.linalg.norm(small)


@forms
@pytest.mark.parametrize("transform", ["vmap", "scan"])
@pytest.mark.parametrize("shape", some_of([(16, 3, 5, 4), (16, 3, 5, 2), (16, 3, 5, 6), (32, 8, 5, 4)], 1), ids=str)
def test_convolutions_are_the_same_for_a_population_and_inside_a_scan(shape, transform, form):
    large, small, w = arrays(*shape, members=(3,))

    def over(function):
        if transform == "vmap":
            return jax.jit(jax.vmap(function))
        return jax.jit(lambda *members: lax.scan(lambda _, member: (None, function(*member)), None, members)[1])

    conv, conv_transpose = ours(form)
    for mine, theirs, inputs, cotangent in (
        (conv, xla_conv, large, small),
        (conv_transpose, xla_conv_transpose, small, large),
    ):
        population = over(value_and_gradients(mine))(inputs, w, cotangent)
        for member in range(3):
            alone = value_and_gradients(theirs)(inputs[member], w[member], cotangent[member])
            for value, reference in zip(population, alone, strict=True):
                assert_close(value[member], reference)


def test_every_backend_has_a_form():
    assert set(layers.BEST.values()) <= set(layers.FORMS)
    assert {"cpu", "gpu", "tpu"} <= set(layers.BEST)


def test_where_operands_are_rounded_no_form_multiplies_sums_of_pixels():
    """Winograd's algorithm would: what is rounded would be something else than on a GPU."""
    assert layers.best_form() == layers.BEST["cpu"] == "mixed"
    assert layers.best_form("tf32") == layers.best_form("bfloat16") == layers.BEST["gpu"] == "least"


def test_relu_and_its_gradient():
    x = jnp.array([-1.0, 0.0, 2.0, jnp.nan])
    value, pull_back = jax.vjp(layers.relu, x)
    np.testing.assert_array_equal(value, jax.nn.relu(x))
    np.testing.assert_array_equal(pull_back(jnp.full(4, 3.0))[0][:3], [0, 0, 3])


@pytest.mark.parametrize("images", [6, slow(8)])
def test_nets_are_the_same_in_microbatches(images, monkeypatch):
    """Values and gradients, whether or not the microbatch divides the batch."""
    options = {"encoder_options": {"channels": (4, 6), "kernels": (4, 2), "hidden": 8}, "num_latents": 3}
    options |= {"decoder_options": {"channels": (6, 4), "hidden": 8}}
    normal = np.random.default_rng(0).normal
    large, z = (jnp.asarray(normal(size=shape), jnp.float32) for shape in ((images, 64, 64, 1), (images, 3)))
    results = {}
    for size in (None, 4):
        monkeypatch.setitem(layers.FORMS, "patches", layers.FORMS["patches"]._replace(microbatch=size))
        functions, init = build(**options)
        params = {group: init[group](jax.random.key(0)) for group in ("encoder", "decoder")}

        def loss(params, functions=functions):
            mean, logvar = functions.encode(params["encoder"], large)
            return jnp.sum(jnp.sin(functions.decode(params["decoder"], z))) + jnp.sum(mean * jnp.cos(logvar))

        results[size] = jax.jit(jax.value_and_grad(loss))(params)
    jax.tree.map(assert_close, results[4], results[None])


def num_parameters(init, groups) -> int:
    """Counted without making them."""
    shapes = jax.eval_shape(lambda: [init[group](jax.random.key(0)) for group in groups])
    return sum(leaf.size for leaf in jax.tree.leaves(shapes))


@pytest.mark.parametrize("name", NETS)
def test_a_net_has_the_variables_of_the_reference(name):
    net, colours, group, names = NETS[name]
    _, init = build(net, colours)
    shapes = jax.eval_shape(init[group], jax.random.key(0))
    ours = [shapes[layer][kind].shape for layer in names for kind in ("kernel", "bias")]
    assert ours == [tuple(variable["shape"]) for variable in MEASURED[name]["variables"]]
    assert num_parameters(init, (group,)) == MEASURED[name]["parameters"]


def test_parameters_are_counted_over_the_groups_asked_for():
    _, init = build(colours=1)
    assert num_parameters(init, ("encoder",)) == 309_204
    assert num_parameters(init, ("encoder", "decoder")) == 309_204 + 381_313
    assert num_parameters(init, ("discriminator",)) == 5_018_002
    assert num_parameters(build(colours=3)[1], ("decoder",)) == 382_339


@pytest.mark.parametrize("name", NETS)
def test_outputs_equal_the_references_for_the_same_weights(name):
    net, colours, group, names = NETS[name]
    draws = np.random.RandomState(0)
    shapes = [variable["shape"] for variable in MEASURED[name]["variables"]]
    weights = iter([draws.normal(0, 0.05, size=shape).astype(np.float32) for shape in shapes])
    params = {layer: {"kernel": next(weights), "bias": next(weights)} for layer in names}

    measured = np.load(GOLDEN / "tf_nets.npz")
    functions, _ = build(net, colours)
    function = getattr(functions, {"encoder": "encode", "decoder": "decode"}.get(group, "discriminate"))
    inputs = measured["images" if group == "encoder" else "latents"][: len(measured[f"{name}_0"])]
    outputs = jax.tree.leaves(jax.jit(function)(params, inputs))
    assert len(outputs) == (2 if group == "encoder" else 1)
    for i, output in enumerate(outputs):
        assert_close(output, measured[f"{name}_{i}"])


@pytest.mark.parametrize("name", [slow(name) if "decoder" in name else name for name in NETS])
def test_initial_weights_are_distributed_as_the_references(name):
    net, colours, group, names = NETS[name]
    _, init = build(net, colours)
    draw = jax.jit(init[group], compiler_options={"xla_backend_optimization_level": 0})  # compiles several times faster
    params = draw(jax.random.key(0))
    variables = iter(MEASURED[name]["variables"])
    for layer in names:
        kernel, measured = np.asarray(params[layer]["kernel"]), next(variables)
        limit, n = measured["initial_max"], kernel.size
        # Of n uniform draws in [-limit, limit]: the sd of their sd is limit / sqrt(15 n), and the largest falls short
        # of the limit by limit / n on average. Both sides are samples.
        assert abs(kernel.std() - measured["initial_std"]) < 5 * limit * np.sqrt(2 / (15 * n))
        assert abs(np.abs(kernel).max() - limit) < 15 * limit / n + 1e-6 * limit
        assert abs(kernel.mean()) < 5 * limit / np.sqrt(3 * n)
        assert next(variables)["initial_max"] == 0
        np.testing.assert_array_equal(params[layer]["bias"], 0)


def test_initial_weights_follow_from_the_key():
    _, init = build(discriminator_options={"widths": (8,)})
    draw = jax.jit(lambda seed: init["discriminator"](jax.random.key(seed))["logits"]["kernel"])
    one, same, other = draw(0), draw(0), draw(1)
    np.testing.assert_array_equal(one, same)
    assert np.abs(one - other).max() > 0


@pytest.mark.parametrize("net", ["conv", "mlp"])
def test_options_shape_the_nets(net):
    width = {"channels": [8, 4]} if net == "conv" else {"widths": [6]}
    encoder = {**width, "kernels": [2, 4], "hidden": 16} if net == "conv" else width
    functions, init = nets.build(
        (16, 8, 3),
        encoder=net,
        decoder=net,
        num_latents=2,
        encoder_options=encoder,
        decoder_options=width,
        discriminator_options={"widths": [5]},
    )
    params = {group: jax.eval_shape(init[group], jax.random.key(0)) for group in init}
    images = jax.ShapeDtypeStruct((4, 16, 8, 3), jnp.float32)
    mean, logvar = jax.eval_shape(functions.encode, params["encoder"], images)
    assert mean.shape == logvar.shape == (4, 2)
    assert jax.eval_shape(functions.decode, params["decoder"], mean).shape == images.shape
    assert jax.eval_shape(functions.discriminate, params["discriminator"], mean).shape == (4, 2)
    assert params["discriminator"]["Dense_0"]["kernel"].shape == (2, 5)
    first = {"conv": ("Conv_0", (2, 2, 3, 8)), "mlp": ("Dense_0", (384, 6))}[net]
    assert params["encoder"][first[0]]["kernel"].shape == first[1]


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"encoder": "convv"}, r"unknown encoder 'convv': did you mean 'conv'"),
        ({"decoder": "mpl"}, r"unknown decoder 'mpl': did you mean 'mlp'"),
        ({"decoder": "transformer"}, r"there are: conv, mlp"),
        ({"encoder_options": {"chanels": (8,)}}, r"option of encoder 'conv' 'chanels': did you mean 'channels'"),
        ({"decoder_options": {"kernels": (4,)}}, r"unknown option of decoder 'conv' 'kernels'"),
        ({"discriminator_options": {"width": (8,)}}, r"'width': did you mean 'widths'"),
        ({"encoder_options": {"num_latents": 3}}, r"unknown option of encoder 'conv' 'num_latents'"),
    ],
)
def test_what_does_not_exist_is_named_with_its_nearest(wrong, message):
    with pytest.raises(ValueError, match=message):
        build(**wrong)


@pytest.mark.parametrize("shape", [(60, 64, 1), (64, 8, 1)])
def test_an_image_that_cannot_be_halved_often_enough_is_refused(shape):
    options = {"encoder_options": {}, "decoder_options": {}, "discriminator_options": {}}
    with pytest.raises(ValueError, match=r"halves the image 4 times: \(6"):
        nets.build(shape, encoder="conv", decoder="mlp", num_latents=2, **options)
    with pytest.raises(ValueError, match="ConvDecoder halves"):
        nets.build(shape, encoder="mlp", decoder="conv", num_latents=2, **options)
