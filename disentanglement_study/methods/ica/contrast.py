"""What methods of non-linear ICA that learn by classification share."""

import jax
import jax.numpy as jnp
from jax import Array
from jaxtyping import Float


def logistic(right: Float[Array, " b"], wrong: Float[Array, " b"]) -> tuple[Array, dict[str, Array]]:
    """½ mean softplus(-r) of inputs as they are and ½ mean softplus(r) of permuted ones, in nats; and the accuracy."""
    value = (jnp.mean(jax.nn.softplus(-right)) + jnp.mean(jax.nn.softplus(wrong))) / 2
    return value, {"accuracy": (jnp.mean(right > 0) + jnp.mean(wrong <= 0)) / 2}
