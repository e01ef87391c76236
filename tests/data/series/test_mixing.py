"""The mixing of sources: it can be undone, and one layer is linear."""

import numpy as np
import pytest

from disentanglement_study.data.series import mixing


@pytest.mark.parametrize("layers", [1, 2, 5])
def test_what_is_mixed_is_unmixed_by_the_inverse(layers):
    draws = np.random.default_rng(layers)
    matrices, sources = mixing.draw(4, layers, draws), draws.laplace(size=(100, 4))
    assert matrices.shape == (layers, 4, 4)
    np.testing.assert_allclose(np.linalg.norm(matrices, axis=1), 1)
    np.testing.assert_allclose(mixing.unmix(mixing.mix(sources, matrices), matrices), sources, atol=1e-9)


def test_two_layers_of_known_weights():
    first, second = np.array([[1.0, 0], [1, -1]]), np.array([[0.0, 1], [2, 0]])
    # s = (1, 3): A_1 s = (1, -2), of which leaky ReLU makes (1, -.4), and A_2 of that (-.4, 2).
    np.testing.assert_allclose(mixing.mix(np.array([[1.0, 3]]), np.stack([first, second])), [[-0.4, 2]])


def test_one_layer_is_linear_and_two_are_not():
    draws = np.random.default_rng(0)
    sources = draws.laplace(size=(50, 3))
    for layers, linear in ((1, True), (2, False)):
        matrices = mixing.draw(3, layers, draws)
        doubled = mixing.mix(sources - 1, matrices) + mixing.mix(sources + 1, matrices)
        assert np.allclose(doubled, 2 * mixing.mix(sources, matrices)) is linear


def test_matrices_are_among_the_better_conditioned_quarter():
    draws = np.random.default_rng(3)
    drawn = np.linalg.cond(mixing.draw(5, 20, draws))
    others = draws.uniform(-1, 1, (4000, 5, 5))
    others = np.sort(np.linalg.cond(others / np.linalg.norm(others, axis=1, keepdims=True)))
    assert drawn.max() < others[int(0.29 * 4000)]
