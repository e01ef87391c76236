"""Codes of any size: a finite score or a line that names the code, at once. Covers a metric once it is in METRICS."""

import numpy as np
import pytest

from disentanglement_study.metrics import METRICS, udr
from disentanglement_study.metrics.checks import check_points, check_split

SIZES = (2, 3, 4)
GRID = np.stack(np.unravel_index(np.arange(np.prod(SIZES)), SIZES), axis=1).repeat(8, axis=0)
CODES = (GRID + 0.3 * np.random.default_rng(0).normal(size=GRID.shape)) / 8
CHEAP = {
    "dci_es": {"sizes": [0, 16]},
    "downstream_boosted_trees": {"train_sizes": [10]},
    "fairness": {"num_stages": 3},
    "reduced_downstream": {"num_removed": 1, "num_stages": 3},
    "strong_downstream": {"num_experiments": 1, "num_stages": 3},
}
# All other scores are the same whatever the unit of the codes.
DEPEND_ON_UNIT = {
    "beta_vae_score": "a regularised regression of codes that are not standardised",
    "higgins_score": "a classifier of so many updates, of codes that are not standardised",
    "downstream_logistic_regression": "the same",
    "sap_score": "a regularised machine",
    **dict.fromkeys(["factor_vae_score", "mig_sup", "z_max_variance"], "codes are pruned by a threshold in their unit"),
    "rmig": "bins between limits in their unit",
    **dict.fromkeys(
        ["dci", "downstream_boosted_trees", "fairness", "reduced_downstream", "strong_downstream", "unified_scores"],
        "trees do not cut between values nearer than 1e-7",
    ),
}
WITHIN, BEYOND = (1e-98, 1e-30, 1e-6, 1e6, 1e30), (1e-300, 1e-200, 1e-101, 1e32, 1e150, 1e200, 1e308)


def compute(name, codes):
    metric, options = METRICS[name], {"rng": np.random.default_rng(0), **CHEAP.get(name, {})}
    if metric.sampling == "table":
        return metric.compute(codes, GRID, num_train=50, num_test=30, **options)
    if metric.sampling == "split":
        return metric.compute(codes[::2], GRID[::2], codes[1::2], GRID[1::2], **options)
    return metric.compute(codes, GRID, **options)


@pytest.mark.parametrize("name", METRICS)
def test_codes_of_any_size_have_a_score_or_are_named(name):
    for scale in WITHIN:
        assert np.isfinite(list(compute(name, scale * CODES).values())).all(), scale
    for scale in BEYOND:
        with pytest.raises(ValueError, match=r"^(train )?code 0 (reaches|varies by) [^\n]*scal(e it|ing)$"):
            compute(name, scale * CODES)


@pytest.mark.parametrize("name", ["mig", "modularity", "dcimig", "jemmig", "irs", "sap_score", "explicitness", "mcc"])
def test_a_unit_of_codes_does_not_matter_where_it_should_not(name):
    options = {"sap_score": {"continuous_factors": True}}.get(name, {})
    metric = METRICS[name]
    halves = slice(0, None, 2), slice(1, None, 2)

    def score(codes):
        parts = (
            [part[half] for half in halves for part in (codes, GRID)] if metric.sampling == "split" else [codes, GRID]
        )
        return metric.compute(*parts, rng=0, **options)[name]

    for scale in (2.0**-9, 2.0**99):
        assert score(scale * CODES) == pytest.approx(score(CODES), abs=1e-9)


@pytest.mark.parametrize("name", [name for name in METRICS if name not in DEPEND_ON_UNIT])
def test_no_score_depends_on_the_unit_of_codes(name):
    mixed = CODES @ [[1.0, 0.5, 0.0], [0.0, 1.0, 0.3], [0.0, 0.0, 1.0]]
    scores = compute(name, mixed)
    for scale in (2.0**-320, 2.0**-90, 2.0**-30, 2.0**70, 2.0**97):  # powers of two, lest rounding decide ties
        again = compute(name, scale * mixed)
        if name == "unsupervised":
            again["gaussian_wasserstein_correlation"] /= scale**2  # in squared units
        assert again == pytest.approx(scores, rel=1e-6, abs=1e-9), scale


@pytest.mark.parametrize("name", METRICS)
def test_codes_of_float32_do_not_overflow(name):
    for scale in (2.0**-90, 2.0**70, 2.0**97):  # whose squares do in float32
        codes = (scale * CODES).astype(np.float32)
        assert compute(name, codes) == pytest.approx(compute(name, codes.astype(np.float64)), rel=1e-3, abs=1e-6)


def test_an_offset_lowers_sap_as_its_docstring_says():
    rng = np.random.default_rng(0)
    factors = rng.integers(4, size=(3000, 3))
    codes = factors + 0.1 * rng.normal(size=factors.shape)
    for offset, expected in {0.0: 0.513, 10.0: 0.253, 100.0: 0.009}.items():
        train, test = (codes[:2000] + offset, factors[:2000]), (codes[2000:] + offset, factors[2000:])
        score = METRICS["sap_score"].compute(*train, *test, rng=0)["sap_score"]
        assert score == pytest.approx(expected, abs=2e-3)


def test_what_is_too_large_or_too_small_is_named():
    codes = CODES.copy()
    codes[3, 1] = -2e30
    with pytest.raises(ValueError, match=r"^test code 1 reaches 2e\+30: codes of up to 1e\+30 can be scored"):
        check_split(CODES, GRID, codes, GRID)
    codes = CODES * [1.0, 1.0, 1e-101]
    with pytest.raises(ValueError, match=r"^code 2 varies by 1\.2\de-101?: .*; scale it$|^code 2 varies by \S+e-102"):
        check_points(codes, GRID)
    check_points(CODES * [1.0, 0.0, 1e30], GRID)  # a dead code is none that varies too little


@pytest.mark.parametrize("correlation", ["spearman", "lasso"])
def test_udr_does_not_depend_on_the_unit_of_codes(correlation):
    models = np.stack([CODES[:, :2], 2.0 * CODES[:, 1:], 0.5 * CODES[:, [2, 0]]])
    scores = udr(models, np.ones((3, 2)), correlation=correlation).scores
    assert (scores > 0.4).all()
    for scale in (*WITHIN, 1e-300, 1e150, 1e307):
        again = udr(scale * models, np.ones((3, 2)), correlation=correlation).scores
        np.testing.assert_allclose(again, scores, atol=1e-9)
