"""How sources become what is observed: by a fully connected net with no bias, of random weights."""

import numpy as np
from jaxtyping import Float

SLOPE = 0.2  # of leaky ReLU below 0
CANDIDATES = 1_000  # of which the worse conditioned three quarters are not used
SHARE = 25  # percent


def draw(num_sources: int, num_layers: int, draws: np.random.Generator) -> Float[np.ndarray, "layers s s"]:
    """The matrices of a mixing that can be inverted.

    Entries are U(-1, 1), columns have length 1, and the condition number is among the lowest quarter of such matrices
    (as in the code of Hyvärinen and Morioka 2017, "Nonlinear ICA of temporally dependent stationary sources").
    """
    candidates = _matrices(CANDIDATES, num_sources, draws)
    largest = np.percentile(np.linalg.cond(candidates), SHARE)
    good = candidates[np.linalg.cond(candidates) <= largest]
    return good[draws.choice(len(good), num_layers, replace=False)]


def mix(sources: Float[np.ndarray, "n s"], matrices: Float[np.ndarray, "layers s s"]) -> Float[np.ndarray, "n s"]:
    """A_L act(... act(A_1 s)), act a leaky ReLU: a single matrix is linear."""
    first, *others = matrices
    x = sources @ first.T
    for matrix in others:
        x = np.where(x > 0, x, SLOPE * x) @ matrix.T
    return x


def unmix(x: Float[np.ndarray, "n s"], matrices: Float[np.ndarray, "layers s s"]) -> Float[np.ndarray, "n s"]:
    """The sources that `mix` makes this of."""
    last, *others = np.linalg.inv(matrices)[::-1]
    x = x @ last.T
    for inverse in others:
        x = np.where(x > 0, x, x / SLOPE) @ inverse.T
    return x


def _matrices(number: int, size: int, draws: np.random.Generator) -> Float[np.ndarray, "number size size"]:
    matrices = draws.uniform(-1, 1, (number, size, size))
    return matrices / np.linalg.norm(matrices, axis=1, keepdims=True)
