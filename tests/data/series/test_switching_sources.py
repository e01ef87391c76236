"""Sources that switch between two dynamics: their states, recursions, and noise."""

import numpy as np

from disentanglement_study import data
from disentanglement_study.data.series import switching_sources
from disentanglement_study.data.series.switching_sources import Options

N = 50_000


def test_states_of_each_source_stay_and_switch_on_their_own():
    state = switching_sources.states(Options(num_points=N, stay=0.95))
    assert set(state.flat) == {0, 1}
    switches = (np.diff(state, axis=0) != 0).mean(axis=0)
    np.testing.assert_allclose(switches, 0.05, atol=5 * np.sqrt(0.05 * 0.95 / N))
    assert np.abs(np.corrcoef(state.T) - np.eye(3)).max() < 0.2  # of states that stay for 20 points


def test_each_dynamics_follows_its_recursion_with_its_noise():
    options = Options(num_points=N)
    sources = data.load("switching_sources", options={"num_points": N}).sources.astype(np.float64)
    state, (alpha, beta, mean) = switching_sources.states(options), switching_sources.dynamics(options)
    assert ((alpha[:, 0] > 0.9) & (alpha[:, 0] < 1)).all()
    assert (alpha[:, 1] == 0.3).all()
    assert (beta[:, 0] == 0.1).all()
    assert ((beta[:, 1] > 0.5) & (beta[:, 1] < 0.6)).all()
    assert ((mean[:, 0] >= 0) & (mean[:, 1] <= 0) & (np.abs(mean) < 0.5).all(axis=1)).all()
    for i in range(3):
        a, b, m = alpha[i][state[2:, i]], beta[i][state[2:, i]], mean[i][state[2:, i]]
        expected = (1 + a - b) * sources[1:-1, i] - a * sources[:-2, i] + b * m
        missed = sources[2:, i] - expected
        for k, sigma in enumerate((0.003, 0.3)):
            # r(t - 1), and not s(t - 2) itself, is what is fed back.
            deviation = np.sqrt(sigma**2 + (alpha[i, k] * 0.001) ** 2)
            of_state = missed[state[2:, i] == k]
            np.testing.assert_allclose(of_state.std(), deviation, rtol=5 / np.sqrt(2 * len(of_state)))
            assert abs(of_state.mean()) < 5 * deviation / np.sqrt(len(of_state))


def test_the_second_dynamics_returns_to_its_mean_and_the_first_oscillates():
    options = Options(num_sources=1, num_observed=1, num_points=N, stay=0.9999, seed=2)
    state, (_, _, mean) = switching_sources.states(options)[:, 0], switching_sources.dynamics(options)
    sources = switching_sources.load(options).sources[:, 0].astype(np.float64)
    settled = np.convolve(state, np.ones(200), "full")[: len(state)]  # the last 200 points in one dynamics
    returning, oscillating = sources[settled == 200], sources[settled == 0][200:]
    assert len(returning) > 1000
    assert len(oscillating) > 1000
    assert abs(returning.mean() - mean[0, 1]) < 0.05
    assert abs(oscillating.mean() - mean[0, 0]) < 0.02
    # Small innovations and a long memory: an oscillation, which its neighbours tell.
    steps = np.diff(oscillating)
    assert np.corrcoef(steps[1:], steps[:-1])[0, 1] > 0.7
    assert oscillating.std() < 0.1 < returning.std()


def test_more_is_observed_than_there_are_sources_with_noise_of_a_tenth_of_the_variance():
    noisy, clean = (data.load("switching_sources", options=given) for given in ({}, {"noise": 0}))
    assert noisy.input_shape == (12,)
    added = noisy.storage.astype(np.float64) - clean.storage
    np.testing.assert_allclose(added.var(axis=0) / clean.storage.var(axis=0), 0.1, rtol=0.06)
