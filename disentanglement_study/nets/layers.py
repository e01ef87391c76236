"""Strided convolution in forms that stay fast under `vmap` and inside `scan`.

`vmap` of `lax.conv` over the weights becomes a grouped convolution, and its gradients inside a `scan` are slower on CPU
by an order of magnitude; matrix products have neither fault. With stride 2 and SAME padding the whole family is three
bilinear maps, each the derivative of the others:

    halve(x, w)               [B,2h,2w,C], [k,k,C,O] -> [B,h,w,O]
    double(y, w)              [B,h,w,O],   [k,k,C,O] -> [B,2h,2w,C]
    kernel_gradient(x, y, k)  [B,2h,2w,C], [B,h,w,O] -> [k,k,C,O]

`conv` is `halve` with the other two as its gradients, `conv_transpose` is `double`; both take a kernel [k,k,C,O] with O
the channels of the *small* image, so that one is the adjoint of the other (the layout of TensorFlow's
`conv2d_transpose`). A `Form` is a way to compute the three: see `FORMS`, and `BEST` for which one runs where.
"""

import functools
import importlib
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Float

from disentanglement_study.nets import winograd
from disentanglement_study.nets.rearrange import by_taps, column_pairs, pad, to_blocks, to_space, transposed_product

LAYOUT = ("NHWC", "HWIO", "NHWC")


class Form(NamedTuple):
    """How the three maps are computed. `microbatch`: images that a net handles at once (None: the whole batch).

    `layer`: (x, w, bias, transposed, rectified) -> a layer of `conv`, if the form computes one as a whole.
    `backend`: the one for which the form is made (None: any); on others it is slow.
    """

    halve: Callable[[Array, Array], Array]
    double: Callable[[Array, Array], Array]
    kernel_gradient: Callable[[Array, Array, int], Array]
    microbatch: int | None = None
    layer: Callable[[Array, Array, Array, bool, bool], Array] | None = None
    backend: str | None = None


# Patches: y = P(x) w, where P cuts x into k x k patches, and x = Pᵀ(y wᵀ).


def _patches(x: Array, k: int) -> Array:
    """The patches under each position of the kernel: [B,2h,2w,C] -> [B*h*w, k*k*C]."""
    b, height, width, c = x.shape
    h, w = height // 2, width // 2
    pairs = column_pairs(x, k)
    slices = [pairs[:, i : i + 2 * h : 2, j : j + w] for i in range(k) for j in range(k // 2)]
    return jnp.concatenate(slices, axis=-1).reshape(b * h * w, k * k * c)


def _sum_patches(p: Array, shape: tuple[int, int, int, int], k: int) -> Array:
    """The adjoint of `_patches`: overlapping patches [B*h*w, k*k*C] summed into an image of `shape` [B,2h,2w,C]."""
    b, height, width, c = shape
    h, w, n = height // 2, width // 2, k // 2
    p = p.reshape(b, h, w, n, 2, n, 2, c)
    blocks: Any = sum(
        jnp.pad(p[:, :, :, i, :, j], ((0, 0), (i, n - 1 - i), (j, n - 1 - j), (0, 0), (0, 0), (0, 0)))
        for i in range(n)
        for j in range(n)
    )
    return to_space(blocks, n - 1)


def _halve_patches(x: Array, w: Array) -> Array:
    b, height, width, _ = x.shape
    k, o = w.shape[0], w.shape[-1]
    return (_patches(x, k) @ w.reshape(-1, o)).reshape(b, height // 2, width // 2, o)


def _double_patches(y: Array, w: Array) -> Array:
    b, height, width, o = y.shape
    k, c = w.shape[0], w.shape[2]
    columns = y.reshape(-1, o) @ w.reshape(-1, o).T
    return _sum_patches(columns, (b, 2 * height, 2 * width, c), k)


def _kernel_gradient_patches(x: Array, y: Array, k: int) -> Array:
    c, o = x.shape[-1], y.shape[-1]
    return transposed_product(y.reshape(-1, o), _patches(x, k)).T.reshape(k, k, c, o)


# Blocks: the padded image as 2 x 2 blocks of 4C channels (space to depth), on which the kernel has n x n taps, n = k/2.
# One product does for all taps, of operands that are no larger than the image; its results are n x n times as large as
# the small image, and are added up.


def _windows(y: Array, n: int) -> Array:
    """Under each block the n x n small pixels that it takes part in: [B,h,w,O] -> [B,h+n-1,w+n-1,n*n*O]."""
    _, h, w, _ = y.shape
    padded, taps = pad(y, n - 1), range(n - 1, -1, -1)
    return jnp.concatenate([padded[:, i : i + h + n - 1, j : j + w + n - 1] for i in taps for j in taps], axis=-1)


def _halve_blocks(x: Array, w: Array) -> Array:
    b, height, width, c = x.shape
    k, o = w.shape[0], w.shape[-1]
    n, h, v = k // 2, height // 2, width // 2
    matrix = by_taps(w).transpose(2, 3, 4, 0, 1, 5).reshape(4 * c, n * n * o)
    parts = (to_blocks(x, k).reshape(-1, 4 * c) @ matrix).reshape(b, h + n - 1, v + n - 1, n, n, o)
    total: Any = sum(parts[:, i : i + h, j : j + v, i, j] for i in range(n) for j in range(n))
    return total


def _double_blocks(y: Array, w: Array) -> Array:
    b, h, v, o = y.shape
    k, c = w.shape[0], w.shape[2]
    n = k // 2
    matrix = by_taps(w).transpose(0, 1, 5, 2, 3, 4).reshape(n * n * o, 4 * c)
    blocks = _windows(y, n).reshape(-1, n * n * o) @ matrix
    return to_space(blocks.reshape(b, h + n - 1, v + n - 1, 2, 2, c), n - 1)


def _kernel_gradient_blocks(x: Array, y: Array, k: int) -> Array:
    c, o, n = x.shape[-1], y.shape[-1], k // 2
    product = transposed_product(_windows(y, n).reshape(-1, n * n * o), to_blocks(x, k).reshape(-1, 4 * c))
    return product.reshape(n, n, o, 2, 2, c).transpose(0, 3, 1, 4, 5, 2).reshape(k, k, c, o)


# XLA's own convolution.


def _halve_xla(x: Array, w: Array) -> Array:
    return lax.conv_general_dilated(x, w, (2, 2), "SAME", dimension_numbers=LAYOUT)


def _double_xla(y: Array, w: Array) -> Array:
    return lax.conv_transpose(y, w, (2, 2), "SAME", dimension_numbers=LAYOUT, transpose_kernel=True)


def _kernel_gradient_xla(x: Array, y: Array, k: int) -> Array:
    shape = jnp.zeros((k, k, x.shape[-1], y.shape[-1]), x.dtype)
    return jax.linear_transpose(functools.partial(_halve_xla, x), shape)(y)[0]


def _double_dense(y: Array, w: Array) -> Array:
    """`_double_blocks` with XLA's convolution of stride 1 in place of windows and product."""
    b, h, v, o = y.shape
    k, c = w.shape[0], w.shape[2]
    n = k // 2
    taps = by_taps(w)[::-1, ::-1].transpose(0, 1, 5, 2, 3, 4).reshape(n, n, o, 4 * c)
    blocks = lax.conv_general_dilated(pad(y, n - 1), taps, (1, 1), "VALID", dimension_numbers=LAYOUT)
    return to_space(blocks.reshape(b, h + n - 1, v + n - 1, 2, 2, c), n - 1)


# Winograd's algorithm on blocks where it applies: 4 x 4 kernels, of large images those that its tiles cut.


def _tiled(image: Array, k: int) -> bool:
    """Whether Winograd's algorithm can cut the large image into its tiles."""
    return k == winograd.KERNEL and image.shape[1] % winograd.TILE == image.shape[2] % winograd.TILE == 0


def _halve_winograd(x: Array, w: Array) -> Array:
    return (winograd.halve if _tiled(x, w.shape[0]) else _halve_blocks)(x, w)


def _double_winograd(y: Array, w: Array) -> Array:
    return (winograd.double if w.shape[0] == winograd.KERNEL else _double_blocks)(y, w)


def _kernel_gradient_winograd(x: Array, y: Array, k: int) -> Array:
    return winograd.kernel_gradient(x, y) if _tiled(x, k) else _kernel_gradient_blocks(x, y, k)


# Mixed: the fastest of the above on CPU by shape inside a whole step, four images at a time.


def _halve_mixed(x: Array, w: Array) -> Array:
    k, _, c, _ = w.shape
    if k == 2:
        return _halve_patches(x, w)
    return (_halve_winograd if c >= 8 and x.shape[1] >= 32 else _halve_xla)(x, w)


def _double_mixed(y: Array, w: Array) -> Array:
    k, _, c, _ = w.shape
    if k == 2 or c < 8:
        return _double_patches(y, w)
    return (_double_winograd if y.shape[1] >= 16 else _double_dense)(y, w)


def _kernel_gradient_mixed(x: Array, y: Array, k: int) -> Array:
    c, o = x.shape[-1], y.shape[-1]
    if c < 8:
        return transposed_product(_patches(x, k), y.reshape(-1, o)).reshape(k, k, c, o)
    large = k > 2 and x.shape[1] >= 32
    return (_kernel_gradient_winograd if large else _kernel_gradient_patches)(x, y, k)


# Least: of patches and blocks the one that moves fewer bytes. Of a 2 x 2 kernel blocks are patches, with a sum more; of
# few channels a patch is no wider than what blocks add up.


def _least(k: int, c: int) -> Form:
    return FORMS["patches" if k == 2 or c < 8 else "blocks"]


# Fused: kernels of our own that write no patches, see there. Imported when they are used: Pallas takes a while.


def _fused(name: str) -> Callable[..., Any]:
    return lambda *inputs: getattr(importlib.import_module("disentanglement_study.nets.fused"), name)(*inputs)


FORMS: dict[str, Form] = {
    "patches": Form(_halve_patches, _double_patches, _kernel_gradient_patches),
    "blocks": Form(_halve_blocks, _double_blocks, _kernel_gradient_blocks),
    "least": Form(
        lambda x, w: _least(*w.shape[1:3]).halve(x, w),
        lambda y, w: _least(*w.shape[1:3]).double(y, w),
        lambda x, y, k: _least(k, x.shape[-1]).kernel_gradient(x, y, k),
    ),
    "xla": Form(_halve_xla, _double_xla, _kernel_gradient_xla),
    "winograd": Form(_halve_winograd, _double_winograd, _kernel_gradient_winograd),
    "fused": Form(_fused("halve"), _fused("double"), _fused("kernel_gradient"), layer=_fused("layer"), backend="gpu"),
    "mixed": Form(_halve_mixed, _double_mixed, _kernel_gradient_mixed, microbatch=4),
}

# The form of each backend: on CPU as benchmarks/training.py found; on a GPU, which memory binds, the one that moves
# fewest bytes as XLA compiles it (`make gpu-bytes`): 466 MB a model and step of beta-VAE, patches 670, blocks 737. None
# has been measured on a GPU or TPU yet. "fused", 200 MB, waits for that: its kernels are ours, and may be slow.
BEST = {"cpu": "mixed", "gpu": "least", "tpu": "least"}


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def conv(x: Float[Array, "b h w c"], w: Float[Array, "k k c o"], form: str) -> Float[Array, "b h2 w2 o"]:
    """Convolution of stride 2, SAME padding, even image and even kernel: halves height and width."""
    return FORMS[form].halve(x, w)


conv.defvjp(
    lambda x, w, form: (FORMS[form].halve(x, w), (x, w)),
    lambda form, saved, y: (
        FORMS[form].double(y, saved[1]),
        FORMS[form].kernel_gradient(saved[0], y, saved[1].shape[0]),
    ),
)


@functools.partial(jax.custom_vjp, nondiff_argnums=(2,))
def conv_transpose(y: Float[Array, "b h w o"], w: Float[Array, "k k c o"], form: str) -> Float[Array, "b h2 w2 c"]:
    """The adjoint of `conv` with the same kernel: doubles height and width."""
    return FORMS[form].double(y, w)


conv_transpose.defvjp(
    lambda y, w, form: (FORMS[form].double(y, w), (y, w)),
    lambda form, saved, x: (
        FORMS[form].halve(x, saved[1]),
        FORMS[form].kernel_gradient(x, saved[0], saved[1].shape[0]),
    ),
)


@jax.custom_vjp
def relu(x: Array) -> Array:
    """max(x, 0), whose gradient remembers its output, which the next layer keeps anyway, and no mask beside it."""
    return jnp.maximum(x, 0)


relu.defvjp(
    lambda x: (jnp.maximum(x, 0),) * 2,
    lambda out, gradient: (jnp.where(out > 0, gradient, 0),),
)


def in_microbatches(function: Callable[[Any, Array], Array], params: Any, batch: Array, form: str) -> Array:
    """`function(params, batch)` of images that do not depend on each other, a few at a time where `form` asks for it.

    A microbatch and all its activations stay in the cache of a core.
    """
    size = FORMS[form].microbatch
    if size is None or len(batch) <= size or len(batch) % size:
        return function(params, batch)
    out = lax.map(lambda images: function(params, images), batch.reshape(-1, size, *batch.shape[1:]))
    return out.reshape(-1, *out.shape[2:])


def best_form(precision: str = "float32") -> str:
    """The form of convolutions that is fastest on this process's device.

    Where operands are rounded, one whose products are of pixels and weights as they are, so that models are the same on
    all devices: Winograd's are of sums of pixels.
    """
    best = BEST.get(jax.default_backend(), "patches")
    return "least" if precision != "float32" and best == "mixed" else best
