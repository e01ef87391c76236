"""Operations are counted as often as they run; where nothing loops, XLA counts about as many."""

import jax
import jax.numpy as jnp
import pytest
from jax import lax

from disentanglement_study.study import operations

MATRIX, VECTOR = jnp.zeros((4, 5)), jnp.zeros(5)
COUNTED = {  # by hand
    "product of matrices": (lambda x: x @ jnp.zeros((5, 3)), 2 * 4 * 5 * 3),
    "product of batches": (lambda x: jnp.einsum("ij,ik->ijk", x, x), 2 * 4 * 5 * 5),
    "sum": (lambda x: x.sum(axis=0), 20),
    "element by element": (lambda x: jnp.exp(x) * x, 40),
    "moved": (lambda x: jnp.concatenate([x.T, x.T])[::2], 0),
    "whole numbers": (lambda x: jnp.arange(20) + jnp.arange(20), 0),
    "function within": (lambda x: jax.jit(jnp.sin)(x), 20),
    "scan": (lambda x: lax.scan(lambda total, row: (total + row, None), VECTOR, x), 4 * 5),
    "scan in a scan": (
        lambda x: lax.scan(lambda c, _: (lax.fori_loop(0, 3, lambda _, v: v * 2.0, c), None), x, length=7),
        7 * 3 * 20,
    ),
    "longest branch": (lambda x: lax.cond(x[0, 0] > 0, jnp.sin, lambda v: jnp.sin(v) * jnp.cos(v), x), 1 + 60),
    "convolution": (
        lambda x: lax.conv_general_dilated(jnp.zeros((2, 8, 8, 3)), jnp.zeros((4, 4, 3, 6)), (2, 2), "SAME",
                                           dimension_numbers=("NHWC", "HWIO", "NHWC")),
        2 * (2 * 4 * 4 * 6) * (4 * 4 * 3),
    ),
    "scattered sums": (lambda x: x.at[jnp.array([0, 0])].add(jnp.ones((2, 5))), 10),
}  # fmt: skip


@pytest.mark.parametrize("name", COUNTED)
def test_the_count_is_that_by_hand(name):
    function, expected = COUNTED[name]
    assert operations.count(jax.make_jaxpr(function)(MATRIX)) == expected


def test_factorisations_count_by_the_cube():
    square = jnp.eye(6)[None].repeat(2, axis=0)
    jaxpr = jax.make_jaxpr(lambda x: lax.linalg.cholesky(x, symmetrize_input=False))(square)
    assert operations.count(jaxpr) == pytest.approx(2 * 6**3 / 3, rel=0.2)
    solved = jax.make_jaxpr(lambda x, y: lax.linalg.triangular_solve(x, y, left_side=True))(square, jnp.ones((2, 6, 4)))
    assert operations.count(solved) == 2 * 6 * 6 * 4
    assert operations.count(jax.make_jaxpr(jnp.linalg.slogdet)(square)) >= 2 * 6**3 * 2 / 3
