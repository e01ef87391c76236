"""Couples of points that differ by a Laplace change of each source."""

import numpy as np
import pytest

from disentanglement_study import data

N = 40_000


@pytest.mark.parametrize("scale", [0.5, 0.1])
def test_couples_are_neighbouring_rows_that_differ_by_a_laplace_change(scale):
    loaded = data.load("laplace_pairs", options={"num_pairs": N, "scale": scale})
    assert loaded.num_images == 2 * N
    first, second = loaded.sources[::2].astype(np.float64), loaded.sources[1::2].astype(np.float64)
    change = second - first
    np.testing.assert_allclose(first.var(axis=0), 1, atol=5 * np.sqrt(2 / N))
    np.testing.assert_allclose((first**4).mean(axis=0), 3, atol=5 * np.sqrt(96 / N))
    # E|e| = scale, with the same standard deviation; E e² = 2 scale², with sqrt(20) scale².
    np.testing.assert_allclose(np.abs(change).mean(axis=0), scale, atol=5 * scale / np.sqrt(N))
    np.testing.assert_allclose((change**2).mean(axis=0), 2 * scale**2, atol=5 * np.sqrt(20 / N) * scale**2)
    together = np.corrcoef(first.T, change.T) - np.eye(10)
    assert np.abs(together).max() < 5 / np.sqrt(N)


def test_couples_do_not_depend_on_each_other_and_the_facts_say_which_they_are():
    sources = data.load("laplace_pairs", options={"num_pairs": N}).sources.astype(np.float64)
    couples = sources.reshape(N, 2, 5)
    assert np.abs(np.corrcoef(couples[1:, 0].T, couples[:-1, 1].T)[:5, 5:]).max() < 5 / np.sqrt(N)
    assert "rows 2i and 2i + 1 are a couple" in data.facts("laplace_pairs").source
