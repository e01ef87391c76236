"""How sources become what is observed: by a fully connected net with no bias, of random weights."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

CANDIDATES = 1_000  # of which the worse conditioned three quarters are not used
SHARE = 25  # percent
# Newton's steps double the right digits; from where they start 12 are enough for all slopes from 1e-4 to 1.
STEPS = 16


class Activation(NamedTuple):
    """A rising function (x, slope) and its inverse."""

    apply: Callable[[np.ndarray, float], np.ndarray]
    invert: Callable[[np.ndarray, float], np.ndarray]


class Mixing(NamedTuple):
    """x = A_L act(... act(A_1 s)): a single matrix is linear.

    matrices: A_1 [D,S], then [D,D]. activation: a name out of `ACTIVATIONS`. slope: that of the leaky ReLU below 0, or
    what the "xtanh" has of the identity.
    """

    matrices: tuple[np.ndarray, ...]
    activation: str
    slope: float

    def mix(self, sources: Float[np.ndarray, "n s"]) -> Float[np.ndarray, "n d"]:
        first, *others = self.matrices
        act, x = ACTIVATIONS[self.activation].apply, sources @ first.T
        for matrix in others:
            x = act(x, self.slope) @ matrix.T
        return x

    def unmix(self, x: Float[np.ndarray, "n d"]) -> Float[np.ndarray, "n s"]:
        """The sources that `mix` makes this of, float64; of more D than S by the left inverse of A_1."""
        last, *others = map(np.linalg.pinv, reversed(self.matrices))
        invert, sources = ACTIVATIONS[self.activation].invert, x.astype(np.float64) @ last.T
        for inverse in others:
            sources = invert(sources, self.slope) @ inverse.T
        return sources


def draw(
    num_sources: int,
    num_observed: int,
    num_layers: int,
    weights: str,
    activation: str,
    slope: float,
    draws: np.random.Generator,
) -> Mixing:
    """A mixing that can be inverted; `weights` is a name out of `WEIGHTS`."""
    matrices: Iterable[np.ndarray]
    if num_observed == num_sources:
        matrices = WEIGHTS[weights](num_layers, (num_observed, num_sources), draws)
    else:
        first = WEIGHTS[weights](1, (num_observed, num_sources), draws)
        matrices = (*first, *WEIGHTS[weights](num_layers - 1, (num_observed, num_observed), draws))
    return Mixing(tuple(matrices), activation, slope)


def uniform(number: int, shape: tuple[int, int], draws: np.random.Generator) -> Float[np.ndarray, "number d s"]:
    """Matrices with entries U(-1, 1), columns of length 1, and a condition number among the lowest quarter of such.

    As in the code of Hyvärinen and Morioka 2017, "Nonlinear ICA of temporally dependent stationary sources".
    """
    candidates = draws.uniform(-1, 1, (CANDIDATES, *shape))
    candidates /= np.linalg.norm(candidates, axis=1, keepdims=True)
    conditions = np.linalg.cond(candidates)
    good = candidates[conditions <= np.percentile(conditions, SHARE)]
    return good[draws.choice(len(good), number, replace=False)]


def orthogonal(number: int, shape: tuple[int, int], draws: np.random.Generator) -> Float[np.ndarray, "number d s"]:
    """Matrices with orthonormal columns, uniform among those: Haar's measure (Mezzadri 2007, arXiv math-ph/0609050)."""
    q, r = np.linalg.qr(draws.standard_normal((number, *shape)))
    return q * np.sign(np.diagonal(r, axis1=1, axis2=2))[:, None, :]


def repeated(number: int, shape: tuple[int, int], draws: np.random.Generator) -> Float[np.ndarray, "number d s"]:
    """One and the same `uniform` matrix, as in the code of Khemakhem et al. 2020 (arXiv 1907.04809)."""
    return np.repeat(uniform(1, shape, draws), number, axis=0)


def leaky_relu(x: Float[np.ndarray, "n d"], slope: float) -> Float[np.ndarray, "n d"]:
    return np.where(x > 0, x, slope * x)


def inverse_leaky_relu(y: Float[np.ndarray, "n d"], slope: float) -> Float[np.ndarray, "n d"]:
    return np.where(y > 0, y, y / slope)


def xtanh(x: Float[np.ndarray, "n d"], slope: float) -> Float[np.ndarray, "n d"]:
    """tanh(x) + slope x."""
    return np.tanh(x) + slope * x


def inverse_xtanh(y: Float[np.ndarray, "n d"], slope: float) -> Float[np.ndarray, "n d"]:
    """By Newton's method, on |y|: there the function is concave, so that steps from below its root never pass it."""
    size = np.abs(y)
    # Below the root, for tanh(x) is at most x, and at most 1.
    x = np.maximum(size / (1 + slope), (size - 1) / slope)
    for _ in range(STEPS):
        x = x + (size - xtanh(x, slope)) / (1 - np.tanh(x) ** 2 + slope)
    return np.copysign(x, y)


ACTIVATIONS = {"leaky_relu": Activation(leaky_relu, inverse_leaky_relu), "xtanh": Activation(xtanh, inverse_xtanh)}
WEIGHTS = {"uniform": uniform, "orthogonal": orthogonal, "repeated": repeated}
