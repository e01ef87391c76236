"""Scores of fixed codes against those of disentanglement_lib; `about` in golden/metrics.json says of which."""

import json
from pathlib import Path

import numpy as np
import pytest

from disentanglement_study.metrics import (
    beta_vae_score,
    dci,
    factor_vae_score,
    mig,
    modularity,
    sap_score,
    unsupervised,
)
from disentanglement_study.metrics.dci import concentration
from disentanglement_study.metrics.estimators.information import discretise, entropy, mutual_information

GOLDEN = Path(__file__).parent / "golden"
ANSWERS = json.loads((GOLDEN / "metrics.json").read_text())
ARRAYS = np.load(GOLDEN / "metrics.npz")
SIZES = ARRAYS["factor_sizes"]
GRID = np.stack(np.unravel_index(np.arange(np.prod(SIZES, dtype=int)), SIZES), axis=1)
TABLES = {
    "identity": GRID.astype(np.float32),
    "rotation": ((GRID - GRID.mean(axis=0)) / GRID.std(axis=0) @ ARRAYS["rotation"]).astype(np.float32),
    "vae_like": ARRAYS["vae_like"],
}


def points(representation, split):
    rows = ARRAYS[split]
    codes = TABLES[representation][rows] if representation in TABLES else ARRAYS[f"{representation}_{split}"]
    return codes, GRID[rows]


@pytest.fixture(params=ANSWERS["representations"])
def representation(request):
    return request.param


@pytest.fixture
def answer(representation):
    return ANSWERS["representations"][representation]


def test_information(representation, answer):
    codes, factors = points(representation, "train")
    np.testing.assert_allclose(
        mutual_information(discretise(codes), factors), answer["mutual_information"], rtol=1e-6, atol=1e-12
    )
    np.testing.assert_allclose(entropy(factors), answer["entropy"], rtol=1e-6)


def test_mig(representation, answer):
    assert mig(*points(representation, "train"))["mig"] == pytest.approx(answer["mig"], rel=1e-6)


def test_modularity(representation, answer):
    assert modularity(*points(representation, "train"))["modularity"] == pytest.approx(answer["modularity"], rel=1e-6)


def test_unsupervised(representation, answer):
    # Of the representation with a dead code, whose total correlation was NaN and whose matrix square root inexact,
    # only the mutual information is there to compare.
    scores = unsupervised(*points(representation, "train"))
    assert {key: scores[key] for key in answer["unsupervised"]} == pytest.approx(answer["unsupervised"], rel=1e-6)


@pytest.mark.parametrize(("kind", "tolerance"), [("continuous", 1e-6), ("discrete", 2e-3)])
def test_sap_score(representation, answer, kind, tolerance):
    train, test = points(representation, "train"), points(representation, "test")
    score = sap_score(*train, *test, rng=np.random.default_rng(0), continuous_factors=kind == "continuous")
    assert score["sap_score"] == pytest.approx(answer[f"sap_{kind}"], abs=tolerance)


def test_dci(representation, answer):
    scores = dci(*points(representation, "train"), *points(representation, "test"), rng=np.random.default_rng(0))
    for era in answer["dci"].values():
        assert scores == pytest.approx(era, abs=5e-3)


@pytest.mark.parametrize("representation", TABLES)
@pytest.mark.parametrize("protocol", ["dlib", "paper"])
def test_beta_vae_score(representation, protocol):
    scores = beta_vae_score(
        TABLES[representation], GRID, rng=np.random.default_rng(0), num_train=2000, num_test=1000, protocol=protocol
    )
    mean, deviation = ANSWERS["representations"][representation]["sampled"][f"beta_vae_score {protocol}"]
    assert scores["beta_vae_score"] == pytest.approx(mean, abs=3 * deviation + 0.002)


@pytest.mark.parametrize("representation", TABLES)
def test_factor_vae_score(representation):
    scores = factor_vae_score(
        TABLES[representation], GRID, rng=np.random.default_rng(0), num_train=2000, num_test=1000, num_variance=2000
    )
    mean, deviation = ANSWERS["representations"][representation]["sampled"]["factor_vae_score"]
    assert scores["factor_vae_score"] == pytest.approx(mean, abs=3 * deviation + 0.002)


def test_concentration():
    case = ANSWERS["unit"]["concentration"]
    importance = np.array(case["matrix"])
    assert concentration(importance) == pytest.approx(case["disentanglement"], rel=1e-9)
    assert concentration(importance.T) == pytest.approx(case["completeness"], rel=1e-9)


@pytest.mark.parametrize("case", [0, 1])
def test_discretise(case):
    case = ANSWERS["unit"]["discretise"][case]
    labels = discretise(np.array(case["x"]).T, 20)
    expected = np.array(case["out"], int).T - 1
    varies = np.ptp(case["x"], axis=1) > 0
    np.testing.assert_array_equal(labels[:, varies], expected[:, varies])
    assert (np.ptp(labels[:, ~varies], axis=0) == 0).all()


def test_mutual_information():
    case = ANSWERS["unit"]["mutual_information"]
    left, right = np.array(case["a"]).T, np.array(case["b"]).T
    np.testing.assert_allclose(mutual_information(left, right), case["out"], rtol=1e-9)
    np.testing.assert_allclose(entropy(right), case["h"], rtol=1e-9)
