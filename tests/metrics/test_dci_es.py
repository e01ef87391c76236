"""Explicitness and size, and the families of probes behind them."""

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from disentanglement_study.metrics.dci_es import dci_es, explicitness
from disentanglement_study.metrics.estimators.probes import NUM_TREES, PROBES, random_features, random_forest

RNG = np.random.default_rng(0)
FACTORS = RNG.integers([3, 8, 10], size=(1500, 3))
PERFECT = (FACTORS - FACTORS.mean(axis=0)) / FACTORS.std(axis=0)
ROTATION = np.linalg.qr(RNG.normal(size=(3, 3)))[0]
ENTANGLED = np.tanh(2.0 * np.tanh(1.5 * PERFECT @ ROTATION) @ ROTATION) @ ROTATION
NOISE = RNG.normal(size=(1500, 4))
SMALL = {
    "random_features": (0, 8, 32, 128),
    "random_forest": (1, 2, 4, 8, 16),
    "mlp": (0, 6),
}


def scores(codes, **options):
    return dci_es(codes[:1000], FACTORS[:1000], codes[1000:], FACTORS[1000:], rng=0, **options)


def test_explicitness_by_hand():
    capacity = np.array([1.0, 2.0, 4.0])
    # The area above 0.25 is (0.5 + 0.25) / 2 * 1 + 0.25 / 2 * 2, of 1/2 * 3 * 1.
    assert explicitness(capacity, np.array([0.75, 0.5, 0.25]), 1.0) == pytest.approx(1 - 0.625 / 1.5)
    assert explicitness(capacity, np.array([0.75, 0.5, 0.25]), 1.0, "lowest") == pytest.approx(1 - 0.625 / (1.5 * 0.75))


@pytest.mark.parametrize(
    ("loss", "expected"),
    [
        ([0.2, 0.2, 0.2, 0.2], 1.0),
        ([0.6, 0.4, 0.2, 0.0], 0.0),
        ([0.6, 0.6, 0.6, 0.0], 1 - 2.5 * 0.6 / (0.5 * 3 * 0.6)),
        ([0.9, 0.7, 0.6, 0.6], 1.0),  # no worse than the baseline, which is no better than the last
        ([0.0, 0.3, 0.6, 0.1], 1.0),  # a greater probe may do as a lesser one
    ],
)
def test_known_curves(loss, expected):
    assert explicitness(np.arange(4.0), np.array(loss), 0.6) == pytest.approx(expected)


def test_a_test_set_without_loss_is_explicit():
    assert explicitness(np.arange(2.0), np.zeros(2), 0.0) == 1.0


@pytest.mark.parametrize("probe", PROBES)
def test_perfect_codes_are_more_explicit_than_entangled_ones(probe):
    perfect, entangled = (scores(codes, probe=probe, sizes=SMALL[probe]) for codes in (PERFECT, ENTANGLED))
    assert perfect["probe_explicitness"] > entangled["probe_explicitness"] + 0.02
    assert perfect["lowest_loss"] < 0.01
    assert entangled["lowest_loss"] > perfect["lowest_loss"]


def test_with_the_default_probe_linear_maps_do_not_matter():
    for codes in (PERFECT, PERFECT @ ROTATION, PERFECT @ RNG.normal(size=(3, 3)) * 1e-3 + 5.0):
        found = scores(codes)
        assert found["probe_explicitness"] == pytest.approx(1.0, abs=1e-3)
        assert found["loss.size_0"] == pytest.approx(0.0, abs=1e-3)


def test_to_trees_a_rotation_is_less_explicit():
    options = {"probe": "random_forest", "sizes": SMALL["random_forest"]}
    assert (
        scores(PERFECT, **options)["probe_explicitness"]
        > scores(PERFECT @ ROTATION, **options)["probe_explicitness"] + 0.03
    )


@pytest.mark.parametrize(
    ("probe", "continuous"),
    [*((probe, [1, 2]) for probe in PROBES), ("random_features", True), ("random_features", False)],
)
def test_noise_is_explicit_but_not_informative(probe, continuous):
    found = scores(NOISE, probe=probe, sizes=SMALL[probe], continuous_factors=continuous)
    assert found["probe_explicitness"] > 0.9
    assert found["lowest_loss"] == pytest.approx(found["baseline_loss"], abs=0.03)


def test_losses_of_categories_are_error_rates():
    found = scores(PERFECT, continuous_factors=[1, 2], probe="random_forest", sizes=(1, 20))
    assert found["lowest_loss"] < 0.02
    most_frequent = np.bincount(FACTORS[:1000, 0]).argmax()
    variances = FACTORS[:1000].var(axis=0)
    quantities = np.mean((FACTORS[1000:] - FACTORS[:1000].mean(axis=0)) ** 2, axis=0) / variances
    baselines = [np.mean(FACTORS[1000:, 0] != most_frequent), *quantities[1:]]
    assert found["baseline_loss"] == pytest.approx(np.mean(baselines))


def test_size_is_factors_per_code():
    assert scores(NOISE, sizes=(0, 4))["size"] == 3 / 4
    assert scores(NOISE[:, :1], sizes=(0, 4))["size"] == 3.0


def test_scores_are_named_after_factors_and_sizes():
    assert list(scores(NOISE, sizes=(0, 4))) == [
        *("probe_explicitness", "size", "lowest_loss", "baseline_loss"),
        *(f"probe_explicitness.factor_{k}" for k in range(3)),
        *("loss.size_0", "loss.size_4"),
    ]


@pytest.mark.parametrize("probe", PROBES)
def test_the_order_of_codes_and_their_scale_do_not_matter(probe):
    options = {"probe": probe, "sizes": SMALL[probe]}
    codes = np.hstack([ENTANGLED, NOISE[:, :1]])
    expected = scores(codes, **options)
    assert scores(codes[:, [3, 1, 0, 2]], **options) == pytest.approx(expected, abs=1e-9)
    scaled = scores(codes * [2.0, 8.0, 32.0, 128.0], **options)
    assert scaled["lowest_loss"] == pytest.approx(expected["lowest_loss"], abs=0.05)


@pytest.mark.parametrize(("continuous", "kind"), [(True, RandomForestRegressor), (False, RandomForestClassifier)])
def test_a_forest_cut_at_its_depth_is_a_forest(continuous, kind):
    codes = ENTANGLED.astype(np.float32)
    fit = random_forest(codes[:1000], codes[1000:], np.array([3, 6]), np.random.default_rng(0))
    capacity, predicted = fit(FACTORS[:1000, 1], continuous)
    assert capacity.tolist() == [3, 6]
    seed = int(np.random.default_rng(0).integers(2**31))
    whole = kind(NUM_TREES, max_depth=6, random_state=seed)
    standard = ((codes - codes[:1000].mean(axis=0)) / codes[:1000].std(axis=0)).astype(np.float32)
    whole.fit(standard[:1000], FACTORS[:1000, 1])
    np.testing.assert_allclose(predicted[1], whole.predict(standard[1000:]), rtol=1e-6)
    shallow = kind(NUM_TREES, max_depth=3, random_state=seed).fit(standard[:1000], FACTORS[:1000, 1])
    target = FACTORS[1000:, 1]
    errors = [np.mean((p - target) ** 2) for p in (predicted[0], shallow.predict(standard[1000:]))]
    assert errors[0] == pytest.approx(errors[1], rel=0.15)


def test_random_features_of_size_0_are_linear_regression():
    fit = random_features(PERFECT[:1000], PERFECT[1000:], np.array([0, 6]), np.random.default_rng(0))
    _, predicted = fit(FACTORS[:1000, 2], True)
    np.testing.assert_allclose(predicted[0], FACTORS[1000:, 2], atol=0.01)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"probe": "random_feature"}, "did you mean 'random_features'"),
        ({"best_loss": "lowst"}, "did you mean 'lowest'"),
        ({"sizes": (4, 4)}, r"two or more increasing whole numbers, got \[4, 4\]"),
        ({"sizes": (4,)}, r"two or more increasing whole numbers, got \[4\]"),
        ({"sizes": (0, 4), "probe": "random_forest"}, "the smallest probe has size 1 or more, got 0"),
        ({"sizes": (-1, 4)}, "the smallest probe has size 0 or more, got -1"),
        ({"continuous_factors": [1, 3]}, r"there is no factor 3 \(there are 0 to 2\)"),
    ],
)
def test_bad_options_are_errors_that_name_them(options, message):
    with pytest.raises(ValueError, match=message):
        scores(NOISE, **options)
