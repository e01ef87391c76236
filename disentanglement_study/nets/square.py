"""An invertible net of square matrices, whose log-determinant is known."""

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

Params = dict[str, dict[str, Array]]


def init(key: Array, size: int, num_layers: int) -> Params:
    """Orthogonal matrices, biases of 0: {"layer_0": {"kernel": [D,D], "bias": [D]}, ...}."""
    orthogonal = jax.nn.initializers.orthogonal()
    keys = jax.random.split(key, num_layers)
    return {
        f"layer_{layer}": {"kernel": orthogonal(keys[layer], (size, size)), "bias": jnp.zeros(size)}
        for layer in range(num_layers)
    }


def apply(
    params: Params, x: Float[Array, "b d"], slope: float, relative_gradient: bool = False
) -> tuple[Float[Array, "b d"], Float[Array, " b"]]:
    """g(x) = act(... act(x W_1 + b_1) ...) W_L + b_L, and log |det J_g(x)|. act: the smooth leaky ReLU.

    relative_gradient: derivatives by W are those by the relative gradient, W Wᵀ G in place of G.
    """
    product, log_det = (relative_product, relative_log_det) if relative_gradient else (jnp.matmul, plain_log_det)
    first, *others = (params[f"layer_{layer}"] for layer in range(len(params)))
    y, log_dets = product(x, first["kernel"]) + first["bias"], log_det(first["kernel"])
    for layer in others:
        log_dets += log_smooth_leaky_slope(y, slope).sum(axis=1)
        y = product(smooth_leaky_relu(y, slope), layer["kernel"]) + layer["bias"]
        log_dets += log_det(layer["kernel"])
    return y, jnp.broadcast_to(log_dets, y.shape[:1])


def smooth_leaky_relu(x: Array, slope: float) -> Array:
    """a x + (1 - a) log(1 + exp x), with a the slope at -∞ (Gresele et al. 2020, arXiv 2006.15090)."""
    return slope * x + (1 - slope) * jax.nn.softplus(x)


def log_smooth_leaky_slope(x: Array, slope: float) -> Array:
    """The logarithm of its derivative, a + (1 - a) sigmoid(x)."""
    return jnp.log(slope + (1 - slope) * jax.nn.sigmoid(x))


def plain_log_det(w: Float[Array, "d d"]) -> Float[Array, ""]:
    """log |det W|."""
    return jnp.linalg.slogdet(w)[1]


@jax.custom_vjp
def relative_log_det(w: Float[Array, "d d"]) -> Float[Array, ""]:
    """log |det W|, whose relative gradient is W Wᵀ W⁻ᵀ = W: no inverse is taken."""
    return plain_log_det(w)


relative_log_det.defvjp(lambda w: (plain_log_det(w), w), lambda w, gradient: (gradient * w,))


@jax.custom_vjp
def relative_product(x: Float[Array, "b d"], w: Float[Array, "d d"]) -> Float[Array, "b d"]:
    """x W, whose relative gradient by W is W Wᵀ xᵀ δ = (y Wᵀ)ᵀ δ, of y = x W: products with vectors alone."""
    return x @ w


def _product_backwards(saved, gradient):
    y, w = saved
    return gradient @ w.T, (y @ w.T).T @ gradient


relative_product.defvjp(lambda x, w: (x @ w, (x @ w, w)), _product_backwards)
