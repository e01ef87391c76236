"""The mixing of sources: it can be undone, one layer is linear, and its weights are of the kind that was asked for."""

import itertools

import numpy as np
import pytest
from scipy import stats

from disentanglement_study.data.series import mixing

SHAPES = [(4, 4), (3, 7)]  # sources, observed


def drawn(seed=0, sources=4, observed=4, layers=2, weights="uniform", activation="leaky_relu", slope=0.2):
    draws = np.random.default_rng(seed)
    return mixing.draw(sources, observed, layers, weights, activation, slope, draws)


@pytest.mark.parametrize("shape", SHAPES, ids=["square", "more observed"])
@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize(("activation", "weights"), [*itertools.product(mixing.ACTIVATIONS, mixing.WEIGHTS)])
def test_what_is_mixed_is_unmixed(activation, weights, layers, shape):
    sources, observed = shape
    mixed = drawn(layers, sources, observed, layers, weights, activation, slope=0.1)
    assert [matrix.shape for matrix in mixed.matrices] == [(observed, sources), *[(observed, observed)] * (layers - 1)]
    truth = np.random.default_rng(1).laplace(size=(200, sources))
    x = mixed.mix(truth)
    assert x.shape == (200, observed)
    np.testing.assert_allclose(mixed.unmix(x), truth, rtol=0, atol=1e-9)
    assert mixed.unmix(x.astype(np.float32)).dtype == np.float64


def test_two_layers_of_known_weights():
    first, second = np.array([[1.0, 0], [1, -1]]), np.array([[0.0, 1], [2, 0]])
    # s = (1, 3): A_1 s = (1, -2), of which leaky ReLU makes (1, -.4), and A_2 of that (-.4, 2).
    mixed = mixing.Mixing((first, second), "leaky_relu", 0.2)
    np.testing.assert_allclose(mixed.mix(np.array([[1.0, 3]])), [[-0.4, 2]])
    smooth = mixed._replace(activation="xtanh", slope=0.5).mix(np.array([[1.0, 3]]))
    np.testing.assert_allclose(smooth, [[np.tanh(-2) - 1, 2 * (np.tanh(1) + 0.5)]])


@pytest.mark.parametrize("activation", mixing.ACTIVATIONS)
def test_one_layer_is_linear_and_two_are_not(activation):
    sources = np.random.default_rng(0).laplace(size=(50, 4))
    for layers, linear in ((1, True), (2, False)):
        mixed = drawn(layers=layers, activation=activation)
        doubled = mixed.mix(sources - 1) + mixed.mix(sources + 1)
        assert np.allclose(doubled, 2 * mixed.mix(sources)) is linear


@pytest.mark.parametrize("slope", [0.001, 0.01, 0.2, 1.0])
def test_the_inverse_of_xtanh_is_exact_however_flat_it_is(slope):
    x = np.concatenate([np.linspace(-30, 30, 20_001), np.geomspace(1e-12, 1e4, 2_000)])[:, None]
    found = mixing.inverse_xtanh(mixing.xtanh(x, slope), slope)
    np.testing.assert_allclose(found, x, rtol=1e-12, atol=1e-9)


@pytest.mark.parametrize("shape", SHAPES)
def test_uniform_matrices_have_columns_of_length_1_and_are_among_the_better_conditioned_quarter(shape):
    sources, observed = shape
    matrices = mixing.uniform(20, (observed, sources), np.random.default_rng(3))
    np.testing.assert_allclose(np.linalg.norm(matrices, axis=1), 1)
    others = np.random.default_rng(4).uniform(-1, 1, (4000, observed, sources))
    others = np.sort(np.linalg.cond(others / np.linalg.norm(others, axis=1, keepdims=True)))
    assert np.linalg.cond(matrices).max() < others[int(0.29 * 4000)]


@pytest.mark.parametrize("shape", SHAPES)
def test_orthogonal_matrices_keep_lengths_and_have_no_preferred_direction(shape):
    sources, observed = shape
    matrices = mixing.orthogonal(4000, (observed, sources), np.random.default_rng(5))
    np.testing.assert_allclose(
        matrices.transpose(0, 2, 1) @ matrices, np.tile(np.eye(sources), (4000, 1, 1)), atol=1e-12
    )
    # Of Haar's measure an entry squared is Beta(1/2, (D - 1)/2), and has either sign. QR alone would fix signs.
    for row, column in ((0, 0), (observed - 1, sources - 1)):
        entries = matrices[:, row, column]
        assert stats.kstest(entries**2, stats.beta(0.5, (observed - 1) / 2).cdf).pvalue > 1e-3
        assert abs((entries > 0).mean() - 0.5) < 4 / np.sqrt(4 * 4000)


def test_repeated_weights_are_one_matrix_and_a_first_of_another_shape():
    first, *others = drawn(layers=3, weights="repeated").matrices
    np.testing.assert_array_equal(others, [first, first])
    np.testing.assert_array_equal(first, drawn(layers=1).matrices[0])  # a uniform one
    wide, *square = drawn(sources=3, observed=5, layers=3, weights="repeated").matrices
    assert wide.shape == (5, 3)
    np.testing.assert_array_equal(square[0], square[1])
    apart = drawn(layers=3).matrices
    assert not np.allclose(apart[0], apart[1])
