"""What the values of a factor are called, and of which dtype they are, changes no score."""

import re

import jaxtyping
import numpy as np
import pytest

from disentanglement_study.metrics import METRICS, mcc, sap_score
from disentanglement_study.metrics.checks import as_labels, as_numbers
from disentanglement_study.scoring import evaluate

SIZES = (2, 3, 4)
GRID = np.stack(np.unravel_index(np.arange(np.prod(SIZES)), SIZES), axis=1).repeat(8, axis=0)
CODES = GRID + 0.3 * np.random.default_rng(0).normal(size=GRID.shape)
CHEAP = {
    "downstream_boosted_trees": {"train_sizes": [10]},
    "fairness": {"num_stages": 3},
    "higgins_score": {"num_updates": 300},
    "r2": {"num_stages": 3},
    "reduced_downstream": {"num_removed": 1, "num_stages": 3},
    "strong_downstream": {"num_experiments": 1, "num_stages": 3},
}
# Evenly spaced, so that they are the same numbers too, but for offset and scale.
SPACED = {
    "int8 that wraps": (60 * GRID - 90).astype(np.int8),
    "uint8": (60 * GRID).astype(np.uint8),
    "big-endian": GRID.astype(">i4"),
    "big-endian, unsigned": GRID.astype(">u2"),
    "next to 2^64": np.uint64(2**64 - 4) + GRID.astype(np.uint64),
    "further apart than 2^63": np.array([-(2**63), -(2**62), 0, 2**62])[GRID],
}
# Other distances, the same order.
STRETCHED = {
    "gaps": np.array([-7, 0, 1, 90], np.int8)[GRID],
    "from end to end": np.array([-(2**63), -3, 5, 2**63 - 1])[GRID],
    "unsigned, from end to end": np.array([0, 1, 2**63, 2**64 - 1], np.uint64)[GRID],
}
# Another order: trees and solvers break ties by it. `irs` bins values in theirs, and the last two draw them in it.
SHUFFLED = np.array([7, -5, 120, 0], np.int8)[GRID]
IN_ORDER = {"irs", "fairness", "strong_downstream"}


def compute(name, factors, codes=CODES, **more):
    metric, options = METRICS[name], {"rng": np.random.default_rng(0), **CHEAP.get(name, {}), **more}
    if metric.sampling == "table":
        return metric.compute(codes, factors, num_train=50, num_test=30, **options)
    if metric.sampling == "split":
        return metric.compute(codes[::2], factors[::2], codes[1::2], factors[1::2], **options)
    return metric.compute(codes, factors, **options)


CATEGORIES = [name for name, metric in METRICS.items() if metric.factors == "categories" or name == "sap_score"]


@pytest.mark.parametrize("name", METRICS)
def test_a_dtype_and_a_range_change_no_score(name):
    scores = compute(name, GRID)
    for case, factors in SPACED.items():
        assert compute(name, factors) == pytest.approx(scores, abs=1e-9), case


@pytest.mark.parametrize("name", CATEGORIES)
def test_other_names_of_categories_change_no_score(name):
    scores = compute(name, GRID)
    for case, factors in STRETCHED.items():
        assert compute(name, factors) == scores, case


@pytest.mark.parametrize("name", [name for name in CATEGORIES if name not in IN_ORDER])
def test_the_order_of_categories_changes_no_score_but_by_chance(name):
    scores, again = compute(name, GRID), compute(name, SHUFFLED)
    assert again == pytest.approx(scores, abs=0.05)


OPTIONS = [
    ("sap_score", {"continuous_factors": True}),
    ("dci_es", {"continuous_factors": [0, 2]}),
    ("dci_es", {"continuous_factors": [1], "probe": "random_forest", "sizes": [1, 3]}),
]


@pytest.mark.parametrize(("name", "options"), OPTIONS)
def test_nor_where_an_option_makes_them_numbers(name, options):
    scores = compute(name, GRID, **options)
    for case, factors in SPACED.items():
        assert compute(name, factors, **options) == scores, case
    assert compute(name, 0.1 * GRID - 7.0, **options) == pytest.approx(scores, abs=1e-9)
    with pytest.raises(AssertionError):  # other distances are other numbers
        assert compute(name, STRETCHED["gaps"], **options) == pytest.approx(scores, abs=1e-3)


def test_nor_where_an_option_makes_them_categories():
    scores = compute("dci_es", GRID, continuous_factors=False)
    for case, factors in (SPACED | STRETCHED).items():
        assert compute("dci_es", factors, continuous_factors=False) == scores, case


REAL_BY_DEFAULT = ["dci_es", "mcc", "r2", "unsupervised"]  # the last looks at none


@pytest.mark.parametrize("name", METRICS)
def test_what_a_metric_declares_is_what_it_takes(name, monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)
    takes = METRICS[name].factors
    if takes == "none":
        assert METRICS[name].compute(CODES, None) == METRICS[name].compute(CODES)
        return
    with pytest.raises(ValueError, match="it needs an array of factors"):
        METRICS[name].compute(*(CODES, None) * (2 if METRICS[name].sampling == "split" else 1))
    if name in REAL_BY_DEFAULT:
        assert takes in ("numbers", "either")
        assert compute(name, GRID / 2) == pytest.approx(compute(name, GRID), abs=1e-9)
        return
    option = {"numbers": "", "either": " (continuous_factors=True)"}
    names = [name + option[metric.factors] for name, metric in METRICS.items() if metric.factors in option]
    message = f"factors must be integers .*got float64; real numbers are for {re.escape(', '.join(names))}"
    with pytest.raises(ValueError, match=message):
        compute(name, GRID / 2)
    if takes == "either":
        assert np.isfinite(list(compute(name, GRID / 2, continuous_factors=True).values())).all()


@pytest.mark.parametrize("name", METRICS)
def test_factors_of_two_values_may_be_booleans(name, monkeypatch):
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)  # the shape checker of the tests
    factors = GRID[:, [0, 1]] > 0
    assert compute(name, factors) == pytest.approx(compute(name, factors.astype(int)), abs=1e-9)


def test_a_range_that_its_own_type_cannot_hold_is_no_constant():
    # Of these int8 values the largest less the smallest is -76 in int8: "the factor does not vary", and .43 for .595.
    rng = np.random.default_rng(0)
    labels = rng.integers(4, size=(600, 2))
    codes = labels + 0.3 * rng.normal(size=labels.shape)
    score = METRICS["downstream_logistic_regression"].compute
    parts = [part for half in (slice(0, 300), slice(300, None)) for part in (codes[half], (60 * labels - 90)[half])]
    narrow = [part.astype(np.int8) if part.dtype.kind == "i" else part for part in parts]
    assert score(*narrow) == score(*parts)
    assert score(*narrow)["downstream_logistic_regression"] > 0.55


def test_labels_agree_between_tables_and_rise_with_the_values():
    train, test = as_labels(np.array([[5], [200]], np.uint8), np.array([[-1], [5]], np.int64))
    assert train.ravel().tolist() == [1, 2]
    assert test.ravel().tolist() == [0, 1]
    assert train.dtype == test.dtype == np.int64
    signed, unsigned = as_labels(np.array([-1, 0]), np.array([2**64 - 1, 0], np.uint64))
    assert (signed.tolist(), unsigned.tolist()) == ([0, 1], [2, 1])
    (values,) = as_labels(np.array([2**62 + 1, 2**62, 2**62 + 1]))  # equal as floats
    assert values.tolist() == [1, 0, 1]


def test_numbers_keep_their_distances():
    (values,) = as_numbers(np.array([[-128], [0], [127]], np.int8))
    np.testing.assert_allclose(values.ravel(), [0, 128 / 255, 1])
    (values,) = as_numbers(np.array([[-1.5e308], [0.0], [1.5e308]]))
    np.testing.assert_allclose(values.ravel(), [0, 0.5, 1])


def test_a_complete_grid_is_one_whatever_its_values():
    once = GRID[::8]
    for factors in (
        once,
        60 * once - 90,
        (60 * once - 90).astype(np.int8),
        np.array([-(2**63), 0, 9, 2**63 - 1])[once],
    ):
        assert evaluate.is_complete_grid(factors)
        assert not evaluate.is_complete_grid(factors[:-1])
    assert not evaluate.is_complete_grid(GRID)


def test_the_distance_of_numbers_matters_where_it_should():
    quarter = slice(0, None, 2), slice(1, None, 2)
    even, odd = ((CODES[part], STRETCHED["gaps"][part]) for part in quarter)
    assert mcc(*even, *odd)["mcc"] < compute("mcc", GRID)["mcc"] - 0.05
    assert sap_score(*even, *odd, continuous_factors=True) != sap_score(
        *(CODES[quarter[0]], GRID[quarter[0]]), *(CODES[quarter[1]], GRID[quarter[1]]), continuous_factors=True
    )
