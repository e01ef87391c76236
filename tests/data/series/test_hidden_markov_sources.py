"""Sources of a hidden Markov chain: how it moves, and what each state emits."""

import numpy as np

from disentanglement_study import data
from disentanglement_study.data.series import hidden_markov_sources
from disentanglement_study.data.series.hidden_markov_sources import Options

N = 100_000


def test_the_chain_stays_or_goes_to_the_next_state():
    state = hidden_markov_sources.states(Options(num_points=N, num_states=5, stay=0.9))
    step = np.diff(state) % 5
    assert set(step) == {0, 1}
    for k in range(5):
        of_state = step[state[:-1] == k]
        assert abs(of_state.mean() - 0.1) < 5 * np.sqrt(0.09 / len(of_state))
    firsts = [hidden_markov_sources.states(Options(num_points=40, num_states=2, seed=seed))[0] for seed in range(40)]
    assert 8 < sum(firsts) < 32


def test_each_state_has_its_means_and_variances():
    options = Options(num_points=N, stay=0.9)
    loaded = data.load("hidden_markov_sources", options={"num_points": N, "stay": 0.9})
    means, variances = hidden_markov_sources.emissions(options)
    state, sources = loaded.auxiliary["segment"], loaded.sources.astype(np.float64)
    assert loaded.auxiliary_sizes == {"segment": 11, "time": N}
    for k in range(11):
        of_state = sources[state == k]
        error = np.sqrt(variances[k] / len(of_state))
        assert (np.abs(of_state.mean(axis=0) - means[k]) < 5 * error).all()
        np.testing.assert_allclose(of_state.var(axis=0), variances[k], rtol=5 * np.sqrt(2 / len(of_state)))
        apart = np.corrcoef(of_state.T) - np.eye(5)
        assert np.abs(apart).max() < 5 / np.sqrt(len(of_state))
        fourth = ((of_state - of_state.mean(axis=0)) ** 4).mean(axis=0) / of_state.var(axis=0) ** 2
        np.testing.assert_allclose(fourth, 3, atol=5 * np.sqrt(24 / len(of_state)))


def test_means_are_far_apart_on_the_sphere_and_states_hardly_overlap():
    means, variances = hidden_markov_sources.emissions(Options())
    np.testing.assert_allclose(np.linalg.norm(means, axis=1), 1)
    distances = np.linalg.norm(means[:, None] - means, axis=2)[~np.eye(11, dtype=bool)]
    random = np.random.default_rng(0).standard_normal((200, 11, 5))
    random /= np.linalg.norm(random, axis=2, keepdims=True)
    usual = [np.linalg.norm(one[:, None] - one, axis=2)[~np.eye(11, dtype=bool)].min() for one in random]
    assert distances.min() > np.max(usual)
    # The nearest two are two quantiles of 97.5% apart along any source.
    assert 2 * 1.96 * np.sqrt(variances.max()) <= distances.min()
    assert variances.min() >= 0.001
