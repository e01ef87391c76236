"""Parameters of models, nested as a net has them or flat as a file has them."""

import functools

import jax
import numpy as np


def flat(tree: dict) -> dict[str, np.ndarray]:
    """Nested parameters as {"encoder/Dense_0/kernel": [M, ...]}."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(tree)
    return {"/".join(part.key for part in path): np.asarray(leaf) for path, leaf in leaves}


def nested(arrays: dict[str, np.ndarray]) -> dict:
    """{"encoder/Dense_0/kernel": [M, ...]} as the nested parameters that it was made of."""
    tree: dict = {}
    for path, leaf in arrays.items():
        *parents, name = path.split("/")
        functools.reduce(lambda branch, part: branch.setdefault(part, {}), parents, tree)[name] = leaf
    return tree
