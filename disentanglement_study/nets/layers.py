"""Strided convolution as matrix products, fast under `vmap` and inside `scan`.

`vmap` of `lax.conv` over the weights becomes a grouped convolution, and its gradients inside a `scan` are slower on CPU
by an order of magnitude; a product of image patches with the kernel has neither fault. With stride 2 and SAME padding
the whole family is three bilinear maps, each the derivative of the others:

    conv(x, w)            y = P(x) w           [B,2h,2w,C], [k,k,C,O] -> [B,h,w,O]
    conv_transpose(y, w)  x = Pᵀ(y wᵀ)         [B,h,w,O],   [k,k,C,O] -> [B,2h,2w,C]
    _kernel_gradient(x,y) w = P(x)ᵀ y          [B,2h,2w,C], [B,h,w,O] -> [k,k,C,O]

where P cuts x into k x k patches. Both layers so take a kernel [k, k, C, O] with O the channels of the *small* image:
`conv_transpose` is the adjoint of `conv` with the same kernel, the layout of TensorFlow's `conv2d_transpose`.
"""

import jax
import jax.numpy as jnp
from jax import Array, lax
from jaxtyping import Float


def _pad(x: Array, k: int) -> Array:
    """SAME padding of an even image for an even kernel and stride 2: k/2 - 1 on each side."""
    p = k // 2 - 1
    return jnp.pad(x, ((0, 0), (p, p), (p, p), (0, 0)))


def _patches(x: Array, k: int) -> Array:
    """The patches under each position of the kernel: [B,2h,2w,C] -> [B*h*w, k*k*C]."""
    b, height, width, c = x.shape
    h, w = height // 2, width // 2
    # Column pairs are adjacent in memory: folding them into the channels halves the number of slices.
    pairs = _pad(x, k).reshape(b, height + k - 2, w + k // 2 - 1, 2 * c)
    slices = [pairs[:, i : i + 2 * h : 2, j : j + w] for i in range(k) for j in range(k // 2)]
    return jnp.concatenate(slices, axis=-1).reshape(b * h * w, k * k * c)


def _sum_patches(p: Array, shape: tuple[int, int, int, int], k: int) -> Array:
    """The adjoint of `_patches`: overlapping patches [B*h*w, k*k*C] summed into an image of `shape` [B,2h,2w,C]."""
    b, height, width, c = shape
    h, w, n = height // 2, width // 2, k // 2
    p = p.reshape(b, h, w, n, 2, n, 2, c)
    blocks = sum(
        jnp.pad(p[:, :, :, i, :, j], ((0, 0), (i, n - 1 - i), (j, n - 1 - j), (0, 0), (0, 0), (0, 0)))
        for i in range(n)
        for j in range(n)
    )
    image = blocks.transpose(0, 1, 3, 2, 4, 5).reshape(b, height + k - 2, width + k - 2, c)
    edge = n - 1
    return image[:, edge : edge + height, edge : edge + width]


def _conv(x: Array, w: Array) -> Array:
    b, height, width, c = x.shape
    k, o = w.shape[0], w.shape[-1]
    return (_patches(x, k) @ w.reshape(k * k * c, o)).reshape(b, height // 2, width // 2, o)


def _conv_transpose(y: Array, w: Array) -> Array:
    b, height, width, o = y.shape
    k, c = w.shape[0], w.shape[2]
    columns = y.reshape(-1, o) @ w.reshape(k * k * c, o).T
    return _sum_patches(columns, (b, 2 * height, 2 * width, c), k)


def _kernel_gradient(x: Array, y: Array, shape: tuple[int, ...]) -> Array:
    # XLA's CPU product is about three times faster as yᵀ P than as Pᵀ y, and would undo the transposition
    # without the barrier.
    product = y.reshape(-1, y.shape[-1]).T @ _patches(x, shape[0])
    return lax.optimization_barrier(product).T.reshape(shape)


@jax.custom_vjp
def conv(x: Float[Array, "b h w c"], w: Float[Array, "k k c o"]) -> Float[Array, "b h2 w2 o"]:
    """Convolution of stride 2, SAME padding, even image and even kernel: halves height and width."""
    return _conv(x, w)


conv.defvjp(
    lambda x, w: (_conv(x, w), (x, w)),
    lambda saved, y: (_conv_transpose(y, saved[1]), _kernel_gradient(saved[0], y, saved[1].shape)),
)


@jax.custom_vjp
def conv_transpose(y: Float[Array, "b h w o"], w: Float[Array, "k k c o"]) -> Float[Array, "b h2 w2 c"]:
    """The adjoint of `conv` with the same kernel: doubles height and width."""
    return _conv_transpose(y, w)


conv_transpose.defvjp(
    lambda y, w: (_conv_transpose(y, w), (y, w)),
    lambda saved, x: (_conv(x, saved[1]), _kernel_gradient(x, saved[0], saved[1].shape)),
)
