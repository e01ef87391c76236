"""The interventional robustness score."""

import json

import numpy as np
import pytest
from test_golden import GOLDEN, points

from disentanglement_study.metrics import irs
from disentanglement_study.metrics.estimators.information import discretise
from disentanglement_study.metrics.irs import robustness

ANSWERS = json.loads((GOLDEN / "reference.json").read_text())["representations"]


def grid(*sizes):
    return np.stack(np.unravel_index(np.arange(np.prod(sizes)), sizes), axis=1)


@pytest.mark.parametrize("representation", ANSWERS)
def test_answer_sheet(representation):
    answer = ANSWERS[representation]["irs"]
    codes, factors = points(representation, "train")
    assert irs(codes, factors) == pytest.approx(answer["quantile 0.99"], abs=1e-9)
    assert irs(codes, factors, quantile=1.0)["irs"] == pytest.approx(answer["quantile 1"], abs=1e-9)
    # No factor has more values than there are bins.
    assert irs(codes, factors, protocol="paper")["irs"] == pytest.approx(answer["quantile 1"], abs=1e-9)
    alive = codes[:, np.ptp(codes, axis=0) > 0].astype(float)
    np.testing.assert_allclose(robustness(alive, discretise(factors), 0.99), answer["robustness"], atol=1e-9)


def test_by_hand():
    factors = grid(2, 2)
    codes = np.array([[0.0, 0.0], [0.0, 1.0], [4.0, 0.0], [4.0, 3.0]])
    # Of code 1, whose mean is 1: 2 at most from it; 0.5 and 1.5 given factor 0, 0 and 1 given factor 1.
    np.testing.assert_allclose(robustness(codes, factors, 1.0), [[1.0, 0.0], [0.5, 0.75]])
    assert irs(codes, factors, protocol="paper") == {"irs": pytest.approx((1.0 + 0.75) / 2), "num_active_dims": 2.0}


def test_dlib_merges_the_values_of_a_large_factor():
    factors = grid(40, 3)
    codes = factors[:, :1].astype(float)
    assert irs(codes, factors, protocol="paper")["irs"] == 1.0
    assert irs(codes, factors, num_bins=0)["irs"] == 1.0
    assert irs(codes, factors)["irs"] == pytest.approx(1 - 0.5 / 19.5)
    assert irs(codes, factors, protocol="paper", num_bins=20)["irs"] == pytest.approx(1 - 0.5 / 19.5)


@pytest.mark.parametrize("protocol", ["dlib", "paper"])
def test_known_extremes(protocol):
    factors = grid(3, 4, 5)
    assert irs(-2.5 * factors + 1.0, factors, protocol=protocol)["irs"] == pytest.approx(1.0)
    noise = np.random.default_rng(0).normal(size=(6000, 5))
    assert irs(noise, np.repeat(factors, 100, axis=0), protocol=protocol)["irs"] < 0.4
    dead = np.full((60, 2), 0.1)
    assert irs(dead, factors, protocol=protocol) == {"irs": 0.0, "num_active_dims": 0.0}
    both = np.hstack([dead, factors])
    assert irs(both, factors, protocol=protocol) == {"irs": pytest.approx(1.0), "num_active_dims": 3.0}


def test_values_count_equally():
    codes, factors = grid(3, 4).astype(float) @ [[1.0], [0.2]], grid(3, 4)
    often = np.concatenate([np.arange(12), np.repeat(np.arange(4), 3)])  # factor 0 is 0 four times as often
    within = robustness(codes, factors, 1.0)[0, 0]
    normaliser = np.abs(codes - codes.mean()).max(), np.abs(codes[often] - codes[often].mean()).max()
    again = robustness(codes[often], factors[often], 1.0)[0, 0]
    assert (1 - again) * normaliser[1] == pytest.approx((1 - within) * normaliser[0])


@pytest.mark.parametrize("quantile", [-0.1, 1.5])
def test_a_quantile_beyond_0_or_1_is_an_error(quantile):
    with pytest.raises(ValueError, match=r"quantile must be in \[0, 1\]"):
        irs(grid(2, 3).astype(float), grid(2, 3), quantile=quantile)
