"""The factors themselves as codes: what the metrics give to a perfect representation."""

import jax.numpy as jnp

from disentanglement_study.methods.kinds import Given, Inputs, Learner, Method, Settings


def build(inputs: Inputs, settings: Settings) -> Learner:
    """Codes [B,F]: the values of the factors, 0 to size - 1, each divided by size - 1."""
    largest = jnp.array([size - 1 for size in inputs.factor_sizes], jnp.float32)
    return Learner(
        Given(lambda seed: {}), encode=lambda params, batch: {"mean": batch["factors"].astype(jnp.float32) / largest}
    )


GROUND_TRUTH = Method(build, needs=frozenset({"factors"}), uses=())
