"""What methods of non-linear ICA that learn by classification share."""

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float

from disentanglement_study.methods.kinds import Inputs


def check_codes(inputs: Inputs, codes: int) -> int:
    """How many numbers an input has; ValueError for more codes than that."""
    (size,) = inputs.shape
    if codes > size:
        raise ValueError(f"nets.num_latents = {codes}: expected at most {size}, the numbers of an input")
    return size


def logistic(right: Float[Array, " b"], wrong: Float[Array, " b"]) -> tuple[Array, dict[str, Array]]:
    """½ mean softplus(-r) of inputs as they are and ½ mean softplus(r) of permuted ones, in nats; and the accuracy."""
    value = (jnp.mean(jax.nn.softplus(-right)) + jnp.mean(jax.nn.softplus(wrong))) / 2
    return value, {"accuracy": (jnp.mean(right > 0) + jnp.mean(wrong <= 0)) / 2}
