"""What every metric must do: these tests cover a metric from the moment it is in METRICS."""

import math
import re

import jaxtyping
import numpy as np
import pytest
from chosen import pairs

from disentanglement_study.metrics import COMPARED, METRICS

SIZES = (2, 3, 4, 2, 5)
GRID = np.stack(np.unravel_index(np.arange(np.prod(SIZES)), SIZES), axis=1)
# Several scores, of which none is the one.
WITHOUT_HEADLINE = ["dci_es", "info_mec", "r2", "unified_scores", "unsupervised"]
HEADLINES = [name for name in METRICS if name not in WITHOUT_HEADLINE]
# Metrics that fit dozens of models, with fewer stages of trees: enough for perfect codes.
CHEAP = {
    "fairness": {"num_stages": 10},
    "higgins_score": {"num_updates": 1000, "learning_rate": 0.1},
    "r2": {"num_stages": 10},
    "reduced_downstream": {"num_removed": 1, "num_stages": 10},
    "strong_downstream": {"num_experiments": 1, "num_stages": 10},
}
COMPARE_FACTORS = [
    "beta_vae_score",
    "dci",
    "dcimig",
    "factor_vae_score",
    "fairness",
    "higgins_score",
    "info_mec",
    "med",
    "mig_sup",
    "modularity",
    "reduced_downstream",
    "strong_downstream",
    "unified_scores",
]
NEVER_NEAR_1 = [
    "downstream_logistic_regression",  # a linear machine cannot cut out a middle value
    "explicitness",  # the same
    "reduced_downstream",  # 1 minus chance for perfect codes
    "sap_score",  # a linear machine
]


def compute(name, codes, factors=GRID, seed=0):
    """The metric's scores of one table; a metric that wants two draws of points gets the even and the odd rows."""
    metric, options = METRICS[name], {"rng": np.random.default_rng(seed), **CHEAP.get(name, {})}
    if metric.sampling == "table":
        return metric.compute(codes, factors, num_train=500, num_test=300, **options)
    if metric.sampling == "split":
        return metric.compute(codes[::2], factors[::2], codes[1::2], factors[1::2], **options)
    return metric.compute(codes, factors, **options)


def declared_range(name):
    """(least, most, which is better) of the headline score, as readers are told."""
    said = re.fullmatch(r"(-?\d) to (below )?(\d), (higher|lower) is better", METRICS[name].headline)
    low, below, high, better = said.groups()
    return float(low), math.nextafter(float(high), 0) if below else float(high), better


def normal(num_codes, seed=0):
    return np.random.default_rng(seed).normal(size=(len(GRID), num_codes))


@pytest.fixture(params=METRICS)
def name(request):
    return request.param


@pytest.fixture(params=HEADLINES)
def headline(request):
    return request.param


@pytest.fixture
def unchecked(monkeypatch):
    """Without the shape checker of the tests: what a user's mistake meets."""
    monkeypatch.setattr(jaxtyping.config, "jaxtyping_disable", True)


def noisy_factors(seed=0):
    return GRID + 0.3 * normal(len(SIZES), seed)


CODES = {
    "the factors": GRID.astype(np.float32),
    "noise": normal(10),
    "noisy factors": noisy_factors(),
    "whole numbers": GRID[:, ::-1] * 3.0 - 1.0,
    "fewer than factors": noisy_factors()[:, :2],
    "more than factors": np.hstack([noisy_factors(), normal(7)]),
    "a single one": noisy_factors()[:, :1],
    "some dead": np.hstack([noisy_factors(), np.full((len(GRID), 2), 0.1)]),
    "all dead": np.full((len(GRID), 3), -0.7),
    "a single dead one": np.zeros((len(GRID), 1)),
    "duplicated": np.repeat(noisy_factors(), 2, axis=1),
    "mirrored": np.hstack([noisy_factors(), -2.0 * noisy_factors()]),
    "tiny": 1e-6 * noisy_factors(),
    "huge": 1e6 * noisy_factors().astype(np.float32),
}


@pytest.mark.parametrize(("name", "kind"), pairs(METRICS, CODES, every=2))
def test_scores_are_finite(name, kind):
    scores = compute(name, CODES[kind])
    assert all(type(score) is float for score in scores.values())
    assert np.isfinite(list(scores.values())).all()
    if name in HEADLINES:
        low, high, _ = declared_range(name)
        assert low <= scores[name] <= high


@pytest.mark.parametrize("metric", [*METRICS.values(), *COMPARED.values()], ids=[*METRICS, *COMPARED])
def test_readers_are_told_what_it_asks_and_where_it_is_from(metric):
    assert re.fullmatch(r"[A-Z][^?]{10,88}\?", metric.asks)
    assert re.search(r"[12]\d{3}|disentanglement_lib", metric.source)


def test_readers_are_told_of_its_headline_score_if_it_has_one(name):
    scores = compute(name, CODES["noisy factors"])
    assert (name in scores) == (name in HEADLINES)
    if name in HEADLINES:
        assert declared_range(name)[2] == ("lower" if name == "fairness" else "higher")
    else:
        assert METRICS[name].headline.startswith("none; ")
        assert [one for one in re.findall("`(.*?)`", METRICS[name].headline) if one not in scores] == []


@pytest.mark.parametrize("headline", [name for name in HEADLINES if name != "fairness"])  # noise is fair, too
def test_perfect_codes_score_higher_than_noise(headline):
    perfect, noise = compute(headline, GRID.astype(float))[headline], compute(headline, normal(5))[headline]
    assert perfect > noise + 0.2
    assert perfect > 0.9 or headline in NEVER_NEAR_1


def test_scores_depend_on_the_seed_alone(name):
    assert compute(name, CODES["more than factors"]) == compute(name, CODES["more than factors"])


def test_the_order_of_codes_does_not_matter(name):
    codes = CODES["more than factors"]
    tolerance = 1e-9 if METRICS[name].sampling == "sample" else 0.1 if name in CHEAP else 0.02
    scores, turned = ({k: v for k, v in compute(name, c).items() if ".code_" not in k} for c in (codes, codes[:, ::-1]))
    assert turned == pytest.approx(scores, abs=tolerance)


def test_the_precision_of_codes_does_not_matter(name):
    codes = noisy_factors().astype(np.float32)
    assert compute(name, codes) == pytest.approx(compute(name, codes.astype(np.float64)), abs=0.01)


def test_the_numbering_of_factor_values_does_not_matter(headline):
    codes = CODES["noisy factors"]
    assert compute(headline, codes, 5 * GRID - 2) == pytest.approx(compute(headline, codes), abs=1e-9)


def test_any_part_of_a_grid_will_do(name):
    part = np.random.default_rng(0).permutation(len(GRID))[:160]
    scores = compute(name, CODES["noisy factors"][part], GRID[part])
    assert np.isfinite(list(scores.values())).all()


def test_inputs_are_left_as_they_were(name):
    codes, factors = CODES["some dead"].copy(), GRID.copy()
    codes.flags.writeable = factors.flags.writeable = False
    compute(name, codes, factors)


def spoilt(array, value, *index):
    array = np.array(array)
    array[index] = value
    return array


BAD = {
    "NaN": (spoilt(noisy_factors(), np.nan, 40, 3), GRID, r"code 3 is nan at point \d+"),
    "infinite": (spoilt(noisy_factors(), np.inf, 40, 0), GRID, r"code 0 is inf at point \d+"),
    "one axis": (noisy_factors()[:, 0], GRID, r"codes must be \[points, codes\], got shape \[\d+\]"),
    "no codes": (noisy_factors()[:, :0], GRID, r"codes must be \[points, codes\]"),
    "one axis of factors": (noisy_factors(), GRID[:, 0], r"factors must be \[points, factors\]"),
    "lengths": (noisy_factors(), GRID[:-9], r"codes have \d+ points, .*factors have \d+"),
    "one point": (noisy_factors()[:1], GRID[:1], r"at least 2 .*points, got 1"),
    "integers": (GRID, GRID, r"codes must be floats, got int64: codes come first"),
    "complex": (noisy_factors() + 1j, GRID, "real numbers, got complex128"),
    "factors of floats": (noisy_factors(), GRID / 2, "factors must be integers .*got float64"),
}


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(("codes", "factors", "message"), BAD.values(), ids=BAD)
def test_bad_input_is_an_error_that_names_it(name, codes, factors, message):
    if np.asarray(factors).dtype.kind == "f" and (METRICS[name].factors in ("numbers", "none") or name == "dci_es"):
        return  # it takes them
    with pytest.raises(ValueError, match=message):
        compute(name, codes, factors)
    if METRICS[name].sampling == "split":
        with pytest.raises(ValueError, match=message):
            METRICS[name].compute(noisy_factors(), GRID, codes, factors, rng=np.random.default_rng(0))


def test_a_factor_that_never_repeats_is_an_error_that_names_it(headline):
    factors = GRID.copy()
    factors[:, 1] = np.arange(len(GRID))
    with pytest.raises(ValueError, match=r"factor 1 has a different value at each of the \d+ (train )?points"):
        compute(headline, noisy_factors(), factors)


def test_a_constant_factor_is_an_error_that_names_it(headline):
    with pytest.raises(ValueError, match=r"factor 2 has one value only \(1\)"):
        compute(headline, noisy_factors(), spoilt(GRID, 1, slice(None), 2))


@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize("name", [name for name in METRICS if METRICS[name].sampling == "split"])
def test_train_and_test_points_must_have_the_same_columns(name):
    with pytest.raises(ValueError, match="the train points have 6 codes, the test points 5"):
        METRICS[name].compute(CODES["noise"][:, :6], GRID, CODES["noise"][:, :5], GRID, rng=np.random.default_rng(0))


@pytest.mark.parametrize("name", COMPARE_FACTORS)
def test_metrics_that_compare_factors_need_two(name):
    with pytest.raises(ValueError, match="needs 2 or more, got 1"):
        compute(name, noisy_factors(), GRID[:, :1])


@pytest.mark.parametrize(
    ("name", "option", "hint"),
    [
        ("dci", {"backend": "skleam"}, "sklearn"),
        ("beta_vae_score", {"protocol": "dlb"}, "dlib"),
        ("info_mec", {"estimator": "neighbors"}, "neighbours"),
        ("explicitness", {"protocol": "papers"}, "paper"),
        ("explicitness", {"backend": "exakt"}, "exact"),
        ("irs", {"protocol": "dlb"}, "dlib"),
        ("downstream_boosted_trees", {"backend": "exakt"}, "exact"),
        ("downstream_logistic_regression", {"backend": "newten"}, "newton"),
        ("downstream_logistic_regression", {"protocol": "papers"}, "paper"),
    ],
)
def test_an_unknown_option_is_an_error_with_the_nearest_one(name, option, hint):
    arrays = (GRID / 1.0, GRID) * (2 if METRICS[name].sampling == "split" else 1)
    with pytest.raises(ValueError, match=f"did you mean '{hint}'"):
        METRICS[name].compute(*arrays, rng=np.random.default_rng(0), **option)


@pytest.mark.parametrize(
    ("name", "option", "least"), [("strong_downstream", "num_experiments", 1), ("reduced_downstream", "num_removed", 0)]
)
def test_a_number_that_makes_no_sense_is_an_error(name, option, least):
    arrays = (GRID / 1.0, GRID) * (2 if METRICS[name].sampling == "split" else 1)
    with pytest.raises(ValueError, match=f"{option} must be {least} or more, got {least - 1}"):
        METRICS[name].compute(*arrays, **{option: least - 1})
